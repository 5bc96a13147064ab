"""An answer that is pumped: what goes on and what it cost are the same as of one that is read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from fakes.cuts import STRIDES, places_to_cut
from fakes.provider import FakeRawAnswer, Hold, RawStep
from gateway_core.inference.profile import profile_of
from gateway_core.inference.request import Operation
from gateway_core.kernel.errors import UpstreamCut, UpstreamFailure
from gateway_core.kernel.secret import Secret
from gateway_core.relay.model import AnsweringModel
from gateway_core.relay.passthrough import Passed
from gateway_core.relay.watch import Outcome
from unit.gateway_core.relay.ask_bench import JSON_HEADERS, STREAM, WHOLE, Bench, make_ask, read

WIRE = Path(__file__).parents[3] / "wire"
MODEL = AnsweringModel("one", "m", "upstream-1", profile_of("m"))
KEY = "first-key-000111"
FOLDERS: dict[Operation, str] = {"openai_chat": "openai", "anthropic_messages": "anthropic"}
RECORDED = [
    (operation, path.read_bytes())
    for operation, folder in FOLDERS.items()
    for path in sorted((WIRE / folder).glob("chat*_stream*.response.sse"))
]
# Behind content, as vendors send them: each repeats our key.
ERRORS: dict[Operation, bytes] = {
    "openai_chat": STREAM[: STREAM.index(b"\n\n") + 2]
    + b'data: {"error":{"message":"%b","code":"server_error"}}\n\n' % KEY.encode(),
    "anthropic_messages": b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"%b"}}\n\n'
    % KEY.encode(),
}


class Pipe:
    """What took the pieces; full after each."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.full = 0
        self.waits = 0

    def pass_on(self, piece: bytes) -> bool:
        assert piece
        # Nothing comes before it was waited for.
        assert self.full == self.waits
        self.pieces.append(piece)
        self.full += 1
        return False

    async def drained(self) -> None:
        self.waits += 1

    @property
    def whole(self) -> bytes:
        return b"".join(self.pieces)


async def begin(operation: Operation, pieces: Sequence[RawStep]) -> tuple[Passed, list[Outcome]]:
    """Give an answer whose first bytes are there, and where its settlements go."""
    settled: list[Outcome] = []
    passed = Passed(FakeRawAnswer(pieces), model=MODEL, operation=operation, secret=Secret(KEY), verbatim=True)
    await passed.begin(limit=1_000_000)
    passed.settle_with(settled.append)
    return passed, settled


def tell(outcomes: list[Outcome]) -> list[tuple[object, ...]]:
    """Tell settlements apart."""
    return [(each.usage, each.finished, type(each.failure), str(each.failure)) for each in outcomes]


async def pumped(operation: Operation, *pieces: RawStep) -> tuple[bytes, list[tuple[object, ...]], str]:
    """Pump an answer; gives what went on, what was settled, and what was raised."""
    passed, settled = await begin(operation, pieces)
    pipe, raised = Pipe(), ""
    try:
        await passed.pump(pipe.pass_on, ready=pipe.drained)
    except UpstreamFailure as failure:
        raised = repr(failure)
    passed.close()
    # Behind the last piece nothing more comes that would have to wait.
    assert pipe.full - pipe.waits <= 1
    return pipe.whole, tell(settled), raised


async def was_read(operation: Operation, *pieces: RawStep) -> tuple[bytes, list[tuple[object, ...]], str]:
    """Read an answer piece by piece; gives the same as above."""
    passed, settled = await begin(operation, pieces)
    got, raised = b"", ""
    try:
        while piece := await passed.next():
            got += piece
    except UpstreamFailure as failure:
        raised = repr(failure)
    passed.close()
    return got, tell(settled), raised


@pytest.mark.parametrize(("operation", "wire"), RECORDED)
@pytest.mark.parametrize("stride", STRIDES)
async def test_wherever_a_stream_is_cut_it_is_pumped_and_settled_as_it_is_read(
    operation: Operation, wire: bytes, stride: int
) -> None:
    whole = await was_read(operation, wire)
    assert whole[0] == wire
    assert len(whole[1]) == 1

    for cut in places_to_cut(wire, stride):
        pieces = (wire[:cut], wire[cut:])
        assert await pumped(operation, *pieces) == await was_read(operation, *pieces) == whole


@pytest.mark.parametrize(("operation", "wire"), RECORDED)
async def test_a_stream_of_single_bytes_is_pumped_as_a_whole_one_is(operation: Operation, wire: bytes) -> None:
    bytes_ = [wire[at : at + 1] for at in range(len(wire))]

    assert await pumped(operation, *bytes_) == await pumped(operation, wire)


@pytest.mark.parametrize(("operation", "wire"), RECORDED)
async def test_a_last_event_without_its_blank_line_goes_on_too(operation: Operation, wire: bytes) -> None:
    short = wire.rstrip(b"\n")

    got, settled, raised = await pumped(operation, short[:-9], short[-9:])

    assert (got, raised) == (short, "")
    assert settled == (await pumped(operation, wire))[1]


async def test_what_it_cost_and_why_it_ended_are_settled_once() -> None:
    bench = Bench()
    bench.one.raw = [FakeRawAnswer([STREAM[:100], STREAM[100:333], STREAM[333:]])]
    passed = await bench.passed(make_ask())
    pipe = Pipe()

    await passed.pump(pipe.pass_on, ready=pipe.drained)
    passed.close()

    assert pipe.whole == STREAM
    assert passed.outcome.failure is None
    assert (passed.outcome.usage is not None, passed.outcome.finished is not None) == (True, True)
    assert bench.counted(error="no", streaming="yes", finish_reason="stop") == bench.counted() == 1
    assert bench.in_flight() == 0
    assert await passed.next() == b""


@pytest.mark.parametrize("operation", FOLDERS)
async def test_an_error_in_the_stream_goes_on_without_our_key_and_settles_as_failed(operation: Operation) -> None:
    wire = ERRORS[operation]
    for cut in range(1, len(wire)):
        for more in ((), (UpstreamCut("gone", provider="one"),)):
            got, settled, raised = await pumped(operation, wire[:cut], wire[cut:], *more)

            assert got == wire.replace(KEY.encode(), b"***")
            assert raised == ""
            ((_, _, failure, _),) = settled
            assert isinstance(failure, type)
            assert issubclass(failure, UpstreamFailure)


async def test_an_error_whose_event_does_not_end_goes_on_without_our_key() -> None:
    wire = ERRORS["openai_chat"].rstrip(b"\n")
    for take in (pumped, was_read):
        got, ((_, _, failure, _),), raised = await take("openai_chat", wire)

        assert (got, raised) == (wire.replace(KEY.encode(), b"***"), "")
        assert isinstance(failure, type)


async def test_an_error_that_is_too_long_to_be_held_back_goes_on_without_our_key() -> None:
    long = b'data: {"error":{"code":"server_error","message":"' + b"x" * 300_000
    for take in (pumped, was_read):
        got, _, _ = await take("openai_chat", STREAM[: STREAM.index(b"\n\n") + 2], long, KEY.encode(), b'"}}\n\n')

        assert got.endswith(b'xx***"}}\n\n')


async def test_a_stream_that_is_cut_within_an_event_holds_that_half_back_and_fails() -> None:
    first = STREAM.index(b"\n\n") + 2
    for cut in range(first + 1, STREAM.index(b"\n\n", first) + 1):
        gone = UpstreamCut("gone", provider="one")
        got, settled, raised = await pumped("openai_chat", STREAM[:cut], gone)

        assert (got, raised) == (STREAM[:first], repr(gone))
        assert [each[2] for each in settled] == [UpstreamCut]


async def test_a_stream_that_ends_before_the_answer_did_is_cut() -> None:
    got, settled, raised = await pumped("openai_chat", STREAM[: STREAM.index(b"\n\n") + 2])

    assert got == STREAM[: STREAM.index(b"\n\n") + 2]
    assert raised
    assert [each[2] for each in settled] == [UpstreamCut]


async def test_who_is_cancelled_at_the_pump_has_failed_and_is_settled_once() -> None:
    hold = Hold()
    passed, settled = await begin("openai_chat", [STREAM[:300], hold])
    pipe = Pipe()
    pumping = asyncio.create_task(passed.pump(pipe.pass_on, ready=pipe.drained))
    await hold.reached.wait()

    pumping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pumping
    passed.close()

    assert [type(each.failure) for each in settled] == [asyncio.CancelledError]


@pytest.mark.parametrize("length", [str(len(WHOLE)).encode(), b"9999999"])
async def test_an_answer_that_is_not_streamed_is_pumped_unchanged(length: bytes) -> None:
    bench = Bench()
    bench.one.raw = [FakeRawAnswer([WHOLE[:50], WHOLE[50:]], headers=(*JSON_HEADERS, (b"content-length", length)))]
    passed = await bench.passed(make_ask(stream=False))
    pipe = Pipe()

    await passed.pump(pipe.pass_on, ready=pipe.drained)
    passed.close()

    assert pipe.whole == WHOLE
    assert (bench.in_flight(), bench.counted(error="no")) == (0, 1)


async def test_what_was_read_before_the_pump_does_not_come_again() -> None:
    bench = Bench()
    end = STREAM.index(b"\n\n") + 2
    bench.one.raw = [FakeRawAnswer([STREAM[:end], STREAM[end:]])]
    passed = await bench.passed(make_ask())
    pipe = Pipe()

    first = await passed.next()
    await passed.pump(pipe.pass_on, ready=pipe.drained)

    assert (first, first + pipe.whole, await read(passed)) == (STREAM[:end], STREAM, b"")
