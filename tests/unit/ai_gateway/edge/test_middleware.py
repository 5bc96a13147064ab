"""The layers around every request but the credential, each as an ASGI application of its own."""

from __future__ import annotations

import re
import time

import pytest
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from ai_gateway.edge.middleware import (
    CorrelationId,
    FeatureFlags,
    HostCheck,
    HttpMetrics,
    RequestContext,
    RequestMetadata,
)
from ai_gateway.edge.scope import exchange_of
from gateway_core.telemetry.context import RequestFacts, current_facts, use_facts
from gateway_core.telemetry.metrics import Metrics
from unit.ai_gateway.asgi_client import Inner, bare_scope, call, http_scope

METRICS = Metrics(registry=CollectorRegistry())


def every_layer(inner: ASGIApp) -> list[ASGIApp]:
    """Give each layer around the same application."""
    return [
        HttpMetrics(inner, METRICS, frozenset()),
        CorrelationId(inner),
        HostCheck(inner),
        RequestContext(inner),
        RequestMetadata(inner),
        FeatureFlags(inner, {}),
    ]


@pytest.mark.parametrize("layer", range(6))
async def test_what_is_no_request_passes_every_layer(layer: int) -> None:
    inner = Inner()

    connection = await call(every_layer(inner)[layer], {"type": "lifespan"})

    assert inner.scope == {"type": "lifespan"}
    assert connection.sent == []


# 1 · HttpMetrics


async def served(path: str, *, app: ASGIApp | None = None, handlers: frozenset[str]) -> CollectorRegistry:
    """Serve one request, and give what was measured."""
    registry = CollectorRegistry()
    await call(HttpMetrics(app or Inner(), Metrics(registry=registry), handlers), bare_scope(path))
    return registry


def times(registry: CollectorRegistry, **labels: str) -> float | None:
    """Tell how many answers were timed under these labels."""
    return registry.get_sample_value("http_request_duration_seconds_count", labels)


async def test_an_answer_is_timed_by_its_route_its_method_and_its_kind_of_status() -> None:
    before = time.perf_counter()
    registry = await served("/v1/x", handlers=frozenset({"/v1/x"}))
    passed = time.perf_counter() - before

    labels = {"handler": "/v1/x", "method": "POST", "status": "2xx"}
    took = registry.get_sample_value("http_request_duration_seconds_sum", labels)
    assert took is not None
    assert 0 < took <= passed
    assert times(registry, handler="/v1/x", method="POST", status="2xx") == 1


async def test_a_path_that_is_no_route_is_not_named() -> None:
    registry = await served("/v1/made-up-by-a-caller", handlers=frozenset({"/v1/x"}))

    assert "made-up" not in str(list(registry.collect()))


async def test_a_request_without_an_answer_counts_as_a_failure() -> None:
    registry = CollectorRegistry()

    async def fail(*_: object) -> None:
        raise KeyError("x")

    app = HttpMetrics(fail, Metrics(registry=registry), frozenset({"/v1/x"}))
    with pytest.raises(KeyError):
        await call(app, bare_scope("/v1/x"))

    assert times(registry, handler="/v1/x", method="POST", status="5xx") == 1


@pytest.mark.parametrize(
    ("path", "served_as"), [("/ai/v1/x", "/v1/x"), ("/ai/ai/v1/x", "/ai/v1/x"), ("/ai", "/ai"), ("/aix/y", "/aix/y")]
)
async def test_the_public_prefix_is_taken_off_once(path: str, served_as: str) -> None:
    inner = Inner()

    await call(HttpMetrics(inner, METRICS, frozenset()), bare_scope(path))

    assert inner.scope["path"] == served_as


async def test_the_outermost_layer_begins_the_exchange_with_the_first_of_each_header() -> None:
    inner, scope = Inner(), bare_scope()
    scope["headers"] = [(b"x-a", b"one"), (b"x-a", b"two"), (b"x-b", "\u00e9".encode("latin-1"))]

    await call(HttpMetrics(inner, METRICS, frozenset()), scope)

    exchange = exchange_of(inner.scope)
    assert (exchange.header("x-a"), exchange.header("x-b"), exchange.header("x-c")) == ("one", "\u00e9", None)


# 2 · CorrelationId


@pytest.mark.parametrize("given", ["abc", "any thing <at> all", "x" * 512])
async def test_the_id_of_a_request_comes_back_whatever_it_is(given: str) -> None:
    scope = http_scope(headers={"x-request-id": given})

    answer = await call(CorrelationId(Inner()), scope)

    assert answer.headers["x-request-id"] == given
    assert exchange_of(scope).facts.correlation_id == given


@pytest.mark.parametrize("given", ["\u00e9", "a\tb", " a", "x" * 513])
async def test_an_id_that_does_not_fit_on_a_log_line_is_replaced(given: str) -> None:
    answer = await call(CorrelationId(Inner()), http_scope(headers={"x-request-id": given}))

    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])


@pytest.mark.parametrize("headers", [{}, {"x-request-id": ""}])
async def test_a_request_without_an_id_gets_one_of_its_own(headers: dict[str, str]) -> None:
    app = CorrelationId(Inner())
    scopes = [http_scope(headers=headers) for _ in range(2)]

    ids = [(await call(app, scope)).headers["x-request-id"] for scope in scopes]

    assert [re.fullmatch(r"[0-9a-f]{32}", given) is not None for given in ids] == [True, True]
    assert ids[0] != ids[1]
    assert [exchange_of(scope).header("x-request-id") for scope in scopes] == ids


async def test_an_answer_says_how_long_it_took_to_begin_and_keeps_its_own_headers() -> None:
    before = time.perf_counter()
    answer = await call(CorrelationId(Inner()), http_scope())
    passed = time.perf_counter() - before

    assert 0 <= float(answer.headers["x-process-time"]) <= passed
    assert answer.headers["content-type"] == "text/plain"
    assert answer.body == b"inner"


# 3 · HostCheck


@pytest.mark.parametrize(
    "host",
    [
        "example.com",
        "EXAMPLE.com:443",
        "localhost:5052",
        "127.0.0.1",
        "127.0.0.1:5052",
        "[::1]",
        "[2001:DB8::1]:5052",
        "a_b.internal",
        "trailing.dot.",
        "x",
    ],
)
async def test_a_host_stays(host: str) -> None:
    scope = http_scope(headers={"host": host})

    await call(HostCheck(Inner()), scope)

    assert exchange_of(scope).header("host") == host
    assert (b"host", host.encode()) in scope["headers"]


@pytest.mark.parametrize(
    "host",
    [
        "",
        " ",
        "a b",
        "evil.com/path",
        "evil.com#",
        "user@evil.com",
        "evil.com?x",
        "evil.com\\@good.com",
        "evil.com:port",
        "evil.com:",
        "evil.com:123456",
        "evil.com:80:80",
        "-evil.com",
        ".evil.com",
        "evil.com..",
        "[::1",
        "::1",
        "[evil]",
        "[::1%25eth0]",
        "'\"><script>",
        "\u00e9vil.com",
        "evil.com\u00a0",
        "evil.com,good.com",
        "a" * 60_000 + "!",
    ],
)
async def test_a_host_that_is_none_is_dropped_and_the_request_goes_on(host: str) -> None:
    inner, scope = Inner(), http_scope(headers={"host": host, "x-other": "stays"})

    answer = await call(HostCheck(inner), scope)

    assert exchange_of(scope).header("host") is None
    assert inner.scope["headers"] == [(b"x-other", b"stays")]
    assert answer.status == 200


async def test_a_request_without_a_host_passes() -> None:
    assert (await call(HostCheck(Inner()), http_scope())).status == 200


# 4 · RequestContext


async def test_the_facts_of_the_request_are_at_hand_further_in() -> None:
    seen: list[RequestFacts | None] = []

    async def look(*_: object) -> None:
        seen.append(current_facts())

    scope = http_scope()
    use_facts(RequestFacts())
    await call(RequestContext(look), scope)

    assert seen[0] is exchange_of(scope).facts


async def test_gitlabs_headers_become_facts() -> None:
    scope = http_scope(
        headers={
            "x-gitlab-language-server-version": "8.1.0",
            "x-gitlab-version": "18.6",
            "x-gitlab-client-type": "vscode",
            "x-gitlab-realm": "saas",
            "x-gitlab-global-user-id": "user-1",
            "x-gitlab-saas-duo-pro-namespace-ids": "1,2",
            "x-gitlab-enabled-instance-verbose-ai-logs": "true",
        }
    )

    await call(RequestContext(Inner()), scope)

    facts = exchange_of(scope).facts
    assert (facts.lsp_version, facts.gitlab_version, facts.client_type) == ("8.1.0", "18.6", "vscode")
    assert (facts.realm, facts.verbose_logs) == ("saas", True)
    assert facts.bound["gitlab_saas_duo_pro_namespace_ids"] == "1,2"
    assert facts.bound["gitlab_host_name"] is None


async def test_what_gitlab_did_not_say_is_unknown() -> None:
    scope = http_scope()

    await call(RequestContext(Inner()), scope)

    facts = exchange_of(scope).facts
    assert {facts.lsp_version, facts.gitlab_version, facts.client_type, facts.realm} == {"unknown"}
    assert set(facts.bound.values()) == {None}
    assert not facts.verbose_logs


@pytest.mark.parametrize("said", ["True", "1", "yes", " true", ""])
async def test_only_the_very_word_true_allows_verbose_logs(said: str) -> None:
    scope = http_scope(headers={"x-gitlab-enabled-instance-verbose-ai-logs": said})

    await call(RequestContext(Inner()), scope)

    assert not exchange_of(scope).facts.verbose_logs


# 9 · RequestMetadata


@pytest.mark.parametrize(
    ("headers", "team_member"),
    [
        ({}, "unknown"),
        ({"x-gitlab-is-team-member": "true"}, "yes"),
        ({"x-gitlab-is-team-member": "TRUE"}, "yes"),
        ({"x-gitlab-is-team-member": "false"}, "no"),
        ({"x-gitlab-is-team-member": ""}, "no"),
        ({"x-gitlab-is-team-member": "1"}, "no"),
    ],
)
async def test_a_team_member_is_known_by_a_header(headers: dict[str, str], team_member: str) -> None:
    scope = http_scope(headers=headers)

    await call(RequestMetadata(Inner()), scope)

    facts = exchange_of(scope).facts
    assert facts.team_member == team_member
    assert facts.access.get("is_gitlab_team_member", "unknown") == team_member


# 10 · FeatureFlags


@pytest.mark.parametrize(
    ("said", "realm", "flags"),
    [
        ("a,b", "saas", ("a", "b")),
        ("a,barred,b", "saas", ("a", "b")),
        ("barred", "saas", ()),
        ("barred", "self-managed", ("barred",)),
        ("barred", "", ("barred",)),
        ("b,a,b", "saas", ("b", "a")),
        ("a,,b,", "saas", ("a", "b")),
        (" a", "saas", (" a",)),
    ],
)
async def test_flags_are_those_that_gitlab_pushed_and_the_realm_may_use(
    said: str, realm: str, flags: tuple[str, ...]
) -> None:
    scope = http_scope(headers={"x-gitlab-enabled-feature-flags": said, "x-gitlab-realm": realm})

    await call(FeatureFlags(Inner(), {"saas": frozenset({"barred"})}), scope)

    facts = exchange_of(scope).facts
    assert facts.flags == flags
    assert facts.access["enabled_feature_flags"] == ",".join(flags)


@pytest.mark.parametrize("headers", [{}, {"x-gitlab-enabled-feature-flags": ""}])
async def test_without_flags_none_is_noted(headers: dict[str, str]) -> None:
    scope = http_scope(headers=headers)

    await call(FeatureFlags(Inner(), {}), scope)

    assert exchange_of(scope).facts.flags == ()
    assert "enabled_feature_flags" not in exchange_of(scope).facts.access
