"""Upstreams that are odd but not wrong: the caller gets the whole text."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from fakes.gateway import RunningGateway
from fakes.suggestions import (
    ANTHROPIC,
    DIALECTS,
    OPENAI,
    SELF_HOSTED,
    STREAMS,
    WAYS,
    Dialect,
    Door,
    Way,
    events_in,
    open_door,
    text_in,
    wait_until_idle,
)
from fakes.upstream import FRAMINGS, MockUpstream, Reply, SseFraming

StartGateway = Callable[..., RunningGateway]

# Two, three and four bytes in UTF-8, a combining mark, a joined emoji, and what JSON and SSE treat in their own way.
TEXT = 'naïve = "größe → 你好 🦊👩\u200d👩\u200d👧 e\u0301"\n    # data: [DONE]\r\n\t\\n \u2028 \x00 </s>'


@pytest.fixture(params=DIALECTS, ids=lambda dialect: dialect.name)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    chosen: Dialect = request.param
    return chosen


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    chosen: Way = request.param
    return chosen


@pytest.fixture
def door(start_gateway: StartGateway, upstream: MockUpstream, dialect: Dialect, way: Way) -> Door:
    return open_door(start_gateway, dialect, way=way, upstream=upstream.url)


def assert_answered(door: Door, text: str) -> None:
    answer = door.ask()

    assert answer.status == 200
    assert answer.whole
    assert text_in(door.way, answer) == text
    if door.way == "v4 stream":
        names = [name for name, _ in events_in(answer)]
        assert names[0] == "stream_start"
        assert events_in(answer)[-1] == ("stream_end", "null")
        assert set(names[1:-1]) <= {"content_chunk"}
    wait_until_idle(door.gateway)


def test_characters_that_arrive_byte_by_byte_are_whole(door: Door, upstream: MockUpstream) -> None:
    upstream.always(Reply(text=TEXT, split_utf8=True))

    assert_answered(door, TEXT)


@pytest.mark.parametrize("way", STREAMS, indirect=True)
@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_stream_is_read_in_every_framing(framing: str, door: Door, upstream: MockUpstream) -> None:
    upstream.always(Reply(text=TEXT, framing=FRAMINGS[framing]))

    assert_answered(door, TEXT)


@pytest.mark.parametrize("way", STREAMS, indirect=True)
def test_a_stream_is_read_when_everything_is_odd_at_once(door: Door, upstream: MockUpstream) -> None:
    framing = SseFraming(newline="cr", space=False, multiline=True, comments=True, pings=True, last_blank=False)
    upstream.always(Reply(text=TEXT, framing=framing, split_utf8=True, transfer="close"))

    assert_answered(door, TEXT)


@pytest.mark.parametrize("transfer", ["chunked", "length", "close"])
def test_the_end_of_an_answer_may_be_marked_in_any_way(transfer: str, door: Door, upstream: MockUpstream) -> None:
    marks = {"chunked": Reply(transfer="chunked"), "length": Reply(transfer="length"), "close": Reply(transfer="close")}
    upstream.always(marks[transfer])

    assert_answered(door, "return a + b")


def test_an_upstream_that_closes_after_each_answer_is_asked_again(door: Door, upstream: MockUpstream) -> None:
    upstream.always(Reply(keep_alive=False))

    for _ in range(3):
        assert_answered(door, "return a + b")

    assert len({seen.connection for seen in upstream.requests}) == 3


@pytest.mark.parametrize("chunks", [(), ("", ""), (" ", "\n\t")], ids=["none", "empty", "blank"])
def test_an_answer_without_text_suggests_nothing(
    chunks: tuple[str, ...], door: Door, dialect: Dialect, upstream: MockUpstream
) -> None:
    upstream.always(Reply(chunks=chunks))

    # Streams are passed on as they come; whole answers of blanks are dropped.
    assert_answered(door, "" if door.way == "v2 whole" else "".join(chunks))


@pytest.mark.parametrize("way", STREAMS, indirect=True)
def test_a_long_stream_keeps_its_order(door: Door, upstream: MockUpstream) -> None:
    chunks = tuple(f"{number}," for number in range(2000))
    upstream.always(Reply(chunks=chunks))

    assert_answered(door, "".join(chunks))


@pytest.mark.parametrize("way", STREAMS, indirect=True)
def test_chunks_are_handed_on_before_the_stream_ends(door: Door, upstream: MockUpstream) -> None:
    upstream.always(Reply(hold_after=1))
    with door.asking("early") as call:
        call.wait_for_text("return")
        assert " b" not in call.raw.decode()
        upstream.release()

        assert text_in(door.way, call.answer()) == "return a + b"


@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC], indirect=True, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("way", STREAMS, indirect=True)
def test_a_whole_answer_in_place_of_a_stream_will_do(door: Door, dialect: Dialect, upstream: MockUpstream) -> None:
    message: dict[str, object] = {"role": "assistant", "content": "all at once"}
    body: dict[str, object] = {
        "id": "c",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }
    if dialect is ANTHROPIC:
        content = [{"type": "text", "text": "all at once"}]
        usage = {"input_tokens": 1, "output_tokens": 3}
        body = {"id": "m", "type": "message", **message, "content": content, "stop_reason": "end_turn", "usage": usage}
    upstream.always(Reply(body=json.dumps(body).encode()))

    assert_answered(door, "all at once")


@pytest.mark.parametrize("dialect", [SELF_HOSTED], indirect=True, ids=lambda dialect: dialect.name)
def test_servers_that_are_never_asked_to_stream_answer_all_the_same(
    dialect: Dialect, way: Way, start_gateway: StartGateway, upstream: MockUpstream
) -> None:
    off = {"AIGW_CUSTOM_MODELS__DISABLE_STREAMING": "true"}
    door = open_door(start_gateway, dialect, way=way, upstream=upstream.url, **off)

    assert_answered(door, "return a + b")

    assert upstream.requests[-1].json.get("stream", False) is False
