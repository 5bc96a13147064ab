"""The model proxies, `/v1/proxy/{provider}/…`: a vendor's own API for those whom GitLab lets use it.

Source: HTTP specification, section 6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Scope

from ai_gateway.api.gitlab.proxy_answer import PassedAnswer
from ai_gateway.api.gitlab.proxy_targets import RULES, Place, find_target, is_let_through
from ai_gateway.api.universal.large import LargeBodies
from ai_gateway.edge.deps import require, runtime_of
from ai_gateway.edge.presence import WhilePresent
from ai_gateway.edge.scope import exchange_of
from gateway_core.identity.model import Claims
from gateway_core.identity.unit_primitives import CATEGORY_OF, UNIT_PRIMITIVES
from gateway_core.kernel.errors import (
    GatewayFailure,
    HeaderInvalid,
    NotEnabled,
    PermissionMissing,
    ProxyFailed,
    ProxyKeyMissing,
    RequestInvalid,
    UpstreamFailure,
)
from gateway_core.relay.model import Ask
from gateway_core.relay.passthrough import Passed
from gateway_core.relay.service import Relay
from gateway_core.settings.model_access import ProxyEndpoints

HeaderGet = Callable[[str], str | None]

_PREFIX = "/v1/proxy/"
_MOCKED = b'{"response":"mocked"}'
_UNIT_PRIMITIVE = "x-gitlab-unit-primitive"
# What vendors' clients read of the head; the rest is about the connection, or the account behind our key.
_PASSED = frozenset({b"content-type", b"anthropic-beta", b"retry-after"})
_LONGEST = 100
# One for the process: it takes one step of one body at a time.
_bodies = LargeBodies()


async def proxy(request: Request) -> ASGIApp:
    """Pass one call on to the vendor, and its answer back."""
    admit(request)
    settings = runtime_of(request).settings
    scope, exchange = request.scope, exchange_of(request.scope)
    name, path = _split(scope)
    vertex = settings.vertex_text_model
    target = find_target(
        name, path, body=await _essence(exchange.body), place=Place(vertex.project or "", vertex.location)
    )
    if not is_let_through(target.model, _patterns(name, settings.proxy_endpoints)):
        raise HeaderInvalid("Unsupported model")
    if settings.mock_model_responses:
        return Response(_MOCKED, media_type="application/json")
    relay = runtime_of(request).relay
    rules = RULES[name]
    if not relay.has_provider(rules.provider):
        raise _key_missing(name)
    caller = exchange.caller
    ask = Ask(
        operation=target.operation,
        model=target.model,
        stream=target.stream,
        body_for=lambda _: exchange.body,
        parse=None,
        headers=[(key.decode(), value.decode("latin-1")) for key, value in scope["headers"] if key in rules.headers],
        allowed=caller.client.models if caller is not None and caller.client is not None else frozenset(),
        provider=rules.provider,
        path=target.path,
    )
    return await _answer(request, ask, relay)


async def _essence(body: bytes) -> bytes:
    """Give what the call is found by: a large body is read in steps, and what is no JSON is refused where it is used."""
    try:
        return await _bodies.essence(body, ("model", "stream"))
    except RequestInvalid:
        return b""


async def _answer(request: Request, ask: Ask, relay: Relay) -> ASGIApp:
    async with WhilePresent(request.scope, request.receive):
        try:
            passed = await relay.ask(ask)
        except UpstreamFailure as failure:
            words = failure.words
            exchange_of(request.scope).facts.access.update(exception_message=str(failure), model_error=failure.code)
            if words is not None:
                headers = {key.decode(): value.decode("latin-1") for key, value in _chosen(words.headers)}
                return Response(words.body, words.status, headers)
            raise ProxyFailed from failure
    if not isinstance(passed, Passed):
        message = "a call with a path of its own is always passed through"
        raise TypeError(message)
    return PassedAnswer(passed, _chosen(passed.headers))


def _chosen(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name in _PASSED]


def _split(scope: Scope) -> tuple[str, str]:
    """Give the proxy's name, and the rest of the path with its query."""
    path: str = scope["path"]
    name, _, rest = path.removeprefix(_PREFIX).partition("/")
    query = scope["query_string"].decode("latin-1")
    return name, f"/{rest}?{query}" if query else f"/{rest}"


def _patterns(name: str, lists: ProxyEndpoints) -> Sequence[str]:
    match name:
        case "anthropic":
            return lists.anthropic_models
        case "openai":
            return lists.openai_models
        case _:
            return lists.vertex_models


def _key_missing(name: str) -> GatewayFailure:
    message = "API key not found"
    return HeaderInvalid(message) if name == "anthropic" else ProxyKeyMissing(message)


def admit(request: Request) -> str:
    """Give the unit primitive that the caller uses the proxy for; refuses in the order that clients know."""
    exchange = exchange_of(request.scope)
    caller = exchange.caller
    if caller is not None and caller.client is None:
        _check_allowlist(request, caller.claims or Claims())
    named = exchange.header(_UNIT_PRIMITIVE)
    if not named:
        raise HeaderInvalid(f"Missing {_UNIT_PRIMITIVE} header")
    if named not in UNIT_PRIMITIVES:
        raise HeaderInvalid(f"Unknown unit primitive header {named[:_LONGEST]}")
    category = CATEGORY_OF.get(named)
    refusal = f"Unauthorized to access {named}"
    require(request, named, refusal=refusal, self_issued=True, category=category or "unknown")
    if caller is not None and caller.claims is not None:
        _check_event_context(request, caller.claims)
    if category is None:
        raise HeaderInvalid(f"This endpoint cannot be used for {named} purpose")
    return named


def _check_allowlist(request: Request, claims: Claims) -> None:
    refusal = find_allowlist_refusal(claims, runtime_of(request).settings.proxy_endpoints)
    if refusal is not None:
        raise refusal


def find_allowlist_refusal(claims: Claims, lists: ProxyEndpoints) -> NotEnabled | None:
    """Tell why the operator's lists leave this caller out; an empty list leaves out nobody."""
    if claims.realm == "saas":
        enabled, held = lists.saas_enabled, as_text(claims.extra.get("gitlab_root_namespace_id"))
        what, claim, setting = "namespace", "gitlab_root_namespace_id", "SAAS_ENABLED"
    else:
        enabled, held = lists.self_managed_enabled, claims.instance_uid
        what, claim, setting = "instance", "gitlab_instance_uid", "SELF_MANAGED_ENABLED"
    if not enabled or held in enabled:
        return None
    reason = f"the claim {claim} is {held!r}, which AIGW_PROXY_ENDPOINTS__{setting} does not list"
    return NotEnabled(f"Proxy endpoints are not enabled for this {what}", reason=reason)


def _check_event_context(request: Request, claims: Claims) -> None:
    mismatch = find_mismatch(claims, exchange_of(request.scope).header)
    if mismatch is not None:
        name, header, claim = mismatch
        reason = f"the header {header} and the token's claim {claim!r} differ: GitLab must send the one that fits"
        raise PermissionMissing(f"{name} mismatch", reason=reason)


_SELF_MANAGED = (("Gitlab instance uid", "x-gitlab-instance-id", "gitlab_instance_uid"),)
_ELSEWHERE = (
    ("Gitlab project id", "x-gitlab-project-id", "gitlab_project_id"),
    ("Gitlab namespace id", "x-gitlab-namespace-id", "gitlab_namespace_id"),
    ("Gitlab root namespace id", "x-gitlab-root-namespace-id", "gitlab_root_namespace_id"),
)


def find_mismatch(claims: Claims, header: HeaderGet) -> tuple[str, str, str] | None:
    """Give the first of the ids that the token and the headers disagree on: its name, header and claim.

    Compared as text; both missing agree.
    """
    held: Mapping[str, object] = {**claims.extra, "gitlab_instance_uid": claims.instance_uid or None}
    for name, told, claim in _SELF_MANAGED if claims.realm == "self-managed" else _ELSEWHERE:
        if as_text(held.get(claim)) != header(told):
            return name, told, claim
    return None


def as_text(value: object) -> str | None:
    """Give an id as its text, whether the token has it as text or as a number."""
    return None if value is None else str(value)
