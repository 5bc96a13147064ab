"""Messages of a request in both directions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from gateway_core.dialects.openai_chat.calls import parse_call, render_earlier_call
from gateway_core.dialects.openai_chat.citations import parse_citations, render_citations_of, with_citations
from gateway_core.dialects.openai_chat.parts import SpokenPart, parse_cache, parse_part, render_part
from gateway_core.dialects.openai_chat.results import parse_result, put_back, render_results
from gateway_core.dialects.openai_chat.schema import MessageItem, ToolCallItem
from gateway_core.dialects.openai_chat.thoughts import in_order, parse_thoughts, render_thoughts
from gateway_core.dialects.openai_chat.voice import Voice
from gateway_core.inference.request import (
    CacheMark,
    Document,
    Image,
    Media,
    Message,
    Part,
    Refusal,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from gateway_core.kernel.errors import FeatureUnsupported, RequestInvalid

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}


def parse_messages(items: Iterable[MessageItem]) -> tuple[Message, ...]:
    """Read messages; tool results that follow each other are one turn, with what was sent after them."""
    return tuple(message for message, _ in parse_placed(items))


def parse_placed(items: Iterable[MessageItem]) -> list[tuple[Message, int]]:
    """Read messages, each with the number of the item that it begins with."""
    messages: list[tuple[Message, int]] = []
    called: dict[str, str] = {}
    for number, item in enumerate(items):
        message = _parse_message(item, called, number=number)
        last, first = messages[-1] if messages else (Message("user", ()), 0)
        restored = put_back(last, message)
        if message.role == "tool" and last.role == "tool":
            messages[-1] = Message("tool", last.parts + message.parts), first
        elif restored is not None:
            messages[-1] = restored, first
        else:
            messages.append((message, number))
    return messages


def render_messages(messages: Iterable[Message], voice: Voice) -> Iterable[dict[str, object]]:
    """Write messages; what cannot be said goes to the losses."""
    for number, message in enumerate(messages):
        where = f"messages[{number}]"
        if message.role == "tool":
            yield from render_results(message, voice, where=where)
            continue
        wire = _render_assistant(message, voice, where=where) if message.role == "assistant" else {}
        if message.role != "assistant":
            wire = {"role": message.role, "content": _render_content(message, message.parts, voice, where=where)}
        if message.name:
            wire["name"] = message.name
        yield wire


def _parse_message(item: MessageItem, called: dict[str, str], *, number: int) -> Message:
    where = f"messages[{number}]"
    role = _ROLES.get(item.role)
    if role is None:
        known = "send system, developer, user, assistant or tool"
        raise RequestInvalid(f"{where}.role: {item.role[:60]!r} is not known; {known}.")
    content = _parse_content(item, where=where)
    if role == "tool":
        return Message("tool", (_parse_result(item, content, called, where=where),))
    if role == "assistant":
        return _parse_assistant(item, content, called, number=number)
    if item.content is None:
        raise RequestInvalid(f"{where}.content: this member is required; send text or parts.")
    return Message(role, tuple(_shown(content, where=where)), item.name or "")


def _parse_content(item: MessageItem, *, where: str) -> list[SpokenPart]:
    """Read the content; text without any words is no part."""
    content = item.content
    if isinstance(content, str):
        parts: list[SpokenPart] = [Text(content)] if content else []
    else:
        parts = [parse_part(part, where=f"{where}.content[{i}]") for i, part in enumerate(content or ())]
        parts = [part for part in parts if part != Text("")]
    mark = parse_cache(item.cache_control)
    if mark is not None and parts and item.role != "tool":
        parts[-1] = _marked(parts[-1], mark)
    return parts


def _marked(part: SpokenPart, mark: CacheMark) -> SpokenPart:
    match part:
        case Text() | Image() | Document() | Media():
            return replace(part, cache=part.cache or mark)
        case Refusal() | Thinking():
            return part


def _shown(parts: Sequence[SpokenPart], *, where: str) -> Iterable[Text | Image | Document | Media]:
    """Give the parts of a turn that is not the model's."""
    for number, part in enumerate(parts):
        if isinstance(part, (Refusal, Thinking)):
            kind = type(part).__name__.lower()
            raise RequestInvalid(f"{where}.content[{number}]: a {kind} is said by an assistant only; leave it out.")
        yield part


def _parse_result(
    item: MessageItem, content: Sequence[SpokenPart], called: dict[str, str], *, where: str
) -> ToolResult:
    name = item.name or ""
    call_id = item.tool_call_id or ""
    if item.role == "function":
        call_id = called.get(name, f"call_{name}")
    if not call_id:
        raise RequestInvalid(f"{where}.tool_call_id: a tool message needs the id of the call that it answers.")
    shown = tuple(_shown(content, where=where))
    result = parse_result(call_id, shown, plain=isinstance(item.content, str), name=name)
    return replace(result, cache=parse_cache(item.cache_control))


def _parse_assistant(
    item: MessageItem, content: Sequence[SpokenPart], called: dict[str, str], *, number: int
) -> Message:
    where = f"messages[{number}]"
    for member in ("prefix", "partial"):
        if getattr(item, member):
            raise FeatureUnsupported(f"{where}.{member}", target="this gateway's translation")
    if bytes(item.audio) not in {b"", b"null"}:
        raise FeatureUnsupported(f"{where}.audio", target="this gateway's translation")
    others: list[Part] = [*content]
    if item.refusal:
        others.append(Refusal(item.refusal))
    others = with_citations(others, parse_citations(item.annotations, item.provider_specific_fields))
    others += [parse_call(call, where=f"{where}.tool_calls[{i}]") for i, call in enumerate(item.tool_calls or ())]
    if item.function_call is not None:
        legacy = ToolCallItem(id=f"call_{number}", function=item.function_call)
        others.append(parse_call(legacy, where=f"{where}.function_call"))
        called[item.function_call.name or ""] = f"call_{number}"
    thoughts = parse_thoughts(item.reasoning_details, item.reasoning_content or item.reasoning or "")
    return Message("assistant", tuple(in_order(thoughts, others)), item.name or "")


def _render_assistant(message: Message, voice: Voice, *, where: str) -> dict[str, object]:
    parts = message.parts
    calls = [part for part in parts if isinstance(part, ToolCall)]
    said: list[Part] = [part for part in parts if not isinstance(part, (ToolCall, Thinking))]
    refusal = said.pop() if said and isinstance(said[-1], Refusal) else None
    content = _render_content(message, said, voice, where=where)
    wire: dict[str, object] = {"role": "assistant", "content": content or (None if calls or refusal else "")}
    if isinstance(refusal, Refusal):
        wire["refusal"] = refusal.text
    wire |= _beside(parts, voice, where=where)
    if calls:
        spots = [f"{where}.tool_calls[{number}]" for number in range(len(calls))]
        wire["tool_calls"] = [
            render_earlier_call(call, voice, where=spot) for call, spot in zip(calls, spots, strict=True)
        ]
    return wire


def _beside(parts: Sequence[Part], voice: Voice, *, where: str) -> dict[str, object]:
    """Write what no member of OpenAI's holds: the reasoning and the sources of an earlier answer."""
    if voice.extended:
        return {**render_thoughts(_as_written(parts)), **render_citations_of(parts)}
    # The model has no use for another one's reasoning, nor for where an answer came from.
    if any(isinstance(part, Thinking) for part in parts):
        voice.losses.hint(f"{where}: thinking")
    if any(isinstance(part, Text) and part.citations for part in parts):
        voice.losses.hint(f"{where}: citations")
    return {}


def _as_written(parts: Sequence[Part]) -> list[Part]:
    """Give the parts in the order in which this dialect says them: calls after what is spoken."""
    parts = [part for part in parts if part != Text("")]
    spoken = [number for number, part in enumerate(parts) if not isinstance(part, (ToolCall, Thinking))]
    end = spoken[-1] + 1 if spoken else 0
    head = [part for part in parts[:end] if not isinstance(part, ToolCall)]
    calls = [part for part in parts[:end] if isinstance(part, ToolCall)]
    return [*head, *calls, *parts[end:]]


def _render_content(message: Message, parts: Sequence[Part], voice: Voice, *, where: str) -> object:
    """Write text alone as text, which every server takes, and anything else as parts."""
    said: list[dict[str, object]] = []
    for number, part in enumerate(parts):
        spot = f"{where}.content[{number}]"
        kind = type(part).__name__.lower()
        if isinstance(part, (ToolCall, ToolResult, Thinking)):
            voice.losses.hint(f"{spot}: {kind}")
        elif not voice.home and message.role != "user" and not isinstance(part, (Text, Refusal)):
            voice.losses.cannot(f"{spot}: {kind}", f"a turn of the {message.role} holds text only")
        elif part != Text(""):
            said += render_part(part, voice, where=spot)
    if len(said) == 1 and said[0].keys() == {"type", "text"}:
        return said[0]["text"]
    return said or ""
