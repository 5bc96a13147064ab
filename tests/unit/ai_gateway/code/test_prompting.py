"""The request to a model: cut to its window, in the form of its family."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from ai_gateway.code.model import COMPLETIONS_PROMPT, GENERATIONS_PROMPT, CodeRequest
from ai_gateway.code.prompting import Written, write_request
from gateway_core.inference.profile import ModelProfile
from gateway_core.inference.request import Completion, Conversation, Message, Text
from gateway_core.kernel.units import Tokens
from unit.ai_gateway.code.code_parts import Kind, LetterCounter, a_model, a_request, text_of

OURS = {"completion": COMPLETIONS_PROMPT, "generation": GENERATIONS_PROMPT}


async def written(
    request: CodeRequest, model: str = "claude", *, window: int | None = None
) -> tuple[Written, LetterCounter]:
    """Write a request for a model, whose window may be made small."""
    answering, counter = a_model(model), LetterCounter()
    if window is not None:
        answering = replace(answering, profile=ModelProfile(answering.profile.family, Tokens(window)))
    return await write_request(request, answering, counter=counter, stream=False), counter


@pytest.mark.parametrize(
    "model", ["qwen2.5-coder-7b", "codellama", "deepseek-coder", "starcoder2", "granite", "codegemma"]
)
async def test_a_family_that_fills_gaps_is_asked_to_fill_one(model: str) -> None:
    request, _ = await written(a_request(), model)

    assert isinstance(request.request.prompt, Completion)


@pytest.mark.parametrize("model", ["claude", "gpt-4.1", "llama3", "gemini", "codestral", "whatever"])
async def test_every_other_family_is_asked_by_chat(model: str) -> None:
    request, _ = await written(a_request(), model)

    assert isinstance(request.request.prompt, Conversation)


@pytest.mark.parametrize("model", ["qwen2.5-coder-7b", "claude"])
async def test_a_generation_is_asked_by_chat_of_every_family(model: str) -> None:
    request, _ = await written(a_request(kind="generation"), model)

    assert isinstance(request.request.prompt, Conversation)


@pytest.mark.parametrize("kind", ["completion", "generation"])
async def test_our_own_prompt_is_known_by_its_name(kind: Kind) -> None:
    request, _ = await written(a_request(kind=kind), "gpt")

    assert request.request.prompt_id == OURS[kind]
    assert request.request.model == "gpt"


@pytest.mark.parametrize("kind", ["completion", "generation"])
async def test_a_prompt_that_the_caller_brought_is_sent_as_it_is_and_has_no_name(kind: Kind) -> None:
    messages = (Message("user", (Text("x" * 400_000),)),)

    request, counter = await written(replace(a_request(kind=kind, prefix="p" * 99), prompt=messages), window=100)

    assert request.request.prompt == Conversation(messages)
    assert request.request.prompt_id == ""
    assert counter.threads == set()


@pytest.mark.parametrize("kind", ["completion", "generation"])
async def test_short_texts_are_never_counted(kind: Kind) -> None:
    request, counter = await written(a_request(kind=kind, prefix="BEGIN", suffix="END", context=("OTHER",)))

    assert counter.threads == set()
    assert "OTHER\nBEGIN<cursor/>END" in text_of(request.request)


@pytest.mark.parametrize("kind", ["completion", "generation"])
async def test_long_texts_are_counted_off_the_event_loop(kind: Kind) -> None:
    _, counter = await written(a_request(kind=kind, prefix="p" * 5_000), window=1_000)

    assert counter.threads
    assert threading.get_ident() not in counter.threads


@pytest.mark.parametrize(("window", "room"), [(32_768, 32_256), (1_000, 750)])
async def test_a_completion_leaves_room_for_what_is_said_around_the_code(window: int, room: int) -> None:
    request, _ = await written(a_request(prefix="p" * 99_000, suffix="s" * 99_000), window=window)

    assert len(request.fitted.prefix) + len(request.fitted.suffix) == room
    assert len(request.fitted.suffix) == int(room * 0.07)


@pytest.mark.parametrize(("window", "room"), [(32_768, 28_672), (1_000, 750)])
async def test_a_generation_leaves_more_room_and_sees_more_below(window: int, room: int) -> None:
    request, _ = await written(a_request(kind="generation", prefix="p" * 99_000, suffix="s" * 99_000), window=window)

    assert len(request.fitted.prefix) + len(request.fitted.suffix) == room
    assert len(request.fitted.suffix) == int(room * 0.2)


async def test_what_was_cut_is_what_is_sent() -> None:
    prefix = "".join(f"a{number}\n" for number in range(1_000))

    request, _ = await written(a_request(prefix=prefix, suffix="END" * 1_000), "codellama", window=1_000)

    assert prefix.endswith(request.fitted.prefix)
    assert text_of(request.request) == f"<PRE> {request.fitted.prefix} <SUF> {request.fitted.suffix} <MID>"


async def test_the_editors_word_for_the_language_helps_when_the_name_says_nothing() -> None:
    request, _ = await written(a_request(file_name="Untitled-1", language_identifier="typescriptreact"))

    assert "Language: ts\n" in text_of(request.request)


@pytest.mark.parametrize("stream", [True, False])
async def test_a_stream_is_asked_for_when_it_is_wanted(*, stream: bool) -> None:
    request = await write_request(a_request(), a_model("claude"), counter=LetterCounter(), stream=stream)

    assert request.request.stream is stream
