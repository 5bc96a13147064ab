"""The tokens that the gateway issues itself, so that a user's editor can call it without GitLab in between."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

# Any: claims are of any shape, and what they are is what the tests assert.
from typing import Any

import pytest

from fakes.gateway import RunningGateway, run_gateway, run_to_end
from fakes.gitlab import (
    FORBIDDEN,
    SERVICE,
    SIGNING,
    VALIDATION,
    call,
    complete,
    completion,
    component,
    components,
    key_headers,
    outcome,
    own_claims,
    own_keys,
    own_token,
    signed_headers,
    token_headers,
    trust_in,
    without,
)
from fakes.issuer import Issuer
from fakes.signing import claims_in, encoded, header_of, private_pem, rsa_key, signature_of
from fakes.suggestions import new_id

StartGateway = Callable[..., RunningGateway]

PATH = "/v1/code/user_access_token"
UNAUTHORIZED = (403, {"detail": "Unauthorized to create user access token"})
UNSIGNED = (500, {"detail": "Failed to generate JWT"})
PROXY = "ai_gateway_model_provider_proxy"
SAAS = {"X-Gitlab-Realm": "saas"}


def ask(gateway: RunningGateway, headers: Mapping[str, str]) -> tuple[int, object]:
    return outcome(call(gateway, PATH, headers=headers))


def issue(gateway: RunningGateway, headers: Mapping[str, str]) -> str:
    answer = call(gateway, PATH, headers=headers)
    assert answer.status_code == 200, answer.text
    token = answer.json()["token"]
    assert isinstance(token, str)
    return token


# Any: see the import.
def claims_for(gateway: RunningGateway, headers: Mapping[str, str]) -> dict[str, Any]:
    return claims_in(issue(gateway, headers))


def test_case_027_a_token_for_a_user_is_issued(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    answer = call(trusting_gateway, PATH, headers=signed_headers(issuer, "complete_code", gitlab_instance_id="1234"))

    assert answer.status_code == 200
    assert set(answer.json()) == {"token", "expires_at"}
    claims = claims_in(answer.json()["token"])
    assert claims["iss"] == claims["aud"] == SERVICE
    assert claims["sub"] == "u1"
    assert claims["scopes"] == ["complete_code"]
    assert claims["gitlab_realm"] == "self-managed"
    assert claims["gitlab_instance_id"] == "1234"
    assert isinstance(claims["exp"], int)
    assert isinstance(claims["iat"], int)
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["nbf"] == claims["iat"]
    assert answer.json()["expires_at"] == claims["exp"]


def test_case_027_each_token_has_an_id_of_its_own(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    headers = signed_headers(issuer, "complete_code")

    ids = {uuid.UUID(claims_for(trusting_gateway, headers)["jti"]) for _ in range(3)}

    assert len(ids) == 3
    assert {one.version for one in ids} == {4}


def test_case_027_the_token_is_signed_by_our_own_key(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    token = issue(trusting_gateway, signed_headers(issuer, "complete_code"))

    assert header_of(token)["alg"] == "RS256"
    # This way of signing has no chance in it: who holds the key writes the same signature.
    signed, _, signature = token.rpartition(".")
    assert signature == encoded(signature_of(signed.encode(), rsa_key(SIGNING)))


@pytest.mark.parametrize("scopes", [["duo_chat"], [], ["generate_code", "code_suggestions"]])
def test_case_028_without_a_scope_for_it_no_token_is_issued(
    scopes: list[str], trusting_gateway: RunningGateway, issuer: Issuer
) -> None:
    assert ask(trusting_gateway, signed_headers(issuer, *scopes)) == UNAUTHORIZED


@pytest.mark.parametrize(
    ("held", "given"),
    [
        (["duo_chat", "complete_code", PROXY], ["complete_code", PROXY]),
        ([PROXY, "complete_code"], ["complete_code", PROXY]),
        ([PROXY, "generate_code"], [PROXY]),
    ],
)
def test_the_token_carries_those_of_its_scopes_that_the_caller_holds(
    held: list[str], given: list[str], *, trusting_gateway: RunningGateway, issuer: Issuer
) -> None:
    assert sorted(claims_for(trusting_gateway, signed_headers(issuer, *held))["scopes"]) == sorted(given)


@pytest.mark.parametrize("scope", ["complete_code", PROXY])
def test_case_029_a_token_of_ours_is_not_exchanged_for_another(
    scope: str, trusting_gateway: RunningGateway, issuer: Issuer
) -> None:
    token = issue(trusting_gateway, signed_headers(issuer, scope))

    assert ask(trusting_gateway, token_headers(token)) == UNAUTHORIZED


@pytest.mark.parametrize("path", ["/v2/completions", "/v2/code/completions", "/ai/v2/completions"])
def test_case_030_the_token_opens_completions(path: str, trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    token = issue(trusting_gateway, signed_headers(issuer, "complete_code"))

    assert call(trusting_gateway, path, body=completion(), headers=token_headers(token)).status_code == 200


def test_case_031_the_token_opens_nothing_else(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    every = signed_headers(issuer, "complete_code", "generate_code")
    headers = token_headers(issue(trusting_gateway, every))
    asked = {
        "/v2/code/generations": (
            completion(prompt_version=2, prompt="sort"),
            "Unauthorized to access code generations",
        ),
        "/v3/code/completions": (components(component("completion")), "Unauthorized to access code suggestions"),
        "/v4/code/suggestions": (components(component("completion")), "Unauthorized to access code suggestions"),
    }
    for path, (body, detail) in asked.items():
        assert call(trusting_gateway, path, body=body, headers=every).status_code == 200
        answer = outcome(call(trusting_gateway, path, body=body, headers=headers))
        assert answer == (403, {"detail": detail})


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        ({"X-Gitlab-Global-User-Id": "u2"}, "X-Gitlab-Global-User-Id"),
        ({"X-Gitlab-Realm": "saas"}, "X-Gitlab-Realm"),
        ({"X-Gitlab-Instance-Id": "9"}, "X-Gitlab-Instance-Id"),
    ],
)
def test_the_token_holds_for_its_user_realm_and_instance_alone(
    changed: dict[str, str], refused: str, *, trusting_gateway: RunningGateway, issuer: Issuer
) -> None:
    token = issue(trusting_gateway, signed_headers(issuer, "complete_code", gitlab_instance_id="1234"))

    answer = complete(trusting_gateway, {**token_headers(token), **changed})

    assert answer == (401, {"error": f"Header mismatch '{refused}'"})


def test_case_032_on_saas_the_token_tells_project_and_namespaces(
    trusting_gateway: RunningGateway, issuer: Issuer
) -> None:
    caller = signed_headers(issuer, "complete_code", gitlab_realm="saas", gitlab_root_namespace_id="42")
    told = {"X-Gitlab-Project-Id": "5", "X-Gitlab-Namespace-Id": "6", "X-Gitlab-Root-Namespace-Id": "7"}

    claims = claims_for(trusting_gateway, {**caller, **SAAS, **told})

    assert claims["gitlab_root_namespace_id"] == 42
    assert claims["gitlab_project_id"] == "5"
    assert claims["gitlab_namespace_id"] == "6"
    assert "gitlab_instance_uid" not in claims


@pytest.mark.parametrize(
    ("claim", "header", "told"),
    [
        (None, "-1", None),
        (None, "0", None),
        (None, "1.5", None),
        (None, "seven", None),
        (None, None, None),
        (None, "7", 7),
        (42, "7", 42),
        ("42", None, 42),
        (0, "7", 7),
        (-3, "7", 7),
        (True, None, None),
        (4.2, None, None),
    ],
)
def test_case_033_the_root_namespace_is_a_positive_number_or_nothing(
    claim: object, header: str | None, told: int | None, *, trusting_gateway: RunningGateway, issuer: Issuer
) -> None:
    caller = signed_headers(issuer, "complete_code", gitlab_realm="saas", gitlab_root_namespace_id=claim)
    headers = {**caller, **SAAS, **({"X-Gitlab-Root-Namespace-Id": header} if header else {})}

    claims = claims_for(trusting_gateway, headers)

    # True equals 1 and 42.0 equals 42, so the kind is looked at as well.
    assert (claims["gitlab_root_namespace_id"], type(claims["gitlab_root_namespace_id"])) == (told, type(told))
    assert claims["gitlab_project_id"] is None
    assert claims["gitlab_namespace_id"] is None


def test_ids_in_headers_count_for_nothing_outside_saas(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    told = {"X-Gitlab-Project-Id": "5", "X-Gitlab-Namespace-Id": "6", "X-Gitlab-Root-Namespace-Id": "7"}
    caller = signed_headers(issuer, "complete_code", gitlab_instance_uid="uid-1")

    claims = claims_for(trusting_gateway, {**caller, **told})

    assert claims["gitlab_instance_uid"] == "uid-1"
    assert not {"gitlab_project_id", "gitlab_namespace_id", "gitlab_root_namespace_id"} & set(claims)


def test_what_the_caller_was_given_goes_on_to_the_token_and_what_tells_of_a_token_does_not(
    trusting_gateway: RunningGateway, issuer: Issuer
) -> None:
    given = {"skip_usage_cutoff": True, "of_the_future": {"a": [1]}, "duo_seat_count": "12", "jti": "theirs"}
    headers = {**signed_headers(issuer, "complete_code", **given), "X-Gitlab-Duo-Seat-Count": "12"}

    claims = claims_for(trusting_gateway, headers)

    assert claims["skip_usage_cutoff"] is True
    assert claims["of_the_future"] == {"a": [1]}
    assert claims["duo_seat_count"] == "12"
    assert claims["jti"] != "theirs"


def test_realm_and_instance_are_those_of_the_token_and_not_of_the_headers(
    trusting_gateway: RunningGateway, issuer: Issuer
) -> None:
    caller = signed_headers(issuer, "complete_code", gitlab_realm=None, gitlab_instance_id=None, sub=None)

    claims = claims_for(trusting_gateway, {**caller, "X-Gitlab-Realm": "saas", "X-Gitlab-Instance-Id": "forged"})

    assert claims.get("gitlab_realm") is None
    assert claims.get("gitlab_instance_id") is None


@pytest.mark.parametrize("pem", ["no key at all", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"])
def test_case_034_a_signing_key_that_is_none_issues_nothing_and_breaks_nothing(
    pem: str, start_gateway: StartGateway, issuer: Issuer
) -> None:
    gateway = start_gateway(**trust_in(issuer), AIGW_SELF_SIGNED_JWT__SIGNING_KEY=pem)
    request_id = new_id()

    assert ask(gateway, {**signed_headers(issuer, "complete_code"), "X-Request-ID": request_id}) == UNSIGNED

    assert complete(gateway, signed_headers(issuer, "complete_code"))[0] == 200
    assert "AIGW_SELF_SIGNED_JWT__SIGNING_KEY" in str(gateway.access_line(request_id)["exception_message"])
    assert "AAAA" not in gateway.log_text()


def test_case_034_without_a_signing_key_the_log_says_how_to_make_one(
    start_gateway: StartGateway, issuer: Issuer
) -> None:
    gateway = start_gateway(**trust_in(issuer))
    request_id = new_id()

    assert ask(gateway, {**signed_headers(issuer, "complete_code"), "X-Request-ID": request_id}) == UNSIGNED

    assert "ai-gateway keys new" in str(gateway.access_line(request_id)["exception_message"])


def test_a_bad_signing_key_does_not_take_the_validation_key_with_it(
    start_gateway: StartGateway, issuer: Issuer
) -> None:
    settings = {**own_keys(), "AIGW_SELF_SIGNED_JWT__SIGNING_KEY": "no key at all"}
    gateway = start_gateway(**trust_in(issuer), **settings)
    token = own_token(own_claims("complete_code"), by="validation")

    assert complete(gateway, token_headers(token))[0] == 200


def test_case_035_who_came_by_the_bypass_gets_a_token_that_holds(documented_gateway: RunningGateway) -> None:
    debug = {
        "Bypass-Auth": "true",
        "X-Gitlab-Global-User-Id": "111",
        "X-Gitlab-Realm": "saas",
        "X-Gitlab-Instance-Id": "x",
    }

    token = issue(documented_gateway, debug)

    headers = {**without(debug, "Bypass-Auth"), **key_headers(token), "X-Gitlab-Authentication-Type": "oidc"}
    assert complete(documented_gateway, headers)[0] == 200
    assert complete(documented_gateway, {**headers, "X-Gitlab-Global-User-Id": "112"})[0] == 401


def test_a_client_key_gets_no_user_token(trusting_gateway: RunningGateway) -> None:
    headers = {**key_headers(trusting_gateway.key), "X-Gitlab-Global-User-Id": "u1"}

    assert ask(trusting_gateway, headers) == UNAUTHORIZED


def test_tokens_outlive_the_key_that_signed_them_while_it_is_the_validation_key(tmp_path: Path, issuer: Issuer) -> None:
    def settings(signing: str, validation: str | None) -> dict[str, str]:
        keys = {"SIGNING_KEY": signing} | ({"VALIDATION_KEY": validation} if validation else {})
        named = {f"AIGW_SELF_SIGNED_JWT__{name}": private_pem(rsa_key(key)) for name, key in keys.items()}
        return trust_in(issuer, **named)

    with run_gateway(tmp_path / "before", settings(VALIDATION, None), warm=True) as gateway:
        token = issue(gateway, signed_headers(issuer, "complete_code"))
        assert complete(gateway, token_headers(token))[0] == 200
    with run_gateway(tmp_path / "while", settings(SIGNING, VALIDATION), warm=True) as gateway:
        assert complete(gateway, token_headers(token))[0] == 200
        newer = issue(gateway, signed_headers(issuer, "complete_code"))
    with run_gateway(tmp_path / "after", settings(SIGNING, None), warm=True) as gateway:
        assert complete(gateway, token_headers(newer))[0] == 200
        assert complete(gateway, token_headers(token)) == FORBIDDEN


def test_a_key_from_the_command_signs_once_it_is_pasted_into_the_settings(tmp_path: Path, issuer: Issuer) -> None:
    made = run_to_end(tmp_path, {}, "keys", "new")
    assert made.returncode == 0
    (tmp_path / ".env").write_text(made.stdout)

    with run_gateway(tmp_path, trust_in(issuer), warm=True) as gateway:
        token = issue(gateway, signed_headers(issuer, "complete_code"))

        assert complete(gateway, token_headers(token))[0] == 200


def test_neither_the_token_nor_the_keys_are_logged(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    request_id = new_id()
    headers = {**signed_headers(issuer, "complete_code"), "X-Request-ID": request_id}

    token = issue(trusting_gateway, headers)

    trusting_gateway.access_line(request_id)
    log = trusting_gateway.log_text()
    assert token.rpartition(".")[2] not in log
    assert token not in log
    assert "PRIVATE KEY" not in log
