"""The vocabulary of one model call, free of any vendor's wire format."""
