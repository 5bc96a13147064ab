"""Code suggestions: what fits, what to ask, what to keep of the answer."""
