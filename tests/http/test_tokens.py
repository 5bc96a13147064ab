"""Tokens that an issuer really signed: which get in, which do not, and what the operator reads about those."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.gateway import RunningGateway, run_gateway, wait_for
from fakes.gitlab import (
    FORBIDDEN,
    SERVICE,
    call,
    complete,
    completion,
    outcome,
    own_claims,
    own_token,
    signed_headers,
    token_headers,
    trust_in,
    user_claims,
    without,
)
from fakes.issuer import Issuer, run_issuer
from fakes.suggestions import new_id

StartGateway = Callable[..., RunningGateway]

NOT_OIDC = (401, {"error": "Invalid authentication token type - only OIDC is supported"})


def mismatch(header: str) -> tuple[int, object]:
    return 401, {"error": f"Header mismatch '{header}'"}


def reason_for(gateway: RunningGateway, token: str) -> str:
    """Give what the access line says about a token that is refused; the wire must say no more than it always does."""
    request_id = new_id()
    assert complete(gateway, {**token_headers(token), "X-Request-ID": request_id}) == FORBIDDEN
    return str(gateway.access_line(request_id)["auth_error_details"])


@pytest.mark.parametrize("word", ["bearer", "Bearer", "BEARER", "bEaReR"])
def test_case_005_the_word_bearer_may_be_of_any_case(
    word: str, trusting_gateway: RunningGateway, issuer: Issuer
) -> None:
    headers = signed_headers(issuer, "complete_code")
    headers["Authorization"] = headers["Authorization"].replace("Bearer", word)

    assert complete(trusting_gateway, headers)[0] == 200


def test_case_006_a_token_needs_its_type_beside_it(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    headers = without(signed_headers(issuer, "complete_code"), "X-Gitlab-Authentication-Type")

    assert complete(trusting_gateway, headers) == NOT_OIDC


@pytest.mark.parametrize("kind", ["OIDC", "Oidc", "saml", "", "oidc, oidc"])
def test_case_007_the_type_of_a_token_is_oidc_in_lower_case(
    kind: str, trusting_gateway: RunningGateway, issuer: Issuer
) -> None:
    headers = {**signed_headers(issuer, "complete_code"), "X-Gitlab-Authentication-Type": kind}

    assert complete(trusting_gateway, headers) == NOT_OIDC


@pytest.mark.parametrize("kid", ["key-2", "key-1", None])
def test_case_008_a_token_signed_by_an_unknown_key_is_refused(
    kid: str | None, trusting_gateway: RunningGateway, issuer: Issuer
) -> None:
    stranger = issuer.sign(user_claims("complete_code"), kid="key-2", header_changes={"kid": kid})

    assert complete(trusting_gateway, token_headers(stranger)) == FORBIDDEN


def test_a_token_that_names_no_key_is_tried_with_every_key(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    nameless = issuer.sign(user_claims("complete_code"), kid=None)

    assert complete(trusting_gateway, token_headers(nameless))[0] == 200


@pytest.mark.parametrize(("claim", "seconds"), [("exp", -1), ("exp", -86400), ("nbf", 600), ("iat", 600)])
def test_case_009_times_are_verified_without_leeway(
    claim: str, seconds: int, *, trusting_gateway: RunningGateway, issuer: Issuer
) -> None:
    headers = signed_headers(issuer, "complete_code", **{claim: int(time.time()) + seconds})

    assert complete(trusting_gateway, headers) == FORBIDDEN


def test_a_token_that_got_in_is_refused_once_it_has_expired(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    headers = signed_headers(issuer, "complete_code", exp=time.time() + 1.5)
    assert complete(trusting_gateway, headers)[0] == 200

    def look() -> tuple[int, object] | None:
        answer = complete(trusting_gateway, headers)
        return answer if answer[0] != 200 else None

    assert wait_for(look, what="the token to expire", within_s=5) == FORBIDDEN


@pytest.mark.parametrize("audience", ["other", ["other"], [], None, "", SERVICE.upper(), f"{SERVICE} ", {SERVICE: 1}])
def test_case_010_a_token_for_another_service_is_refused(
    audience: object, trusting_gateway: RunningGateway, issuer: Issuer
) -> None:
    assert complete(trusting_gateway, signed_headers(issuer, "complete_code", aud=audience)) == FORBIDDEN


def test_a_token_for_several_services_holds_for_each(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    headers = signed_headers(issuer, "complete_code", aud=["other", SERVICE])

    assert complete(trusting_gateway, headers)[0] == 200


@pytest.mark.parametrize("algorithm", ["HS256", "none", "RS384", "RS512", "PS256", "ES256"])
def test_case_011_a_token_of_another_algorithm_is_refused(
    algorithm: str, trusting_gateway: RunningGateway, issuer: Issuer
) -> None:
    token = issuer.sign(user_claims("complete_code"), algorithm=algorithm)

    assert complete(trusting_gateway, token_headers(token)) == FORBIDDEN


@pytest.mark.parametrize("realm", ["saas", "", "SELF-MANAGED", "self-managed, saas"])
def test_case_012_the_realm_must_be_that_of_the_token(
    realm: str, trusting_gateway: RunningGateway, issuer: Issuer
) -> None:
    headers = {**signed_headers(issuer, "complete_code"), "X-Gitlab-Realm": realm}

    assert complete(trusting_gateway, headers) == mismatch("X-Gitlab-Realm")


@pytest.mark.parametrize("instance", ["9", "", "1234, 9"])
def test_case_013_the_instance_must_be_that_of_the_token(
    instance: str, trusting_gateway: RunningGateway, issuer: Issuer
) -> None:
    by_subject = {**signed_headers(issuer, "complete_code"), "X-Gitlab-Instance-Id": instance}
    by_claim = {**signed_headers(issuer, "complete_code", gitlab_instance_id="1234"), "X-Gitlab-Instance-Id": instance}

    assert complete(trusting_gateway, by_subject) == mismatch("X-Gitlab-Instance-Id")
    assert complete(trusting_gateway, by_claim) == mismatch("X-Gitlab-Instance-Id")


@pytest.mark.parametrize("name", ["X-Gitlab-Realm", "X-Gitlab-Instance-Id"])
def test_a_header_that_the_token_speaks_of_must_be_there(
    name: str, trusting_gateway: RunningGateway, issuer: Issuer
) -> None:
    assert complete(trusting_gateway, without(signed_headers(issuer, "complete_code"), name)) == mismatch(name)


def test_the_first_of_two_mismatches_is_told(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    wrong = {"X-Gitlab-Realm": "saas", "X-Gitlab-Instance-Id": "9"}

    answer = complete(trusting_gateway, {**signed_headers(issuer, "complete_code"), **wrong})

    assert answer == mismatch("X-Gitlab-Realm")


@pytest.mark.parametrize("realm", ["saas", "self-managed", "moon"])
@pytest.mark.parametrize("claim", [None, ""])
def test_case_014_a_token_that_names_no_realm_holds_in_each(
    realm: str, claim: str | None, *, trusting_gateway: RunningGateway, issuer: Issuer
) -> None:
    headers = {**signed_headers(issuer, "complete_code", gitlab_realm=claim), "X-Gitlab-Realm": realm}

    assert complete(trusting_gateway, headers)[0] == 200


@pytest.mark.parametrize(
    ("claim", "header", "said"),
    [
        ("5", "6", "Header mismatch 'X-Gitlab-Duo-Seat-Count'"),
        (5, "6", "Header mismatch 'X-Gitlab-Duo-Seat-Count'"),
        ("5", None, "Header is missing: 'X-Gitlab-Duo-Seat-Count'"),
        ("5", "5", None),
        (5, "5", None),
        (None, "6", None),
        (" ", "6", None),
    ],
)
def test_case_015_another_seat_count_is_only_logged(
    claim: object, header: str | None, said: str | None, *, trusting_gateway: RunningGateway, issuer: Issuer
) -> None:
    request_id = new_id()
    headers = {**signed_headers(issuer, "complete_code", duo_seat_count=claim), "X-Request-ID": request_id}
    if header is not None:
        headers["X-Gitlab-Duo-Seat-Count"] = header

    assert complete(trusting_gateway, headers)[0] == 200

    trusting_gateway.access_line(request_id)
    lines = [line for line in trusting_gateway.log_lines() if line.get("correlation_id") == request_id]
    assert [line["message"] for line in lines if "Seat-Count" in str(line["message"])] == ([said] if said else [])


@pytest.mark.parametrize("user", ["u2", "", "u1, u2", "U1"])
def test_case_016_a_token_of_ours_holds_for_its_user_alone(user: str, trusting_gateway: RunningGateway) -> None:
    token = own_token(own_claims("complete_code", user="u1"))
    headers = {**token_headers(token), "X-Gitlab-Global-User-Id": user}

    assert complete(trusting_gateway, headers) == mismatch("X-Gitlab-Global-User-Id")


def test_case_016_a_token_of_ours_without_its_user_beside_it_is_refused(trusting_gateway: RunningGateway) -> None:
    headers = without(token_headers(own_token(own_claims("complete_code"))), "X-Gitlab-Global-User-Id")

    assert complete(trusting_gateway, headers) == mismatch("X-Gitlab-Global-User-Id")


def test_the_user_of_a_token_of_gitlab_is_not_looked_at(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    headers = {**signed_headers(issuer, "complete_code"), "X-Gitlab-Global-User-Id": "anybody"}

    assert complete(trusting_gateway, headers)[0] == 200


@pytest.mark.parametrize("by", ["signing", "validation"])
def test_case_017_tokens_of_both_of_our_keys_hold(by: str, trusting_gateway: RunningGateway) -> None:
    token = own_token(own_claims("complete_code"), by=by)

    assert complete(trusting_gateway, token_headers(token))[0] == 200


def test_case_018_without_any_key_a_token_cannot_be_judged(closed_gateway: RunningGateway, issuer: Issuer) -> None:
    request_id = new_id()
    headers = {**signed_headers(issuer, "complete_code"), "X-Request-ID": request_id}

    answer = call(closed_gateway, "/v2/completions", body=completion(), headers=headers)

    assert (answer.status_code, answer.text) == (500, "Internal Server Error")
    line = closed_gateway.access_line(request_id)
    assert "No keys founds in JWKS; are OIDC providers up?" in str(line["auth_error_details"])
    assert "AIGW_GITLAB_URL" in str(line["auth_error_details"])
    told = [line for line in closed_gateway.log_lines() if line.get("correlation_id") == request_id]
    assert [line["level"] for line in told if "No keys founds in JWKS" in str(line.get("reason"))] == ["error"]


def test_case_018_a_token_that_is_none_is_refused_all_the_same(closed_gateway: RunningGateway) -> None:
    assert complete(closed_gateway, token_headers("abc")) == FORBIDDEN


def test_case_019_the_discovery_document_is_fetched_once(tmp_path: Path) -> None:
    with run_issuer() as issuer:
        settings = {"AIGW_GITLAB_URL": issuer.url, "AIGW_MOCK_MODEL_RESPONSES": "true", "AIGW_AUTH__KEYS_REFRESH": "1"}
        with run_gateway(tmp_path, settings, warm=True) as gateway:
            for _ in range(3):
                assert complete(gateway, signed_headers(issuer, "complete_code"))[0] == 200
            wait_for(lambda: issuer.hits(issuer.keys_path) > 1 or None, what="the keys to be fetched again")

            assert complete(gateway, signed_headers(issuer, "complete_code"))[0] == 200
            assert issuer.hits(issuer.discovery_path) == 1


@pytest.mark.parametrize("prefix", ["", "/ai"])
def test_case_020_an_unknown_path_is_not_found(prefix: str, trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    answer = call(trusting_gateway, f"{prefix}/v1/nope", method="GET", headers=signed_headers(issuer, "complete_code"))

    assert outcome(answer) == (404, {"detail": "Not Found"})


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_case_021_another_method_is_not_allowed(method: str, trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    headers = signed_headers(issuer, "complete_code")

    answer = call(trusting_gateway, "/v2/completions", method=method, headers=headers)

    assert outcome(answer) == (405, {"detail": "Method Not Allowed"})


@pytest.mark.parametrize(
    "scopes", [["generate_code"], [], None, "complete_code", {"complete_code": 1}, [["complete_code"]]]
)
def test_a_token_without_the_scope_is_forbidden(
    scopes: object, trusting_gateway: RunningGateway, issuer: Issuer
) -> None:
    answer = complete(trusting_gateway, signed_headers(issuer, scopes=scopes))

    assert answer == (403, {"detail": "Unauthorized to access code completions"})


@pytest.mark.parametrize("others", [["self_hosted_models"], ["of_the_future", ""], [None, 7, {}]])
def test_scopes_that_nobody_knows_do_no_harm(
    others: list[object], trusting_gateway: RunningGateway, issuer: Issuer
) -> None:
    headers = signed_headers(issuer, scopes=[*others, "complete_code"])

    assert complete(trusting_gateway, headers)[0] == 200


def test_the_log_names_both_audiences_and_the_setting(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    reason = reason_for(trusting_gateway, issuer.sign(user_claims("complete_code", aud="my-gateway")))

    assert "'my-gateway'" in reason
    assert f"'{SERVICE}'" in reason
    assert "AIGW_CLOUD_CONNECTOR_SERVICE_NAME" in reason


def test_the_log_says_when_a_token_expired(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    reason = reason_for(trusting_gateway, issuer.sign(user_claims("complete_code", exp=int(time.time()) - 90)))

    assert "expired 9" in reason
    assert "clock" in reason


def test_the_log_names_the_key_that_nobody_knows(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    reason = reason_for(trusting_gateway, issuer.sign(user_claims("complete_code"), kid="key-of-elsewhere"))

    assert "'key-of-elsewhere'" in reason


def test_the_log_names_the_issuer_that_a_key_does_not_count_for(start_gateway: StartGateway, issuer: Issuer) -> None:
    gateway = start_gateway(**trust_in(issuer), AIGW_AUTH__CHECK_GITLAB_ISSUER="true")
    assert complete(gateway, signed_headers(issuer, "complete_code", iss=issuer.url))[0] == 200

    reason = reason_for(gateway, issuer.sign(user_claims("complete_code", iss="http://gitlab.other")))

    assert "'http://gitlab.other'" in reason
    assert f"'{issuer.url}'" in reason


def test_the_log_names_claim_and_header_that_differ(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    request_id = new_id()
    wrong = {"X-Gitlab-Realm": "saas", "X-Request-ID": request_id}

    complete(trusting_gateway, {**signed_headers(issuer, "complete_code"), **wrong})

    reason = str(trusting_gateway.access_line(request_id)["auth_error_details"])
    assert "gitlab_realm" in reason
    assert "X-Gitlab-Realm" in reason


def test_the_log_names_the_scope_that_is_missing_and_those_held(
    trusting_gateway: RunningGateway, issuer: Issuer
) -> None:
    request_id = new_id()

    complete(trusting_gateway, {**signed_headers(issuer, "duo_chat"), "X-Request-ID": request_id})

    reason = str(trusting_gateway.access_line(request_id)["auth_error_details"])
    assert "complete_code" in reason
    assert "duo_chat" in reason


def test_the_access_line_tells_issuer_and_realm_of_the_token(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    request_id = new_id()

    complete(trusting_gateway, {**signed_headers(issuer, "complete_code"), "X-Request-ID": request_id})

    line = trusting_gateway.access_line(request_id)
    assert line["token_issuer"] == "http://gitlab.test"
    assert line["gitlab_realm"] == "self-managed"
    assert isinstance(line["auth_duration_s"], float)
