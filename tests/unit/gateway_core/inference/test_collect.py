from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.inference.collect import Answer, Collector, collect, collect_stream
from gateway_core.inference.events import (
    Finished,
    Started,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    Usage,
    UsageReported,
)
from gateway_core.inference.request import Text, Thinking, ToolCall


def test_text_thinking_and_calls_keep_the_order_in_which_they_began() -> None:
    answer = collect(
        [
            Started("a1", "m1"),
            ThinkingDelta("Hm"),
            ThinkingDelta("m."),
            ThinkingDelta("", "sig"),
            TextDelta("I "),
            TextDelta("look."),
            ToolCallDelta(0, "c1", "read", ""),
            ToolCallDelta(1, "c2", "list", "{}"),
            ToolCallDelta(0, arguments='{"a"'),
            ToolCallDelta(0, arguments=":1}"),
            TextDelta("Done."),
            UsageReported(Usage(3, 1)),
            UsageReported(Usage(3, 9)),
            Finished("tool_calls", "tool_use"),
        ]
    )

    assert answer == Answer(
        id="a1",
        model="m1",
        parts=(
            Thinking("Hmm.", "sig"),
            Text("I look."),
            ToolCall("c1", "read", '{"a":1}'),
            ToolCall("c2", "list", "{}"),
            Text("Done."),
        ),
        finished=Finished("tool_calls", "tool_use"),
        usage=Usage(3, 9),
    )
    assert answer.text == "I look.Done."


def test_a_signature_seals_a_thought() -> None:
    answer = collect([ThinkingDelta("a"), ThinkingDelta("", "s1"), ThinkingDelta("b"), ThinkingDelta("", "s2")])

    assert answer.parts == (Thinking("a", "s1"), Thinking("b", "s2"))


def test_redacted_reasoning_stays_apart_from_readable_reasoning() -> None:
    answer = collect([ThinkingDelta("a"), ThinkingDelta("xyz", redacted=True), ThinkingDelta("b")])

    assert answer.parts == (Thinking("a"), Thinking("xyz", redacted=True), Thinking("b"))


def test_the_answer_so_far_may_be_asked_at_any_moment() -> None:
    collector = Collector()
    assert collector.answer() == Answer("", "", (), Finished("unknown"), None)

    collector.add(TextDelta("a"))
    assert collector.answer().text == "a"
    collector.add(TextDelta("b"))
    assert collector.answer().text == "ab"


async def test_a_stream_is_closed_after_it_was_folded() -> None:
    closed: list[bool] = []

    async def events() -> AsyncGenerator[StreamEvent]:
        try:
            yield TextDelta("a")
            yield Finished("stop")
        finally:
            closed.append(True)

    answer = await collect_stream(events())

    assert (answer.text, answer.finished, closed) == ("a", Finished("stop"), [True])


async def test_a_stream_that_fails_is_closed_and_its_failure_passed_on() -> None:
    closed: list[bool] = []

    async def events() -> AsyncGenerator[StreamEvent]:
        try:
            yield TextDelta("a")
            raise LookupError("upstream")
        finally:
            closed.append(True)

    with pytest.raises(LookupError, match="upstream"):
        await collect_stream(events())
    assert closed == [True]


pieces = st.lists(st.text(max_size=5), max_size=6)


@given(text=pieces, calls=st.lists(pieces, max_size=3))
def test_how_an_answer_was_cut_does_not_show_in_it(text: list[str], calls: list[list[str]]) -> None:
    events: list[StreamEvent] = [TextDelta(piece) for piece in text]
    for number, arguments in enumerate(calls):
        events.append(ToolCallDelta(number, f"c{number}", "f"))
        events += [ToolCallDelta(number, arguments=piece) for piece in arguments]

    answer = collect(events)

    assert answer.text == "".join(text)
    assert [part.arguments for part in answer.parts if isinstance(part, ToolCall)] == ["".join(call) for call in calls]
