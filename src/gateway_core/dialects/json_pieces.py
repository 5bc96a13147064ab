"""Read the outermost object of a large body in pieces, so that others get their turn in between.

A piece ends where it is known what may follow: behind a comma, behind an opening bracket, or in or
behind a long text. What is open there is closed behind it, and opened again in front of the next
one: so each piece is an object of its own, whose outermost members are some of the body's, and it is
read by a decoder as small bodies are, with the same rules. Where a piece is cut and what is open there
need therefore only be right for bodies that are JSON; for any other, the decoder finds out.
"""

from __future__ import annotations

import codecs
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from gateway_core.dialects.json_body import parse_piece, render_json
from gateway_core.dialects.json_cuts import (
    close_all,
    count_values,
    cut_text,
    find_cut,
    follow,
    is_name,
    open_again,
    split_texts,
    squeeze,
)
from gateway_core.dialects.json_model import Model, ModelsMet, find_model
from gateway_core.kernel.errors import RequestInvalid

# In one stretch without a comma: a name and its value, or the end of one and the other.
_MOST_QUOTES = 4
_NOTHING = msgspec.Raw()
_STAND_INS = {b"[": b"[]", b"{": b"{}", b'"': b'""', b"n": b"null", b"t": b"true", b"f": b"false"}
# How a text begins: a part of a name must not look like a name that is asked for.
_NAME, _VALUE = b'"~', b'"'


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is read at once, and how much of it may wait for what comes next; both in bytes.

    A number is at most as long as what may wait, and a member that is asked for half of it. Of bodies
    that are no larger than `wide`, the wide texts are not counted.
    """

    step: int = 1 << 16
    waiting: int = 1 << 16
    wide: int = 1 << 22


@dataclass(slots=True)
class Outline:
    """What is known of an object: of the names asked for those it has, and what reading all of it would cost.

    Each member is JSON; a list or an object may lack what is in it, and of one in `shortened`, which is
    long, there is only a value of the same kind.
    `models` is how often there is a member `model`, and `model_at` where its text stands, if it is one.
    `values` counts all that JSON has but names, at any depth, `escapes` the backslashes, `bare` the bytes outside
    of texts, and `wide` about how many bytes of text would be decoded to more than a byte a letter.
    """

    members: dict[str, bytes] = field(default_factory=dict)
    shortened: set[str] = field(default_factory=set)
    values: int = 0
    escapes: int = 0
    bare: int = 0
    wide: int = 0
    models: int = 0
    model_at: tuple[int, int] | None = None

    def render(self) -> bytes:
        """Write a small object with these members."""
        members = (b'"%b":%b' % (name.encode(), value) for name, value in self.members.items())
        return b"{" + b",".join(members) + b"}"


LONGEST_MEMBER: Final = Sizes().waiting // 2
"""How long a member may be that is read whole, in bytes."""

Steps = Generator[None, None, Outline]


def read_outline(body: bytes, names: Sequence[str], sizes: Sizes = Sizes()) -> Steps:
    """Read a body as far as these members, one step at a time; raises `RequestInvalid`.

    Any other JSON than an object is refused. A member that stands there twice counts as its last, as for
    any reader.
    """
    pieces = _Pieces(body, names, sizes)
    decoder = codecs.getincrementaldecoder("utf-8")()
    for at in range(0, len(body), sizes.step):
        fresh = body[at : at + sizes.step]
        end = at + len(fresh)
        if decoder.getstate()[0] or not fresh.isascii():
            _check_utf8(decoder, fresh, at=at, last=end == len(body))
        pieces.take(fresh, end)
        yield
    pieces.finish()
    yield
    pieces.find_model()
    return pieces.outline


class _Pieces:
    """What is open where the last piece was cut, and what waits for the next."""

    def __init__(self, body: bytes, names: Sequence[str], sizes: Sizes) -> None:
        self.outline = Outline()
        self._wide = _Wide(counts=len(body) > sizes.wide)
        self._body = body
        self._sizes = sizes
        self._others = tuple(name for name in names if name != "model")
        self._met = ModelsMet()
        others = [(name, msgspec.Raw, _NOTHING) for name in self._others]
        kind = msgspec.defstruct("Outermost", [("model", Model | msgspec.UnsetType, msgspec.UNSET), *others])
        self._decoder = msgspec.json.Decoder(kind, dec_hook=self._met.note)
        self._opened = b""
        self._lead = b""
        # How the text began that goes on; empty outside of texts.
        self._inside = b""
        self._waiting = b""
        # Where in the body begins what waits.
        self._at = 0
        self._model_in: tuple[int, int, bytes, bytes] | None = None

    def take(self, fresh: bytes, end: int) -> None:
        """Take what comes next in the body, and read up to the last place where it can be cut."""
        piece, first = self._waiting + fresh, 1 if self._inside else 0
        if first and b'"' not in piece and b"\\" not in piece:
            self._go_on(piece, end)
            return
        parts = split_texts(piece)
        cut = find_cut(parts, first=first)
        if cut is not None:
            behind, outside = cut
            self._weigh(piece, parts, upto=len(piece) - behind)
            self._cut_behind_token(piece, len(piece) - behind, outside=outside, upto=end - behind)
            return
        if len(parts) > _MOST_QUOTES + 1:
            raise self._not_json()
        if len(piece) > self._sizes.waiting:
            length = len(piece)
            piece = squeeze(piece, parts, first=first)
            self.outline.bare += length - len(piece)
        if len(piece) > self._sizes.waiting:
            self._cut_long(piece, end)
        else:
            self._waiting = piece

    def finish(self) -> None:
        """Read what waits still: it is the end of the body."""
        self.outline.values += 1
        self._weigh(self._waiting, split_texts(self._waiting), upto=len(self._waiting))
        self.outline.wide = self._wide.total
        self._read(self._waiting, b"", upto=len(self._body))

    def find_model(self) -> None:
        """Look for the place of the model, which is in one of the pieces."""
        if self.outline.models != 1 or self._model_in is None:
            return
        start, end, before, behind = self._model_in
        # More than this is white space.
        if end - start > 4 * (self._sizes.step + self._sizes.waiting):
            return
        found = find_model(self._body[start:end], before=before, behind=behind)
        if found is not None:
            self.outline.model_at = (start + found[0], start + found[1])

    def _cut_behind_token(self, piece: bytes, at: int, *, outside: bytes, upto: int) -> None:
        opened = self._follow(outside)
        lead = b""
        if piece[at - 1] == ord(","):
            lead = b'"":0' if opened.endswith(b"{") else b"0"
        self._read(piece[:at], lead + close_all(opened), upto=upto)
        self._opened, self._lead, self._inside = opened, lead and lead + b",", b""
        self._waiting = piece[at:]

    def _go_on(self, piece: bytes, end: int) -> None:
        """Read a piece from the middle of a long text."""
        at = cut_text(piece, 0) or len(piece)
        self._wide.part(piece[:at])
        ending, _ = _around(self._inside, self._opened, goes_on=True)
        self._read(piece[:at], ending + close_all(self._opened), upto=end - len(piece) + at)
        self._waiting = piece[at:]

    def _cut_long(self, piece: bytes, end: int) -> None:
        """Cut where there is no comma: in the text that goes on, or behind the last one."""
        first = 1 if self._inside else 0
        parts = split_texts(piece)
        goes_on = (len(parts) - first) % 2 == 0
        if not goes_on and (len(parts) == 1 or len(parts[-1]) > self._sizes.waiting):
            raise self._not_json(f", or has a number of more than {self._sizes.waiting} digits,")
        opened = self._follow(b"".join(parts[first::2] if goes_on else parts[first:-1:2]))
        start = len(piece) - len(parts[-1]) - (0 if goes_on else len(parts[-2]) + 1)
        kind = self._inside
        if start > 0:
            kind = _NAME if is_name(piece, start - 1, opened=opened) else _VALUE
        at = cut_text(piece, start) if goes_on else len(piece) - len(parts[-1])
        if at is None:
            raise self._not_json()
        # White space that was left out makes what waits shorter than it is in the body.
        upto = end - len(piece) + at if goes_on else self._body.rfind(b'"', 0, end) + 1
        if start > 0 or not goes_on:
            self._weigh(piece, parts, upto=start if goes_on else at)
        if goes_on:
            self._wide.part(piece[start:at])
        ending, lead = _around(kind, opened, goes_on=goes_on)
        self._read(piece[:at], ending + close_all(opened), upto=upto, whole=not goes_on)
        self._opened, self._lead, self._inside = opened, lead, kind if goes_on else b""
        self._waiting = piece[at:]

    def _weigh(self, piece: bytes, parts: Sequence[bytes], *, upto: int) -> None:
        """Note the end of the long text, if one ends here, and what is behind it."""
        end = len(parts[0]) if self._inside else 0
        if self._inside:
            self._wide.part(piece[:end])
            self._wide.end()
        self._wide.part(piece[end:upto])
        self._wide.end()

    def _follow(self, outside: bytes) -> bytes:
        opened = follow(self._opened, outside)
        if opened is None:
            raise self._not_json()
        self.outline.values += count_values(outside)
        self.outline.bare += len(outside)
        return opened

    def _read(self, head: bytes, behind: bytes, *, upto: int, whole: bool = True) -> None:
        """Read a piece with what makes it an object; of the member that it ends in there may be more to come."""
        self.outline.escapes += head.count(b"\\")
        before = open_again(self._opened, self._lead)
        found = parse_piece(self._decode, b"".join((before, head, behind)), behind=self._at)
        for name in self._others:
            raw: msgspec.Raw = getattr(found, name)
            if raw:
                self._keep(name, raw, whole=whole)
        if self._met.values:
            self.outline.models += len(self._met.values)
            self._model_in = (self._at, upto, before, behind)
            self._keep("model", _stand_in_for(self._met.values[-1]), whole=whole)
        self._at = upto

    def _decode(self, text: bytes) -> msgspec.Struct:
        self._met.values.clear()
        found: msgspec.Struct = self._decoder.decode(text)
        return found

    def _keep(self, name: str, raw: msgspec.Raw | bytes, *, whole: bool) -> None:
        if whole and memoryview(raw).nbytes <= self._sizes.waiting // 2:
            self.outline.members[name] = bytes(raw)
            self.outline.shortened.discard(name)
        else:
            self.outline.members[name] = _STAND_INS.get(bytes(memoryview(raw)[:1]), b"0")
            self.outline.shortened.add(name)

    def _not_json(self, otherwise: str = "") -> RequestInvalid:
        return RequestInvalid(f"The body is not JSON{otherwise} behind byte {self._at}; send one JSON object in UTF-8.")


class _Wide:
    """Counts the bytes of texts that have a letter which takes more than a byte when it is decoded.

    One such letter makes a whole text wide; what stands around long texts is taken together.
    """

    __slots__ = ("_counts", "_is_wide", "_narrow", "total")

    def __init__(self, *, counts: bool) -> None:
        self.total = 0
        self._counts = counts
        self._is_wide = False
        self._narrow = 0

    def part(self, text: bytes) -> None:
        """Note a part of a text."""
        if not self._counts:
            return
        self._is_wide = self._is_wide or not text.isascii() or (b"\\" in text and b"\\u" in text)
        self._narrow += len(text)
        if self._is_wide:
            self.total += self._narrow
            self._narrow = 0

    def end(self) -> None:
        """Note that the text is over."""
        self._is_wide, self._narrow = False, 0


def _around(kind: bytes, opened: bytes, *, goes_on: bool) -> tuple[bytes, bytes]:
    """Give what is put behind a long text, or a part of it, and what in front of what comes next."""
    if kind == _NAME:
        return (b'~":0', b'"~') if goes_on else (b":0", b'"~"')
    name = b'"":' if opened.endswith(b"{") else b""
    return (b'"', name + b'"') if goes_on else (b"", name + b"0")


def _stand_in_for(value: object) -> bytes:
    """Write what a decoder met as the model; of what is no name, only what kind it is."""
    match value:
        case list():
            return b"[]"
        case dict():
            return b"{}"
        case _:
            return render_json(value)


def _check_utf8(decoder: codecs.IncrementalDecoder, fresh: bytes, *, at: int, last: bool) -> None:
    try:
        decoder.decode(fresh, last)
    except UnicodeDecodeError:
        raise RequestInvalid(f"The body is not UTF-8 behind byte {at}; send one JSON object in UTF-8.") from None
