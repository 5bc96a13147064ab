"""Who may use the model proxies, `/v1/proxy/{provider}/…`: the checks before any provider is asked.

Source: HTTP specification, section 6.1, checks 2 to 9.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.types import ASGIApp

from ai_gateway.edge.deps import require, runtime_of
from ai_gateway.edge.scope import exchange_of
from gateway_core.identity.model import Claims
from gateway_core.identity.unit_primitives import CATEGORY_OF, UNIT_PRIMITIVES
from gateway_core.kernel.errors import HeaderInvalid, NotEnabled, NotFound, PermissionMissing
from gateway_core.settings.model_access import ProxyEndpoints

HeaderGet = Callable[[str], str | None]

_UNIT_PRIMITIVE = "x-gitlab-unit-primitive"
_LONGEST = 100


async def proxy(request: Request) -> ASGIApp:
    """Let those in who may use this proxy; there is no path behind it yet."""
    admit(request)
    raise NotFound("Not found")


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
