"""One model call as the product thinks of it: prompt, tools, sampling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
"""A JSON value as msgspec decodes it."""

Role = Literal["system", "developer", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Text:
    """Plain text."""

    text: str


@dataclass(frozen=True, slots=True)
class Image:
    """A picture: either `url`, or `data` (base64) with its media type."""

    media_type: str = ""
    data: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Thinking:
    """The model's reasoning; `signature` lets the vendor recognise its own, `redacted` text is opaque."""

    text: str
    signature: str = ""
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model asks for a tool; `arguments` is JSON text, exactly as the model wrote it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answered to the call with this id."""

    call_id: str
    content: tuple[Text | Image, ...]
    is_error: bool = False


Part = Text | Image | Thinking | ToolCall | ToolResult


@dataclass(frozen=True, slots=True)
class Message:
    """One turn; a turn of the tool role holds tool results only."""

    role: Role
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call; `parameters` is a JSON Schema."""

    name: str
    description: str
    parameters: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """How the model must use tools; `name` only with mode `named`."""

    mode: Literal["auto", "none", "required", "named"] = "auto"
    name: str = ""
    parallel: bool | None = None


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the answer is drawn; None leaves the choice to the provider."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A chat prompt, oldest message first."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """A text prompt to be continued; `suffix` is what follows the gap, where the endpoint takes it apart."""

    prompt: str
    suffix: str | None = None


@dataclass(frozen=True, slots=True)
class InferenceRequest:
    """One call.

    `extras` are members of the caller's dialect that this vocabulary has no word for.
    `prompt_id` names the prompt of ours that this was made from; it is never sent.
    """

    model: str
    prompt: Conversation | Completion
    sampling: Sampling = Sampling()
    stream: bool = False
    extras: Mapping[str, Json] = field(default_factory=dict)
    prompt_id: str = ""


def conversation_of(*, system: str, user: str) -> Conversation:
    """Build the commonest conversation: one instruction, one question."""
    messages = [Message("user", (Text(user),))]
    if system:
        messages.insert(0, Message("system", (Text(system),)))
    return Conversation(tuple(messages))
