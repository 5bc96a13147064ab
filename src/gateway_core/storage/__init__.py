"""Rows that must survive: one database, its tables and their migrations."""
