from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.dialects.failures import WireShapeWrong
from gateway_core.dialects.sse import EventTooLarge, ServerSentEvent, SseDecoder, render_sse, render_sse_crlf
from unit.gateway_core.dialects.wire_samples import server_events


def decode(wire: bytes) -> list[ServerSentEvent]:
    return list(server_events(wire))


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_every_line_end_of_the_standard_ends_a_line(end: bytes) -> None:
    wire = end.join([b"event: greeting", b"data: one", b"data: two", b"", b"data: three", b"", b""])

    assert decode(wire) == [ServerSentEvent("greeting", b"one\ntwo"), ServerSentEvent("", b"three")]


def test_line_ends_may_be_mixed_in_one_stream() -> None:
    wire = b"event: a\r\ndata: 1\rdata: 2\n\r\ndata: 3\n\r"

    assert decode(wire) == [ServerSentEvent("a", b"1\n2"), ServerSentEvent("", b"3")]


def test_a_byte_order_mark_is_dropped_at_the_start_only() -> None:
    wire = b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n"

    assert decode(wire) == [ServerSentEvent("", b"a")]


def test_comments_and_unknown_fields_are_skipped() -> None:
    wire = b": keep-alive\n\nid: 7\nretry: 10\nfoo: bar\n:x\ndata: a\n\n: bye\n\n"

    assert decode(wire) == [ServerSentEvent("", b"a")]


def test_one_space_after_the_colon_belongs_to_the_syntax_and_may_be_missing() -> None:
    assert decode(b"data:a\n\ndata:  b\n\ndata\n\nevent:x\ndata:c\n\n") == [
        ServerSentEvent("", b"a"),
        ServerSentEvent("", b" b"),
        ServerSentEvent("", b""),
        ServerSentEvent("x", b"c"),
    ]


def test_an_event_without_data_is_no_event() -> None:
    assert decode(b"event: ping\n\n\n\n\ndata: a\n\n") == [ServerSentEvent("", b"a")]


def test_a_name_after_the_data_still_names_the_event() -> None:
    assert decode(b"data: a\nevent: late\n\n") == [ServerSentEvent("late", b"a")]


@pytest.mark.parametrize(
    "wire", [b"data: a\n\ndata: [DONE]", b"data: a\n\ndata: [DONE]\n", b"data: a\n\ndata: [DONE]\r"]
)
def test_a_last_event_without_its_blank_line_is_delivered(wire: bytes) -> None:
    assert decode(wire) == [ServerSentEvent("", b"a"), ServerSentEvent("", b"[DONE]")]


def test_a_closed_decoder_gives_its_rest_once() -> None:
    decoder = SseDecoder()
    decoder.feed(b"data: a")

    assert decoder.close() == [ServerSentEvent("", b"a")]
    assert decoder.close() == []


def test_an_event_is_given_as_soon_as_its_blank_line_is_there() -> None:
    decoder = SseDecoder()

    assert decoder.feed(b"data: a\r\n\r") == [ServerSentEvent("", b"a")]
    assert decoder.feed(b"\ndata: b\r\n\r\n") == [ServerSentEvent("", b"b")]


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_an_event_over_the_limit_is_refused_however_it_arrives(size: int) -> None:
    wire = b"data: " + b"x" * 100 + b"\n\n"
    decoder = SseDecoder(limit=50)

    def arrive() -> None:
        for start in range(0, len(wire), size):
            decoder.feed(wire[start : start + size])

    with pytest.raises(EventTooLarge, match="larger than 50 bytes"):
        arrive()


def test_a_chunk_of_many_small_events_may_be_larger_than_the_limit() -> None:
    decoder = SseDecoder(limit=50)

    assert len(decoder.feed(b"data: x\n\n" * 100)) == 100


def test_a_too_large_event_is_a_wrong_wire_shape() -> None:
    assert issubclass(EventTooLarge, WireShapeWrong)
    assert issubclass(EventTooLarge, ValueError)


lines = st.sampled_from(
    [b"data: a", b"data:b", b"data", b"data: \xc3\xa9\xf0\x9f\x98\x80", b"event: n", b": c", b"id: 1", b"", b"junk"]
)
ends = st.sampled_from([b"\n", b"\r", b"\r\n"])
streams = st.builds(
    lambda mark, body: mark + b"".join(line + end for line, end in body),
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.lists(st.tuples(lines, ends), max_size=12),
)


def by_the_book(wire: bytes) -> list[ServerSentEvent]:
    """Interpret a whole stream line by line, as the standard words it."""
    events: list[ServerSentEvent] = []
    name, data = b"", list[bytes]()
    text = wire.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    for line in [*text.split(b"\n"), b""]:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if line == b"":
            events += [ServerSentEvent(name.decode(), b"\n".join(data))] if data else []
            name, data = b"", []
        elif field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return events


@given(wire=streams, cuts=st.lists(st.integers(0, 200), max_size=6))
def test_any_stream_cut_anywhere_gives_what_the_standard_says(wire: bytes, cuts: list[int]) -> None:
    assert list(server_events(wire, cuts)) == by_the_book(wire)


@given(wire=streams)
def test_a_stream_may_arrive_byte_by_byte(wire: bytes) -> None:
    assert list(server_events(wire, range(len(wire)))) == by_the_book(wire)


@given(wire=st.binary(max_size=60))
def test_no_bytes_break_the_decoder(wire: bytes) -> None:
    assert all(isinstance(event, ServerSentEvent) for event in decode(wire))


@pytest.mark.parametrize("render", [render_sse, render_sse_crlf])
@given(data=st.text(st.characters(exclude_categories=["Cs"])), name=st.sampled_from(["", "message_start"]))
def test_what_is_rendered_is_read_back_with_line_ends_made_equal(render: object, data: str, name: str) -> None:
    assert callable(render)
    expected = data.encode().replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    assert decode(render(data.encode(), name)) == [ServerSentEvent(name, expected)]


def test_the_name_is_written_before_the_data() -> None:
    assert render_sse(b"{}", "ping") == b"event: ping\ndata: {}\n\n"
    assert render_sse_crlf(b"{}", "ping") == b"event: ping\r\ndata: {}\r\n\r\n"
    assert render_sse(b"{}") == b"data: {}\n\n"
