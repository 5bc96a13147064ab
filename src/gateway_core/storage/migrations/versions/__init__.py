"""The steps, oldest first; each can be undone."""
