"""What a model call reports while it runs, in the order it happens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "stop_sequence", "refusal", "pause", "unknown"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call; `input_tokens` counts cached ones too."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Started:
    """The provider accepted the call; `id` and `model` are its own words."""

    id: str
    model: str


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More text of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ThinkingDelta:
    """More reasoning; a signature comes as a delta of its own with no text."""

    text: str
    signature: str = ""
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """More of tool call number `index` (0 first); id and name come once, with its first delta."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class UsageReported:
    """Token counts so far; a later report replaces an earlier one."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer is whole; `raw` is the provider's own word for the reason."""

    reason: FinishReason
    raw: str = ""
    stop_sequence: str = ""


StreamEvent = Started | TextDelta | ThinkingDelta | ToolCallDelta | UsageReported | Finished
