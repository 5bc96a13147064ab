"""Every setting an operator can make: its type, its default and where its value comes from."""
