"""Who may use the model proxies, whatever is behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from fakes.gateway import RunningGateway
from fakes.gitlab import call, key_headers, outcome, signed_headers, trust_in, without
from fakes.issuer import Issuer
from fakes.suggestions import new_id

StartGateway = Callable[..., RunningGateway]

PATHS = ("/v1/proxy/anthropic/v1/messages", "/v1/proxy/openai/v1/chat/completions", "/v1/proxy/vertex-ai/v1/projects")
UP = {"X-Gitlab-Unit-Primitive": "explain_vulnerability"}
BODY = {"model": "m", "messages": []}


@pytest.fixture
def listed_gateway(start_gateway: StartGateway, issuer: Issuer) -> RunningGateway:
    """Give a gateway whose proxies are for namespace 1 and for one instance only."""
    lists = {"AIGW_PROXY_ENDPOINTS__SAAS_ENABLED": "1", "AIGW_PROXY_ENDPOINTS__SELF_MANAGED_ENABLED": "1234"}
    return start_gateway(**trust_in(issuer), **lists)


def ask(gateway: RunningGateway, headers: Mapping[str, str], path: str = PATHS[0]) -> tuple[int, object]:
    return outcome(call(gateway, path, body=BODY, headers=headers))


def caller(issuer: Issuer, *scopes: str, **claims: object) -> dict[str, str]:
    """Give the headers of an instance that may use the proxies; `claims` change its token."""
    return {**signed_headers(issuer, *scopes, **{"gitlab_instance_uid": "1234", **claims}), **UP}


def on_saas(issuer: Issuer, *, ids: Mapping[str, object], headers: Mapping[str, str]) -> dict[str, str]:
    """Give the headers of gitlab.com: these ids in the token, and these of them in headers."""
    claims = {f"gitlab_{name}": value for name, value in ids.items()}
    known = caller(issuer, "explain_vulnerability", gitlab_realm="saas", gitlab_instance_uid=None, **claims)
    told = {f"X-Gitlab-{name}": value for name, value in headers.items()}
    return {**known, "X-Gitlab-Realm": "saas", **told}


def detail(status: int, text: str) -> tuple[int, object]:
    return status, {"detail": text}


@pytest.mark.parametrize("path", PATHS)
def test_the_proxies_want_a_credential_first(path: str, listed_gateway: RunningGateway) -> None:
    assert ask(listed_gateway, UP, path) == (401, {"error": "No authorization header presented"})


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("namespace", ["2", 2, None, "", "1,2", True])
def test_case_100_a_namespace_that_is_not_listed_is_refused(
    namespace: object, path: str, *, listed_gateway: RunningGateway, issuer: Issuer
) -> None:
    # No unit primitive beside it: the list is asked before anything else.
    headers = without(on_saas(issuer, ids={"root_namespace_id": namespace}, headers={}), "X-Gitlab-Unit-Primitive")

    answer = ask(listed_gateway, headers, path)

    assert answer == detail(402, "Proxy endpoints are not enabled for this namespace")


@pytest.mark.parametrize("realm", ["self-managed", None, "moon"])
@pytest.mark.parametrize("uid", ["9", None])
def test_case_100_an_instance_that_is_not_listed_is_refused(
    uid: str | None, realm: str | None, *, listed_gateway: RunningGateway, issuer: Issuer
) -> None:
    token = caller(issuer, "explain_vulnerability", gitlab_instance_uid=uid, gitlab_realm=realm)
    headers = {**token, "X-Gitlab-Realm": realm or "self-managed"}

    assert ask(listed_gateway, headers) == detail(402, "Proxy endpoints are not enabled for this instance")


@pytest.mark.parametrize("namespace", ["1", 1])
def test_case_100_a_namespace_that_is_listed_goes_on(
    namespace: object, listed_gateway: RunningGateway, issuer: Issuer
) -> None:
    headers = on_saas(issuer, ids={"root_namespace_id": namespace}, headers={"Root-Namespace-Id": "1"})

    assert ask(listed_gateway, headers)[0] not in {401, 402, 403}


def test_case_100_the_log_says_which_list_the_caller_is_not_on(listed_gateway: RunningGateway, issuer: Issuer) -> None:
    request_id = new_id()

    ask(listed_gateway, {**caller(issuer, "duo_chat", gitlab_instance_uid="9"), "X-Request-ID": request_id})

    reason = str(listed_gateway.access_line(request_id)["auth_error_details"])
    assert "AIGW_PROXY_ENDPOINTS__SELF_MANAGED_ENABLED" in reason
    assert "'9'" in reason


def test_the_unit_primitive_must_be_named(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    headers = without(caller(issuer, "explain_vulnerability"), "X-Gitlab-Unit-Primitive")

    assert ask(trusting_gateway, headers) == detail(400, "Missing x-gitlab-unit-primitive header")


@pytest.mark.parametrize("named", ["foo", "EXPLAIN_VULNERABILITY", "explain_vulnerability, duo_chat"])
def test_the_unit_primitive_must_be_known(named: str, trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    headers = {**caller(issuer, "explain_vulnerability"), "X-Gitlab-Unit-Primitive": named}

    assert ask(trusting_gateway, headers) == detail(400, f"Unknown unit primitive header {named}")


def test_the_unit_primitive_must_be_held(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    headers = caller(issuer, "duo_chat")

    assert ask(trusting_gateway, headers) == detail(403, "Unauthorized to access explain_vulnerability")


def test_the_unit_primitive_must_be_one_for_proxies(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    headers = {**caller(issuer, "complete_code"), "X-Gitlab-Unit-Primitive": "complete_code"}

    answer = ask(trusting_gateway, headers)

    assert answer == detail(400, "This endpoint cannot be used for complete_code purpose")


def test_an_instance_speaks_for_itself_alone(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    headers = caller(issuer, "explain_vulnerability", gitlab_instance_uid="another")

    assert ask(trusting_gateway, headers) == detail(403, "Gitlab instance uid mismatch")


@pytest.mark.parametrize(
    ("ids", "headers", "what"),
    [
        ({"project_id": 5}, {"Project-Id": "6"}, "project"),
        ({"project_id": 5}, {}, "project"),
        ({}, {"Project-Id": "6"}, "project"),
        ({"project_id": 5}, {"Project-Id": "6", "Namespace-Id": "7"}, "project"),
        ({"namespace_id": "5"}, {"Namespace-Id": "6"}, "namespace"),
        ({"project_id": 5, "root_namespace_id": 1}, {"Project-Id": "5", "Root-Namespace-Id": "2"}, "root namespace"),
    ],
)
def test_case_101_an_id_that_is_not_the_one_of_the_token_is_refused(
    ids: dict[str, object],
    headers: dict[str, str],
    what: str,
    *,
    trusting_gateway: RunningGateway,
    issuer: Issuer,
) -> None:
    answer = ask(trusting_gateway, on_saas(issuer, ids=ids, headers=headers))

    assert answer == detail(403, f"Gitlab {what} id mismatch")


@pytest.mark.parametrize(
    ("ids", "headers"),
    [
        ({}, {}),
        ({"project_id": 5}, {"Project-Id": "5"}),
        (
            {"project_id": "5", "namespace_id": 6, "root_namespace_id": 7},
            {"Project-Id": "5", "Namespace-Id": "6", "Root-Namespace-Id": "7"},
        ),
    ],
)
def test_case_101_ids_are_compared_as_text(
    ids: dict[str, object], headers: dict[str, str], *, trusting_gateway: RunningGateway, issuer: Issuer
) -> None:
    assert ask(trusting_gateway, on_saas(issuer, ids=ids, headers=headers))[0] not in {401, 402, 403}


def test_a_token_of_ours_may_use_the_proxies(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    # Every other endpoint of this kind refuses them; here an editor calls for itself.
    up = "ai_gateway_model_provider_proxy"
    asked = signed_headers(issuer, up, gitlab_instance_uid="1234")
    token = call(trusting_gateway, "/v1/code/user_access_token", headers=asked).json()["token"]
    headers = {**asked, "Authorization": f"Bearer {token}", "X-Gitlab-Unit-Primitive": up}

    assert ask(trusting_gateway, headers)[0] not in {401, 402, 403}


def test_a_client_key_may_use_the_proxies_whatever_the_lists_say(listed_gateway: RunningGateway) -> None:
    assert ask(listed_gateway, {**key_headers(listed_gateway.key), **UP})[0] not in {401, 402, 403}
