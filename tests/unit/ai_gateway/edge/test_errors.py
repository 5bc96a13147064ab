"""Every failure becomes an answer that GitLab's clients know how to read."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import BaseModel, ValidationError
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.typing import EventDict

from ai_gateway.edge.answers import send_json
from ai_gateway.edge.disconnect import ClientLeft
from ai_gateway.edge.errors import BodyInvalid, ErrorAnswers, body_invalid
from ai_gateway.edge.scope import exchange_of
from fakes.audit import FakeAuditTrail
from gateway_core.kernel import errors
from gateway_core.telemetry.request_data import RequestDataLog
from unit.ai_gateway.asgi_client import FakeConnection, Inner, call, http_scope

OFF = RequestDataLog(enabled=False, custom_models=True)
ON = RequestDataLog(enabled=True, custom_models=True)

FACTS_OF_UPSTREAM = ("some-provider", "some-model", "why it failed")


def failing(error: BaseException) -> ASGIApp:
    """Make an application that fails before it answers."""

    async def fail(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise error

    return fail


def failing_late(error: BaseException) -> ASGIApp:
    """Make an application that fails in the middle of its answer."""

    async def fail(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise error

    return fail


def upstream(kind: type[errors.UpstreamFailure], status: int | None = None) -> errors.UpstreamFailure:
    """Make a failure of a provider."""
    provider, model, detail = FACTS_OF_UPSTREAM
    return kind(detail, provider=provider, model=model, upstream_status=status)


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (errors.RequestInvalid("mend your {body}"), 422),
        (errors.CredentialRefused("who are you"), 401),
        (errors.PermissionMissing("you may not"), 403),
        (errors.NotFound("no such thing"), 404),
        (errors.BodyTooLarge(limit=7), 413),
        (errors.EncodingUnsupported("br"), 415),
        (errors.NoModelConfigured("set ANTHROPIC_API_KEY"), 503),
        (errors.CallerFailure("something is wrong"), 400),
    ],
)
async def test_a_caller_is_told_what_to_mend(failure: errors.GatewayFailure, status: int) -> None:
    scope = http_scope()

    answer = await call(ErrorAnswers(failing(failure), OFF, FakeAuditTrail()), scope)

    assert answer.status == status
    assert answer.body == b'{"detail":"%b"}' % str(failure).replace('"', '\\"').encode()
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-length"] == str(len(answer.body))
    assert exchange_of(scope).facts.access["http_exception_details"] == f"{status}: {failure}"


@pytest.mark.parametrize(
    "kind",
    [
        errors.UpstreamUnreachable,
        errors.UpstreamTimedOut,
        errors.UpstreamCut,
        errors.UpstreamGarbled,
        errors.UpstreamOverloaded,
        errors.UpstreamKeyRefused,
        errors.UpstreamRejected,
        errors.UpstreamModelUnknown,
        errors.PromptTooLong,
        errors.UpstreamBroken,
    ],
)
async def test_a_failure_of_a_provider_is_told_in_two_words_and_noted_in_full(
    kind: type[errors.UpstreamFailure],
) -> None:
    scope = http_scope()

    answer = await call(ErrorAnswers(failing(upstream(kind)), OFF, FakeAuditTrail()), scope)

    assert (answer.status, answer.body) == (503, b'{"detail":"Inference failed"}')
    access = exchange_of(scope).facts.access
    assert access["exception_class"] == kind.__name__
    assert [word for word in FACTS_OF_UPSTREAM if word not in str(access["exception_message"])] == []
    assert access["http_exception_details"] == "503: Inference failed"


@pytest.mark.parametrize("wait", ["30", "Fri, 31 Dec 2027 23:59:59 GMT", None])
async def test_a_rate_limit_is_passed_on_with_the_wait_that_the_provider_asked_for(wait: str | None) -> None:
    failure = errors.UpstreamRateLimited("slow down", provider="p", upstream_status=429, retry_after=wait)

    answer = await call(ErrorAnswers(failing(failure), OFF, FakeAuditTrail()), http_scope())

    assert (answer.status, answer.body) == (429, b'{"detail":"Too many requests. Please try again later."}')
    assert answer.headers.get("retry-after") == wait


async def test_a_crash_is_a_plain_500_that_says_nothing_and_an_error_in_the_log(logged: list[EventDict]) -> None:
    scope = http_scope()

    answer = await call(ErrorAnswers(failing(KeyError("the secret inside")), OFF, FakeAuditTrail()), scope)

    assert (answer.status, answer.body) == (500, b"Internal Server Error")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert exchange_of(scope).facts.access["exception_class"] == "KeyError"
    (line,) = logged
    assert (line["log_level"], line["exception_class"], line["status_code"]) == ("error", "KeyError", 500)


@pytest.mark.parametrize("failure", [upstream(errors.UpstreamCut), errors.NotFound("x"), KeyError("x")])
async def test_a_failure_after_the_answer_began_is_left_to_the_server(
    failure: Exception, logged: list[EventDict]
) -> None:
    connection = FakeConnection()

    with pytest.raises(type(failure)):
        await ErrorAnswers(failing_late(failure), OFF, FakeAuditTrail())(
            http_scope(), connection.receive, connection.send
        )

    assert connection.body == b"half"
    assert not connection.is_whole
    assert [line["log_level"] for line in logged] == (["error"] if isinstance(failure, KeyError) else [])


async def test_a_client_that_left_gets_a_status_for_the_access_line_only(logged: list[EventDict]) -> None:
    scope = http_scope()

    answer = await call(ErrorAnswers(failing(ClientLeft()), OFF, FakeAuditTrail()), scope)

    assert answer.status == 499
    assert exchange_of(scope).facts.access["client_left"] is True
    assert logged == []


async def test_a_client_that_left_in_the_middle_of_its_answer_is_no_failure() -> None:
    scope = http_scope()

    answer = await call(ErrorAnswers(failing_late(ClientLeft()), OFF, FakeAuditTrail()), scope)

    assert (answer.status, answer.body) == (200, b"half")
    assert exchange_of(scope).facts.access["client_left"] is True


async def test_a_server_that_stops_is_not_answered_for() -> None:
    connection = FakeConnection()

    with pytest.raises(asyncio.CancelledError):
        await ErrorAnswers(failing(asyncio.CancelledError()), OFF, FakeAuditTrail())(
            http_scope(), connection.receive, connection.send
        )

    assert connection.sent == []


async def test_an_answer_passes_unchanged() -> None:
    answer = await call(ErrorAnswers(Inner(), OFF, FakeAuditTrail()), http_scope())

    assert (answer.status, answer.body) == (200, b"inner")


async def test_what_is_no_request_passes() -> None:
    inner = Inner()

    await call(ErrorAnswers(inner, OFF, FakeAuditTrail()), {"type": "lifespan"})

    assert inner.scope["type"] == "lifespan"


class Small(BaseModel):
    """A body."""

    count: int
    names: list[str]


def invalid(body: str) -> BodyInvalid:
    """Give the failure of a body that does not fit."""
    with pytest.raises(ValidationError) as caught:
        Small.model_validate_json(body)
    return body_invalid(caught.value)


async def test_a_body_that_does_not_fit_is_refused_with_the_members_in_a_header() -> None:
    scope = http_scope()
    failure = invalid('{"count":"SECRET","names":["a",7]}')

    answer = await call(ErrorAnswers(failing(failure), OFF, FakeAuditTrail()), scope)

    assert (answer.status, answer.body) == (422, b'{"detail":"Validation error"}')
    cause = answer.headers["x-gateway-error"]
    assert cause.startswith("count: ")
    assert "; names.1: " in cause
    access = exchange_of(scope).facts.access
    assert access["validation_errors"] == cause
    assert "SECRET" not in f"{answer.sent}{access}"


async def test_a_body_that_is_no_json_is_refused_by_that_name() -> None:
    answer = await call(ErrorAnswers(failing(invalid("{")), OFF, FakeAuditTrail()), http_scope())

    assert answer.headers["x-gateway-error"].startswith("body: Invalid JSON: ")


async def test_the_whole_list_is_told_and_noted_when_data_may_be_logged() -> None:
    scope = http_scope()

    answer = await call(ErrorAnswers(failing(invalid('{"count":"SECRET","names":[]}')), ON, FakeAuditTrail()), scope)

    assert answer.status == 422
    assert b"'type': 'int_parsing', 'loc': ('count',)" in answer.body
    assert "int_parsing" in str(exchange_of(scope).facts.access["exception_message"])
    # A value may be a key, which is never written down.
    assert "SECRET" not in f"{answer.sent}{exchange_of(scope).facts.access}"


async def test_the_header_is_one_short_line_of_plain_letters() -> None:
    failure = BodyInvalid("\u6f22\r\nx-injected: yes\t" + "w" * 900, full="")

    answer = await call(ErrorAnswers(failing(failure), OFF, FakeAuditTrail()), http_scope())

    cause = answer.headers["x-gateway-error"]
    assert cause.startswith("? x-injected: yes w")
    assert len(cause) == 500


async def test_a_small_answer_has_its_length_and_the_headers_it_was_given() -> None:
    connection = FakeConnection()

    await send_json(connection.send, 418, {"error": "\u6f22"}, headers=((b"x-more", b"1"),))

    assert connection.status == 418
    assert connection.body == '{"error":"\u6f22"}'.encode()
    assert connection.headers == {"content-type": "application/json", "content-length": "15", "x-more": "1"}
