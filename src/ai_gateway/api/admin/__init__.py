"""The operator's door, `/admin`: each route names the role it needs."""
