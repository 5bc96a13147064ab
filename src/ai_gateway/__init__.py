"""The HTTP service: GitLab's API, the doors of SDKs, and the operator's."""
