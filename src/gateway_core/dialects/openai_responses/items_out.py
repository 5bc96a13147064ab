"""Messages as the items of a request's input."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from gateway_core.dialects.openai_responses.custom import unwrap
from gateway_core.dialects.openai_responses.items_in import REDACTED, UNNAMED
from gateway_core.dialects.openai_responses.parts import Content, render_output, render_said
from gateway_core.dialects.openai_responses.target import Target
from gateway_core.inference.request import (
    Document,
    Image,
    Media,
    Message,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)

LONGEST_ID = 64
"""Characters that the vendor takes in the id of a call."""

UNNAMED_MESSAGE = "msg_unnamed"
"""Begins the id of a message that came without one, where the vendor's schema wants it."""

_Wire = dict[str, object]
# How the vendor's encrypted content begins, whatever it holds; seen in its documentation's examples, 2026-11.
_SEAL = "gAAAA"


def render_items(messages: Sequence[Message], target: Target) -> list[_Wire]:
    """Write messages in order; each part becomes an item or a part of one."""
    calls = {
        part.id
        for message in messages
        for part in message.parts
        if isinstance(part, ToolCall) and _is_custom(part, target)
    }
    items: list[_Wire] = []
    for number, message in enumerate(messages):
        where = f"messages[{number}]"
        if message.name:
            target.losses.hint(f"{where}.name")
        items += _render_message(message, where=where, target=target, custom_calls=calls)
    return [_with_id(item, number) for number, item in enumerate(items)]


def _render_message(message: Message, *, where: str, target: Target, custom_calls: set[str]) -> Iterator[_Wire]:
    role = "user" if message.role == "tool" else message.role
    if not message.parts and message.role != "tool":
        yield {"type": "message", "role": role, "content": ""}
    for kind, group in groupby(message.parts, _kind_of):
        if kind == "said":
            said = [part for part in group if isinstance(part, (Text, Refusal, Image, Document, Media))]
            content = render_said(said, role=role, where=where, target=target)
            whole: _Wire = {"type": "message", "role": role, "content": content}
            yield whole if target.home or role != "assistant" else _as_answered(whole, content)
        elif kind == "thought":
            thoughts = [part for part in group if isinstance(part, Thinking)]
            yield from _render_thoughts(thoughts, where=where, target=target)
        else:
            yield from _render_exchange(group, where=where, target=target, custom_calls=custom_calls)


def _as_answered(message: _Wire, content: Content) -> _Wire:
    """Write an earlier answer in the form that every server takes.

    Parts that an answer has are read as the vendor's own item, with an id and a status: its own service
    takes them without, while servers that read by its schema refuse the whole request. So text goes
    out as text, its parts put together as readers of answers do, and only what text cannot say as that item.
    """
    if isinstance(content, str):
        return message
    if all(part.keys() == {"type", "text"} for part in content):
        return {**message, "content": "".join(str(part["text"]) for part in content)}
    parts = [part if part["type"] == "refusal" else {"annotations": [], **part} for part in content]
    return {**message, "content": parts, "status": "completed", "id": UNNAMED_MESSAGE}


def _with_id(item: _Wire, number: int) -> _Wire:
    """Make the id that stands for none unlike all others."""
    return {**item, "id": f"{item['id']}_{number}"} if item.get("id") in {UNNAMED, UNNAMED_MESSAGE} else item


def _kind_of(part: Part) -> str:
    match part:
        case Thinking():
            return "thought"
        case ToolCall() | ToolResult():
            return "exchange"
        case _:
            return "said"


def _render_thoughts(thoughts: Sequence[Thinking], *, where: str, target: Target) -> Iterator[_Wire]:
    """Write reasoning; pieces up to a sealed one, or with the same id, are one item."""
    held: list[Thinking] = []
    for thought in thoughts:
        if held and (held[-1].signature or held[-1].id != thought.id or thought.redacted or held[-1].redacted):
            yield from _render_thought(held, where=where, target=target)
            held = []
        held.append(thought)
    yield from _render_thought(held, where=where, target=target)


def _render_thought(pieces: Sequence[Thinking], *, where: str, target: Target) -> Iterator[_Wire]:
    """Write one reasoning item; the vendor knows its own by its id and its encrypted content.

    A thought with neither is sent as open models write it, in `content`; one that says nothing is left
    out. The vendor's own models refuse a request with reasoning that they cannot decrypt, so theirs
    is told from that of a model that answered earlier.
    """
    last = pieces[-1]
    own = last.id if target.home or last.id.startswith("rs_") else ""
    sealed = REDACTED + last.text if last.redacted else last.signature
    texts = [] if last.redacted or (len(pieces) == 1 and not last.text) else [piece.text for piece in pieces]
    if target.is_openai and not target.home and not sealed.startswith(_SEAL):
        target.losses.hint(f"{where}: thinking of another model")
    elif own or sealed or texts or target.home:
        yield _render_reasoning(texts, own=own, sealed=sealed, target=target)


def _render_reasoning(texts: Sequence[str], *, own: str, sealed: str, target: Target) -> _Wire:
    # Servers of open models read by the vendor's schema, which wants an id; the vendor itself knows its seals.
    own = own or ("" if target.home or sealed.startswith(_SEAL) else UNNAMED)
    wire: _Wire = {"type": "reasoning", "id": own, "summary": [], "encrypted_content": sealed}
    if sealed or (own and own != UNNAMED):
        wire["summary"] = [{"type": "summary_text", "text": text} for text in texts]
    else:
        wire["content"] = [{"type": "reasoning_text", "text": text} for text in texts]
    return {name: value for name, value in wire.items() if value != ""}


def _render_exchange(parts: Iterable[Part], *, where: str, target: Target, custom_calls: set[str]) -> Iterator[_Wire]:
    for part in parts:
        if isinstance(part, ToolCall):
            yield _render_call(part, where=where, target=target)
        elif isinstance(part, ToolResult):
            yield _render_result(part, where=where, target=target, custom=part.call_id in custom_calls)


def _render_call(call: ToolCall, *, where: str, target: Target) -> _Wire:
    if call.cache is not None:
        target.losses.hint(f"{where}: cache mark")
    wire: _Wire = {"type": "function_call", "call_id": _call_id(call.id, target), "name": call.name}
    if _is_custom(call, target):
        wire |= {"type": "custom_tool_call", "input": unwrap(call.arguments) or ""}
    else:
        wire["arguments"] = call.arguments if target.home else call.arguments or "{}"
    if call.signature:
        wire |= _render_signature(call.signature, where=where, target=target)
    return wire


def _render_signature(signature: str, *, where: str, target: Target) -> _Wire:
    """Write another vendor's proof of reasoning only to whom it came from; this vendor cannot use it."""
    if target.home:
        return {"extra_content": {"google": {"thought_signature": signature}}}
    target.losses.hint(f"{where}: signature of a tool call")
    return {}


def _render_result(result: ToolResult, *, where: str, target: Target, custom: bool) -> _Wire:
    """Write a tool's output; a failed one is marked as incomplete, the only mark there is."""
    wire: _Wire = {
        "type": "custom_tool_call_output" if custom else "function_call_output",
        "call_id": _call_id(result.call_id, target),
        "output": render_output(result.content, cache=result.cache, where=where, target=target),
    }
    if result.is_error:
        wire["status"] = "incomplete"
    if result.name and not custom:
        wire["name"] = result.name
    return wire


def _is_custom(call: ToolCall, target: Target) -> bool:
    return call.name in target.custom and unwrap(call.arguments) is not None


def _call_id(own: str, target: Target) -> str:
    """Give an id that the vendor takes; ids that differ stay different."""
    if target.home or 0 < len(own) <= LONGEST_ID:
        return own
    digest = hashlib.sha256(own.encode(errors="replace")).hexdigest()[:24]
    return f"{own[: LONGEST_ID - 25]}_{digest}"
