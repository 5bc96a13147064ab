"""Where a piece of JSON can be cut, and how what is open there is closed and opened again.

Everything here takes JSON for granted, and works on bytes at the speed of C.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_BRACKETS = b"[]{}"
_NO_BRACKETS = bytes(set(range(256)) - set(_BRACKETS))
_NO_SEPARATORS = bytes(set(range(256)) - set(b",[{"))
_CLOSING = bytes.maketrans(b"[{", b"]}")
_SPACE = re.compile(rb"[ \t\r\n]+")
# The first half of a surrogate pair is taken only when the second is there as well.
_TEXT = re.compile(
    rb'(?:[^"\\]++|\\u[dD][89abAB][0-9a-fA-F]{2}(?=[\x00-\xff]{6})|\\u(?![dD][89abAB])[0-9a-fA-F]{4}|\\[^u])*+'
)
# Of every escape, and of a pair of them; in bytes.
_LONGEST_TOKEN = 12
_NEAR = 4


def split_texts(piece: bytes) -> list[bytes]:
    """Split at the quotes that begin and end texts; what is escaped in texts is overwritten, the lengths stay.

    Outside and inside of texts take turns.
    """
    if b"\\" in piece:
        piece = piece.replace(b"\\\\", b"__").replace(b'\\"', b"__")
    return piece.split(b'"')


def find_cut(parts: Sequence[bytes], *, first: int) -> tuple[int, bytes] | None:
    """Find the last comma or opening bracket outside of texts.

    `first` is 1 when the piece begins inside a text, else 0. Gives how many bytes are behind it, and all
    that is outside of texts up to it. None when there is none near the end: between two of them JSON has
    a name and a value at most.
    """
    last = len(parts) - 1
    last -= (last - first) % 2
    for index in range(last, max(first - 1, last - 2 * _NEAR), -2):
        part = parts[index]
        at = max(part.rfind(b","), part.rfind(b"["), part.rfind(b"{")) + 1
        if at:
            rest = parts[index + 1 :]
            outside = b"".join((*parts[first:index:2], part[:at]))
            return len(part) - at + sum(map(len, rest)) + len(rest), outside
    return None


def follow(opened: bytes, outside: bytes) -> bytes | None:
    """Tell which brackets are open behind what is outside of texts; None when one closes that was not open."""
    brackets = outside.translate(None, _NO_BRACKETS)
    while brackets:
        left = brackets.replace(b"[]", b"").replace(b"{}", b"")
        gained = len(brackets) - len(left)
        brackets = left
        # Deep towers lose too little each time: the loop below costs the same whatever there is.
        if gained * 4 < len(brackets):
            break
    stack = bytearray(opened)
    for bracket in brackets:
        if bracket in b"[{":
            stack.append(bracket)
        elif stack:
            stack.pop()
        else:
            return None
    return bytes(stack)


def count_values(outside: bytes) -> int:
    """Count, by commas and opening brackets, what a piece has outside of texts."""
    return len(outside.translate(None, _NO_SEPARATORS))


def open_again(opened: bytes, lead: bytes) -> bytes:
    """Write what opens these brackets, the innermost with a lead behind it."""
    return b"".join((opened[:-1].replace(b"{", b'{"":'), opened[-1:], lead))


def close_all(opened: bytes) -> bytes:
    """Write what closes these brackets."""
    return opened[::-1].translate(_CLOSING)


def squeeze(piece: bytes, parts: Sequence[bytes], *, first: int) -> bytes:
    """Leave one byte of each run of white space outside of texts."""
    squeezed: list[bytes] = []
    at = 0
    for index, part in enumerate(parts):
        text = piece[at : at + len(part)]
        squeezed.append(text if (index - first) % 2 else _SPACE.sub(b" ", text))
        at += len(part) + 1
    return b'"'.join(squeezed)


def is_name(piece: bytes, quote: int, *, opened: bytes) -> bool:
    """Tell whether the text that begins at this quote is a member's name."""
    return opened.endswith(b"{") and not piece[:quote].rstrip(b" \t\r\n").endswith(b":")


def cut_text(piece: bytes, start: int) -> int | None:
    """Give the last place in a text, which begins at `start` and goes on, that is inside of nothing smaller.

    None when there is no such place near the end: then it is no text.
    """
    end = len(piece)
    if piece.find(b"\\", start) >= 0:
        found = _TEXT.match(piece, start)
        end = start if found is None else found.end()
    if len(piece) - end > _LONGEST_TOKEN:
        return None
    for at in range(end - 1, max(end - 5, start), -1):
        if piece[at] < 0x80:
            break
        if piece[at] >= 0xC0:
            return at
    return end
