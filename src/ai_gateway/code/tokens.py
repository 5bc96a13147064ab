"""Count and cut text by tokens.

One vocabulary (cl100k, inside the wheel) stands in for every model's own: counts
differ by some percent between vendors. It costs about 100 MiB and half a second
to load, so nothing loads it until a text may really be too long.
"""

from __future__ import annotations

from functools import cache
from typing import Literal, Protocol


class _Encoding(Protocol):
    """What we use of the tokenizer's own class, which carries no types."""

    def encode_ordinary(self, text: str) -> list[int]: ...

    def decode_bytes(self, tokens: list[int]) -> bytes: ...


# The library refuses more than 200,000 tokens at once, and a character is four at most; a cut between
# pieces costs a token.
_PIECE = 50_000
# Characters; only runs of blanks make longer tokens, and four characters are usual.
_LONGEST_TOKEN = 32


class TokenCounter(Protocol):
    """What the context builder needs of a tokenizer."""

    def count(self, text: str) -> int:
        """Tell how many tokens the text is."""
        ...

    def truncate(self, text: str, *, most: int, keep: Literal["start", "end"]) -> str:
        """Give the longest start, or end, of the text that is no more than `most` tokens."""
        ...


class BpeCounter:
    """The tokenizer of the product; slow for long texts, so call it off the event loop."""

    def count(self, text: str) -> int:
        """Tell how many tokens the text is."""
        return len(self._encode(text))

    def truncate(self, text: str, *, most: int, keep: Literal["start", "end"]) -> str:
        """Give a start, or end, of the text that is no more than `most` tokens, and nearly as many.

        A character that the cut would split is left out. Of a text that is far too long
        only as much is looked at as will fill the room, even if it is mostly blanks.
        """
        if most <= 0:
            return ""
        reach = most * _LONGEST_TOKEN
        text = text[:reach] if keep == "start" else text[-reach:]
        tokens = self._encode(text)
        if len(tokens) <= most:
            return text
        kept = tokens[:most] if keep == "start" else tokens[-most:]
        return _encoding().decode_bytes(kept).decode("utf-8", "ignore")

    def _encode(self, text: str) -> list[int]:
        encode = _encoding().encode_ordinary
        if len(text) <= _PIECE:
            return encode(text)
        return [token for at in range(0, len(text), _PIECE) for token in encode(text[at : at + _PIECE])]


@cache
def _encoding() -> _Encoding:
    # Imported here: see the module's docstring for what it costs.
    from bpe_openai import get_encoding  # noqa: PLC0415

    encoding: _Encoding = get_encoding("cl100k_base")
    return encoding
