"""Units as types, so that a number says what it counts."""

from typing import NewType

Seconds = NewType("Seconds", float)
Tokens = NewType("Tokens", int)
MicroUsd = NewType("MicroUsd", int)
"""A millionth of a US dollar."""
