"""One JSON body in, an answer out; what does not fit is named, and never repeated."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from ai_gateway.api.gitlab.code_schema import CompletionBody, GenerationBody
from ai_gateway.api.gitlab.components_schema import ComponentsBody
from ai_gateway.edge.errors import ErrorAnswers
from ai_gateway.edge.json_route import BodyEndpoint, JsonRoute, PlainRoute
from ai_gateway.edge.scope import exchange_of
from fakes.audit import FakeAuditTrail
from gateway_core.inference.request import Json
from gateway_core.telemetry.request_data import RequestDataLog
from unit.ai_gateway.asgi_client import FakeConnection, call, http_scope
from unit.ai_gateway.edge.body_samples import COMPONENTS, V2, V2_WITH_MESSAGES, Path, paths_of, planted

OFF = RequestDataLog(enabled=False, custom_models=True)


async def take(body: BaseModel, request: Request) -> ASGIApp:
    """Answer with the type of the body and the path."""
    return Response(f"{type(body).__name__} at {request.url.path}")


async def take_completion(body: CompletionBody, request: Request) -> ASGIApp:
    """Take a completion."""
    return await take(body, request)


async def take_generation(body: GenerationBody, request: Request) -> ASGIApp:
    """Take a generation."""
    return await take(body, request)


async def take_components(body: ComponentsBody, request: Request) -> ASGIApp:
    """Take components."""
    return await take(body, request)


# The route calls each endpoint with the model that its first argument names, which the port's type cannot say.
COMPLETION: BodyEndpoint = take_completion  # type: ignore[assignment]
# As above.
GENERATION: BodyEndpoint = take_generation  # type: ignore[assignment]
# As above.
PARTS: BodyEndpoint = take_components  # type: ignore[assignment]

BODIES = [
    pytest.param(endpoint, body, id=name)
    for name, endpoint, body in (
        ("completion", COMPLETION, V2),
        ("completion-messages", COMPLETION, V2_WITH_MESSAGES),
        ("generation", GENERATION, V2),
        ("generation-messages", GENERATION, V2_WITH_MESSAGES),
        ("components", PARTS, COMPONENTS),
    )
]
PLACES = [
    pytest.param(endpoint, body, path, id=f"{name}:{'.'.join(map(str, path))}")
    for name, endpoint, body in (("v2", GENERATION, V2_WITH_MESSAGES), ("v4", PARTS, COMPONENTS))
    for path in paths_of(body)
]

# No answer of ours holds such a word.
markers = st.text("QXZJ", min_size=6, max_size=12)
FORMS: dict[str, Callable[[str], Json]] = {
    "text": lambda marker: marker,
    "long text": lambda marker: marker * 17_000,
    "list": lambda marker: [marker],
    "object": lambda marker: {"type": marker, "role": marker, "content": marker, marker: marker},
}


async def posted(
    endpoint: BodyEndpoint, body: bytes, *, content_type: str | None = "application/json"
) -> FakeConnection:
    """Post a body to a route within the layer that answers failures."""
    app = JsonRoute("/x", endpoint, methods=["POST"], response_model=None).app
    scope = http_scope("/x", headers={} if content_type is None else {"content-type": content_type})
    exchange_of(scope).body = body
    answer = await call(ErrorAnswers(app, OFF, FakeAuditTrail()), scope)
    answer.access = exchange_of(scope).facts.access
    return answer


@pytest.mark.parametrize(("endpoint", "body"), BODIES)
async def test_a_body_that_fits_reaches_the_endpoint_as_its_model(endpoint: BodyEndpoint, body: Json) -> None:
    answer = await posted(endpoint, json.dumps(body).encode())

    assert answer.status == 200, answer.sent
    assert answer.body.endswith(b"Body at /x")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        " application/json ;x=y",
        "application/problem+json",
        "application/vnd.gitlab+json",
    ],
)
async def test_json_by_any_of_its_names_is_read(content_type: str) -> None:
    assert (await posted(COMPLETION, json.dumps(V2).encode(), content_type=content_type)).status == 200


@pytest.mark.parametrize(
    ("content_type", "said"),
    [
        (None, "none"),
        ("", "none"),
        ("text/plain", "text/plain"),
        ("text/json", "text/json"),
        ("application/jsonp", "application/jsonp"),
        ("application/x-www-form-urlencoded", "application/x-www-form-urlencoded"),
        ("image/svg+json", "image/svg+json"),
        ("\u00e9", "?"),
    ],
)
async def test_what_does_not_call_itself_json_is_refused(content_type: str | None, said: str) -> None:
    answer = await posted(COMPLETION, json.dumps(V2).encode(), content_type=content_type)

    assert (answer.status, answer.body) == (422, b'{"detail":"Validation error"}')
    assert answer.headers["x-gateway-error"] == f"body: Content-Type must be application/json, not {said}"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b'{"current_file": "\xff"}',
        b'{"current_file": "\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"project_id": ' + b"9" * 100_000 + b"}",
        b'{"project_id": 1e999}',
        b'{"project_id": NaN}',
        b'{"stream": "x\\u0000"}',
    ],
)
@pytest.mark.parametrize("endpoint", [COMPLETION, GENERATION, PARTS], ids=["completion", "generation", "components"])
async def test_a_body_of_any_kind_of_nonsense_is_refused(endpoint: BodyEndpoint, body: bytes) -> None:
    answer = await posted(endpoint, body)

    assert (answer.status, answer.body) == (422, b'{"detail":"Validation error"}')
    assert answer.headers["x-gateway-error"]


async def test_the_header_names_every_member_that_does_not_fit() -> None:
    body = planted(planted(V2, ("current_file", "file_name"), 7), ("context", 0, "content"), None)

    answer = await posted(COMPLETION, json.dumps(body).encode())

    cause = answer.headers["x-gateway-error"]
    assert [part.partition(": ")[0] for part in cause.split("; ")] == ["current_file.file_name", "context.0.content"]


@pytest.mark.parametrize(("endpoint", "body", "path"), PLACES)
@settings(max_examples=10)
@given(marker=markers, form=st.sampled_from(sorted(FORMS)))
async def test_a_value_never_comes_back_wherever_it_stood(
    endpoint: BodyEndpoint, body: Json, path: Path, *, marker: str, form: str
) -> None:
    sent = json.dumps(planted(body, path, FORMS[form](marker)))

    answer = await posted(endpoint, sent.encode())

    assert answer.status in {200, 422}
    assert marker not in f"{answer.sent}{answer.access}"


async def test_a_route_without_a_body_is_given_the_request() -> None:
    async def hello(request: Request) -> ASGIApp:
        return Response(request.url.path)

    answer = await call(PlainRoute("/x", hello, methods=["GET"], response_model=None).app, http_scope("/x"))

    assert (answer.status, answer.body) == (200, b"/x")
