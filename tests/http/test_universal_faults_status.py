"""Upstreams that fail before the first event, behind the universal door and the proxies: status, dialect, headers."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from typing import Literal

import pytest

from fakes.gateway import RunningGateway
from fakes.raw_client import Answer
from fakes.suggestions import failure_line, new_id, wait_until_idle
from fakes.universal import (
    EVENTS,
    WAYS,
    Caller,
    Way,
    ask_vendor,
    assert_ends_in_one_error,
    assert_refused,
    door_settings,
    read_events,
    text_in,
)
from fakes.upstream import MockUpstream, Reply, ReplyUsage

StartGateway = Callable[..., RunningGateway]

ACROSS = tuple(way for way in WAYS if not way.straight)
PROXIES = tuple(way for way in WAYS if way.proxied)
UNIVERSAL = tuple(way for way in WAYS if not way.proxied)
# Small enough to wait for; the gateways of the other tests have the defaults.
IMPATIENT = {"AIGW_UPSTREAM__FIRST_BYTE_TIMEOUT": "0.4", "AIGW_UPSTREAM__IDLE_TIMEOUT": "0.4"}
DATE = "Wed, 21 Oct 2026 07:28:00 GMT"
TEXT = "return a + b"

NO_ANSWER = {
    "the end before the head": Reply(cut_before_head=True),
    "a reset before the head": Reply(cut_before_head=True, cut="reset"),
    "a page with 200": Reply.html(200),
    "a switch of protocols": Reply(status=101, body=b""),
    "a coding that nobody asked for": Reply(headers={"content-encoding": "br"}),
    "a coding that is not the announced one": Reply(headers={"content-encoding": "gzip"}),
    "two lengths": Reply(headers={"content-length": "10, 20"}),
    "a length that is no number": Reply(headers={"content-length": "12a"}),
}
REDIRECTS = (301, 302, 303, 307, 308)
NO_WHOLE_ANSWER = {
    "nothing": Reply(body=b""),
    "half a JSON": Reply(truncate_json=True),
    "no JSON": Reply(body=b"it works!"),
    "no text": Reply(body=b"\xff\xfe\x00\x01"),
    "two JSONs": Reply(body=b'{"a":1}{"b":2}'),
    "more than the length": Reply(headers={"content-length": "40"}),
    "half a JSON without a length": Reply(truncate_json=True, transfer="close"),
}
CUT_WHOLE = {
    "the end in the middle": Reply(cut_after_bytes=20),
    "a reset in the middle": Reply(cut_after_bytes=20, cut="reset"),
    "the end short of the length": Reply(length_surplus=7),
    "the end in the middle of chunks": Reply(cut_after_bytes=20, transfer="chunked"),
    "a reset in the middle of chunks": Reply(cut_after_bytes=20, cut="reset", transfer="chunked"),
}
NO_STREAM = {
    "no event": Reply(body=b"", content_type=EVENTS),
    "no event in chunks": Reply(body=b"", content_type=EVENTS, transfer="chunked"),
    "half an event": Reply(body=b'data: {"choi', content_type=EVENTS),
    "the end behind the head": Reply(cut_after_bytes=0),
    "a reset behind the head": Reply(cut_after_bytes=0, cut="reset"),
}


@pytest.fixture(params=WAYS, ids=lambda way: way.name)
def way(request: pytest.FixtureRequest) -> Way:
    chosen: Way = request.param
    return chosen


@pytest.fixture(params=[False, True], ids=["whole", "stream"])
def stream(request: pytest.FixtureRequest) -> bool:
    chosen: bool = request.param
    return chosen


@pytest.fixture
def caller(start_gateway: StartGateway, upstream: MockUpstream, way: Way) -> Iterator[Caller]:
    yield from watched(Caller(start_gateway(**door_settings(upstream.url)), way), upstream)


@pytest.fixture
def hurried(start_gateway: StartGateway, upstream: MockUpstream, way: Way) -> Iterator[Caller]:
    yield from watched(Caller(start_gateway(**door_settings(upstream.url), **IMPATIENT), way), upstream)


def watched(caller: Caller, upstream: MockUpstream) -> Iterator[Caller]:
    """Give a caller; after the test nothing is in flight, and no connection is left but those at rest."""
    before = upstream.open_connections
    yield caller
    upstream.release()
    wait_until_idle(caller.gateway)
    upstream.wait_until(lambda: upstream.open_connections <= before + 1)


def assert_vendors_words(upstream: MockUpstream, way: Way, answer: Answer, *, stream: bool) -> None:
    """Check that an answer is the vendor's own, byte for byte."""
    said = ask_vendor(upstream.port, way, stream=stream)
    assert (answer.status, answer.body, answer.whole) == (said.status, said.body, True)
    assert answer.headers["content-type"] == said.headers["content-type"]


@pytest.mark.parametrize("status", [400, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529])
def test_a_refusal_keeps_its_words_in_its_dialect_and_its_sense_in_another(
    caller: Caller, upstream: MockUpstream, way: Way, *, status: int, stream: bool
) -> None:
    upstream.always(Reply(status=status))

    answer = caller.ask(stream=stream)

    if way.straight:
        assert_vendors_words(upstream, way, answer, stream=stream)
    else:
        # 408: the vendor was too slow, not the caller.
        changed = {503: way.overloaded(), 529: way.overloaded(), 408: 502}
        assert_refused(way, answer, status=changed.get(status, status))


@pytest.mark.parametrize("after", [None, "7", "0.5", DATE])
def test_when_to_come_again_is_told_as_the_vendor_told_it(
    caller: Caller, upstream: MockUpstream, way: Way, *, after: str | None, stream: bool
) -> None:
    in_other_words = {"retry-after-ms": None, "x-ratelimit-remaining-requests": None}
    upstream.always(Reply(status=429, headers={"retry-after": after, **in_other_words}))

    answer = caller.ask(stream=stream)

    assert answer.status == 429
    assert answer.headers.get("retry-after") == after


@pytest.mark.parametrize("after", ["7", DATE])
@pytest.mark.parametrize("status", [503, 529])
def test_an_overloaded_vendor_is_not_asked_again_too_early(
    caller: Caller, upstream: MockUpstream, *, status: int, after: str
) -> None:
    upstream.always(Reply(status=status, headers={"retry-after": after}))

    assert caller.ask(stream=False).headers.get("retry-after") == after


@pytest.mark.parametrize("fault", NO_ANSWER.values(), ids=NO_ANSWER)
def test_an_answer_that_is_none_is_a_bad_gateway(
    caller: Caller, upstream: MockUpstream, way: Way, *, fault: Reply, stream: bool
) -> None:
    upstream.always(fault)
    request_id = new_id()

    answer = caller.ask(stream=stream, request_id=request_id)

    assert_refused(way, answer, status=502)
    assert failure_line(caller.gateway, request_id)["provider"] == way.vendor


@pytest.mark.parametrize("status", [404, 429, 500, 502, 503])
def test_a_page_that_refuses_is_told_in_the_callers_dialect(
    caller: Caller, upstream: MockUpstream, way: Way, *, status: int, stream: bool
) -> None:
    upstream.always(Reply.html(status))

    answer = caller.ask(stream=stream)

    if way.proxied:
        assert_vendors_words(upstream, way, answer, stream=stream)
    else:
        assert_refused(way, answer, status=way.overloaded() if status == 503 else status)
        assert "<html" not in answer.body.decode()


@pytest.mark.parametrize("way", UNIVERSAL, indirect=True, ids=lambda way: way.name)
@pytest.mark.parametrize("fault", [*NO_WHOLE_ANSWER.values(), *CUT_WHOLE.values()], ids=[*NO_WHOLE_ANSWER, *CUT_WHOLE])
def test_a_whole_answer_that_is_not_whole_is_a_bad_gateway(
    caller: Caller, upstream: MockUpstream, way: Way, fault: Reply
) -> None:
    upstream.always(fault)

    assert_refused(way, caller.ask(stream=False), status=502)


@pytest.mark.parametrize("transfer", ["length", "chunked"])
def test_a_very_long_whole_answer_that_is_cut_never_looks_whole(
    caller: Caller, upstream: MockUpstream, way: Way, transfer: Literal["length", "chunked"]
) -> None:
    upstream.always(Reply(chunks=("x" * 900_000,), transfer=transfer, cut_after_bytes=700_000))

    answer = caller.ask(stream=False)

    # Its bytes may have begun to pass; then only the cut can tell.
    if answer.whole:
        assert_refused(way, answer, status=502)


@pytest.mark.parametrize("way", PROXIES, indirect=True, ids=lambda way: way.name)
@pytest.mark.parametrize("fault", CUT_WHOLE.values(), ids=CUT_WHOLE)
def test_a_whole_answer_that_is_cut_never_looks_whole_behind_a_proxy(
    caller: Caller, upstream: MockUpstream, way: Way, fault: Reply
) -> None:
    upstream.always(fault)

    answer = caller.ask(stream=False)

    # Its bytes may have begun to pass.
    if answer.whole:
        assert_refused(way, answer, status=502)


@pytest.mark.parametrize("way", [way for way in WAYS if way.straight], indirect=True, ids=lambda way: way.name)
@pytest.mark.parametrize("carried", ["length", "chunked", "close", "gzip", "gzip in chunks"])
def test_the_cost_of_an_answer_is_known_however_it_is_carried(
    caller: Caller, upstream: MockUpstream, way: Way, *, carried: str, stream: bool
) -> None:
    upstream.always(Reply(usage=ReplyUsage(input_tokens=31, output_tokens=17)))
    plain = ask_vendor(upstream.port, way, stream=stream)
    packed = carried.startswith("gzip")
    transfer: Literal["length", "chunked", "close"] = (
        "close" if carried == "close" else "length" if carried in {"length", "gzip"} else "chunked"
    )
    upstream.always(
        Reply(
            body=gzip.compress(plain.body) if packed else plain.body,
            content_type=plain.headers["content-type"],
            headers={"content-encoding": "gzip"} if packed else {},
            transfer=transfer,
        )
    )
    request_id = new_id()

    answer = caller.ask(stream=stream, request_id=request_id)

    assert (answer.status, answer.whole, answer.body) == (200, True, plain.body)
    line = caller.gateway.access_line(request_id)
    if not (stream and way.vendor == "openai"):
        # OpenAI streams its usage to those who ask for it only.
        assert (line.get("input_tokens"), line.get("output_tokens")) == (31, 17)


@pytest.mark.parametrize("fault", NO_STREAM.values(), ids=NO_STREAM)
def test_a_stream_without_an_event_is_a_bad_gateway(
    caller: Caller, upstream: MockUpstream, way: Way, fault: Reply
) -> None:
    upstream.always(fault)

    assert_refused(way, caller.ask(stream=True), status=502)


@pytest.mark.parametrize("status", REDIRECTS)
def test_a_redirect_is_not_followed(
    caller: Caller, upstream: MockUpstream, way: Way, *, status: int, stream: bool
) -> None:
    elsewhere = f"{upstream.url}/elsewhere"
    upstream.always(Reply(status=status, body=b"", headers={"location": elsewhere}))

    answer = caller.ask(stream=stream)

    assert_refused(way, answer, status=502)
    assert "location" not in answer.headers
    assert "elsewhere" not in answer.body.decode()
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("status", [201, 202, 203, 206])
def test_a_success_that_is_no_answer_is_a_bad_gateway(
    caller: Caller, upstream: MockUpstream, way: Way, *, status: int, stream: bool
) -> None:
    upstream.always(Reply(status=status, body=b'{"accepted": true}'))

    assert_refused(way, caller.ask(stream=stream), status=502)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_vendor_that_compresses_although_not_asked_is_understood(
    caller: Caller, upstream: MockUpstream, way: Way, *, coding: str, stream: bool
) -> None:
    upstream.always(Reply())
    plain = ask_vendor(upstream.port, way, stream=stream)
    squeezed = gzip.compress(plain.body) if coding == "gzip" else zlib.compress(plain.body)
    kind = plain.headers["content-type"]
    upstream.always(Reply(body=squeezed, content_type=kind, headers={"content-encoding": coding}))

    answer = caller.ask(stream=stream)

    assert (answer.status, answer.whole) == (200, True)
    assert "content-encoding" not in answer.headers
    if way.straight:
        assert answer.body == plain.body
    else:
        assert text_in(read_events(answer.body)) == TEXT if stream else TEXT in answer.body.decode()


def test_a_compressed_stream_that_is_cut_ends_with_an_error(caller: Caller, upstream: MockUpstream, way: Way) -> None:
    upstream.always(Reply())
    plain = ask_vendor(upstream.port, way, stream=True).body
    press = zlib.compressobj(wbits=31)
    first = press.compress(plain[:600]) + press.flush(zlib.Z_SYNC_FLUSH)
    squeezed = first + press.compress(plain[600:]) + press.flush()
    coded = {"content-encoding": "gzip"}
    upstream.always(Reply(body=squeezed[: len(first) + 4], content_type=EVENTS, headers=coded, transfer="chunked"))

    answer = caller.ask(stream=True)

    if way.proxied:
        assert not (answer.status == 200 and answer.whole)
    elif answer.status == 200:
        assert_ends_in_one_error(way, read_events(answer.body))
    else:
        assert_refused(way, answer, status=502)


@pytest.mark.parametrize("way", ACROSS, indirect=True, ids=lambda way: way.name)
def test_a_bomb_is_not_taken_apart_to_its_end(caller: Caller, upstream: MockUpstream, way: Way) -> None:
    bomb = gzip.compress(b" " * 40_000_000)
    upstream.always(Reply(body=bomb, headers={"content-encoding": "gzip"}))

    assert_refused(way, caller.ask(stream=False), status=502)


def test_a_vendor_that_says_nothing_is_given_up(
    hurried: Caller, upstream: MockUpstream, way: Way, *, stream: bool
) -> None:
    upstream.always(Reply(hang=True))
    request_id = new_id()

    answer = hurried.ask(stream=stream, request_id=request_id)

    assert_refused(way, answer, status=502 if way.proxied else 504)
    assert failure_line(hurried.gateway, request_id)["cause"] == "upstream_timed_out"
    upstream.wait_until(lambda: upstream.requests[-1].aborted)


def test_a_stream_that_falls_silent_ends_with_an_error(hurried: Caller, upstream: MockUpstream, way: Way) -> None:
    upstream.always(Reply(hold_after=2))

    answer = hurried.ask(stream=True)

    assert answer.status == 200
    if way.proxied:
        assert not answer.whole
    else:
        assert_ends_in_one_error(way, read_events(answer.body))
        assert text_in(read_events(answer.body)) == "return a"
    upstream.wait_until(lambda: upstream.requests[-1].aborted)


def test_a_whole_answer_that_falls_silent_is_given_up(hurried: Caller, upstream: MockUpstream, way: Way) -> None:
    upstream.always(Reply(hold_after=0))

    answer = hurried.ask(stream=False)

    assert_refused(way, answer, status=502 if way.proxied else 504)
    upstream.wait_until(lambda: upstream.requests[-1].aborted)
