"""Repairs of an answer: one pure function a file, applied by the service in its order."""
