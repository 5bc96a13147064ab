"""The two ways in which a suggestion is streamed: raw text (v2, v3) and events (v4)."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec
from starlette.requests import Request
from starlette.types import ASGIApp

from ai_gateway.code.model import CodeRequest
from ai_gateway.code.service import SuggestionStream
from ai_gateway.edge.deps import heartbeat_of, services_of, while_connected
from ai_gateway.edge.stream import StreamAnswer
from gateway_core.dialects.sse import render_sse_crlf

_V4_HEADERS = ((b"x-streaming-format", b"sse"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no"))
_PLAIN_HEADERS = ((b"cache-control", b"no-store"), (b"x-accel-buffering", b"no"))
_CHUNK_BEGIN, _CHUNK_END = b'{"choices":[{"delta":{"content":', b'},"index":0}]}'

_encode_text = msgspec.json.Encoder().encode


async def plain_stream(code: CodeRequest, request: Request) -> ASGIApp:
    """Stream the text alone, without any framing."""
    stream = await while_connected(request, services_of(request).code.stream(code))
    return StreamAnswer(_plain(stream), source=stream, headers=_PLAIN_HEADERS)


async def event_stream(code: CodeRequest, request: Request, *, start: dict[str, object]) -> ASGIApp:
    """Stream events; `start` is what the first one says besides the model and the time."""
    stream = await while_connected(request, services_of(request).code.stream(code))
    pieces = _events(stream, start)
    return StreamAnswer(pieces, source=stream, headers=_V4_HEADERS, heartbeat=heartbeat_of(request))


async def _plain(stream: SuggestionStream) -> AsyncGenerator[bytes]:
    async with aclosing(stream.texts()) as texts:
        async for text in texts:
            if text:
                yield text.encode()


async def _events(stream: SuggestionStream, start: dict[str, object]) -> AsyncGenerator[bytes]:
    model: dict[str, object] = {"engine": stream.model.engine, "name": stream.model.name}
    metadata = {"model": model, "timestamp": int(time.time())} | start
    async with aclosing(stream.texts()) as texts:
        yield render_sse_crlf(_encode_text({"metadata": metadata}), "stream_start")
        async for text in texts:
            yield render_sse_crlf(_CHUNK_BEGIN + _encode_text(text) + _CHUNK_END, "content_chunk")
    yield render_sse_crlf(b"null", "stream_end")
