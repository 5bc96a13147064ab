"""What callers of the Responses API wrote, for what our vocabulary has a name for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from gateway_core.dialects.json_body import parse_caller_body
from gateway_core.dialects.openai_responses.items_in import parse_placed
from gateway_core.dialects.openai_responses.schema import ResponsesRequest
from gateway_core.dialects.openai_responses.tools import parse_tools
from gateway_core.dialects.vocabulary import Places, Spot, Vocabulary, other_tool
from gateway_core.inference.request import Message

_CACHE = ("prompt_cache_breakpoint",)
_THINKING = ("reasoning",)
_FORMAT = ("text.format",)
_USER = ("user", "safety_identifier")
_WORDS: Mapping[str, tuple[str, ...]] = {
    "answer format": _FORMAT,
    "answer_format": _FORMAT,
    "answer_format.name": ("text.format.name",),
    "cache": _CACHE,
    "cache mark": _CACHE,
    "cache.ttl": ("prompt_cache_breakpoint.ttl",),
    "cache_control": _CACHE,
    "citations": ("annotations",),
    "image detail": ("detail",),
    "logprobs": ("top_logprobs", "include"),
    "max_completion_tokens": ("max_output_tokens",),
    "max_tokens": ("max_output_tokens",),
    "reasoning_content": _THINKING,
    "reasoning_details": _THINKING,
    "reasoning_effort": ("reasoning.effort",),
    "response_format": _FORMAT,
    "safety_identifier": _USER,
    "signature": ("extra_content",),
    "signature of a tool call": ("extra_content",),
    "title": ("filename",),
    "tool_choice.allowed": ("tool_choice.tools",),
    "tool_choice.parallel": ("parallel_tool_calls",),
    "user": _USER,
    "verbosity": ("text.verbosity",),
}


class _Named(msgspec.Struct):
    """A tool's kind, and its name if it has one; servers of others are named by their label."""

    type: str
    name: str | None = None
    server_label: str | None = None


class _Part(msgspec.Struct):
    """An item, as far as it has a content of parts."""

    content: msgspec.Raw = msgspec.Raw(b"null")


_REQUEST = msgspec.json.Decoder(ResponsesRequest)
_NAMED = msgspec.json.Decoder(_Named)
_PART = msgspec.json.Decoder(_Part)
_PARTS = msgspec.json.Decoder(list[msgspec.Raw])


def _find_places(body: bytes) -> Places:
    wire = parse_caller_body(_REQUEST, body)
    instructions = [Spot("instructions")] if wire.instructions else []
    if wire.input is None or isinstance(wire.input, str):
        spots = [Spot("input")]
    else:
        placed = parse_placed(wire.input, extras={})
        spots = [Spot(f"input[{items[0]}]", tuple(_parts(message, items, wire.input))) for message, items in placed]
    tools: list[str] = []
    others: list[str] = []
    for number, raw in enumerate(wire.tools or ()):
        place = f"tools[{number}]"
        if parse_tools([raw], extras={}):
            tools.append(place)
        else:
            tool = parse_caller_body(_NAMED, bytes(raw))
            others.append(other_tool(place, tool.type, tool.name or tool.server_label))
    return Places([*instructions, *spots], tools, others)


def _parts(message: Message, items: Sequence[int], raws: Sequence[msgspec.Raw]) -> Iterator[str]:
    """Place the parts of a message: results are items of their own; an assistant's turn has items of all kinds."""
    if message.role == "tool":
        yield from (f"input[{number}]" for number in items)
    elif message.role != "assistant":
        content = parse_caller_body(_PART, bytes(raws[items[0]])).content
        count = len(parse_caller_body(_PARTS, bytes(content))) if bytes(content).startswith(b"[") else 0
        yield from (f"input[{items[0]}].content[{place}]" for place in range(count))


OPENAI_RESPONSES = Vocabulary(_WORDS, _find_places)
"""The words of the Responses API."""
