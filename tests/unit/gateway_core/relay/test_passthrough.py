"""What passes through unchanged, and what is learnt of it on the way."""

from __future__ import annotations

import pytest

from fakes.provider import FakeRawAnswer, Hold
from gateway_core.kernel.errors import (
    UpstreamBroken,
    UpstreamCut,
    UpstreamGarbled,
    UpstreamRejected,
)
from gateway_core.telemetry.context import RequestFacts, use_facts
from unit.gateway_core.relay.ask_bench import JSON_HEADERS, STREAM, WHOLE, Bench, make_ask, read, refusal


async def test_what_the_provider_speaks_passes_byte_for_byte() -> None:
    bench = Bench()
    bench.one.raw = [FakeRawAnswer([STREAM[:100], STREAM[100:333], STREAM[333:]])]

    passed = await bench.passed(make_ask())

    assert await read(passed) == STREAM
    ((call, _),) = bench.one.passed
    assert (call.body, call.model, call.stream) == (b'{"model":"upstream-1","messages":[]}', "upstream-1", True)
    assert call.headers == [("openai-beta", "x")]
    assert passed.outcome.usage is not None
    assert bench.counted(error="no", streaming="yes") == 1


async def test_a_short_whole_answer_is_there_at_once() -> None:
    bench = Bench()
    headers = (*JSON_HEADERS, (b"content-length", str(len(WHOLE)).encode()), (b"x-request-id", b"r1"))
    bench.one.raw = [FakeRawAnswer([WHOLE], headers=headers)]

    passed = await bench.passed(make_ask(stream=False))

    assert passed.is_complete
    assert await passed.next() == WHOLE
    assert passed.headers == [(b"content-type", b"application/json"), (b"x-upstream-request-id", b"r1")]
    # The caller first, then the books.
    assert bench.in_flight() == 1
    passed.close()
    assert (bench.in_flight(), bench.counted(error="no")) == (0, 1)


async def test_a_long_whole_answer_is_passed_as_it_comes() -> None:
    bench = Bench()
    bench.one.raw = [FakeRawAnswer([b"[1", b",2]"], headers=(*JSON_HEADERS, (b"content-length", b"9999999")))]

    passed = await bench.passed(make_ask(stream=False))

    assert not passed.is_complete
    assert await read(passed) == b"[1,2]"


@pytest.mark.parametrize("said", [b"key first-key-000111 is wrong", b"key first-key-0... is wrong"])
async def test_a_provider_that_repeats_its_key_does_not_get_it_through(said: bytes) -> None:
    bench = Bench()
    bench.one.raw = [refusal(400, b'{"error":{"message":"%b"}}' % said)]

    with pytest.raises(UpstreamRejected) as refused:
        await bench.relay.ask(make_ask())

    assert refused.value.words is not None
    assert b"first-ke" not in refused.value.words.body
    assert "first-ke" not in str(refused.value)


async def test_a_stream_that_is_cut_fails_after_its_last_whole_event() -> None:
    bench = Bench()
    cut = STREAM.index(b"\n\n") + 30
    bench.one.raw = [FakeRawAnswer([STREAM[:cut], UpstreamCut("gone", provider="one")])]
    passed = await bench.passed(make_ask())

    assert await passed.next() == STREAM[: STREAM.index(b"\n\n") + 2]
    with pytest.raises(UpstreamCut):
        await passed.next()
    assert bench.counted(error="yes", error_type="connection_error") == 1


async def test_a_stream_that_only_looks_complete_fails() -> None:
    bench = Bench()
    end = STREAM.index(b"\n\n") + 2
    bench.one.raw = [FakeRawAnswer([STREAM[:end]])]
    passed = await bench.passed(make_ask())

    assert await passed.next() == STREAM[:end]
    with pytest.raises(UpstreamCut, match="ended before the answer did"):
        await passed.next()


async def test_an_error_in_the_stream_passes_and_counts_as_one() -> None:
    bench = Bench()
    end = STREAM.index(b"\n\n") + 2
    wire = STREAM[:end] + b'data: {"error":{"message":"oh","code":"server_error"}}\n\n'
    bench.one.raw = [FakeRawAnswer([STREAM[:end], wire[end:]])]

    assert await read(await bench.passed(make_ask())) == wire
    assert bench.counted(error="yes") == 1


async def test_closing_ends_the_call_upstream_and_settles_it_once() -> None:
    bench = Bench()
    raw = FakeRawAnswer([STREAM[:300], Hold()])
    bench.one.raw = [raw]
    passed = await bench.passed(make_ask())
    assert bench.in_flight() == 1

    passed.close()
    passed.close()

    assert (raw.closed > 0, bench.in_flight(), bench.counted(error="yes")) == (True, 0, 1)


async def test_what_it_cost_is_noted_for_the_access_line() -> None:
    facts = RequestFacts()
    use_facts(facts)
    bench = Bench()
    bench.one.raw = [FakeRawAnswer([STREAM])]

    await read(await bench.passed(make_ask()))

    assert facts.access == {
        "model_provider": "one",
        "model_name": "upstream-1",
        "input_tokens": 21,
        "output_tokens": 4,
        "finish_reason": "stop",
    }


@pytest.mark.parametrize("status", [302, 204])
async def test_an_answer_that_is_no_answer_is_garbled(status: int) -> None:
    bench = Bench()
    bench.one.raw = [refusal(status)]

    with pytest.raises((UpstreamGarbled, UpstreamBroken)) as refused:
        await bench.relay.ask(make_ask())
    assert refused.value.words is None
