"""What of a file, and of other files, fits a model's window.

`p` of the room is kept for the suffix, the rest is the prefix's; contents of other
files get what is left, but never more than their share. The prefix keeps its end
and the suffix its start, because those are next to the cursor.

Source: engine specification, section 1.6.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ai_gateway.code.tokens import TokenCounter
from gateway_core.kernel.units import Tokens

SUFFIX_SHARE = 0.07
CONTEXT_SHARE = 0.3
_BYTES_A_TOKEN = 4
# Characters of other files up to which all of them are counted, for the record only.
_COUNTED_OFFER = 1_000_000


@dataclass(frozen=True, slots=True)
class Fitted:
    """The parts of a prompt, cut to size; `context_*` are tokens, offered and used."""

    prefix: str
    suffix: str
    context_sent: int = 0
    context_used: int = 0


@dataclass(frozen=True, slots=True)
class Room:
    """How many tokens there are, and how they are shared."""

    tokens: Tokens
    suffix_share: float = SUFFIX_SHARE
    context_share: float = CONTEXT_SHARE

    @property
    def for_suffix(self) -> int:
        """Tokens kept for the suffix."""
        return self.tokens - self.for_prefix

    @property
    def for_prefix(self) -> int:
        """Tokens kept for the prefix."""
        return math.ceil((1 - self.suffix_share) * self.tokens)


def fit_whole(prefix: str, suffix: str, *, context: Sequence[str], room: Room) -> Fitted | None:
    """Give the parts uncut when they fit beyond doubt, and None when tokens must be counted.

    No token is shorter than a byte, so this never needs the tokenizer. Context
    tokens are estimated at four bytes each.
    """
    joined = "\n".join(context)
    size_prefix, size_suffix, size_context = (_size(text) for text in (prefix, suffix, joined))
    if size_prefix > room.for_prefix or size_suffix > room.for_suffix:
        return None
    left = room.tokens - size_prefix - size_suffix
    if size_context > min(left, math.floor(room.tokens * room.context_share)):
        return None
    tokens = math.ceil(size_context / _BYTES_A_TOKEN)
    return Fitted(_with_context(joined, prefix), suffix, tokens, tokens)


def fit_counted(prefix: str, suffix: str, *, context: Sequence[str], room: Room, counter: TokenCounter) -> Fitted:
    """Cut the parts to the room, counting tokens; slow for long texts."""
    prefix = counter.truncate(prefix, most=room.for_prefix, keep="end")
    suffix = counter.truncate(suffix, most=room.for_suffix, keep="start")
    joined = "\n".join(context)
    if not joined:
        return Fitted(prefix, suffix)
    left = room.tokens - counter.count(prefix) - counter.count(suffix)
    budget = math.floor(min(left, room.tokens * room.context_share))
    used = counter.truncate(joined, most=budget, keep="start")
    return Fitted(_with_context(used, prefix), suffix, _sent(joined, counter), counter.count(used))


def _sent(joined: str, counter: TokenCounter) -> int:
    """Count what was offered; a very long offer is estimated."""
    if len(joined) <= _COUNTED_OFFER:
        return counter.count(joined)
    return math.ceil(_size(joined) / _BYTES_A_TOKEN)


def _with_context(context: str, prefix: str) -> str:
    return f"{context}\n{prefix}" if context else prefix


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
