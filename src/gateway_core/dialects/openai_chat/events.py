"""Chat completion answers in both directions, streamed and whole.

Reasoning travels as `reasoning_content`, the name most compatible servers use; signatures and
redacted reasoning have no place here and are left out. A refusal is the vendor's `refusal` in a
whole answer; in a stream its text has already gone out when we learn of it, so the last chunk says
`content_filter` and carries an empty `refusal`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from gateway_core.dialects.failures import WireShapeWrong
from gateway_core.dialects.json_body import parse_vendor_body, render_json, vendor_error
from gateway_core.dialects.openai_chat.request import render_call
from gateway_core.dialects.openai_chat.schema import (
    Choice,
    Chunk,
    ContentPart,
    Delta,
    ToolCallItem,
    parse_reason,
    parse_usage,
    render_reason,
    render_usage,
)
from gateway_core.dialects.sse import ServerSentEvent, render_sse
from gateway_core.inference.collect import Answer
from gateway_core.inference.events import (
    Finished,
    FinishReason,
    Started,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    Usage,
    UsageReported,
)
from gateway_core.inference.request import Text, Thinking, ToolCall

_DECODER = msgspec.json.Decoder(Chunk)
_DONE = b"[DONE]"
_DONE_EVENT = render_sse(_DONE)


@dataclass(slots=True)
class _Call:
    """A tool call that has begun: its number in our events and what was told of it."""

    number: int
    id: str
    named: bool = False


class _ToolCalls:
    """Number the tool calls of one answer, whatever the server numbers them by."""

    def __init__(self) -> None:
        self._by_key: dict[int, _Call] = {}
        self._count = 0

    def __bool__(self) -> bool:
        return self._count > 0

    def take(self, item: ToolCallItem, *, answer_id: str) -> ToolCallDelta:
        """Turn one wire item into our delta.

        Some compatible servers send no index, or index 0 for every call with a new id: a new id is a
        new call. Some send no id at all: then the answer's id and the call's number make one.
        """
        key = item.index if item.index is not None else max(self._count - (0 if item.id else 1), 0)
        call = self._by_key.get(key)
        function = item.function
        name = (function.name if function else "") or ""
        arguments = (function.arguments if function else "") or ""
        if call is None or (item.id and item.id != call.id):
            call = _Call(self._count, item.id or f"call_{answer_id}_{self._count}", bool(name))
            self._by_key[key] = call
            self._count += 1
            return ToolCallDelta(call.number, call.id, name, arguments)
        if name and not call.named:
            call.named = True
            return ToolCallDelta(call.number, "", name, arguments)
        return ToolCallDelta(call.number, "", "", arguments)


class EventParser:
    """Follow one stream. `Finished` is held until the stream ends, so that usage comes before it."""

    def __init__(self) -> None:
        self._id = ""
        self._started = False
        self._done = False
        self._told = False
        self._refused = False
        self._reason: str | None = None
        self._calls = _ToolCalls()

    @property
    def finished(self) -> bool:
        """Whether the answer is whole: a finish reason or `[DONE]` was seen."""
        return self._done or self._reason is not None

    def feed(self, event: ServerSentEvent) -> list[StreamEvent]:
        """Take one event; raises `StreamedError` and `WireShapeWrong`."""
        data = event.data
        if data == _DONE:
            self._done = True
            return self.close()
        if not data:
            return []
        chunk = parse_vendor_body(_DECODER, data)
        choices = chunk.choices
        if self._started and chunk.usage is None and choices and len(choices) == 1:
            text = _only_text(choices[0])
            if text is not None:
                return [TextDelta(text)] if text else []
        return self._take(chunk)

    def close(self) -> list[StreamEvent]:
        """Say that the stream ended; gives `Finished` once, if the answer is whole."""
        if self._told or not self.finished:
            return []
        self._told = True
        reason = self._reason or ""
        return [Finished(_reason_of(reason, calls=bool(self._calls), refused=self._refused), reason)]

    def take_whole(self, chunk: Chunk) -> list[StreamEvent]:
        """Take a whole body as if it had been streamed."""
        if not chunk.choices:
            raise WireShapeWrong("the answer has no choices")
        for choice in chunk.choices:
            if choice.message is None:
                raise WireShapeWrong("a choice of the answer has no message")
            choice.delta = choice.message
            choice.finish_reason = choice.finish_reason or "stop"
        return [*self._take(chunk), *self.close()]

    def _take(self, chunk: Chunk) -> list[StreamEvent]:
        error = vendor_error(chunk.error)
        if error is not None:
            raise error
        events: list[StreamEvent] = []
        choices = chunk.choices or []
        if not self._started and (chunk.id or choices):
            self._started = True
            self._id = chunk.id or ""
            events.append(Started(self._id, chunk.model or ""))
        for choice in choices:
            if choice.index == 0:
                events.extend(self._take_choice(choice))
        if chunk.usage is not None:
            events.append(UsageReported(parse_usage(chunk.usage)))
        return events

    def _take_choice(self, choice: Choice) -> Iterable[StreamEvent]:
        delta = choice.delta
        if delta is not None:
            yield from _said(delta)
            if delta.refusal is not None:
                self._refused = True
            for item in delta.tool_calls or ():
                yield self._calls.take(item, answer_id=self._id)
        if choice.finish_reason:
            self._reason = choice.finish_reason


def parse_answer(body: bytes) -> list[StreamEvent]:
    """Read a whole answer into the events a stream of it would give.

    Raises `WireShapeWrong`, and `StreamedError` for an error under status 200.
    """
    chunk = parse_vendor_body(_DECODER, body)
    error = vendor_error(chunk.error)
    if error is not None:
        raise error
    return EventParser().take_whole(chunk)


def render_answer(answer: Answer, *, created: int) -> bytes:
    """Write a whole answer; `created` is Unix time in seconds."""
    calls = [part for part in answer.parts if isinstance(part, ToolCall)]
    thoughts = [part.text for part in answer.parts if isinstance(part, Thinking) and not part.redacted]
    texts = [part.text for part in answer.parts if isinstance(part, Text)]
    refused = answer.finished.reason == "refusal"
    message: dict[str, object] = {
        "role": "assistant",
        "content": answer.text if texts and not refused else None,
        "refusal": answer.text if refused else None,
    }
    if thoughts:
        message["reasoning_content"] = "".join(thoughts)
    if calls:
        message["tool_calls"] = [render_call(call) for call in calls]
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": render_reason(answer.finished.reason),
    }
    body: dict[str, object] = {
        "id": answer.id,
        "object": "chat.completion",
        "created": created,
        "model": answer.model,
        "choices": [choice],
    }
    if answer.usage is not None:
        body["usage"] = render_usage(answer.usage)
    return render_json(body)


class EventRenderer:
    """Write one stream for a client.

    `id` and `model`, when given, stand in for the provider's own words; `created` is Unix time in
    seconds. Token counts go out at the end, and only when the client asked with `include_usage`.
    """

    # `id` is the vendor's word and the one callers pass by name.
    def __init__(self, *, created: int, id: str = "", model: str = "", include_usage: bool = False) -> None:  # noqa: A002
        self._created = created
        self._id = id
        self._model = model
        self._include_usage = include_usage
        self._usage: Usage | None = None
        self._head = b""
        self._tail = b',"logprobs":null,"finish_reason":null}]%b}\n\n' % (b',"usage":null' if include_usage else b"")

    def render(self, event: StreamEvent) -> bytes:
        """Write one event; what this dialect has no word for gives no bytes."""
        match event:
            case TextDelta():
                return self._chunk(b'{"content":%b}' % render_json(event.text))
            case ToolCallDelta():
                return self._chunk(_render_call_delta(event))
            case ThinkingDelta(redacted=False) if event.text:
                return self._chunk(b'{"reasoning_content":%b}' % render_json(event.text))
            case Started():
                return self._begin(event.id, event.model)
            case UsageReported():
                self._usage = event.usage
            case Finished():
                return self._last_chunk(event)
            case _:
                pass
        return b""

    def close(self) -> bytes:
        """Write the end of the stream, after its last event."""
        opening = b"" if self._head else self._begin("", "")
        if not self._include_usage or self._usage is None:
            return opening + _DONE_EVENT
        usage = b'[],"usage":%b}\n\n' % render_json(render_usage(self._usage))
        return opening + self._head.removesuffix(b'[{"index":0,"delta":') + usage + _DONE_EVENT

    def _begin(self, answer_id: str, model: str) -> bytes:
        """Write the chunk that names the role; it comes first, once."""
        if self._head:
            return b""
        names = render_json({"id": self._id or answer_id, "object": "chat.completion.chunk", "created": self._created})
        model_name = render_json(self._model or model)
        self._head = b'data: %b,"model":%b,"choices":[{"index":0,"delta":' % (names[:-1], model_name)
        return self._head + b'{"role":"assistant","content":"","refusal":null}' + self._tail

    def _chunk(self, delta: bytes) -> bytes:
        if not self._head:
            return self._begin("", "") + self._head + delta + self._tail
        return self._head + delta + self._tail

    def _last_chunk(self, event: Finished) -> bytes:
        delta = b'{"refusal":""}' if event.reason == "refusal" else b"{}"
        said = b'"finish_reason":"%b"' % render_reason(event.reason).encode()
        return self._chunk(delta).removesuffix(self._tail) + self._tail.replace(b'"finish_reason":null', said)


def render_error(*, status: int, code: str, message: str) -> bytes:
    """Write the vendor's error body."""
    error = {"message": message, "type": _error_type(status), "param": None, "code": code}
    return render_json({"error": error})


def render_streamed_error(*, status: int, code: str, message: str) -> bytes:
    """Write an error inside a stream; nothing follows it."""
    return render_sse(render_error(status=status, code=code, message=message))


def _error_type(status: int) -> str:
    """Give the vendor's error type for a status. Source: OpenAI's page of error codes, 2026-09."""
    types = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
    return types.get(status, "invalid_request_error" if status < 500 else "server_error")


def _reason_of(reason: str, *, calls: bool, refused: bool) -> FinishReason:
    """Read the reason in the light of the answer: a forced call ends with `stop`, and so does a refusal."""
    if refused:
        return "refusal"
    if calls and reason in {"", "stop"}:
        return "tool_calls"
    return parse_reason(reason)


def _only_text(choice: Choice) -> str | None:
    """Give the text of a choice that holds nothing else, which is nearly every chunk."""
    delta = choice.delta
    if delta is None or choice.finish_reason is not None or choice.index != 0:
        return None
    if delta.tool_calls is None and delta.reasoning_content is None and delta.refusal is None:
        return delta.content if type(delta.content) is str and delta.reasoning is None else None
    return None


def _said(delta: Delta) -> Iterable[StreamEvent]:
    """Give what was said, reasoning first."""
    thought = delta.reasoning_content or delta.reasoning
    if thought:
        yield ThinkingDelta(thought)
    if isinstance(delta.content, list):
        yield from _parts_said(delta.content)
    elif delta.content:
        yield TextDelta(delta.content)
    if delta.refusal:
        yield TextDelta(delta.refusal)


def _parts_said(parts: list[ContentPart]) -> Iterable[StreamEvent]:
    for part in parts:
        if part.thinking:
            inner = part.thinking
            thought = inner if isinstance(inner, str) else "".join(piece.text or "" for piece in inner)
            yield ThinkingDelta(thought)
        elif part.text:
            yield TextDelta(part.text)


def _render_call_delta(event: ToolCallDelta) -> bytes:
    call: dict[str, object] = {"index": event.index}
    function: dict[str, str] = {"arguments": event.arguments}
    if event.id or event.name:
        call |= {"id": event.id, "type": "function"}
        function = {"name": event.name, "arguments": event.arguments}
    return render_json({"tool_calls": [{**call, "function": function}]})
