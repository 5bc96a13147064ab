"""What OpenAI's callers wrote, for what our vocabulary has a name for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from gateway_core.dialects.json_body import parse_caller_body
from gateway_core.dialects.openai_chat.messages import parse_placed
from gateway_core.dialects.openai_chat.schema import ChatRequest, MessageItem, NamedFunction
from gateway_core.dialects.vocabulary import Places, Spot, Vocabulary, other_tool
from gateway_core.inference.request import Message

_CACHE = ("cache_control", "prompt_cache_breakpoint")
_THINKING = ("reasoning_content", "reasoning_details", "reasoning")
_WORDS: Mapping[str, tuple[str, ...]] = {
    "answer format": ("response_format",),
    "answer_format": ("response_format",),
    "answer_format.name": ("response_format.json_schema.name",),
    "cache": _CACHE,
    "cache mark": _CACHE,
    "cache.ttl": ("cache_control.ttl",),
    "cache_control": _CACHE,
    "citations": ("annotations", "provider_specific_fields"),
    "detail": ("image_url.detail",),
    "extra_content": ("extra_content",),
    "image detail": ("image_url.detail",),
    "max_completion_tokens": ("max_completion_tokens", "max_tokens"),
    "max_tokens": ("max_completion_tokens", "max_tokens"),
    "prompt_cache_breakpoint": _CACHE,
    "reasoning": ("reasoning_effort",),
    "reasoning.effort": ("reasoning_effort",),
    "reasoning_content": _THINKING,
    "reasoning_details": _THINKING,
    "safety_identifier": ("safety_identifier", "user"),
    "signature": ("extra_content",),
    "signature of a tool call": ("extra_content",),
    "thinking": _THINKING,
    "title": ("file.filename",),
    "tool_choice": ("tool_choice", "function_call"),
    "tool_choice.allowed": ("tool_choice.allowed_tools",),
    "tool_choice.name": ("tool_choice.function.name", "function_call.name"),
    "tool_choice.parallel": ("parallel_tool_calls",),
    "tools": ("tools", "functions"),
    "user": ("user", "safety_identifier"),
}


class _Tool(msgspec.Struct):
    """A tool's kind, and the name of one that is no function."""

    type: str
    custom: NamedFunction | None = None
    name: str | None = None


class _Tools(msgspec.Struct):
    """The tools of a request."""

    tools: list[_Tool] | None = None
    functions: list[msgspec.Raw] | None = None


_REQUEST = msgspec.json.Decoder(ChatRequest)
_TOOLS = msgspec.json.Decoder(_Tools)


def _find_places(body: bytes) -> Places:
    items = parse_caller_body(_REQUEST, body).messages
    declared = parse_caller_body(_TOOLS, body)
    tools = list(enumerate(declared.tools or ()))
    ours = [f"tools[{number}]" for number, tool in tools if tool.type == "function"]
    ours += [f"functions[{number}]" for number in range(len(declared.functions or ()))]
    return Places(
        messages=[
            Spot(f"messages[{number}]", tuple(_parts(message, items, number)))
            for message, number in parse_placed(items)
        ],
        tools=ours,
        others=[
            other_tool(f"tools[{number}]", tool.type, tool.custom.name if tool.custom else tool.name)
            for number, tool in tools
            if tool.type != "function"
        ],
    )


def _parts(message: Message, items: list[MessageItem], number: int) -> Iterator[str]:
    """Place the parts of a message: results are items of their own, what an assistant says is put in order."""
    content = items[number].content
    if message.role == "tool":
        yield from (f"messages[{number + place}]" for place in range(len(message.parts)))
    elif message.role != "assistant" and isinstance(content, list) and len(content) == len(message.parts):
        yield from (f"messages[{number}].content[{place}]" for place in range(len(content)))


OPENAI_CHAT = Vocabulary(_WORDS, _find_places)
"""The words of chat completions."""

OPENAI_COMPLETIONS = Vocabulary({}, lambda _: Places(messages=[Spot("prompt")]))
"""The words of plain completions, which are ours."""
