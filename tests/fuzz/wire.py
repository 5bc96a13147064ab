"""A fuzz input as a request: lines of headers with words for credentials, then edits of the first credential.

An input is text with one header a line. In a value, `<rs256>` is a token or a key of `fuzz.known` by its word,
and `<es256:HEADER|PAYLOAD>` a token of these very bytes, signed by the signer of that word. After an empty
line come edits of four bytes each: what is done, where (two bytes), and with which byte.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from fuzz.known import CLIENT_KEYS, SIGNERS, TOKENS, Signer

LONGEST_INPUT = 64 * 1024

TWISTS = (
    *(b"=", b"==", b".", b"..", b",", b", ", b" ", b"\t", b"\0", b"\r", b"+", b"/", b"-", b"_", b"AAAA"),
    *(b"\xa0", b"\x85", b"\x1c", b"\xad", b"\xff", b"\xc2\xa0", b"\xe2\x80\x8b", b"\xef\xbc\x8e", b"\xed\xa0\x80"),
    *(b"%2e", b"Bearer ", b"bearer", b"gw-", b"e30", b"bnVsbA", b"A" * 200, b"A" * 16_400),
)
"""What an edit inserts: paddings, separators, blanks of Latin-1, letters that look alike, and too much."""

_WORDS: Mapping[bytes, bytes] = {
    **{word.encode(): token.text for word, token in TOKENS.items()},
    **{word.encode(): key for word, key in CLIENT_KEYS.items()},
}
_EXPANDED = re.compile(rb"<(?:(?P<word>[a-z0-9]+)|(?P<signer>[a-z0-9]+):(?P<header>[^|>]*)\|(?P<payload>[^>]*))>")
_ORDERS = tuple(permutations(range(3)))
_EDIT_BYTES = 4
_MOST_EDITS = 16
_FROM_THE_END = 0x80


@dataclass(frozen=True)
class SignedPart:
    """What somebody with a key signed."""

    signer: Signer
    header: bytes
    payload: bytes


@dataclass(frozen=True)
class WireRequest:
    """Headers as a server hands them over, names in small letters, and what was signed for them, by its token."""

    headers: Sequence[tuple[bytes, bytes]]
    signed: Mapping[bytes, SignedPart]

    def values(self, name: bytes) -> list[bytes]:
        """Give every value of a header."""
        return [value for said, value in self.headers if said == name]


def read_request(data: bytes) -> WireRequest:
    """Read an input; there is none that cannot be read."""
    text, _, edits = data.partition(b"\n\n")
    expansion = _Expansion(edits)
    headers = []
    for line in text.split(b"\n"):
        name, _, value = line.partition(b":")
        headers.append((name.strip(b" \t").lower(), _EXPANDED.sub(expansion.expand, value).strip(b" \t")))
    return WireRequest(headers, expansion.signed)


class _Expansion:
    """Put credentials in the place of their words; the edits are made in the first of them."""

    def __init__(self, edits: bytes) -> None:
        self.signed: dict[bytes, SignedPart] = {}
        self._edits = edits

    def expand(self, found: re.Match[bytes]) -> bytes:
        """Give what the word stands for; an unknown word stands for itself."""
        text = self._written(found)
        if text is None:
            return found[0]
        edits, self._edits = self._edits, b""
        return edited(text, edits)

    def _written(self, found: re.Match[bytes]) -> bytes | None:
        if found["word"] is not None:
            return _WORDS.get(found["word"])
        signer = SIGNERS.get(found["signer"].decode())
        if signer is None:
            return None
        token = signer.sign(found["header"], found["payload"])
        self.signed[token] = SignedPart(signer, found["header"], found["payload"])
        return token


def edited(text: bytes, edits: bytes) -> bytes:
    """Make the edits one after the other."""
    for begin in range(0, min(len(edits), _MOST_EDITS * _EDIT_BYTES) - _EDIT_BYTES + 1, _EDIT_BYTES):
        what, high, low, byte = edits[begin : begin + _EDIT_BYTES]
        place = (high << 8 | low) % (len(text) + 1)
        if what & _FROM_THE_END:
            place = len(text) - place
        text = _EDITS[(what & ~_FROM_THE_END) % len(_EDITS)](text, place, byte)
    return text


def _replace(text: bytes, place: int, byte: int) -> bytes:
    return text[:place] + bytes([byte]) + text[place + 1 :]


def _insert(text: bytes, place: int, byte: int) -> bytes:
    return text[:place] + bytes([byte]) + text[place:]


def _insert_twist(text: bytes, place: int, byte: int) -> bytes:
    return text[:place] + TWISTS[byte % len(TWISTS)] + text[place:]


def _delete(text: bytes, place: int, byte: int) -> bytes:
    return text[:place] + text[place + byte % 8 + 1 :]


def _cut(text: bytes, place: int, _byte: int) -> bytes:
    return text[:place]


def _flip_bit(text: bytes, place: int, byte: int) -> bytes:
    if place == len(text):
        return text
    return text[:place] + bytes([text[place] ^ 1 << byte % 8]) + text[place + 1 :]


def _reorder(text: bytes, _place: int, byte: int) -> bytes:
    parts = text.split(b".")
    if len(parts) != 3:
        return text
    return b".".join(parts[index] for index in _ORDERS[byte % len(_ORDERS)])


def _exchange_part(text: bytes, place: int, byte: int) -> bytes:
    """Put a part of another token in the place of one of this."""
    parts = text.split(b".")
    others = list(TOKENS.values())[byte % len(TOKENS)].text.split(b".")
    index = place % 3
    if len(parts) != 3:
        return text
    return b".".join([*parts[:index], others[index], *parts[index + 1 :]])


_EDITS: Sequence[Callable[[bytes, int, int], bytes]] = (
    _replace,
    _insert,
    _insert_twist,
    _delete,
    _cut,
    _flip_bit,
    _reorder,
    _exchange_part,
)
