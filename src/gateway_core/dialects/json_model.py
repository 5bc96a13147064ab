"""Find the member `model` of a JSON text's outermost object, however often the name stands elsewhere in it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence

import msgspec

from gateway_core.dialects.json_body import parse_piece

# Each letter may be written as an escape. Inside a string the first quote would have a backslash before it.
_NAMED = re.compile(
    rb'"(?:m|\\u006[dD])(?:o|\\u006[fF])(?:d|\\u0064)(?:e|\\u0065)(?:l|\\u006[cC])"[ \t\r\n]*:[ \t\r\n]*'
)
_VALUE = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_BLOCK = 1 << 12
_NAMES = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Model:
    """The type of the member in a struct whose decoder has the hook of a `ModelsMet`."""


class ModelsMet:
    """What a decoder met as the member, in order: an object may have it more than once."""

    __slots__ = ("values",)

    def __init__(self) -> None:
        self.values: list[object] = []

    def note(self, kind: type, value: object) -> Model:
        """Take one value: a decoder's `dec_hook`."""
        del kind
        self.values.append(value)
        return Model()


class _Outermost(msgspec.Struct, gc=False):
    model: Model | msgspec.UnsetType = msgspec.UNSET


def count_models(body: bytes) -> int:
    """Tell how often the outermost object has the member; the body is one that was read."""
    met = ModelsMet()
    decoder = msgspec.json.Decoder(_Outermost, dec_hook=met.note)

    def read(text: bytes) -> None:
        met.values.clear()
        decoder.decode(text)

    parse_piece(read, body, behind=0)
    return len(met.values)


def find_model(text: bytes, *, before: bytes = b"", behind: bytes = b"") -> tuple[int, int] | None:
    """Give where in a text the model's name stands, quotes and all; None when the value is no text.

    With what is put before and behind it the text is an object that has the member once.
    """
    place = _NAMED.search(text)
    if place is not None and _NAMED.search(text, place.end()):
        place = _find_outermost(text, before, behind)
    value = place and _VALUE.match(text, place.end())
    return value.span() if value else None


def _find_outermost(text: bytes, before: bytes, behind: bytes) -> re.Match[bytes] | None:
    """Look in which block of the text the member is, then which place of that block it is."""
    blocks = list(_blocks(text))
    start, end = blocks[_number_of_outermost(text, blocks, before=before, behind=behind)]
    places = list(_NAMED.finditer(text, start, end))
    spans = [place.span() for place in places]
    return places[_number_of_outermost(text, spans, before=before, behind=behind)]


def _blocks(text: bytes) -> Iterator[tuple[int, int]]:
    """Cut a text in blocks that begin with a place which may be the member."""
    place = _NAMED.search(text)
    while place is not None:
        following = _NAMED.search(text, max(place.end(), place.start() + _BLOCK))
        yield place.start(), following.start() if following else len(text)
        place = following


def _number_of_outermost(text: bytes, spans: Sequence[tuple[int, int]], *, before: bytes, behind: bytes) -> int:
    """Rename all in each span by its number, and look which number the outermost object then has as a member."""
    # A caller cannot write these names into the text: they depend on all of it.
    mark = hashlib.blake2b(text, digest_size=16).hexdigest()
    renamed = [before, text[: spans[0][0]]]
    for number, (start, end) in enumerate(spans):
        renamed.append(_NAMED.sub(f'"{mark}{number}":'.encode(), text[start:end]))
        renamed.append(text[end : spans[number + 1][0]] if number + 1 < len(spans) else text[end:])
    names = parse_piece(_NAMES.decode, b"".join((*renamed, behind)), behind=0)
    return next(int(name.removeprefix(mark)) for name in names if name.startswith(mark))
