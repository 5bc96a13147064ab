"""What the messages API looks like on the wire; only the members that we read.

Source: Anthropic's API reference, messages and streaming, 2026-09.
"""

from __future__ import annotations

from typing import Any

import msgspec

from gateway_core.inference.events import FinishReason, Usage
from gateway_core.inference.request import Json


class Source(msgspec.Struct, gc=False):
    """Where a picture is: `base64` with data, or `url`."""

    type: str
    media_type: str | None = None
    data: str | None = None
    url: str | None = None


class Block(msgspec.Struct):
    """A content block of any type, in a request, an answer or the start of a streamed block."""

    type: str
    text: str | None = None
    source: Source | str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = msgspec.Raw()
    tool_use_id: str | None = None
    content: str | list[Block] | dict[str, msgspec.Raw] | None = None
    is_error: bool | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None


class Turn(msgspec.Struct):
    """A message of the request."""

    role: str
    content: str | list[Block]


class ToolItem(msgspec.Struct):
    """A tool of the request; only those with a schema have a word in our vocabulary."""

    name: str | None = None
    description: str | None = None
    # Any: msgspec cannot decode into a recursive alias; what comes out is Json.
    input_schema: dict[str, Any] | None = None


class Choice(msgspec.Struct, gc=False):
    """How tools must be used."""

    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class MessagesRequest(msgspec.Struct):
    """The members of a request that our vocabulary has words for."""

    model: str
    messages: list[Turn]
    system: str | list[Block] | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: list[str] | None = None
    stream: bool | None = None
    tools: list[msgspec.Raw] | None = None
    tool_choice: Choice | None = None


class OutputDetails(msgspec.Struct, gc=False):
    """What the answer's tokens were spent on."""

    thinking_tokens: int | None = None


class UsageItem(msgspec.Struct, gc=False):
    """Token counts; here `input_tokens` leaves out the cached ones."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens_details: OutputDetails | None = None


class MessageBody(msgspec.Struct):
    """A whole answer, the message of `message_start`, or an error under status 200."""

    id: str | None = None
    model: str | None = None
    content: list[Block] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: UsageItem | None = None
    error: msgspec.Raw = msgspec.Raw()


class Delta(msgspec.Struct, gc=False):
    """What changed: in a block, or in the message as a whole."""

    type: str = ""
    text: str | None = None
    partial_json: str | None = None
    thinking: str | None = None
    signature: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None


class StreamItem(msgspec.Struct):
    """The data of one event, whatever its type."""

    type: str = ""
    index: int = 0
    delta: Delta | None = None
    content_block: Block | None = None
    message: MessageBody | None = None
    usage: UsageItem | None = None
    error: msgspec.Raw = msgspec.Raw()


_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_calls",
    "pause_turn": "pause",
    "refusal": "refusal",
}
_WORDS: dict[FinishReason, str] = {
    "length": "max_tokens",
    "stop_sequence": "stop_sequence",
    "tool_calls": "tool_use",
    "pause": "pause_turn",
    "refusal": "refusal",
    "content_filter": "refusal",
}


def parse_reason(word: str) -> FinishReason:
    """Read a stop reason; a word we do not know is `unknown`."""
    return _REASONS.get(word, "unknown")


def render_reason(reason: FinishReason) -> str:
    """Write a stop reason in a word that clients know."""
    return _WORDS.get(reason, "end_turn")


def merge_usage(seen: UsageItem, item: UsageItem) -> UsageItem:
    """Take newer counts over older ones; counts only grow, and servers leave out or zero what they said before."""
    return UsageItem(
        item.input_tokens or seen.input_tokens,
        item.output_tokens or seen.output_tokens,
        item.cache_creation_input_tokens or seen.cache_creation_input_tokens,
        item.cache_read_input_tokens or seen.cache_read_input_tokens,
        item.output_tokens_details or seen.output_tokens_details,
    )


def parse_usage(item: UsageItem) -> Usage:
    """Read token counts; the cached ones join `input_tokens`."""
    read = item.cache_read_input_tokens or 0
    written = item.cache_creation_input_tokens or 0
    details = item.output_tokens_details or OutputDetails()
    return Usage(
        input_tokens=(item.input_tokens or 0) + read + written,
        output_tokens=item.output_tokens or 0,
        cache_read_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=details.thinking_tokens or 0,
    )


def render_usage(usage: Usage) -> dict[str, Json]:
    """Write token counts; the cached ones leave `input_tokens`."""
    item: dict[str, Json] = {
        "input_tokens": max(usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens, 0),
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "output_tokens": usage.output_tokens,
    }
    if usage.reasoning_tokens:
        item["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return item
