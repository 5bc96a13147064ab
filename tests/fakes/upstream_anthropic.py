"""Anthropic's answers, filled in from the recordings."""

from __future__ import annotations

import json

from fakes.upstream_reply import Reply, ReplyUsage, ToolUse, split_arguments
from fakes.upstream_wire import Asked, Change, WireEvent, load_recording, put
from gateway_core.inference.request import Json


def message_body(asked: Asked, reply: Reply) -> Json:
    """Fill in a whole message."""
    recorded = load_recording("anthropic", "chat_tools_whole" if reply.tool_calls else "chat_whole").body
    content: list[Json] = [{"type": "text", "text": "".join(asked.chunks)}] if asked.chunks else []
    content += [_call(call, json.loads(call.arguments)) for call in reply.tool_calls]
    return put(
        recorded,
        (("model",), asked.model),
        (("content",), content),
        *_ending(reply, ()),
        *_input_usage(reply.usage, ("usage",)),
        *_output_usage(reply.usage),
    )


def message_events(asked: Asked, reply: Reply) -> tuple[WireEvent, ...]:
    """Fill in a streamed message; the first block is followed by a ping, as recorded."""
    plain = load_recording("anthropic", "chat_stream").events
    recorded = load_recording("anthropic", "chat_tools_stream").events if reply.tool_calls else plain
    blocks = [_text_block(plain, asked.chunks)] if asked.chunks else []
    blocks += [_call_block(call, len(blocks) + index) for index, call in enumerate(reply.tool_calls)]
    body = [event for block in blocks for event in block]
    body[1:1] = [recorded[2]] if body else []
    ending, stop = recorded[-2:]
    start = recorded[0].put((("message", "model"), asked.model), *_input_usage(reply.usage, ("message", "usage")))
    finish = ending.put(
        *_ending(reply, ("delta",)), *_input_usage(reply.usage, ("usage",)), *_output_usage(reply.usage)
    )
    filled = [start, *body, finish]
    return (*filled, stop) if reply.framing.terminator else tuple(filled)


def _text_block(recorded: tuple[WireEvent, ...], chunks: tuple[str, ...]) -> list[WireEvent]:
    opening, delta, closing = recorded[1], recorded[3], recorded[-3]
    return [opening, *[delta.put((("delta", "text"), chunk)).counted() for chunk in chunks], closing]


def _call_block(call: ToolUse, index: int) -> list[WireEvent]:
    _, opening, _, empty, delta, *_, closing, _, _ = load_recording("anthropic", "chat_tools_stream").events
    number = (("index",), index)
    parts = [
        delta.put(number, (("delta", "partial_json"), piece)).counted() for piece in split_arguments(call.arguments)
    ]
    return [
        opening.put(number, (("content_block",), _call(call, {}))),
        empty.put(number),
        *parts,
        closing.put(number),
    ]


def _call(call: ToolUse, arguments: Json) -> Json:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": arguments}


def _ending(reply: Reply, where: tuple[str, ...]) -> list[Change]:
    changes: list[Change] = []
    if reply.finish_reason is not None:
        changes.append(((*where, "stop_reason"), reply.finish_reason))
    if reply.stop_sequence is not None:
        changes.append(((*where, "stop_sequence"), reply.stop_sequence))
    return changes


def _input_usage(usage: ReplyUsage | None, where: tuple[str, ...]) -> list[Change]:
    if usage is None:
        return []
    # The vendor counts cached tokens beside the others, not among them.
    return [
        ((*where, "input_tokens"), usage.input_tokens - usage.cached_tokens),
        ((*where, "cache_read_input_tokens"), usage.cached_tokens),
    ]


def _output_usage(usage: ReplyUsage | None) -> list[Change]:
    return [] if usage is None else [(("usage", "output_tokens"), usage.output_tokens)]
