"""Messages API requests in both directions.

What the vocabulary has no word for stays in `extras` under the vendor's own name: whole members
(`metadata`, `thinking`, `service_tier`, …) and tools that the vendor runs itself (`tools`).
Rendering puts them back.

Dropped, for the vocabulary has no place for them inside a message: `cache_control`, `citations`,
and members of a tool other than its name, description and schema. Content blocks of other types
(documents, search results, the vendor's own tools) are refused, for an answer about a document that
was quietly left out would be wrong.

Going out: `seed` has no counterpart and is left out; the temperature is at most 1; text of white
space alone and reasoning without a signature, both of which the vendor refuses, are left out; every
system or developer turn joins the system prompt, wherever it stood, for models before 2026 take none
among the messages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from gateway_core.dialects.anthropic_messages.schema import (
    Block,
    Choice,
    MessagesRequest,
    Source,
    ToolItem,
    Turn,
)
from gateway_core.dialects.json_body import (
    parse_arguments,
    parse_caller_body,
    parse_extras,
    parse_json,
    render_json,
)
from gateway_core.inference.request import (
    Completion,
    Conversation,
    Image,
    InferenceRequest,
    Json,
    Message,
    Part,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from gateway_core.kernel.errors import RequestInvalid
from gateway_core.kernel.units import Tokens

DEFAULT_MAX_TOKENS = Tokens(4096)
"""Sent when the caller named no limit, for the vendor requires one."""

_DECODER = msgspec.json.Decoder(MessagesRequest)
_TOOL = msgspec.json.Decoder(ToolItem)
_KNOWN = frozenset(MessagesRequest.__struct_fields__)
_NOT_IN_AN_ID = re.compile(r"[^a-zA-Z0-9_-]")


def parse_request(body: bytes) -> InferenceRequest:
    """Read a request; raises `RequestInvalid` naming the member and the cure."""
    wire = parse_caller_body(_DECODER, body)
    extras = parse_extras(body, known=_KNOWN)
    tools, other_tools = _parse_tools(wire.tools or [])
    if other_tools:
        extras["tools"] = other_tools
    messages = [*_parse_system(wire.system), *_parse_turns(wire.messages)]
    conversation = Conversation(tuple(messages), tools, _parse_choice(wire.tool_choice))
    stop = tuple(wire.stop_sequences or ())
    sampling = Sampling(wire.max_tokens, wire.temperature, wire.top_p, wire.top_k, stop)
    return InferenceRequest(wire.model, conversation, sampling, wire.stream or False, extras)


def render_request(request: InferenceRequest) -> bytes:
    """Write a request. A plain completion becomes one user turn; one with a suffix raises `RequestInvalid`."""
    prompt = _conversation_in(request)
    sampling = request.sampling
    temperature = sampling.temperature
    members: dict[str, object] = {
        "model": request.model,
        "max_tokens": DEFAULT_MAX_TOKENS if sampling.max_tokens is None else sampling.max_tokens,
        "system": _render_system(prompt.messages),
        "messages": _render_turns(prompt.messages),
        "temperature": None if temperature is None else min(temperature, 1.0),
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "stop_sequences": list(sampling.stop) or None,
        "stream": request.stream or None,
        "tools": [_render_tool(tool) for tool in prompt.tools] or None,
    }
    body = {name: value for name, value in members.items() if value is not None}
    for name, value in request.extras.items():
        if name == "tools" and isinstance(value, list):
            body["tools"] = [*[_render_tool(tool) for tool in prompt.tools], *value]
        else:
            body[name] = value
    if prompt.tool_choice is not None and "tools" in body:
        body.setdefault("tool_choice", _render_choice(prompt.tool_choice))
    return render_json(body)


def _conversation_in(request: InferenceRequest) -> Conversation:
    match request.prompt:
        case Conversation():
            return request.prompt
        case Completion(prompt=text, suffix=None | ""):
            return Conversation((Message("user", (Text(text),)),))
        case Completion():
            raise RequestInvalid(
                f"suffix: model {request.model!r} takes conversations, which have no gap to fill; "
                "leave the suffix out or choose a model with a completion endpoint."
            )


def _parse_system(system: str | list[Block] | None) -> Iterable[Message]:
    texts = [Text(system)] if isinstance(system, str) else [Text(block.text or "") for block in system or ()]
    said = tuple(text for text in texts if text.text)
    if said:
        yield Message("system", said)


def _parse_turns(turns: list[Turn]) -> Iterable[Message]:
    for number, turn in enumerate(turns):
        where = f"messages[{number}]"
        parts = _parse_content(turn.content, where=f"{where}.content")
        match turn.role:
            case "assistant":
                yield Message("assistant", parts)
            case "system":
                yield Message("system", parts)
            case "user":
                yield from _parse_user(parts)
            case _:
                raise RequestInvalid(f"{where}.role: {turn.role!r} is not known; send user or assistant.")


def _parse_user(parts: tuple[Part, ...]) -> Iterable[Message]:
    """Part tool results, which are a turn of the tool role, from what the user says."""
    if not parts:
        yield Message("user", ())
    run: list[Part] = []
    for part in parts:
        if run and isinstance(run[-1], ToolResult) is not isinstance(part, ToolResult):
            yield _run_of(run)
            run = []
        run.append(part)
    if run:
        yield _run_of(run)


def _run_of(parts: list[Part]) -> Message:
    return Message("tool" if isinstance(parts[0], ToolResult) else "user", tuple(parts))


def _parse_content(content: str | list[Block], *, where: str) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (Text(content),) if content else ()
    return tuple(_parse_block(block, where=f"{where}[{number}]") for number, block in enumerate(content))


def _parse_block(block: Block, *, where: str) -> Part:
    match block:
        case Block(type="text" | "image"):
            return _parse_shown(block, where=where)
        case Block(type="tool_use", id=str(call_id), name=str(name)):
            return ToolCall(call_id, name, bytes(block.input).decode(errors="replace") or "{}")
        case Block(type="tool_result", tool_use_id=str(call_id)):
            return ToolResult(call_id, _parse_result(block, where=where), block.is_error or False)
        case Block(type="thinking", thinking=str(thought)):
            return Thinking(thought, block.signature or "")
        case Block(type="redacted_thinking", data=str(data)):
            return Thinking(data, redacted=True)
    raise _not_understood(block, where=where)


def _parse_shown(block: Block, *, where: str) -> Text | Image:
    match block:
        case Block(type="text", text=str(text)):
            return Text(text)
        case Block(type="image", source=Source(type="base64", media_type=str(kind), data=str(data))):
            return Image(media_type=kind, data=data)
        case Block(type="image", source=Source(type="url", url=str(url))):
            return Image(url=url)
    raise _not_understood(block, where=where)


def _parse_result(block: Block, *, where: str) -> tuple[Text | Image, ...]:
    content = block.content
    if isinstance(content, str):
        return (Text(content),) if content else ()
    if isinstance(content, dict):
        raise _not_understood(block, where=where)
    return tuple(_parse_shown(part, where=f"{where}.content[{i}]") for i, part in enumerate(content or ()))


def _not_understood(block: Block, *, where: str) -> RequestInvalid:
    return RequestInvalid(
        f"{where}: a block of type {block.type!r} cannot be translated for the models here, or a member of it "
        "is missing; send text, image (base64 or url), tool_use, tool_result, thinking or redacted_thinking."
    )


def _parse_tools(items: list[msgspec.Raw]) -> tuple[tuple[Tool, ...], list[Json]]:
    """Part the tools with a schema, which we have a word for, from those the vendor runs itself."""
    tools: list[Tool] = []
    others: list[Json] = []
    for number, raw in enumerate(items):
        item = parse_caller_body(_TOOL, bytes(raw))
        if item.input_schema is None:
            others.append(parse_json(raw))
        elif not item.name:
            raise RequestInvalid(f"tools[{number}].name: this member is required; add it.")
        else:
            tools.append(Tool(item.name, item.description or "", item.input_schema))
    return tuple(tools), others


def _parse_choice(choice: Choice | None) -> ToolChoice | None:
    if choice is None:
        return None
    parallel = None if choice.disable_parallel_tool_use is None else not choice.disable_parallel_tool_use
    match choice.type:
        case "auto":
            return ToolChoice("auto", parallel=parallel)
        case "any":
            return ToolChoice("required", parallel=parallel)
        case "none":
            return ToolChoice("none")
        case "tool" if choice.name:
            return ToolChoice("named", choice.name, parallel)
    raise RequestInvalid(f"tool_choice: {choice.type!r} is not known or lacks a name; send auto, any, tool or none.")


def _render_system(messages: Iterable[Message]) -> object:
    texts = [
        part.text
        for message in messages
        if message.role in {"system", "developer"}
        for part in message.parts
        if isinstance(part, Text) and part.text.strip()
    ]
    if len(texts) <= 1:
        return texts[0] if texts else None
    return [{"type": "text", "text": text} for text in texts]


def _render_turns(messages: Iterable[Message]) -> list[dict[str, object]]:
    """Write turns; those of one side that follow each other become one."""
    turns: list[tuple[str, list[dict[str, object]]]] = []
    for message in messages:
        if message.role in {"system", "developer"}:
            continue
        role = "assistant" if message.role == "assistant" else "user"
        blocks = [block for part in message.parts if (block := _render_block(part)) is not None]
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(blocks)
        elif blocks:
            turns.append((role, blocks))
    return [{"role": role, "content": _render_blocks(blocks)} for role, blocks in turns]


def _render_blocks(blocks: list[dict[str, object]]) -> object:
    if len(blocks) == 1 and blocks[0]["type"] == "text":
        return blocks[0]["text"]
    return blocks


def _render_block(part: Part) -> dict[str, object] | None:
    """Write one block; None for what the vendor would refuse."""
    match part:
        case Text(text=text):
            return {"type": "text", "text": text} if text.strip() else None
        case Image():
            return {"type": "image", "source": _render_source(part)}
        case Thinking(redacted=True):
            return {"type": "redacted_thinking", "data": part.text}
        case Thinking():
            return {"type": "thinking", "thinking": part.text, "signature": part.signature} if part.signature else None
        case ToolCall():
            return _render_call(part)
        case ToolResult():
            return _render_result(part)


def _render_call(call: ToolCall) -> dict[str, object]:
    """Write one tool call; the vendor takes letters, digits, `_` and `-` in an id."""
    return {"type": "tool_use", "id": _id(call.id), "name": call.name, "input": parse_arguments(call.arguments)}


def _render_result(result: ToolResult) -> dict[str, object]:
    wire: dict[str, object] = {"type": "tool_result", "tool_use_id": _id(result.call_id)}
    blocks = [block for part in result.content if (block := _render_block(part)) is not None]
    if blocks:
        wire["content"] = _render_blocks(blocks)
    if result.is_error:
        wire["is_error"] = True
    return wire


def _id(call_id: str) -> str:
    return _NOT_IN_AN_ID.sub("_", call_id)


def _render_source(image: Image) -> dict[str, str]:
    if image.url:
        return {"type": "url", "url": image.url}
    return {"type": "base64", "media_type": image.media_type, "data": image.data}


def _render_tool(tool: Tool) -> dict[str, object]:
    wire: dict[str, object] = {"name": tool.name, "input_schema": {"type": "object", **tool.parameters}}
    if tool.description:
        wire["description"] = tool.description
    return wire


def _render_choice(choice: ToolChoice) -> dict[str, object]:
    names = {"auto": "auto", "required": "any", "named": "tool", "none": "none"}
    wire: dict[str, object] = {"type": names[choice.mode]}
    if choice.mode == "named":
        wire["name"] = choice.name
    if choice.parallel is not None and choice.mode != "none":
        wire["disable_parallel_tool_use"] = not choice.parallel
    return wire
