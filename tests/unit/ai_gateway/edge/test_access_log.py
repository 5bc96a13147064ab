"""One line for every request, whatever became of it."""

from __future__ import annotations

import asyncio
import time

import pytest
from starlette.types import Receive, Scope, Send
from structlog.typing import EventDict

from ai_gateway.edge import access_log
from ai_gateway.edge.access_log import AccessLog
from ai_gateway.edge.scope import exchange_of
from unit.ai_gateway.asgi_client import Inner, call, http_scope


async def line_of(logged: list[EventDict], scope: Scope) -> EventDict:
    """Serve a request, and give its access line."""
    await call(AccessLog(Inner()), scope)
    return await written(logged)


async def written(logged: list[EventDict]) -> EventDict:
    """Give the only line; it is written in the turn of the loop after the request."""
    await asyncio.sleep(0)
    (line,) = logged
    return line


async def test_the_line_tells_the_request_and_the_answer(logged: list[EventDict]) -> None:
    scope = http_scope("/v1/x", headers={"host": "gw.example:5052", "user-agent": "a client"})
    scope["query_string"] = b"a=1&b=%20"
    scope["raw_path"] = b"/ai/v1/%78"

    line = await line_of(logged, scope)

    assert line["event"] == '127.0.0.1:4711 - "POST /ai/v1/%78?a=1&b=%20 HTTP/1.1" 200'
    wanted = {
        "logger_name": "api.access",
        "log_level": "info",
        "url": "http://gw.example:5052/ai/v1/%78?a=1&b=%20",
        "path": "/ai/v1/%78?a=1&b=%20",
        "status_code": 200,
        "method": "POST",
        "http_version": "1.1",
        "client_ip": "127.0.0.1",
        "client_port": 4711,
        "user_agent": "a client",
        "content_type": "text/plain",
        "duration_request": -1,
    }
    assert {name: line[name] for name in wanted} == wanted


async def test_the_times_are_in_their_order(logged: list[EventDict]) -> None:
    line = await line_of(logged, http_scope())

    assert 0 <= line["response_start_duration_s"] <= line["first_chunk_duration_s"]
    assert line["first_chunk_duration_s"] <= line["duration_s"] + 1e-6
    assert line["cpu_s"] >= 0
    assert line["request_arrived_at"].endswith("+00:00")


async def test_what_others_learned_is_on_the_line(logged: list[EventDict]) -> None:
    scope = http_scope()
    facts = exchange_of(scope).facts
    facts.unit_primitive, facts.feature_category = "complete_code", "code_suggestions"
    facts.access["lang"] = "python"

    line = await line_of(logged, scope)

    assert (line["meta.unit_primitive"], line["meta.feature_category"]) == ("complete_code", "code_suggestions")
    assert line["lang"] == "python"


async def test_what_nobody_learned_is_not_on_the_line(logged: list[EventDict]) -> None:
    line = await line_of(logged, http_scope())

    assert [name for name in line if name.startswith("meta.") or "exception" in name] == []


@pytest.mark.parametrize("error", [KeyError("why it broke"), asyncio.CancelledError("why it broke")])
async def test_a_request_that_broke_has_a_line_too(error: BaseException, logged: list[EventDict]) -> None:
    async def fail(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise error

    with pytest.raises(type(error)):
        await call(AccessLog(fail), http_scope())

    line = await written(logged)
    assert (line["status_code"], line["content_type"]) == (500, "unknown")
    assert line["exception_class"] == type(error).__name__
    assert "why it broke" in line["exception_message"]
    # An end that was asked for is no crash.
    assert ("exception_backtrace" in line) == isinstance(error, KeyError)
    assert line["response_start_duration_s"] is None


async def test_a_request_that_broke_in_the_middle_keeps_its_status(logged: list[EventDict]) -> None:
    async def fail(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        raise KeyError("x")

    with pytest.raises(KeyError):
        await call(AccessLog(fail), http_scope())

    line = await written(logged)
    assert (line["status_code"], line["content_type"], line["exception_class"]) == (
        200,
        "text/event-stream",
        "KeyError",
    )
    assert line["first_chunk_duration_s"] is None


async def test_the_time_since_rails_sent_it_is_told(logged: list[EventDict]) -> None:
    sent = time.time() - 100

    line = await line_of(logged, http_scope(headers={"x-gitlab-rails-send-start": str(sent)}))

    assert 100 <= line["duration_request"] < time.time() - sent + 1


@pytest.mark.parametrize("said", ["", "yesterday", "1,5", "0x10", "nan", "inf", "-inf"])
async def test_a_time_that_is_none_is_told_as_minus_one(said: str, logged: list[EventDict]) -> None:
    line = await line_of(logged, http_scope(headers={"x-gitlab-rails-send-start": said}))

    assert line["duration_request"] == -1


async def test_a_caller_without_an_address_has_a_line_too(logged: list[EventDict]) -> None:
    scope = http_scope()
    scope["client"] = None

    line = await line_of(logged, scope)

    assert (line["client_ip"], line["client_port"]) == ("", 0)


async def test_what_is_no_request_has_no_line(logged: list[EventDict]) -> None:
    inner = Inner()

    await call(AccessLog(inner), {"type": "lifespan"})

    assert inner.scope["type"] == "lifespan"
    assert logged == []


@pytest.mark.parametrize(("length", "kept"), [(100, 1), (60_000, 0)])
async def test_what_a_stranger_writes_is_remembered_only_when_it_is_short(
    length: int, kept: int, logged: list[EventDict]
) -> None:
    access_log._starts.clear()
    scope = http_scope(headers={"user-agent": "a" * length})

    line = await line_of(logged, scope)

    assert line["user_agent"] == "a" * length
    assert len(access_log._starts) == kept
