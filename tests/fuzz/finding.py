"""What a fuzz target raises when a rule is broken."""

from __future__ import annotations


class Finding(AssertionError):
    """The product did what it must never do; the message says what."""
