"""Messages API answers in both directions, streamed and whole.

Blocks of the vendor's own tools and citations have no word in the vocabulary and are passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from gateway_core.dialects.anthropic_messages.schema import (
    Block,
    Delta,
    MessageBody,
    StreamItem,
    UsageItem,
    merge_usage,
    parse_reason,
    parse_usage,
    render_reason,
    render_usage,
)
from gateway_core.dialects.failures import StreamedError, WireShapeWrong
from gateway_core.dialects.json_body import parse_arguments, parse_vendor_body, render_json, vendor_error
from gateway_core.dialects.sse import ServerSentEvent, render_sse
from gateway_core.inference.collect import Answer
from gateway_core.inference.events import (
    Finished,
    Started,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    Usage,
    UsageReported,
)
from gateway_core.inference.request import Text, Thinking, ToolCall

_ITEM = msgspec.json.Decoder(StreamItem)
_BODY = msgspec.json.Decoder(MessageBody)


@dataclass(slots=True)
class _Call:
    """A streamed tool call: its number in our events and the input its start brought."""

    number: int
    input: str
    said: bool = False


class EventParser:
    """Follow one stream. `Finished` is held until `message_stop`, so that usage comes before it."""

    def __init__(self) -> None:
        self._calls: dict[int, _Call] = {}
        self._usage = UsageItem()
        self._reason: str | None = None
        self._stop_sequence = ""
        self._stopped = False
        self._told = False

    @property
    def finished(self) -> bool:
        """Whether the answer is whole: a stop reason or `message_stop` was seen."""
        return self._stopped or self._reason is not None

    def feed(self, event: ServerSentEvent) -> list[StreamEvent]:
        """Take one event; raises `StreamedError` and `WireShapeWrong`."""
        if not event.data:
            return []
        item = parse_vendor_body(_ITEM, event.data)
        if item.type == "content_block_delta" and item.delta is not None:
            delta = item.delta
            if delta.type == "text_delta":
                return [TextDelta(delta.text)] if delta.text else []
            return list(self._take_delta(item.index, delta))
        return list(self._take(item))

    def close(self) -> list[StreamEvent]:
        """Say that the stream ended; gives `Finished` once, if the answer is whole."""
        if self._told or not self.finished:
            return []
        self._told = True
        reason = self._reason or ""
        return [Finished(parse_reason(reason), reason, self._stop_sequence)]

    def take_whole(self, body: MessageBody) -> list[StreamEvent]:
        """Take a whole body as if it had been streamed."""
        events: list[StreamEvent] = [Started(body.id or "", body.model or "")]
        for index, block in enumerate(body.content or ()):
            events.extend(self._begin_block(index, block))
            events.extend(self._end_block(index))
        events.extend(self._take_usage(body.usage))
        self._end(body.stop_reason or "end_turn", body.stop_sequence)
        return [*events, *self.close()]

    def _take(self, item: StreamItem) -> Iterable[StreamEvent]:
        match item.type:
            case "content_block_start" if item.content_block is not None:
                yield from self._begin_block(item.index, item.content_block)
            case "content_block_stop":
                yield from self._end_block(item.index)
            case "message_start" if item.message is not None:
                yield Started(item.message.id or "", item.message.model or "")
                yield from self._take_usage(item.message.usage)
            case "message_delta":
                if item.delta is not None and item.delta.stop_reason:
                    self._end(item.delta.stop_reason, item.delta.stop_sequence)
                yield from self._take_usage(item.usage)
            case "message_stop":
                self._stopped = True
                yield from self.close()
            case kind:
                if kind == "error" or item.error:
                    raise vendor_error(item.error) or StreamedError("no message")

    def _take_delta(self, index: int, delta: Delta) -> Iterable[StreamEvent]:
        if delta.thinking:
            yield ThinkingDelta(delta.thinking)
        if delta.signature:
            yield ThinkingDelta("", delta.signature)
        call = self._calls.get(index)
        if call is not None and delta.partial_json:
            call.said = True
            yield ToolCallDelta(call.number, arguments=delta.partial_json)

    def _begin_block(self, index: int, block: Block) -> Iterable[StreamEvent]:
        match block:
            case Block(type="text", text=str(text)) if text:
                yield TextDelta(text)
            case Block(type="tool_use"):
                call = _Call(len(self._calls), bytes(block.input).decode(errors="replace") or "{}")
                self._calls[index] = call
                yield ToolCallDelta(call.number, block.id or "", block.name or "")
            case Block(type="thinking"):
                if block.thinking:
                    yield ThinkingDelta(block.thinking)
                if block.signature:
                    yield ThinkingDelta("", block.signature)
            case Block(type="redacted_thinking", data=str(data)):
                yield ThinkingDelta(data, redacted=True)
            case _:
                pass

    def _end_block(self, index: int) -> Iterable[StreamEvent]:
        """End a block; a call whose input was not streamed has the one of its start, as a rule `{}`."""
        call = self._calls.get(index)
        if call is not None and not call.said:
            call.said = True
            yield ToolCallDelta(call.number, arguments=call.input)

    def _take_usage(self, usage: UsageItem | None) -> Iterable[StreamEvent]:
        if usage is not None:
            self._usage = merge_usage(self._usage, usage)
            yield UsageReported(parse_usage(self._usage))

    def _end(self, reason: str, stop_sequence: str | None) -> None:
        self._reason = reason
        self._stop_sequence = stop_sequence or ""


def parse_answer(body: bytes) -> list[StreamEvent]:
    """Read a whole answer into the events a stream of it would give.

    Raises `WireShapeWrong`, and `StreamedError` for an error under status 200.
    """
    message = parse_vendor_body(_BODY, body)
    error = vendor_error(message.error)
    if error is not None:
        raise error
    if message.content is None:
        raise WireShapeWrong("the answer has no content")
    return EventParser().take_whole(message)


# Every dialect writes answers with the same arguments; this one's bodies hold no time.
def render_answer(answer: Answer, *, created: int) -> bytes:  # noqa: ARG001
    """Write a whole answer."""
    finished = answer.finished
    return render_json(
        {
            **_message_head(answer.id, answer.model),
            "content": [_render_part(part) for part in answer.parts],
            "stop_reason": render_reason(finished.reason),
            "stop_sequence": finished.stop_sequence or None,
            "usage": render_usage(answer.usage or Usage()),
        }
    )


class EventRenderer:
    """Write one stream for a client.

    `id` and `model`, when given, stand in for the provider's own words. The first bytes leave with
    the first content or token count, so that `message_start` can name the prompt's tokens when the
    provider tells them early. Blocks are never nested: each ends before the next begins, and what a
    provider still adds to an earlier tool call is sent under that call's index.
    """

    # `id` is the vendor's word and the one callers pass by name.
    def __init__(self, *, id: str = "", model: str = "") -> None:  # noqa: A002
        self._id = id
        self._model = model
        self._begun = False
        self._usage = Usage()
        self._finished = Finished("unknown")
        self._index = -1
        self._open = ""
        self._sealed = False
        self._tools: dict[int, int] = {}

    def render(self, event: StreamEvent) -> bytes:
        """Write one event; some are kept for the end and give no bytes."""
        match event:
            case TextDelta():
                return self._text(event.text) if event.text else b""
            case ToolCallDelta():
                return self._tool(event)
            case ThinkingDelta():
                return self._thinking(event)
            case Started():
                self._id = self._id or event.id
                self._model = self._model or event.model
            case UsageReported():
                self._usage = event.usage
                return self._begin()
            case Finished():
                self._finished = event
        return b""

    def close(self) -> bytes:
        """Write the end of the stream, after its last event."""
        opening = self._begin() + self._stop_block()
        delta = {
            "stop_reason": render_reason(self._finished.reason),
            "stop_sequence": self._finished.stop_sequence or None,
        }
        last = _event("message_delta", {"delta": delta, "usage": render_usage(self._usage)})
        return opening + last + _event("message_stop", {})

    def _begin(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        message = {
            **_message_head(self._id, self._model),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": render_usage(self._usage),
        }
        return _event("message_start", {"message": message})

    def _text(self, text: str) -> bytes:
        opening = b"" if self._open == "text" else self._start_block("text", {"type": "text", "text": ""})
        return opening + _text_delta(self._index, text)

    def _thinking(self, event: ThinkingDelta) -> bytes:
        if event.redacted:
            block = {"type": "redacted_thinking", "data": event.text}
            return self._start_block("redacted", block) + self._stop_block()
        if not event.text and not event.signature:
            return b""
        written = b""
        if self._open != "thinking" or self._sealed:
            written = self._start_block("thinking", {"type": "thinking", "thinking": "", "signature": ""})
        if event.text:
            written += _delta(self._index, {"type": "thinking_delta", "thinking": event.text})
        if event.signature:
            self._sealed = True
            written += _delta(self._index, {"type": "signature_delta", "signature": event.signature})
        return written

    def _tool(self, event: ToolCallDelta) -> bytes:
        written = b""
        if event.index not in self._tools:
            block = {"type": "tool_use", "id": event.id, "name": event.name, "input": {}}
            written = self._start_block("tool", block)
            self._tools[event.index] = self._index
        if event.arguments:
            index = self._tools[event.index]
            written += _delta(index, {"type": "input_json_delta", "partial_json": event.arguments})
        return written

    def _start_block(self, kind: str, block: Mapping[str, object]) -> bytes:
        written = self._begin() + self._stop_block()
        self._index += 1
        self._open = kind
        self._sealed = False
        return written + _event("content_block_start", {"index": self._index, "content_block": block})

    def _stop_block(self) -> bytes:
        if not self._open:
            return b""
        self._open = ""
        return _event("content_block_stop", {"index": self._index})


def render_error(*, status: int, code: str, message: str) -> bytes:
    """Write the vendor's error body; `code` is ours and stands beside the vendor's members."""
    error = {"type": _error_type(status), "message": message, "code": code}
    return render_json({"type": "error", "error": error})


def render_streamed_error(*, status: int, code: str, message: str) -> bytes:
    """Write an error inside a stream; nothing follows it."""
    return render_sse(render_error(status=status, code=code, message=message), "error")


def _error_type(status: int) -> str:
    """Give the vendor's error type for a status. Source: Anthropic's page of errors, 2026-09."""
    types = {
        401: "authentication_error",
        402: "billing_error",
        403: "permission_error",
        404: "not_found_error",
        409: "conflict_error",
        413: "request_too_large",
        429: "rate_limit_error",
        504: "timeout_error",
        529: "overloaded_error",
    }
    return types.get(status, "invalid_request_error" if status < 500 else "api_error")


def _message_head(answer_id: str, model: str) -> dict[str, object]:
    return {"id": answer_id, "type": "message", "role": "assistant", "model": model}


def _render_part(part: Text | Thinking | ToolCall) -> dict[str, object]:
    match part:
        case Text():
            return {"type": "text", "text": part.text}
        case Thinking(redacted=True):
            return {"type": "redacted_thinking", "data": part.text}
        case Thinking():
            return {"type": "thinking", "thinking": part.text, "signature": part.signature}
        case ToolCall():
            return {"type": "tool_use", "id": part.id, "name": part.name, "input": parse_arguments(part.arguments)}


def _event(kind: str, members: dict[str, object]) -> bytes:
    return render_sse(render_json({"type": kind, **members}), kind)


def _delta(index: int, delta: dict[str, str]) -> bytes:
    return _event("content_block_delta", {"index": index, "delta": delta})


def _text_delta(index: int, text: str) -> bytes:
    """Write the commonest event without building it as an object first."""
    return (
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
        b'"delta":{"type":"text_delta","text":%b}}\n\n' % (index, render_json(text))
    )
