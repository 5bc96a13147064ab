"""What Anthropic's callers wrote, for what our vocabulary has a name for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

import msgspec

from gateway_core.dialects.anthropic_messages.request_schema import TextBlock
from gateway_core.dialects.json_body import parse_caller_body
from gateway_core.dialects.vocabulary import Places, Spot, Vocabulary, other_tool

_CACHE = ("cache_control",)
_EFFORT = ("output_config.effort", "thinking")
_FORMAT = ("output_format", "output_config.format")
_THINKING = ("thinking",)
_USER = ("metadata.user_id",)
_WORDS: Mapping[str, tuple[str, ...]] = {
    "annotations": ("citations",),
    "answer format": _FORMAT,
    "answer_format": _FORMAT,
    "cache": _CACHE,
    "cache mark": _CACHE,
    "cache.ttl": ("cache_control.ttl",),
    "max_completion_tokens": ("max_tokens",),
    "parallel_tool_calls": ("tool_choice.disable_parallel_tool_use",),
    "prompt_cache_breakpoint": _CACHE,
    "reasoning": ("thinking", "output_config"),
    "reasoning.budget": ("thinking.budget_tokens",),
    "reasoning.effort": _EFFORT,
    "reasoning.summary": ("thinking.display",),
    "reasoning_content": _THINKING,
    "reasoning_details": _THINKING,
    "reasoning_effort": _EFFORT,
    "response_format": _FORMAT,
    "safety_identifier": _USER,
    "signature": ("extra_content",),
    "signature of a tool call": ("extra_content",),
    "stop": ("stop_sequences",),
    "tool_choice.parallel": ("tool_choice.disable_parallel_tool_use",),
    "user": _USER,
}


class _Tool(msgspec.Struct):
    """A tool; one without a schema the vendor runs or defines."""

    type: str = ""
    name: str | None = None
    input_schema: msgspec.Raw = msgspec.Raw(b"null")


class _Block(msgspec.Struct, gc=False):
    """A block, of which the kind alone matters."""

    type: str


class _Turn(msgspec.Struct):
    """A turn."""

    role: str
    content: str | list[_Block]


class _Request(msgspec.Struct):
    """What has places: agents mark every request for caching, so no more than that is read."""

    messages: list[_Turn]
    system: str | list[TextBlock] | None = None
    tools: list[_Tool] | None = None


_REQUEST = msgspec.json.Decoder(_Request)


def _find_places(body: bytes) -> Places:
    wire = parse_caller_body(_REQUEST, body)
    spots = list(_system(wire.system))
    for number, turn in enumerate(wire.messages):
        spots += _spots(turn, place=f"messages[{number}]")
    tools = [(f"tools[{number}]", tool) for number, tool in enumerate(wire.tools or ())]
    return Places(
        spots,
        tools=[place for place, tool in tools if bytes(tool.input_schema) != b"null"],
        others=[
            other_tool(place, tool.type, tool.name) for place, tool in tools if bytes(tool.input_schema) == b"null"
        ],
    )


def _system(system: str | list[TextBlock] | None) -> Iterator[Spot]:
    blocks = system if isinstance(system, list) else ()
    said = [block for block in blocks if block.text or block.cache_control]
    if said or (system and isinstance(system, str)):
        yield Spot("system", _numbered("system", range(len(blocks))) if len(said) == len(blocks) else ())


def _spots(turn: _Turn, *, place: str) -> Iterator[Spot]:
    """Place what a turn becomes: results are a message of their own, apart from what the user says beside them."""
    if turn.role != "user" or not turn.content or isinstance(turn.content, str):
        yield Spot(place)
        return
    numbered = enumerate(turn.content)
    for _, run in groupby(numbered, lambda block: block[1].type == "tool_result"):
        yield Spot(place, _numbered(f"{place}.content", (number for number, _ in run)))


def _numbered(place: str, numbers: Iterable[int]) -> tuple[str, ...]:
    return tuple(f"{place}[{number}]" for number in numbers)


ANTHROPIC_MESSAGES = Vocabulary(_WORDS, _find_places)
"""The words of the messages API."""
