"""Read from a caller's body the little that is needed to pass it on, and put another model's name in it."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from functools import cache
from typing import TypeVar

import msgspec

from gateway_core.dialects.json_body import parse_caller_body, render_json
from gateway_core.dialects.json_model import count_models, find_model
from gateway_core.dialects.json_pieces import LONGEST_MEMBER, Outline
from gateway_core.kernel.errors import RequestInvalid

T = TypeVar("T", bound="Wanted")


class Wanted(msgspec.Struct, gc=False):
    """What every endpoint needs to know."""

    model: str
    stream: bool | None = None


class WantedFromChat(Wanted):
    """Chat completions; the numbers are here so that nonsense is refused before it costs a call."""

    # Not taken apart: a list of millions would cost seconds, and a hundred times the memory of the body.
    messages: msgspec.Raw = msgspec.Raw(b"[]")
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None


class WantedFromMessages(Wanted):
    """Anthropic's messages."""

    # Not taken apart: a list of millions would cost seconds, and a hundred times the memory of the body.
    messages: msgspec.Raw = msgspec.Raw(b"[]")
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None


class WantedFromResponses(Wanted):
    """OpenAI's responses."""

    input: msgspec.Raw = msgspec.Raw(b"null")
    temperature: float | None = None
    top_p: float | None = None
    max_output_tokens: int | None = None


class WantedFromCompletions(Wanted):
    """Text completions."""

    prompt: msgspec.Raw = msgspec.Raw(b"null")
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None


class WantedFromEmbeddings(Wanted):
    """Embeddings."""

    input: msgspec.Raw = msgspec.Raw(b"null")


class _Object(msgspec.Struct, gc=False):
    """Any object: read to its end, nothing kept."""


_OBJECT = msgspec.json.Decoder(_Object)
_MODEL = b'"model"'
# In a string its first quote would have a backslash before it.
_MEMBER = re.compile(rb'(?<=[{,\s])"model"\s*:\s*(?=")')
_VALUE = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
# Part of every escape that can write one of the letters of `model`.
_ESCAPED_LETTER = b"\\u006"
_TWICE = "model: this member stands there twice; send it once."
_LIST = frozenset(b"[")
_LIST_OR_TEXT = frozenset(b'["n')
_SHAPES = (
    ("messages", _LIST, "a list"),
    ("input", _LIST_OR_TEXT, "text or a list"),
    ("prompt", _LIST_OR_TEXT, "text or a list"),
)
_SLICE = 1 << 18
# Of a value so long the rest of the body is looked at without it.
_LONG = 1 << 12
_LONG_MEMBERS = {name: re.compile(rb'(?<!\\)"%b"\s*:\s*' % name.encode()) for name, _, _ in _SHAPES}


def read_wanted(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Read a body; raises `RequestInvalid` naming the member and the cure."""
    wanted = parse_caller_body(decoder, body)
    if not wanted.model:
        raise RequestInvalid("model: it is empty; name a model.")
    rest: tuple[bytes, ...] = (body,)
    for name, shape, cure in _shapes_of(type(wanted)):
        raw: msgspec.Raw = getattr(wanted, name)
        value = memoryview(raw)
        if value[0] not in shape:
            raise RequestInvalid(f"{name}: it is something else than {cure}; send {cure}.")
        if len(value) > _LONG:
            rest = _without(body, name, bytes(raw))
    if not body.isascii():
        _check_utf8(body)
    if _may_be_twice(rest) and count_models(body) > 1:
        raise RequestInvalid(_TWICE)
    return wanted


def replace_model(body: bytes, *, told: str, model: str) -> bytes:
    """Put the provider's name of the model in the place of the caller's; every other byte stays.

    The body is one that was read.
    """
    if told == model:
        return body
    place = _find_quickly(body) or find_model(body)
    if place is None:
        message = "a body that was read has a model"
        raise ValueError(message)
    return b"".join((body[: place[0]], render_json(model), body[place[1] :]))


def names_in(decoder: msgspec.json.Decoder[T]) -> tuple[str, ...]:
    """Name the members that a decoder wants."""
    kind: type[T] = decoder.type
    return kind.__struct_fields__


def choose_wanted(outline: Outline, decoder: msgspec.json.Decoder[T]) -> T:
    """Give what is wanted of a body that was read in steps; raises what `read_wanted` raises."""
    kind: type[T] = decoder.type
    for member in msgspec.structs.fields(kind):
        if member.name in outline.shortened and member.type is not msgspec.Raw:
            raise RequestInvalid(f"{member.name}: it is over {LONGEST_MEMBER} bytes; send what the vendor can take.")
    if outline.models > 1:
        raise RequestInvalid(_TWICE)
    return read_wanted(outline.render(), decoder)


# As many as there are endpoints.
@cache
def _shapes_of(kind: type[Wanted]) -> tuple[tuple[str, frozenset[int], str], ...]:
    """Give the members whose shape is looked at, of those that are wanted."""
    return tuple(shape for shape in _SHAPES if shape[0] in kind.__struct_fields__)


def _may_be_twice(parts: Iterable[bytes]) -> bool:
    """Tell whether a second `model` may stand in these parts of a body, or one that is written with escapes."""
    models = 0
    for part in parts:
        models += part.count(_MODEL)
        if models > 1 or _ESCAPED_LETTER in part:
            return True
    return False


def _without(body: bytes, name: str, value: bytes) -> tuple[bytes, ...]:
    """Give what stands before and behind the value of a member, or all of the body where that is not to be seen.

    A quote that no backslash escapes, with a name, a quote and a colon behind it, begins a member of some
    object, and what follows is its value. If that is the very value of the outermost member, then it has no
    other member of the outermost object in it, be it that of another object or not.
    """
    member = _LONG_MEMBERS[name].search(body)
    if member is None:
        return (body,)
    start = member.end()
    return (body[:start], body[start + len(value) :]) if body.startswith(value, start) else (body,)


def _find_quickly(body: bytes) -> tuple[int, int] | None:
    """Give where the model's name stands if it is first or last of what may be it, as SDKs write it."""
    for at in (body.find(_MODEL), body.rfind(_MODEL)):
        member = _MEMBER.match(body, at) if at >= 0 else None
        if member is not None and _is_outermost(body, at):
            value = _VALUE.match(body, member.end())
            return value and value.span()
    return None


def _is_outermost(body: bytes, at: int) -> bool:
    """Tell whether a member stands in the outermost object: then what is before it, or from it on, is one too."""
    half = b"".join((body[:at], b'"":0}')) if 2 * at < len(body) else b"".join((b"{", body[at:]))
    try:
        _OBJECT.decode(half)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _check_utf8(body: bytes) -> None:
    """Decode in slices: one text of it all would take four times its size."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    at = 0
    try:
        for at in range(0, len(body), _SLICE):
            decoder.decode(body[at : at + _SLICE], at + _SLICE >= len(body))
    except UnicodeDecodeError:
        raise RequestInvalid(f"The body is not UTF-8 behind byte {at}; send one JSON object in UTF-8.") from None
