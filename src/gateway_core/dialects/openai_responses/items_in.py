"""The items of a caller's input, as messages.

What the model said between two turns of others is one message, as far as that keeps apart what came
apart. Items that only the vendor understands (references to stored items, calls of tools it runs)
are kept whole among the extras, each under its place: `input[3] of type 'item_reference'`; so are
single members, as `input[3].phase`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from gateway_core.dialects.json_body import parse_caller_body, parse_json
from gateway_core.dialects.openai_responses.custom import wrap
from gateway_core.dialects.openai_responses.parts import Extras, parse_content, parse_output
from gateway_core.dialects.openai_responses.schema import NOTHING, Item, Kind
from gateway_core.inference.request import Message, Part, Role, Thinking, ToolCall, ToolResult
from gateway_core.kernel.errors import RequestInvalid

REDACTED = "redacted_thinking:"
"""Begins the encrypted content that stands for reasoning another vendor keeps from sight."""

UNNAMED = "rs_unnamed"
"""Begins the id of reasoning whose vendor gave it none: read back, it has none again."""

_ITEM = msgspec.json.Decoder(Item)
_KIND = msgspec.json.Decoder(Kind)
_OURS = frozenset(
    {
        "message",
        "reasoning",
        "function_call",
        "function_call_output",
        "custom_tool_call",
        "custom_tool_call_output",
    }
)
_ROLES: dict[str, Role] = {"system": "system", "developer": "developer", "user": "user", "assistant": "assistant"}


@dataclass(slots=True)
class _Turn:
    """A message that still grows."""

    role: Role
    parts: list[Part]


def parse_items(raws: Sequence[msgspec.Raw], *, extras: Extras) -> list[Message]:
    """Read the input; raises `RequestInvalid` that names the item's member."""
    return [message for message, _ in parse_placed(raws, extras=extras)]


def parse_placed(raws: Sequence[msgspec.Raw], *, extras: Extras) -> list[tuple[Message, list[int]]]:
    """Read the input as messages, each with the numbers of its items."""
    turns: list[_Turn] = []
    items: list[list[int]] = []
    for number, raw in enumerate(raws):
        where = f"input[{number}]"
        item = _parse_item(raw, where=where, extras=extras)
        if item is None:
            continue
        _take(turns, item, where=where, extras=extras)
        if len(turns) > len(items):
            items.append([])
        items[-1].append(number)
    return [(Message(turn.role, tuple(turn.parts)), numbers) for turn, numbers in zip(turns, items, strict=True)]


def parse_inside(decoder: msgspec.json.Decoder[Item], raw: msgspec.Raw, *, where: str) -> Item:
    """Read an item that stands at this place of the body."""
    try:
        return parse_caller_body(decoder, bytes(raw))
    except RequestInvalid as error:
        raise RequestInvalid(place(str(error), where=where)) from error


def place(problem: str, *, where: str) -> str:
    """Name the whole path of a member in a problem that names its end."""
    if problem.startswith("the body"):
        return where + problem.removeprefix("the body")
    return f"{where}{problem}" if problem.startswith("[") else f"{where}.{problem}"


def _parse_item(raw: msgspec.Raw, *, where: str, extras: Extras) -> Item | None:
    """Give an item that we have words for; another one goes to the extras."""
    try:
        kind = parse_caller_body(_KIND, bytes(raw))
    except RequestInvalid as error:
        raise RequestInvalid(place(str(error), where=where)) from error
    name = kind.type or ("item_reference" if kind.role is None and kind.id else "message")
    if name not in _OURS:
        extras[f"{where} of type {name[:60]!r}"] = parse_json(raw)
        return None
    item = parse_inside(_ITEM, raw, where=where)
    item.type = name
    return item


def _take(turns: list[_Turn], item: Item, *, where: str, extras: Extras) -> None:
    _keep_members(item, where=where, extras=extras)
    match item.type:
        case "message":
            _take_message(turns, item, where=where, extras=extras)
        case "reasoning":
            _say(turns, parse_reasoning(item))
        case "function_call" | "custom_tool_call":
            _say(turns, (_parse_call(item, where=where),))
        case _:
            result = _parse_result(item, where=where, extras=extras)
            if not turns or turns[-1].role != "tool":
                turns.append(_Turn("tool", []))
            turns[-1].parts.append(result)


def _keep_members(item: Item, *, where: str, extras: Extras) -> None:
    if item.phase:
        extras[f"{where}.phase"] = item.phase
    if item.namespace:
        extras[f"{where}.namespace"] = item.namespace
    if item.caller != NOTHING and (caller := parse_json(item.caller)) not in (None, {"type": "direct"}):
        extras[f"{where}.caller"] = caller


def _take_message(turns: list[_Turn], item: Item, *, where: str, extras: Extras) -> None:
    role = _ROLES.get(item.role or "")
    if role is None:
        raise RequestInvalid(
            f"{where}.role: {(item.role or '')[:60]!r} is not known; send system, developer, user or assistant."
        )
    if item.content is None:
        raise RequestInvalid(f"{where}.content: this member is required; send text or parts.")
    parts = parse_content(item.content, where=f"{where}.content", extras=extras)
    if role == "assistant" and parts and _may_join(turns):
        _say(turns, parts)
    else:
        turns.append(_Turn(role, list(parts)))


def _may_join(turns: list[_Turn]) -> bool:
    """Tell whether a message belongs to the turn before: not when that ended with a message."""
    if not turns or turns[-1].role != "assistant" or not turns[-1].parts:
        return False
    return isinstance(turns[-1].parts[-1], (Thinking, ToolCall))


def _say(turns: list[_Turn], parts: tuple[Part, ...]) -> None:
    if turns and turns[-1].role == "assistant" and turns[-1].parts:
        turns[-1].parts.extend(parts)
    else:
        turns.append(_Turn("assistant", list(parts)))


def parse_reasoning(item: Item) -> tuple[Thinking, ...]:
    """Read a reasoning item: one piece for each part, the last of which bears the encrypted content."""
    sealed, own = item.encrypted_content or "", item.id or ""
    own = "" if own.startswith(UNNAMED) else own
    content = item.content if isinstance(item.content, list) else ()
    texts = [part.text or "" for part in (*content, *(item.summary or ()))]
    if sealed.startswith(REDACTED) and not texts:
        return (Thinking(sealed.removeprefix(REDACTED), redacted=True, id=own),)
    if not texts:
        return (Thinking("", sealed, id=own),)
    return (*(Thinking(text, id=own) for text in texts[:-1]), Thinking(texts[-1], sealed, id=own))


def _parse_call(item: Item, *, where: str) -> ToolCall:
    if not item.call_id or not item.name:
        raise RequestInvalid(f"{where}: a call needs `call_id` and `name`; add them.")
    google = item.extra_content.google if item.extra_content else None
    signature = (google.thought_signature if google else None) or ""
    arguments = wrap(item.input or "") if item.type == "custom_tool_call" else item.arguments or ""
    return ToolCall(item.call_id, item.name, arguments, signature)


def _parse_result(item: Item, *, where: str, extras: Extras) -> ToolResult:
    if not item.call_id:
        raise RequestInvalid(f"{where}.call_id: a tool's output needs the id of the call that it answers; add it.")
    if item.output is None:
        raise RequestInvalid(f"{where}.output: this member is required; send text or parts.")
    content = parse_output(item.output, where=f"{where}.output", extras=extras)
    return ToolResult(item.call_id, content, item.status == "incomplete", item.name or "")
