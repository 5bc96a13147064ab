"""Endpoints, by the family of clients that call them."""
