"""Vendors' wire formats, as pure translations from and to the inference vocabulary."""
