"""The layers around every request as plain ASGI, in the order in which `app.py` wraps them.

The order is that of the HTTP specification, section 5.1: clients depend on what a
refused or a crashed request still gets (ids, timing, an access line).
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ai_gateway.edge.scope import Exchange, begin_exchange, exchange_of, is_operator_door
from gateway_core.kernel.ids import new_request_id
from gateway_core.telemetry import metrics as m
from gateway_core.telemetry.context import use_facts
from gateway_core.telemetry.metrics import Metrics

PUBLIC_PREFIX = "/ai"
# Any value is taken over, as long as it fits on a line and in a log.
_REQUEST_ID = re.compile(r"[!-~](?:[ -~]{0,510}[!-~])?")
_HOST = re.compile(rb"(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?\.?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HttpMetrics:
    """1 · Time each answered request by its route; the outermost layer, so it also begins the exchange.

    `handlers` are the paths that are named; any other would let callers fill the metrics.
    """

    app: ASGIApp
    metrics: Metrics
    handlers: frozenset[str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["path"].startswith(PUBLIC_PREFIX + "/"):
            # The public entry point serves everything below /ai as well, but never the operator's door.
            inner = scope["path"][len(PUBLIC_PREFIX) :]
            scope["path"] = scope["path"] if is_operator_door(inner) else inner
        begin_exchange(scope)
        began = time.perf_counter()
        counted = scope["path"] not in self.handlers

        def count(status: int) -> None:
            nonlocal counted
            if not counted:
                counted = True
                labels = (scope["path"], scope["method"], f"{status // 100}xx")
                self.metrics.observe(m.HTTP_DURATION, labels, time.perf_counter() - began)

        async def watch(message: Message) -> None:
            # Before it is sent: whoever has the answer finds it counted.
            if message["type"] == "http.response.start":
                count(message["status"])
            await send(message)

        try:
            await self.app(scope, receive, watch)
        finally:
            count(500)


def name_request(exchange: Exchange) -> str:
    """Take over the request's id, or give it one."""
    told = exchange.headers.get("x-request-id")
    if told is not None and _REQUEST_ID.fullmatch(told):
        request_id, exchange.facts.told_id = told, True
    else:
        request_id = new_request_id()
    exchange.headers["x-request-id"] = request_id
    exchange.facts.correlation_id = request_id
    return request_id


@dataclass(frozen=True, slots=True)
class CorrelationId:
    """2 · Give every answer the request's id and the time until it began."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = exchange_of(scope)
        request_id = name_request(exchange)
        began = time.perf_counter()

        async def add_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                took = time.perf_counter() - began
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-request-id", request_id.encode("latin-1")),
                    (b"x-process-time", repr(took).encode()),
                ]
            await send(message)

        await self.app(scope, receive, add_headers)


@dataclass(frozen=True, slots=True)
class HostCheck:
    """3 · Drop a Host header that is no host, so that nothing downstream can build an address of it."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            hosts = [value for name, value in scope["headers"] if name == b"host"]
            if not all(_HOST.fullmatch(host) for host in hosts):
                exchange_of(scope).headers.pop("host", None)
                scope["headers"] = [pair for pair in scope["headers"] if pair[0] != b"host"]
        await self.app(scope, receive, send)


@dataclass(frozen=True, slots=True)
class RequestContext:
    """4 · Open the store of facts that log lines and metrics of this request draw from."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            exchange = exchange_of(scope)
            _read_gitlab_headers(exchange)
            use_facts(exchange.facts)
        await self.app(scope, receive, send)


_BOUND_HEADERS = tuple(
    (name, "x-gitlab-" + name.removeprefix("gitlab_").replace("_", "-"))
    for name in (
        "gitlab_language_server_version",
        "gitlab_instance_id",
        "gitlab_global_user_id",
        "gitlab_host_name",
        "gitlab_version",
        "gitlab_saas_duo_pro_namespace_ids",
        "gitlab_feature_enabled_by_namespace_ids",
        "gitlab_realm",
        "gitlab_root_namespace_id",
        "gitlab_feature_enablement_type",
        "gitlab_organization_id",
    )
)


def _read_gitlab_headers(exchange: Exchange) -> None:
    facts, header = exchange.facts, exchange.headers.get
    for field, name in _BOUND_HEADERS:
        facts.bound[field] = header(name)
    facts.access["is_gitlab_team_member"] = None
    facts.lsp_version = header("x-gitlab-language-server-version") or m.UNKNOWN
    facts.gitlab_version = header("x-gitlab-version") or m.UNKNOWN
    facts.client_type = header("x-gitlab-client-type") or m.UNKNOWN
    facts.realm = header("x-gitlab-realm") or m.UNKNOWN
    facts.verbose_logs = header("x-gitlab-enabled-instance-verbose-ai-logs") == "true"


@dataclass(frozen=True, slots=True)
class RequestMetadata:
    """9 · Learn whether the user is of GitLab's own team."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            exchange = exchange_of(scope)
            said = exchange.headers.get("x-gitlab-is-team-member")
            if said is not None:
                exchange.facts.team_member = "yes" if said.lower() == "true" else "no"
                exchange.facts.access["is_gitlab_team_member"] = exchange.facts.team_member
        await self.app(scope, receive, send)


@dataclass(frozen=True, slots=True)
class FeatureFlags:
    """10 · Take the flags that GitLab pushes, less those that the realm may not use."""

    app: ASGIApp
    disallowed: dict[str, frozenset[str]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            exchange = exchange_of(scope)
            said = exchange.headers.get("x-gitlab-enabled-feature-flags")
            if said:
                barred = self.disallowed.get(exchange.headers.get("x-gitlab-realm", ""), frozenset())
                flags = tuple(dict.fromkeys(flag for flag in said.split(",") if flag and flag not in barred))
                exchange.facts.flags = flags
                exchange.facts.access["enabled_feature_flags"] = ",".join(flags)
        await self.app(scope, receive, send)
