"""JSON bodies in both directions, with each side's own failure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TypeVar

import msgspec

from gateway_core.dialects.failures import StreamedError, WireShapeWrong, streamed_error
from gateway_core.inference.request import Json
from gateway_core.kernel.errors import RequestInvalid

T = TypeVar("T")

_ENCODER = msgspec.json.Encoder()
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
# A decoder without a type gives whatever JSON is there.
_ANYTHING: msgspec.json.Decoder[Json] = msgspec.json.Decoder()
_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_SURROGATE = re.compile(rb"(\\\\)|\\u(?:d[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|(d[89a-f][0-9a-f]{2}))", re.IGNORECASE)
# Behind an even number of backslashes: a first half without its second, or a second without its first.
_HALF = re.compile(
    rb"(?<!\\)((?:\\\\)*+)\\u(?:d[89ab][0-9a-f]{2}(?!\\ud[c-f][0-9a-f]{2})|(?<!\\ud[89ab][0-9a-f]{2}\\u)d[c-f][0-9a-f]{2})",
    re.IGNORECASE,
)
_MOST_MENDED = 20_000
# Reading megabytes of numbers takes seconds, for all callers at once.
_LARGEST_EXTRA = 1 << 20
_TOO_DEEP = "The body is nested too deeply; send a flatter JSON object."
_PLACE = re.compile(r"^(?P<what>.*?)(?: - at `(?:key in )?\$\.?(?P<where>.*?)`)?$", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]+)`")


def parse_caller_body(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Read what a caller sent; raises `RequestInvalid` that names the member and the cure."""
    try:
        return _decode(decoder, body)
    except msgspec.ValidationError as error:
        raise RequestInvalid(_explain(str(error))) from error
    except RecursionError as error:
        raise RequestInvalid(_TOO_DEEP) from error
    except _NOT_JSON as error:
        raise RequestInvalid(f"The body is not JSON ({error}); send one JSON object in UTF-8.") from error


def parse_piece(read: Callable[[bytes], T], piece: bytes, *, behind: int) -> T:
    """Read a part of a caller's body that was made whole; `behind`: how many bytes of the body come before it.

    `read` decodes, and is called once more when half a surrogate pair is in the way: there may be any
    number of those, for a piece is short. Raises `RequestInvalid`.
    """
    try:
        try:
            return read(piece)
        except msgspec.DecodeError as error:
            if isinstance(error, msgspec.ValidationError) or b"\\ud" not in piece.lower():
                raise
            return read(_HALF.sub(_mend_half, piece))
    except msgspec.ValidationError as error:
        raise RequestInvalid(_explain(str(error))) from error
    except RecursionError as error:
        raise RequestInvalid(_TOO_DEEP) from error
    except _NOT_JSON as error:
        raise RequestInvalid(f"The body is not JSON behind byte {behind}; send one JSON object in UTF-8.") from error


def parse_vendor_body(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Read what a vendor sent; raises `WireShapeWrong`."""
    try:
        return _decode(decoder, body)
    except _NOT_JSON as error:
        raise WireShapeWrong(f"not the JSON that this wire format promises: {error}") from error


def parse_extras(body: bytes, *, known: frozenset[str]) -> dict[str, Json]:
    """Give the members of an object that are not among the known ones."""
    members = parse_caller_body(_MEMBERS, body)
    extras: dict[str, Json] = {}
    for name, raw in members.items():
        if name in known:
            continue
        if len(bytes(raw)) > _LARGEST_EXTRA:
            raise RequestInvalid(
                f"{name[:100]}: it is over {_LARGEST_EXTRA} bytes, and no member that a translation passes on is."
            )
        extras[name] = parse_json(raw)
    return extras


def parse_json(raw: msgspec.Raw) -> Json:
    """Read any JSON value that stood inside a caller's body."""
    return parse_caller_body(_ANYTHING, bytes(raw))


def parse_arguments(arguments: str) -> msgspec.Raw:
    """Give a tool call's arguments as the JSON object they are.

    Models do not always write a whole object: no text is `{}`, and what is no object becomes the
    member `arguments` of one, so that it still reaches the reader.
    """
    body = arguments.encode(errors="replace") if arguments.strip() else b"{}"
    for candidate in (body, _SURROGATE.sub(_mend_escape, body)):
        with suppress(*_NOT_JSON):
            _MEMBERS.decode(candidate)
            return msgspec.Raw(candidate)
    return msgspec.Raw(b'{"arguments":' + render_json(arguments) + b"}")


def vendor_error(raw: msgspec.Raw) -> StreamedError | None:
    """Read the `error` member of a vendor's chunk or answer; None when it says nothing."""
    if not raw or bytes(raw) == b"null":
        return None
    return streamed_error(bytes(raw))


def render_json(value: object) -> bytes:
    """Write a JSON value; half a surrogate pair, which JSON in UTF-8 cannot hold, becomes U+FFFD."""
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:
        return _ENCODER.encode(_mended(value))


def _decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        # Clients that cut text by UTF-16 units, and servers that stream token by token, write half a
        # surrogate pair as an escape. JSON parsers elsewhere take it; msgspec 0.22 does not.
        found = body.count(b"\\ud") + body.count(b"\\uD")
        if not 0 < found <= _MOST_MENDED:
            raise
        return decoder.decode(_HALF.sub(_mend_half, body))


def _mend_escape(match: re.Match[bytes]) -> bytes:
    return b"\\ufffd" if match[2] else match[0]


def _mend_half(match: re.Match[bytes]) -> bytes:
    return match[1] + b"\\ufffd"


def _mended(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, Mapping):
        return {_mended(name): _mended(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_mended(member) for member in value]
    return value


def _explain(problem: str) -> str:
    """Turn the decoder's words into one sentence: member, problem, cure."""
    match = _PLACE.match(problem)
    what, where = (match["what"], match["where"] or "") if match else (problem, "")
    if missing := _MISSING.match(what):
        member = f"{where}.{missing['name']}" if where else missing["name"]
        return f"{member}: this member is required; add it."
    return f"{where or 'the body'}: {what[:1].lower()}{what[1:]}; send a value of the expected kind."
