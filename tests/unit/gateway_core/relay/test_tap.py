from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.cuts import STRIDES, places_to_cut
from gateway_core.inference.events import Usage
from gateway_core.inference.request import Operation
from gateway_core.relay.tap import HOLD, Tap

WIRE = Path(__file__).parents[3] / "wire"
OPENAI = (WIRE / "openai" / "chat_stream.response.sse").read_bytes()
ANTHROPIC = (WIRE / "anthropic" / "chat_stream.response.sse").read_bytes()
PATTERNS: dict[Operation, str] = {
    "openai_chat": "openai/chat*_stream",
    "anthropic_messages": "anthropic/chat*_stream",
    "openai_responses": "openai/responses*_stream",
    "gemini": "google/chat*_stream",
}
RECORDED = [
    (operation, path.read_bytes())
    for operation, pattern in PATTERNS.items()
    for path in sorted(WIRE.glob(f"{pattern}.response.sse"))
]


def feed(operation: Operation, *pieces: bytes) -> tuple[Tap, bytes]:
    tap = Tap(operation)
    passed = b"".join(tap.take(piece) for piece in pieces)
    return tap, passed + (tap.rest() or b"")


@pytest.mark.parametrize(("operation", "wire"), RECORDED)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("stride", STRIDES)
def test_wherever_a_stream_is_cut_its_bytes_pass_unchanged_and_its_cost_is_learnt(
    operation: Operation, wire: bytes, line_end: bytes, stride: int
) -> None:
    wire = wire.replace(b"\n", line_end)
    whole, _ = feed(operation, wire)
    assert whole.usage is not None

    for cut in places_to_cut(wire, stride):
        tap, passed = feed(operation, wire[:cut], wire[cut:])
        assert passed == wire
        assert (tap.usage, tap.finished, tap.is_whole) == (whole.usage, whole.finished, True)


@given(cuts=st.lists(st.integers(1, len(ANTHROPIC) - 1), max_size=30))
def test_however_often_it_is_cut_it_is_the_same(cuts: list[int]) -> None:
    places = [0, *sorted(set(cuts)), len(ANTHROPIC)]
    pieces = [ANTHROPIC[start:end] for start, end in pairwise(places)]

    tap, passed = feed("anthropic_messages", *pieces)

    assert passed == ANTHROPIC
    assert tap.usage == Usage(23, 8)


def test_only_whole_events_go_on() -> None:
    tap = Tap("openai_chat")

    assert tap.take(b'data: {"a":1}\n\ndata: {"b"') == b'data: {"a":1}\n\n'
    assert tap.take(b":2}\n") == b""
    assert tap.take(b"\n") == b'data: {"b":2}\n\n'


def test_a_stream_that_is_cut_is_known_not_to_be_whole() -> None:
    last = OPENAI.rindex(b'data: {"id"', 0, OPENAI.index(b'"finish_reason":"'))

    tap, _ = feed("openai_chat", OPENAI[:last])

    assert not tap.is_whole


@pytest.mark.parametrize(
    "wire",
    [
        b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Busy"}}\n\n',
        b'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error", "message": "Busy"}}\n\n',
    ],
)
def test_a_streams_own_error_ends_it(wire: bytes) -> None:
    tap, passed = feed("anthropic_messages", wire)

    assert passed == wire
    assert tap.is_whole
    assert tap.error is not None
    assert tap.error.message == "Busy"


def test_an_event_over_the_limit_passes_in_pieces_and_costs_no_more_memory() -> None:
    tap = Tap("openai_chat")
    piece = b"x" * 10_000
    passed = tap.take(b'data: "')
    held = 0
    for _ in range(3 * HOLD // len(piece)):
        passed += tap.take(piece)
        held = max(held, sum(map(len, tap._held)))

    assert held <= HOLD
    passed += tap.take(b'"\n\n')
    assert len(passed) == 7 + 3 * HOLD // len(piece) * len(piece) + 3
    # The next event is looked at again.
    assert tap.take(b"data: [DONE]\n\n") == b"data: [DONE]\n\n"
    assert tap.is_whole


def test_garbage_passes_and_breaks_nothing() -> None:
    tap, passed = feed("anthropic_messages", b'data: {"usage":{"input_tokens": "many"}}\n\n', b"\x00\xff\n\n")

    assert passed == b'data: {"usage":{"input_tokens": "many"}}\n\n\x00\xff\n\n'
    assert tap.usage is None


def test_what_is_not_known_passes_and_is_taken_for_whole() -> None:
    tap, passed = feed("raw", b"anything")

    assert (passed, tap.is_whole, tap.usage) == (b"anything", True, None)


@pytest.mark.parametrize(
    ("operation", "provider", "usage"),
    [("openai_chat", "openai", Usage(21, 4)), ("anthropic_messages", "anthropic", Usage(23, 8))],
)
def test_a_whole_answer_tells_its_cost(operation: Operation, provider: str, usage: Usage) -> None:
    tap = Tap(operation)

    tap.read_whole((WIRE / provider / "chat_whole.response.json").read_bytes())

    assert tap.usage == usage
    assert tap.finished is not None


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"choices":5}'])
def test_a_whole_answer_that_says_nothing_we_understand_breaks_nothing(body: bytes) -> None:
    tap = Tap("openai_chat")

    tap.read_whole(body)

    assert tap.usage is None
