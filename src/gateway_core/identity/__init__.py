"""Who calls: credentials in, callers out."""
