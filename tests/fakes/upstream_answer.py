"""From a request and a reply to the bytes of one answer, before HTTP carries them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fakes.upstream_anthropic import message_body, message_events
from fakes.upstream_openai import chat_body, chat_events, completion_body, completion_events
from fakes.upstream_reply import Reply
from fakes.upstream_wire import (
    Asked,
    Piece,
    WireEvent,
    has_recording,
    layout_events,
    load_recording,
    put,
    render_compact,
)
from gateway_core.inference.request import Json

Endpoint = Literal["chat", "completions", "messages", "models", "ping", "unknown"]


@dataclass(frozen=True, slots=True)
class WireAnswer:
    """Status, headers without those of the transfer, and the body in pieces."""

    status: int
    headers: tuple[tuple[str, str], ...]
    pieces: tuple[Piece, ...]
    streamed: bool = False


def find_endpoint(method: str, path: str) -> Endpoint:
    """Tell which endpoint a path without its query means; any prefix will do."""
    if method == "HEAD":
        return "ping"
    if method == "POST" and path.endswith("/chat/completions"):
        return "chat"
    if method == "POST" and path.endswith("/completions"):
        return "completions"
    if method == "POST" and path.endswith("/messages"):
        return "messages"
    return "models" if method == "GET" and path.endswith("/models") else "unknown"


def build_answer(endpoint: Endpoint, *, headers: Mapping[str, str], body: bytes, reply: Reply) -> WireAnswer:
    """Build the answer to one request; a body that is no JSON object gets the vendor's 400."""
    anthropic = endpoint == "messages" or "anthropic-version" in headers
    provider = "anthropic" if anthropic else "openai"
    if endpoint == "ping":
        # Some clients look whether the host is there before they ask it anything.
        return WireAnswer(200, (), ())
    if reply.body is not None:
        kind = reply.content_type or "application/json"
        return WireAnswer(reply.status, (("content-type", kind),), (Piece(reply.body, is_chunk=True),))
    request = _parse_object(body)
    refusal = _refusal_due(endpoint, request, reply) or _version_refusal(headers, request)
    if refusal is not None:
        return _refusal(provider, refusal)
    if endpoint == "models" or request is None:
        recorded = load_recording(provider, "models")
        return WireAnswer(reply.status, recorded.headers, _whole(recorded.body, provider))
    return _answer(endpoint, request=request, body=body, reply=reply)


def _refusal_due(endpoint: Endpoint, request: dict[str, Json] | None, reply: Reply) -> Reply | None:
    if reply.status >= 400:
        return reply
    if endpoint == "unknown":
        return Reply(status=404, error={"message": "There is nothing at this URL."})
    if request is None and endpoint != "models":
        return Reply(status=400, error={"message": "The body is not a JSON object."})
    return None


def _version_refusal(headers: Mapping[str, str], request: dict[str, Json] | None) -> Reply | None:
    """Refuse what the API version named by the client has no more.

    Source: platform.claude.com/docs/en/api/migration-2026-10-21, read 2026-11-21.
    """
    removed = [name for name in ("temperature", "top_p", "top_k") if name in (request or {})]
    if not removed or headers.get("anthropic-version", "") < "2026-10-21":
        return None
    return Reply(status=400, error={"message": f"{removed[0]}: not available in this API version"})


def _answer(endpoint: Endpoint, *, request: dict[str, Json], body: bytes, reply: Reply) -> WireAnswer:
    provider = "anthropic" if endpoint == "messages" else "openai"
    options = request.get("stream_options")
    asked = Asked(
        model=str(request.get("model", "")),
        chunks=reply.text_chunks(body),
        include_usage=isinstance(options, dict) and options.get("include_usage") is True,
    )
    case = "completions" if endpoint == "completions" else "chat"
    if request.get("stream") is not True:
        whole = {"chat": chat_body, "completions": completion_body, "messages": message_body}[endpoint]
        headers = load_recording(provider, f"{case}_whole").headers
        return WireAnswer(reply.status, headers, _whole(whole(asked, reply), provider))
    stream = {"chat": chat_events, "completions": completion_events, "messages": message_events}[endpoint]
    events = stream(asked, reply)
    if reply.error_after is not None:
        events = _broken_off(events, provider=provider, reply=reply, after=reply.error_after)
    headers = load_recording(provider, f"{case}_stream").headers
    return WireAnswer(reply.status, headers, layout_events(events, reply.framing), streamed=True)


def _refusal(provider: str, reply: Reply) -> WireAnswer:
    """Give the vendor's error; a status that was not recorded borrows a neighbour's body."""
    case = f"error_{reply.status}"
    if not has_recording(provider, case):
        case = "error_500" if reply.status >= 500 else "error_400"
    recorded = load_recording(provider, case)
    body = put(recorded.body, *((("error", name), value) for name, value in reply.error.items()))
    return WireAnswer(reply.status, recorded.headers, _whole(body, provider))


def _whole(body: Json, provider: str) -> tuple[Piece, ...]:
    # As the vendors write it: OpenAI indented, Anthropic on one line.
    text = json.dumps(body, indent=2, ensure_ascii=False) if provider == "openai" else render_compact(body)
    return (Piece(text.encode(), is_chunk=True),)


def _broken_off(events: tuple[WireEvent, ...], *, provider: str, reply: Reply, after: int) -> tuple[WireEvent, ...]:
    """Keep what comes up to the chunk with this number, then the recorded error event."""
    chunks = [place for place, event in enumerate(events) if event.is_chunk]
    if after > len(chunks):
        raise ValueError(f"error_after={after}, but the answer has {len(chunks)} chunks")
    kept = chunks[after - 1] + 1 if after else (chunks or [len(events)])[0]
    error = load_recording(provider, "chat_stream_error").events[-1]
    return (*events[:kept], error.put(*((("error", name), value) for name, value in reply.error.items())))


def _parse_object(body: bytes) -> dict[str, Json] | None:
    try:
        value: Json = json.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
