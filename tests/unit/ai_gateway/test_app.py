"""The layers and routes together, as one ASGI application; and the life of the process around it."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import EventDict

from ai_gateway import app as application
from ai_gateway.api.later import BuiltLater
from ai_gateway.app import Service
from ai_gateway.edge.stream import PING
from fakes.provider import FakeProvider, Hold, Step
from gateway_core.inference.events import Started, TextDelta
from gateway_core.inference.request import Json
from unit.ai_gateway.asgi_client import FakeConnection, bare_scope, call
from unit.ai_gateway.edge.body_samples import COMPONENTS, planted
from unit.ai_gateway.run_app import OPEN, REAL, ReadSettings, RunApp

JSON = {"content-type": "application/json"}
FILE: dict[str, Json] = {"file_name": "a.py", "content_above_cursor": "x = ", "content_below_cursor": "\n"}
A_STREAM = json.dumps(planted(COMPONENTS, ("prompt_components", 0, "payload", "stream"), value=True)).encode()


async def test_a_request_without_a_credential_is_refused_with_its_id_and_an_access_line(
    running: RunApp, logged: list[EventDict]
) -> None:
    async with running() as app:
        answer = await call(app, bare_scope("/anything", method="GET", headers={"x-request-id": "id-1"}))

    assert (answer.status, answer.headers["x-request-id"]) == (401, "id-1")
    assert "x-process-time" in answer.headers
    (line,) = (line for line in logged if line["logger_name"] == "api.access")
    assert (line["status_code"], line["path"]) == (401, "/anything")


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/anything", 404, b'{"detail":"Not Found"}'),
        ("GET", "/v2/code/completions", 405, b'{"detail":"Method Not Allowed"}'),
        ("POST", "/v2/code/completions/", 404, b'{"detail":"Not Found"}'),
        ("GET", "/openapi.json", 404, b'{"detail":"Not Found"}'),
        ("GET", "/monitoring/healthz", 200, b"{}"),
        ("GET", "/ai/monitoring/healthz", 200, b"{}"),
        ("GET", "/monitoring/ready", 200, b"{}"),
    ],
)
async def test_paths_and_methods_are_answered_as_callers_know_it(
    running: RunApp, method: str, path: str, status: int, body: bytes
) -> None:
    async with running(**OPEN) as app:
        answer = await call(app, bare_scope(path, method=method))

    assert (answer.status, answer.body) == (status, body)


async def test_a_page_of_any_site_may_ask_before_it_posts(running: RunApp, logged: list[EventDict]) -> None:
    asked = {"origin": "https://editor.example", "access-control-request-method": "POST"}
    async with running() as app:
        answer = await call(app, bare_scope("/v2/code/completions", method="OPTIONS", headers=asked))
        refused = await call(
            app, bare_scope("/x", method="OPTIONS", headers=asked | {"access-control-request-method": "DELETE"})
        )

    assert (answer.status, answer.body, answer.headers["access-control-max-age"]) == (200, b"OK", "600")
    assert refused.status == 400
    assert [line for line in logged if line["logger_name"] == "api.access"] == []


async def test_the_document_is_served_where_the_operator_wants_it(running: RunApp) -> None:
    async with running(**OPEN, AIGW_FASTAPI__OPENAPI_URL="/api/openapi.json") as app:
        answer = await call(app, bare_scope("/api/openapi.json", method="GET"))

    assert answer.status == 200
    assert "/v4/code/suggestions" in json.loads(answer.body)["paths"]


async def test_a_body_over_the_limit_is_refused(running: RunApp) -> None:
    async with running(**OPEN, AIGW_LIMITS__MAX_BODY_BYTES="100") as app:
        answer = await call(app, bare_scope("/v2/code/completions", headers=JSON), b" " * 101)

    assert answer.status == 413


async def test_flags_that_the_realm_may_not_use_are_not_told(running: RunApp) -> None:
    headers = JSON | {"x-gitlab-realm": "saas", "x-gitlab-enabled-feature-flags": "one,two"}
    barred = json.dumps({"saas": ["two"]})
    async with running(**OPEN, AIGW_FEATURE_FLAGS__DISALLOWED_FLAGS=barred) as app:
        answer = await call(
            app, bare_scope("/v2/code/completions", headers=headers), json.dumps({"current_file": FILE}).encode()
        )

    assert json.loads(answer.body)["metadata"] == {"enabled_feature_flags": ["one"]}


async def test_a_client_that_leaves_ends_the_call_to_the_model(running: RunApp, logged: list[EventDict]) -> None:
    hold = Hold()
    script: list[Step] = [Started("1", "m"), hold]
    provider, connection = FakeProvider(script), FakeConnection(json.dumps({"current_file": FILE}).encode())
    async with running(provider, **OPEN, **REAL) as app:
        scope = bare_scope("/v2/code/completions", headers=JSON)
        task = asyncio.create_task(_serve(app, scope, connection))
        await hold.reached.wait()
        connection.leave()
        await task

    assert provider.running == 0
    (line,) = (line for line in logged if line["logger_name"] == "api.access")
    assert (line["status_code"], line["client_left"]) == (499, True)


@pytest.mark.parametrize("path", ["/v3/code/completions", "/v4/code/suggestions"])
async def test_a_client_that_leaves_a_stream_ends_the_call_to_the_model(running: RunApp, path: str) -> None:
    hold = Hold()
    script: list[Step] = [Started("1", "m"), TextDelta("half"), hold]
    provider, connection = FakeProvider(script), FakeConnection(A_STREAM)
    async with running(provider, **OPEN, **REAL) as app:
        task = asyncio.create_task(_serve(app, bare_scope(path, headers=JSON), connection))
        await hold.reached.wait()
        connection.leave()
        await task

        assert provider.running == 0
    assert b"half" in connection.body
    assert not connection.is_whole


@pytest.mark.parametrize("path", ["/v3/code/completions", "/v4/code/suggestions"])
@pytest.mark.parametrize("blocked_at", ["http.response.start", "http.response.body"])
async def test_a_client_that_takes_nothing_and_leaves_ends_the_call_to_the_model(
    running: RunApp, path: str, blocked_at: str
) -> None:
    provider, reached = FakeProvider([Started("1", "m"), TextDelta("half"), Hold()]), asyncio.Event()
    connection = FakeConnection(A_STREAM)

    async def blocked(message: Message) -> None:
        if message["type"] == blocked_at:
            reached.set()
            await asyncio.Event().wait()

    async with running(provider, **OPEN, **REAL) as app:
        task = asyncio.create_task(_serve(app, bare_scope(path, headers=JSON), connection, send=blocked))
        await reached.wait()
        connection.leave()
        if blocked_at == "http.response.start":
            # Before the body nobody watches the connection: the server stops such a request.
            task.cancel()
        await asyncio.wait([task])

        assert provider.running == 0


async def test_a_stream_that_is_silent_for_as_long_as_the_setting_says_is_sent_a_ping(running: RunApp) -> None:
    provider, pinged = FakeProvider([Started("1", "m"), TextDelta("half"), Hold()]), asyncio.Event()
    connection = FakeConnection(A_STREAM)

    async def listen(message: Message) -> None:
        if message.get("body") == PING:
            pinged.set()

    async with running(provider, **OPEN, **REAL, AIGW_FASTAPI__HEARTBEAT="0.01") as app:
        scope = bare_scope("/v4/code/suggestions", headers=JSON)
        task = asyncio.create_task(_serve(app, scope, connection, send=listen))
        async with asyncio.timeout(30):
            await pinged.wait()
        connection.leave()
        await task

    assert provider.running == 0


async def _serve(app: ASGIApp, scope: Scope, connection: FakeConnection, *, send: Send | None = None) -> None:
    await app(scope, connection.receive, send or connection.send)


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the service a registry of its own: the process has one, and it is filled once."""
    monkeypatch.setattr("gateway_core.telemetry.metrics.REGISTRY", CollectorRegistry())


class Server:
    """The server's part in the life of a process."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.told = asyncio.Event()
        self.stop = asyncio.Event()
        self._began = False

    async def receive(self) -> Message:
        """Say that the process starts, and later that it stops."""
        if not self._began:
            self._began = True
            return {"type": "lifespan.startup"}
        await self.stop.wait()
        return {"type": "lifespan.shutdown"}

    async def send(self, message: Message) -> None:
        """Take what the service says."""
        self.sent.append(message)
        self.told.set()

    async def run(self, service: Service) -> None:
        """Live."""
        await service({"type": "lifespan"}, self.receive, self.send)


@pytest.mark.usefixtures("own_registry")
async def test_the_service_starts_answers_and_stops(settings_of: ReadSettings) -> None:
    service, server = Service(settings_of()), Server()
    life = asyncio.create_task(server.run(service))
    # A service that cannot start says nothing; then this is what fails.
    async with asyncio.timeout(30):
        await server.told.wait()
    # The service freezes what it built; these tests go on.
    gc.unfreeze()

    answer = await call(service, bare_scope("/monitoring/healthz", method="GET"))
    server.stop.set()
    await life

    assert answer.status == 200
    assert [message["type"] for message in server.sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


@pytest.mark.usefixtures("own_registry")
async def test_a_wrong_setting_stops_the_start_with_its_name(settings_of: ReadSettings) -> None:
    settings = settings_of(**REAL, AIGW_MODEL_SELECTION__DEFAULT_MODELS='{"code_completions": ["nobody/model"]}')
    server = Server()

    await server.run(Service(settings))

    (failed,) = server.sent
    assert failed["type"] == "lifespan.startup.failed"
    assert "AIGW_MODEL_SELECTION__DEFAULT_MODELS" in failed["message"]


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let what is built later be built at once; what it freezes is let go again."""
    monkeypatch.setattr(application, "_REST_AFTER", 0)
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("soon")
async def test_routes_are_built_though_nobody_asks_for_them_and_stay_for_good() -> None:
    built: list[ASGIApp] = []

    async def nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
        return

    def build() -> ASGIApp:
        built.append(nothing)
        return nothing

    await application._build_rest(BuiltLater(build))

    assert built == [nothing]
    assert gc.get_freeze_count() > 0


@pytest.mark.usefixtures("soon")
async def test_routes_that_cannot_be_built_are_told_to_who_must_act(logged: list[EventDict]) -> None:
    def build() -> ASGIApp:
        raise ImportError("half an installation")

    await application._build_rest(BuiltLater(build))

    assert [(line["event"], line["log_level"]) for line in logged] == [("routes_not_built", "critical")]
