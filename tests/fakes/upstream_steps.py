"""One answer as a list of steps: what to send, when to wait, where to stop. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from fakes.upstream_answer import WireAnswer
from fakes.upstream_reply import Reply
from fakes.upstream_wire import Piece

# Between the bytes of one character, so that they also leave in TCP segments of their own.
BYTE_PAUSE = 0.001


@dataclass(frozen=True, slots=True)
class Send:
    """Write these bytes."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait this many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Hold:
    """Wait until the test releases the answer."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Cut the connection; nothing follows."""

    how: Literal["close", "reset"]


Step = Send | Pause | Hold | Cut


def plan_steps(answer: WireAnswer, reply: Reply, *, closing: bool) -> tuple[Step, ...]:
    """Lay one answer out in time; the last step is a `Cut` when the connection must not be used again."""
    steps: list[Step] = []
    if reply.delay_head:
        steps.append(Pause(reply.delay_head))
    if reply.hang:
        steps.append(Hold())
    if reply.cut_before_head:
        return (*steps, Cut(reply.cut))
    pieces = answer.pieces
    if reply.truncate_json:
        whole = b"".join(piece.data for piece in pieces)
        pieces = (Piece(whole[: len(whole) // 2], is_chunk=True),)
    transfer = _transfer(answer, reply)
    closing = closing or not reply.keep_alive or transfer == "close" or bool(reply.length_surplus)
    length = sum(len(piece.data) for piece in pieces) + reply.length_surplus
    steps.append(Send(_head(answer, reply, transfer=transfer, length=length, closing=closing)))
    steps += _until_cut(_body(pieces, reply), reply, chunked=transfer == "chunked")
    if isinstance(steps[-1], Cut):
        return tuple(steps)
    if transfer == "chunked":
        steps.append(Send(b"0\r\n\r\n"))
    return (*steps, Cut("close")) if closing else tuple(steps)


def _transfer(answer: WireAnswer, reply: Reply) -> Literal["chunked", "length", "close"]:
    if reply.transfer != "auto":
        return reply.transfer
    return "chunked" if answer.streamed and not reply.length_surplus else "length"


def _head(answer: WireAnswer, reply: Reply, *, transfer: str, length: int, closing: bool) -> bytes:
    headers: dict[str, str | None] = {**dict(answer.headers), "connection": "close" if closing else "keep-alive"}
    if transfer == "chunked":
        headers["transfer-encoding"] = "chunked"
    if transfer == "length":
        headers["content-length"] = str(length)
    headers |= {name.lower(): value for name, value in reply.headers.items()}
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join([f"HTTP/1.1 {answer.status} {_reason(answer.status)}", *lines, "", ""]).encode("latin-1")


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        # 529 has no phrase in the registry of statuses.
        return "Overloaded" if status == 529 else "Unknown"


def _body(pieces: tuple[Piece, ...], reply: Reply) -> Iterator[Step]:
    """Give the body's steps, each `Send` still without its transfer coding."""
    total = sum(piece.is_chunk for piece in pieces)
    for name, limit in (("hold_after", reply.hold_after), ("cut_after", reply.cut_after)):
        if limit is not None and limit > total:
            raise ValueError(f"{name}={limit}, but the answer has {total} chunks")
    written = 0
    for piece in pieces:
        if piece.is_chunk and written == 0:
            yield from _mark(0, reply)
        if piece.is_chunk and written and reply.delay_chunk:
            yield Pause(reply.delay_chunk)
        yield from _sends(piece.data, split=reply.split_utf8)
        if piece.is_chunk:
            written += 1
            yield from _mark(written, reply)
    if total == 0:
        yield from _mark(0, reply)


def _mark(written: int, reply: Reply) -> Iterator[Step]:
    if reply.hold_after == written:
        yield Hold()
    if reply.cut_after == written:
        yield Cut(reply.cut)


def _sends(data: bytes, *, split: bool) -> Iterator[Step]:
    if not split:
        yield Send(data)
        return
    for part in re.findall(rb"[\x00-\x7f]+|[\x80-\xff]", data):
        yield Send(part)
        if part[0] >= 0x80:
            yield Pause(BYTE_PAUSE)


def _until_cut(body: Iterator[Step], reply: Reply, *, chunked: bool) -> list[Step]:
    """Code the body for its transfer, up to the first cut."""
    room = reply.cut_after_bytes
    steps: list[Step] = []
    for step in body:
        data = step.data if isinstance(step, Send) else None
        if data is None:
            steps.append(step)
        elif room is not None and len(data) >= room:
            return [*steps, *_coded(data[:room], chunked=chunked), Cut(reply.cut)]
        else:
            steps += _coded(data, chunked=chunked)
            room = None if room is None else room - len(data)
        if isinstance(step, Cut):
            return steps
    if room is not None:
        raise ValueError(f"cut_after_bytes={reply.cut_after_bytes}, but the body has {room} bytes fewer")
    return steps


def _coded(data: bytes, *, chunked: bool) -> list[Step]:
    if not data:
        return []
    return [Send(b"%x\r\n%b\r\n" % (len(data), data))] if chunked else [Send(data)]
