"""The commands beside `serve`: each is one file."""
