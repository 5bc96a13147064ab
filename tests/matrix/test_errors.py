"""Refusals of vendors, and streams that break off, as callers of other dialects see them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from ai_gateway.api.universal.refusals import refusal_of
from gateway_core.dialects.failures import StreamedError, classify
from gateway_core.dialects.framing import build_decoder
from gateway_core.inference.collect import Collector
from gateway_core.inference.events import StreamEvent
from gateway_core.inference.request import Json
from matrix.answer_streams import streamed
from matrix.answered import ANSWERS
from matrix.bodies import Body
from matrix.vendors import NAMES, VENDORS, Name, Parser

WIRE = Path(__file__).resolve().parents[1] / "wire"
STATUSES = (400, 401, 403, 404, 429, 500, 503, 529)
OVERLOADED: dict[Name, int] = dict.fromkeys(NAMES, 503) | {"anthropic_messages": 529}
# A key of ours that is refused is ours to mend, so the caller is not told that theirs was.
TOLD = {401: 502, 403: 502}
END: dict[Name, bytes] = {
    "openai_chat": b'"finish_reason":"tool_calls"',
    "openai_responses": b"event: response.completed",
    "anthropic_messages": b"event: message_delta",
    "gemini": b'"finishReason"',
    "bedrock_converse": b"messageStop",
}
BROKEN = next(answered for answered in ANSWERS if answered.slug == "text_and_call")


@dataclass(frozen=True, slots=True)
class Refused:
    vendor: str
    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def id(self) -> str:
        return f"{self.vendor}-{self.status}"


def refusals() -> Iterator[Refused]:
    for vendor in ("openai", "anthropic", "google", "bedrock"):
        for status in STATUSES:
            file = WIRE / vendor / f"error_{status}.response.json"
            if file.is_file():
                headers = msgspec.json.decode((WIRE / vendor / f"error_{status}.headers.json").read_bytes())
                yield Refused(vendor, status, file.read_bytes(), headers["response_headers"])


def error_in(name: Name, body: bytes) -> tuple[str, Body]:
    """Read an error as the dialect's own clients do: its message, and the members beside it."""
    said: Json = msgspec.json.decode(body)
    assert isinstance(said, dict)
    if name == "bedrock_converse":
        return str(said["message"]), said
    error = said["error"]
    assert isinstance(error, dict)
    if name == "anthropic_messages":
        assert said["type"] == "error"
    return str(error["message"]), error


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("refused", list(refusals()), ids=lambda refused: refused.id)
def test_a_vendors_refusal_keeps_its_sense_in_every_dialect(refused: Refused, name: Name) -> None:
    failure = classify(refused.status, refused.headers.get, refused.body, provider=refused.vendor, model="m")

    refusal = refusal_of(failure, overloaded=OVERLOADED[name])

    dialect = VENDORS[name].dialect
    body = dialect.render_error(status=refusal.status, code=refusal.code, message=refusal.message)
    message, members = error_in(name, body)
    busy = refused.status in {503, 529}
    assert refusal.status == (OVERLOADED[name] if busy else TOLD.get(refused.status, refused.status))
    assert message == refusal.message
    assert refused.status in TOLD or f"HTTP {refused.status}" in message
    # Google says it in the body.
    wait = refused.headers.get("retry-after", "20" if refused.vendor == "google" else None)
    assert refusal.retry_after == (wait if refused.status == 429 else None)
    if name in {"openai_chat", "openai_responses", "anthropic_messages"}:
        assert isinstance(members["type"], str)
    if name == "gemini":
        assert members["code"] == refusal.status


def read_until_cut(name: Name, wire: bytes) -> tuple[Parser, list[StreamEvent]]:
    vendor = VENDORS[name]
    parser, decoder = vendor.dialect.EventParser(), build_decoder(vendor.framing)
    return parser, [event for item in decoder.feed(wire) for event in parser.feed(item)]


@pytest.mark.parametrize("caller", NAMES)
@pytest.mark.parametrize("vendor", NAMES)
def test_a_stream_that_breaks_off_never_looks_complete(vendor: Name, caller: Name) -> None:
    wire = streamed(vendor, BROKEN.bodies[vendor])
    end = wire.index(END[vendor])
    dialect = VENDORS[caller].dialect
    seen = -1
    for cut in range(end):
        parser, events = read_until_cut(vendor, wire[:cut])
        assert not parser.finished
        # Nothing new was told since the last cut: the caller sees what they saw then.
        if len(events) == seen:
            continue
        seen = len(events)
        renderer = dialect.EventRenderer(include_usage=True)
        told = b"".join(renderer.render(event) for event in events)
        error = dialect.render_streamed_error(status=502, code="upstream_cut", message="it broke off")
        with pytest.raises(StreamedError, match="it broke off"):
            read_until_cut(caller, told + error)
        assert not read_until_cut(caller, told)[0].finished


@pytest.mark.parametrize("vendor", NAMES)
def test_what_came_before_the_break_is_a_beginning_of_the_whole(vendor: Name) -> None:
    wire = streamed(vendor, BROKEN.bodies[vendor])
    for cut in range(len(wire)):
        collector = Collector()
        for event in read_until_cut(vendor, wire[:cut])[1]:
            collector.add(event)
        assert BROKEN.answer.text.startswith(collector.answer().text)
