from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.inference.collect import collect_stream
from gateway_core.inference.events import Finished, Started, StreamEvent, TextDelta
from gateway_core.inference.ports import Lease
from gateway_core.inference.request import (
    Completion,
    Conversation,
    InferenceRequest,
    Message,
    Sampling,
    Text,
    ToolCall,
    conversation_of,
)
from gateway_core.kernel.secret import Secret
from gateway_core.providers.scripted import ScriptedProvider, script

GAP = InferenceRequest("m1", Completion("def f(", "\n    pass"))
CHAT = InferenceRequest("m1", conversation_of(system="Be brief.", user='Hi "you"\n'))


async def events_of(request: InferenceRequest) -> list[StreamEvent]:
    return [event async for event in ScriptedProvider().stream(request, Lease(secret=Secret("unused")))]


def test_a_completion_is_echoed_with_its_two_sides() -> None:
    assert script(GAP) == r'echo: {"prefix": "def f(", "suffix": "\n    pass", "stream": false, "kwargs": {}}'


def test_a_completion_without_a_suffix_echoes_null() -> None:
    request = InferenceRequest("m1", Completion("a"), stream=True)

    assert script(request) == 'echo: {"prefix": "a", "suffix": null, "stream": true, "kwargs": {}}'


def test_a_conversation_is_echoed_message_by_message() -> None:
    assert script(CHAT) == (
        r'echo: {"messages": [{"role": "system", "content": "Be brief."}, '
        r'{"role": "user", "content": "Hi \"you\"\n"}], "stream": false, "kwargs": {}}'
    )


def test_of_a_message_its_text_is_echoed_joined() -> None:
    parts = (Text("a"), ToolCall("c1", "read", "{}"), Text("b"))
    request = InferenceRequest("m1", Conversation((Message("assistant", parts),)))

    assert json.loads(script(request).removeprefix("echo: "))["messages"] == [{"role": "assistant", "content": "ab"}]


def test_parameters_stand_behind_as_texts_in_their_order() -> None:
    sampling = Sampling(max_tokens=64, temperature=0.2, top_p=0.95, top_k=40, stop=("x",), seed=7)

    assert script(replace(GAP, sampling=sampling)).endswith(
        '"kwargs": {}, "temperature": "0.2", "max_output_tokens": "64", "top_p": "0.95", "top_k": "40"}'
    )


@pytest.mark.parametrize(
    ("sampling", "tail"),
    [
        (Sampling(temperature=0.0), '"kwargs": {}, "temperature": "0.0"}'),
        (Sampling(max_tokens=0, top_k=0), '"kwargs": {}, "max_output_tokens": "0", "top_k": "0"}'),
        (Sampling(), '"kwargs": {}}'),
    ],
)
def test_only_parameters_that_are_set_are_echoed(sampling: Sampling, tail: str) -> None:
    assert script(replace(CHAT, sampling=sampling)).endswith(tail)


def test_a_prompt_of_ours_is_answered_mock() -> None:
    assert script(replace(CHAT, prompt_id="code_suggestions/generations")) == "mock"
    assert script(replace(GAP, prompt_id="code_suggestions/completions")) == "mock completion"


async def test_an_answer_that_does_not_stream_is_one_piece() -> None:
    assert await events_of(GAP) == [Started("scripted", "m1"), TextDelta(script(GAP)), Finished("stop", "stop")]


async def test_a_streamed_answer_comes_word_by_word_with_each_blank_by_itself() -> None:
    request = replace(GAP, stream=True, prompt=Completion("a  b", "c"))

    pieces = [event.text for event in await events_of(request) if isinstance(event, TextDelta)]

    assert pieces == [
        *("echo:", " ", '{"prefix":', " ", '"a', " ", " ", 'b",', " ", '"suffix":', " ", '"c",', " "),
        *('"stream":', " ", "true,", " ", '"kwargs":', " ", "{}}"),
    ]


@given(st.text(), st.none() | st.text(), st.booleans())
async def test_the_pieces_joined_are_the_script(prefix: str, suffix: str | None, stream: bool) -> None:  # noqa: FBT001 - given by position
    request = InferenceRequest("m1", Completion(prefix, suffix), stream=stream)

    answer = await collect_stream(ScriptedProvider().stream(request, Lease()))

    assert answer.text == script(request)
    assert json.loads(answer.text.removeprefix("echo: "))["prefix"] == prefix
