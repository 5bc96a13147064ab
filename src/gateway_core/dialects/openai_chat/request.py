"""Chat completion requests in both directions.

What the vocabulary has no word for stays in `extras` under the vendor's own name: whole members
(`response_format`, `user`, `stream_options`, …), tools that are no functions (`tools`), and tool
choices that are neither a word nor a function (`tool_choice`). Rendering puts them back.

Dropped, for the vocabulary has no place inside a message for them: a message's `name`, an image's
`detail`, a function's `strict`, reasoning in earlier turns. A failed tool result is sent as any
other, for this dialect cannot mark it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from gateway_core.dialects.json_body import parse_caller_body, parse_extras, parse_json, render_json
from gateway_core.dialects.openai_chat.schema import (
    ChatRequest,
    ContentPart,
    ImageUrl,
    MessageItem,
    NamedChoice,
    ToolCallItem,
    ToolItem,
)
from gateway_core.inference.request import (
    Completion,
    Conversation,
    Image,
    InferenceRequest,
    Json,
    Message,
    Part,
    Role,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from gateway_core.kernel.errors import RequestInvalid

_DECODER = msgspec.json.Decoder(ChatRequest)
_TOOL = msgspec.json.Decoder(ToolItem)
_KNOWN = frozenset(ChatRequest.__struct_fields__)
_CHOICE: msgspec.json.Decoder[str | NamedChoice | None] = msgspec.json.Decoder(str | NamedChoice | None)
_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}
_DATA_URL = re.compile(r"data:(?P<kind>[^;,]*)(?:;[^;,]*)*;base64,(?P<data>.*)", re.DOTALL)

# OpenAI's reasoning models refuse `max_tokens` and its other models take both names; many compatible
# servers know only `max_tokens`. So the new name goes out where it must. Source: API reference, 2026-09.
_NEW_LIMIT_NAME = re.compile(r"(?:o\d|gpt-[5-9])")


def parse_request(body: bytes) -> InferenceRequest:
    """Read a request; raises `RequestInvalid` naming the member and the cure."""
    wire = parse_caller_body(_DECODER, body)
    if wire.n not in {None, 1}:
        raise RequestInvalid(f"n: this gateway gives one answer a request, not {wire.n}; leave n out or send 1.")
    extras = parse_extras(body, known=_KNOWN)
    if wire.max_completion_tokens is not None and not _NEW_LIMIT_NAME.match(wire.model):
        extras["max_completion_tokens"] = wire.max_completion_tokens
    tools, other_tools = _parse_tools(wire.tools or [])
    if other_tools:
        extras["tools"] = other_tools
    choice = _parse_choice(wire, extras)
    conversation = Conversation(_parse_messages(wire.messages), tools, choice)
    return InferenceRequest(wire.model, conversation, _parse_sampling(wire), wire.stream or False, extras)


def parse_stop(stop: str | list[str] | None) -> tuple[str, ...]:
    """Read stop sequences: one, several or none."""
    return (stop,) if isinstance(stop, str) else tuple(stop or ())


def wants_usage(request: InferenceRequest) -> bool:
    """Tell whether the caller asked for token counts at the end of the stream."""
    options = request.extras.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def render_request(request: InferenceRequest) -> bytes:
    """Write a request; a stream always asks for token counts.

    A plain completion becomes one user turn; one with a suffix raises `RequestInvalid`.
    """
    prompt = conversation_in(request)
    body: dict[str, object] = {"model": request.model, "messages": list(_render_messages(prompt.messages))}
    body.update(render_sampling(request, limit=_limit_name(request)))
    if prompt.tools:
        body["tools"] = [_render_tool(tool) for tool in prompt.tools]
    if prompt.tools or "tools" in request.extras:
        body.update(_render_choice(prompt.tool_choice))
    return render_json(with_extras(body, request))


def conversation_in(request: InferenceRequest) -> Conversation:
    """Give the conversation of a request, making one of a plain completion."""
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


def render_sampling(request: InferenceRequest, *, limit: str) -> dict[str, object]:
    """Write what was asked about drawing the answer; `limit` is the name of the token limit."""
    sampling = request.sampling
    members: dict[str, object] = {
        limit: sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "stop": list(sampling.stop) or None,
        "seed": sampling.seed,
    }
    return {name: value for name, value in members.items() if value is not None}


def with_extras(body: dict[str, object], request: InferenceRequest) -> dict[str, object]:
    """Put back the members without a word of ours, and what every stream needs."""
    for name, value in request.extras.items():
        if name == "tools" and isinstance(value, list):
            ours = body.get("tools")
            body["tools"] = [*ours, *value] if isinstance(ours, list) else value
        elif name not in {"max_completion_tokens", "stream_options", "stream"}:
            body[name] = value
    if request.stream:
        options = request.extras.get("stream_options")
        body["stream"] = True
        body["stream_options"] = {**(options if isinstance(options, dict) else {}), "include_usage": True}
    return body


def _limit_name(request: InferenceRequest) -> str:
    new = "max_completion_tokens" in request.extras or _NEW_LIMIT_NAME.match(request.model)
    return "max_completion_tokens" if new else "max_tokens"


def _parse_sampling(wire: ChatRequest) -> Sampling:
    limit = wire.max_tokens if wire.max_completion_tokens is None else wire.max_completion_tokens
    return Sampling(limit, wire.temperature, wire.top_p, wire.top_k, parse_stop(wire.stop), wire.seed)


def _parse_messages(items: list[MessageItem]) -> tuple[Message, ...]:
    """Read messages; tool results that follow each other are one turn."""
    messages: list[Message] = []
    for number, item in enumerate(items):
        message = _parse_message(item, where=f"messages[{number}]")
        if message.role == "tool" and messages and messages[-1].role == "tool":
            message = Message("tool", messages.pop().parts + message.parts)
        messages.append(message)
    return tuple(messages)


def _parse_message(item: MessageItem, *, where: str) -> Message:
    role = _ROLES.get(item.role)
    if role is None:
        raise RequestInvalid(
            f"{where}.role: {item.role!r} is not known; send system, developer, user, assistant or tool."
        )
    content = _parse_content(item.content, where=f"{where}.content")
    if role == "tool":
        if not item.tool_call_id:
            raise RequestInvalid(f"{where}.tool_call_id: a tool message needs the id of the call that it answers.")
        return Message("tool", (ToolResult(item.tool_call_id, content),))
    if role != "assistant":
        if item.content is None:
            raise RequestInvalid(f"{where}.content: this member is required; send text or parts.")
        return Message(role, content)
    parts: list[Part] = list(content)
    if item.refusal:
        parts.append(Text(item.refusal))
    parts += [_parse_call(call, where=f"{where}.tool_calls[{i}]") for i, call in enumerate(item.tool_calls or [])]
    return Message("assistant", tuple(parts))


def _parse_content(content: str | list[ContentPart] | None, *, where: str) -> tuple[Text | Image, ...]:
    if isinstance(content, str):
        return (Text(content),) if content else ()
    return tuple(_parse_part(part, where=f"{where}[{number}]") for number, part in enumerate(content or ()))


def _parse_part(part: ContentPart, *, where: str) -> Text | Image:
    if part.type == "text" and part.text is not None:
        return Text(part.text)
    if part.type == "refusal" and part.refusal is not None:
        return Text(part.refusal)
    if part.type == "image_url" and part.image_url is not None:
        return parse_image_url(part.image_url.url if isinstance(part.image_url, ImageUrl) else part.image_url)
    raise RequestInvalid(
        f"{where}: a part of type {part.type!r} is not understood, or its member is missing; "
        "send text with `text`, or image_url with `image_url.url`."
    )


def parse_image_url(url: str) -> Image:
    """Read a picture's address; a `data:` address in base64 becomes the picture itself."""
    if url.startswith("data:") and (match := _DATA_URL.fullmatch(url)):
        return Image(media_type=match["kind"], data=match["data"])
    return Image(url=url)


def _parse_call(call: ToolCallItem, *, where: str) -> ToolCall:
    if not call.id or call.function is None or not call.function.name:
        raise RequestInvalid(f"{where}: a tool call needs `id` and `function` with `name` and `arguments`.")
    return ToolCall(call.id, call.function.name, call.function.arguments or "")


def _parse_tools(items: list[msgspec.Raw]) -> tuple[tuple[Tool, ...], list[Json]]:
    """Part the functions, which we have a word for, from other kinds of tools."""
    tools: list[Tool] = []
    others: list[Json] = []
    for raw in items:
        function = parse_caller_body(_TOOL, bytes(raw)).function
        if function is None:
            others.append(parse_json(raw))
        else:
            tools.append(Tool(function.name, function.description or "", function.parameters or {}))
    return tuple(tools), others


def _parse_choice(wire: ChatRequest, extras: dict[str, Json]) -> ToolChoice | None:
    parallel = wire.parallel_tool_calls
    match parse_caller_body(_CHOICE, bytes(wire.tool_choice)):
        case "auto" | "none" | "required" as mode:
            return ToolChoice(mode, parallel=parallel)
        case NamedChoice(type="function", function=function) if function is not None:
            return ToolChoice("named", function.name, parallel)
        case NamedChoice():
            extras["tool_choice"] = parse_json(wire.tool_choice)
        case str() as word:
            raise RequestInvalid(f"tool_choice: {word!r} is not known; send auto, none, required or a function.")
    return None if parallel is None else ToolChoice(parallel=parallel)


def _render_messages(messages: Iterable[Message]) -> Iterable[dict[str, object]]:
    for message in messages:
        if message.role == "tool":
            yield from _render_results(message)
        elif message.role == "assistant":
            yield _render_assistant(message)
        else:
            yield {"role": message.role, "content": _render_content(message.parts)}


def _render_results(message: Message) -> Iterable[dict[str, object]]:
    """Write tool results; their pictures follow in a user turn, for a tool message holds text only."""
    pictures: list[Image] = []
    for result in message.parts:
        if isinstance(result, ToolResult):
            texts = [part for part in result.content if isinstance(part, Text)]
            pictures += [part for part in result.content if isinstance(part, Image)]
            yield {"role": "tool", "tool_call_id": result.call_id, "content": _render_content(texts)}
    if pictures:
        yield {"role": "user", "content": _render_content(pictures)}


def _render_assistant(message: Message) -> dict[str, object]:
    calls = [part for part in message.parts if isinstance(part, ToolCall)]
    said = [part for part in message.parts if isinstance(part, (Text, Image))]
    wire: dict[str, object] = {"role": "assistant", "content": _render_content(said) if said or not calls else None}
    if calls:
        wire["tool_calls"] = [render_call(call) for call in calls]
    return wire


def render_call(call: ToolCall) -> dict[str, object]:
    """Write one tool call."""
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}


def _render_content(parts: Iterable[Part]) -> object:
    """Write text alone as text, which every server takes, and anything else as parts."""
    said = [part for part in parts if isinstance(part, (Text, Image))]
    if not said:
        return ""
    if len(said) == 1 and isinstance(said[0], Text):
        return said[0].text
    return [_render_part(part) for part in said]


def _render_part(part: Text | Image) -> dict[str, object]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    url = part.url or f"data:{part.media_type};base64,{part.data}"
    return {"type": "image_url", "image_url": {"url": url}}


def _render_tool(tool: Tool) -> dict[str, object]:
    function: dict[str, object] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.parameters:
        function["parameters"] = tool.parameters
    return {"type": "function", "function": function}


def _render_choice(choice: ToolChoice | None) -> dict[str, object]:
    if choice is None:
        return {}
    members: dict[str, object] = {"tool_choice": choice.mode}
    if choice.mode == "named":
        members["tool_choice"] = {"type": "function", "function": {"name": choice.name}}
    if choice.parallel is not None:
        members["parallel_tool_calls"] = choice.parallel
    return members
