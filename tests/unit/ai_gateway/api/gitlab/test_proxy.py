"""Who may use the model proxies."""

from __future__ import annotations

import pytest

from ai_gateway.api.gitlab.proxy import find_allowlist_refusal, find_mismatch
from gateway_core.identity.model import Claims
from gateway_core.settings.model_access import ProxyEndpoints

SAAS = Claims(
    realm="saas",
    extra={"gitlab_project_id": "5", "gitlab_namespace_id": "6", "gitlab_root_namespace_id": 42},
)
SELF_MANAGED = Claims(realm="self-managed", instance_uid="uid-1")
AGREEING = {"x-gitlab-project-id": "5", "x-gitlab-namespace-id": "6", "x-gitlab-root-namespace-id": "42"}
OPEN = ProxyEndpoints()


@pytest.mark.parametrize(
    ("claims", "lists", "refusal"),
    [
        (SAAS, OPEN, None),
        (SELF_MANAGED, OPEN, None),
        (Claims(), OPEN, None),
        (SAAS, ProxyEndpoints(saas_enabled=("1", "42")), None),
        (SAAS, ProxyEndpoints(saas_enabled=("1",)), "Proxy endpoints are not enabled for this namespace"),
        (SAAS, ProxyEndpoints(self_managed_enabled=("1",)), None),
        (SELF_MANAGED, ProxyEndpoints(self_managed_enabled=("uid-1",)), None),
        (SELF_MANAGED, ProxyEndpoints(saas_enabled=("1",)), None),
        (
            SELF_MANAGED,
            ProxyEndpoints(self_managed_enabled=("uid-2",)),
            "Proxy endpoints are not enabled for this instance",
        ),
        (
            Claims(realm="other", extra=SAAS.extra),
            ProxyEndpoints(self_managed_enabled=("x",)),
            "Proxy endpoints are not enabled for this instance",
        ),
        (
            Claims(realm="saas"),
            ProxyEndpoints(saas_enabled=("None",)),
            "Proxy endpoints are not enabled for this namespace",
        ),
        (Claims(), ProxyEndpoints(self_managed_enabled=("",)), None),
    ],
)
def test_a_list_lets_in_whom_it_names_and_an_empty_one_everybody(
    claims: Claims, lists: ProxyEndpoints, refusal: str | None
) -> None:
    found = find_allowlist_refusal(claims, lists)

    assert (str(found) if found else None) == refusal


def test_the_operator_is_told_which_list_to_change() -> None:
    found = find_allowlist_refusal(SAAS, ProxyEndpoints(saas_enabled=("1",)))

    assert found is not None
    assert "'42'" in found.reason
    assert "AIGW_PROXY_ENDPOINTS__SAAS_ENABLED" in found.reason


@pytest.mark.parametrize(
    ("claims", "headers", "named"),
    [
        (SAAS, AGREEING, None),
        (SAAS, AGREEING | {"x-gitlab-project-id": "6"}, "Gitlab project id"),
        (SAAS, AGREEING | {"x-gitlab-namespace-id": "7"}, "Gitlab namespace id"),
        (SAAS, AGREEING | {"x-gitlab-root-namespace-id": "042"}, "Gitlab root namespace id"),
        (SAAS, {}, "Gitlab project id"),
        (Claims(realm="saas"), {}, None),
        (Claims(), {}, None),
        (Claims(realm="saas"), {"x-gitlab-namespace-id": "7"}, "Gitlab namespace id"),
        (SELF_MANAGED, {"x-gitlab-instance-id": "uid-1"}, None),
        (SELF_MANAGED, {"x-gitlab-instance-id": "uid-1", "x-gitlab-project-id": "7"}, None),
        (SELF_MANAGED, {"x-gitlab-instance-id": "uid-2"}, "Gitlab instance uid"),
        (SELF_MANAGED, {}, "Gitlab instance uid"),
        (Claims(realm="self-managed"), {"x-gitlab-instance-id": "uid-1"}, "Gitlab instance uid"),
        (Claims(realm="self-managed"), {}, None),
    ],
)
def test_the_ids_of_the_token_and_of_the_headers_agree_as_text(
    claims: Claims, headers: dict[str, str], named: str | None
) -> None:
    found = find_mismatch(claims, headers.get)

    assert (found[0] if found else None) == named
