"""What chat completions look like on the wire; only the members that we read.

Source: OpenAI's API reference, chat completions, 2026-09. Members marked "compatible servers" are not
OpenAI's own; the servers that speak its dialect send them.
"""

from __future__ import annotations

from typing import Any

import msgspec

from gateway_core.inference.events import FinishReason, Usage
from gateway_core.inference.request import Json


class ImageUrl(msgspec.Struct, gc=False):
    """Where a picture is: an address, or a `data:` one that holds it."""

    url: str


class ContentPart(msgspec.Struct):
    """One part of a message's content; `thinking` is Mistral's way of sending reasoning."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: ImageUrl | str | None = None
    thinking: list[ContentPart] | str | None = None


class FunctionCall(msgspec.Struct, gc=False):
    """The called function, or more of it."""

    name: str | None = None
    arguments: str | None = None


class ToolCallItem(msgspec.Struct):
    """A tool call, or more of it; some compatible servers send no index or no id."""

    index: int | None = None
    id: str | None = None
    function: FunctionCall | None = None


class MessageItem(msgspec.Struct):
    """A message of the request."""

    role: str
    content: str | list[ContentPart] | None = None
    refusal: str | None = None
    tool_calls: list[ToolCallItem] | None = None
    tool_call_id: str | None = None


class FunctionItem(msgspec.Struct):
    """A function the model may call."""

    name: str
    description: str | None = None
    # Any: msgspec cannot decode into a recursive alias; what comes out is Json.
    parameters: dict[str, Any] | None = None


class ToolItem(msgspec.Struct):
    """A tool of the request; only those of type `function` have a word in our vocabulary."""

    type: str
    function: FunctionItem | None = None


class NamedFunction(msgspec.Struct, gc=False):
    """The name of a function."""

    name: str


class NamedChoice(msgspec.Struct):
    """A tool choice that is an object."""

    type: str
    function: NamedFunction | None = None


class ChatRequest(msgspec.Struct):
    """The members of a request that our vocabulary has words for. `top_k`: compatible servers."""

    model: str
    messages: list[MessageItem]
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    n: int | None = None
    stream: bool | None = None
    tools: list[msgspec.Raw] | None = None
    tool_choice: msgspec.Raw = msgspec.Raw(b"null")
    parallel_tool_calls: bool | None = None


class PromptDetails(msgspec.Struct, gc=False):
    """How the prompt's tokens came in."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class CompletionDetails(msgspec.Struct, gc=False):
    """What the answer's tokens were spent on."""

    reasoning_tokens: int | None = None


class UsageItem(msgspec.Struct, gc=False):
    """Token counts; `prompt_cache_hit_tokens`: compatible servers."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    prompt_cache_hit_tokens: int | None = None


class Delta(msgspec.Struct):
    """What the model says, whole or in part. `reasoning*`: compatible servers."""

    content: str | list[ContentPart] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCallItem] | None = None


class Choice(msgspec.Struct):
    """One answer of a chunk (`delta`) or of a whole body (`message`)."""

    index: int = 0
    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None


class Chunk(msgspec.Struct):
    """One chunk of a stream, or a whole body: they differ in their choices only."""

    id: str | None = None
    model: str | None = None
    choices: list[Choice] | None = None
    usage: UsageItem | None = None
    error: msgspec.Raw = msgspec.Raw()


_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "length": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
_WORDS: dict[FinishReason, str] = {
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "content_filter",
}


def parse_reason(word: str) -> FinishReason:
    """Read a finish reason; a word we do not know is `unknown`."""
    return _REASONS.get(word, "unknown")


def render_reason(reason: FinishReason) -> str:
    """Write a finish reason in one of the five words that clients know."""
    return _WORDS.get(reason, "stop")


def parse_usage(item: UsageItem) -> Usage:
    """Read token counts; OpenAI's prompt tokens already count the cached ones."""
    prompt = item.prompt_tokens_details or PromptDetails()
    answer = item.completion_tokens_details or CompletionDetails()
    return Usage(
        input_tokens=item.prompt_tokens or 0,
        output_tokens=item.completion_tokens or 0,
        cache_read_tokens=prompt.cached_tokens or item.prompt_cache_hit_tokens or 0,
        cache_write_tokens=prompt.cache_write_tokens or 0,
        reasoning_tokens=answer.reasoning_tokens or 0,
    )


def render_usage(usage: Usage) -> dict[str, Json]:
    """Write token counts."""
    prompt: dict[str, Json] = {"cached_tokens": usage.cache_read_tokens}
    if usage.cache_write_tokens:
        prompt["cache_write_tokens"] = usage.cache_write_tokens
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": prompt,
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }
