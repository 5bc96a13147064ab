"""OpenAI's answers, filled in from the recordings."""

from __future__ import annotations

from fakes.upstream_reply import Reply, ReplyUsage, ToolUse, split_arguments
from fakes.upstream_wire import Asked, Change, WireEvent, load_recording, put
from gateway_core.inference.request import Json


def chat_body(asked: Asked, reply: Reply) -> Json:
    """Fill in a whole chat completion."""
    recorded = load_recording("openai", "chat_tools_whole" if reply.tool_calls else "chat_whole").body
    text = "".join(asked.chunks) if asked.chunks or not reply.tool_calls else None
    changes: list[Change] = [(("model",), asked.model), (("choices", 0, "message", "content"), text)]
    if reply.tool_calls:
        calls: Json = [_call(call) for call in reply.tool_calls]
        changes.append((("choices", 0, "message", "tool_calls"), calls))
    return put(recorded, *changes, *_ending(reply), *_usage(reply.usage))


def completion_body(asked: Asked, reply: Reply) -> Json:
    """Fill in a whole text completion."""
    recorded = load_recording("openai", "completions_whole").body
    text = "".join(asked.chunks)
    return put(
        recorded, (("model",), asked.model), (("choices", 0, "text"), text), *_ending(reply), *_usage(reply.usage)
    )


def chat_events(asked: Asked, reply: Reply) -> tuple[WireEvent, ...]:
    """Fill in a streamed chat completion."""
    plain = load_recording("openai", "chat_stream").events
    recorded = load_recording("openai", "chat_tools_stream").events if reply.tool_calls else plain
    role = plain[0] if asked.chunks else recorded[0]
    texts = [plain[1].put((("choices", 0, "delta", "content"), chunk)).counted() for chunk in asked.chunks]
    calls = [event for index, call in enumerate(reply.tool_calls) for event in _call_events(call, index)]
    return _stream([role, *texts, *calls], ending=recorded[-3:], asked=asked, reply=reply)


def completion_events(asked: Asked, reply: Reply) -> tuple[WireEvent, ...]:
    """Fill in a streamed text completion."""
    recorded = load_recording("openai", "completions_stream").events
    texts = [recorded[0].put((("choices", 0, "text"), chunk)).counted() for chunk in asked.chunks]
    return _stream(texts, ending=recorded[-3:], asked=asked, reply=reply)


def _stream(
    events: list[WireEvent], *, ending: tuple[WireEvent, ...], asked: Asked, reply: Reply
) -> tuple[WireEvent, ...]:
    """Close a stream with its finish, its usage when asked for, and its terminator."""
    finish, usage, done = ending
    model = (("model",), asked.model)
    filled = [event.put(model) for event in [*events, finish.put(*_ending(reply))]]
    if asked.include_usage:
        filled.append(usage.put(model, *_usage(reply.usage)))
    else:
        # As the vendor does: the member `usage` is there, null, only when usage was asked for.
        filled = [event.without("usage") for event in filled]
    return (*filled, done) if reply.framing.terminator else tuple(filled)


def _ending(reply: Reply) -> list[Change]:
    return [] if reply.finish_reason is None else [(("choices", 0, "finish_reason"), reply.finish_reason)]


def _usage(usage: ReplyUsage | None) -> list[Change]:
    if usage is None:
        return []
    changes: list[Change] = [
        (("usage", "prompt_tokens"), usage.input_tokens),
        (("usage", "completion_tokens"), usage.output_tokens),
        (("usage", "total_tokens"), usage.input_tokens + usage.output_tokens),
    ]
    if usage.cached_tokens:
        changes.append((("usage", "prompt_tokens_details"), {"cached_tokens": usage.cached_tokens}))
    return changes


def _call(call: ToolUse) -> Json:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _call_events(call: ToolUse, index: int) -> list[WireEvent]:
    _, start, part, *_ = load_recording("openai", "chat_tools_stream").events
    where: tuple[str | int, ...] = ("choices", 0, "delta", "tool_calls", 0)
    number = ((*where, "index"), index)
    opening = start.put(number, ((*where, "id"), call.id), ((*where, "function", "name"), call.name))
    parts = [
        part.put(number, ((*where, "function", "arguments"), piece)).counted()
        for piece in split_arguments(call.arguments)
    ]
    return [opening, *parts]
