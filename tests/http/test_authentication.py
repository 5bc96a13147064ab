"""Who gets in: nobody by default but the holder of the client key."""

from __future__ import annotations

import socket
import time

import pytest

from fakes.gateway import RunningGateway
from fakes.gitlab import PATIENCE_S, call, completion, gitlab_headers

NOBODY = {"error": "No authorization header presented"}


@pytest.mark.parametrize("path", ["/monitoring/healthz", "/monitoring/ready"])
def test_case_001_health_is_told_to_anybody(closed_gateway: RunningGateway, path: str) -> None:
    answer = call(closed_gateway, path, method="GET")

    assert (answer.status_code, answer.json()) == (200, {})


@pytest.mark.parametrize("path", ["/", "/v1/nope", "/docs", "/monitoring/healthz/", "/ai/v2/completions"])
def test_case_002_any_other_path_wants_a_credential(closed_gateway: RunningGateway, path: str) -> None:
    answer = call(closed_gateway, path, method="GET")

    assert (answer.status_code, answer.json()) == (401, NOBODY)


def test_case_003_the_credential_is_asked_for_before_the_body_is_judged(closed_gateway: RunningGateway) -> None:
    answer = call(closed_gateway, "/v2/completions")

    assert (answer.status_code, answer.json()) == (401, NOBODY)


@pytest.mark.parametrize("credential", ["Token abc", "Basic YTpi", "abc", "Bearerabc"])
def test_case_004_a_credential_of_another_kind_is_refused(closed_gateway: RunningGateway, credential: str) -> None:
    answer = call(closed_gateway, "/v2/completions", headers={"Authorization": credential})

    assert (answer.status_code, answer.json()) == (401, {"error": "Invalid authorization header"})


@pytest.mark.parametrize("word", ["bearer", "Bearer", "BEARER"])
def test_case_005_the_word_bearer_may_be_of_any_case_before_the_client_key(
    closed_gateway: RunningGateway, word: str
) -> None:
    headers = {"Authorization": f"{word} {closed_gateway.key}"}

    assert call(closed_gateway, "/v2/completions", body=completion(), headers=headers).status_code == 200


@pytest.mark.parametrize("wrong", ["gw-", "gw-wrong", "{key}x", "{key_but_one}", "{swapped}"])
def test_only_the_whole_client_key_opens(closed_gateway: RunningGateway, wrong: str) -> None:
    key = closed_gateway.key
    sent = wrong.format(key=key, key_but_one=key[:-1], swapped=key.swapcase())
    headers = {"Authorization": f"Bearer {sent}", "X-Gitlab-Authentication-Type": "oidc"}

    answer = call(closed_gateway, "/v2/completions", body=completion(), headers=headers)

    assert answer.status_code == 401
    assert set(answer.json()) == {"error"}


def test_case_022_the_bypass_header_opens_when_it_was_allowed(documented_gateway: RunningGateway) -> None:
    answer = call(documented_gateway, "/v2/completions", body=completion(), headers={"Bypass-Auth": "true"})

    assert answer.status_code == 200


@pytest.mark.parametrize("value", [None, "True", "TRUE", "1", "", "true, true"])
def test_case_022_the_bypass_header_must_say_exactly_true(
    documented_gateway: RunningGateway, value: str | None
) -> None:
    headers = {} if value is None else {"Bypass-Auth": value}

    answer = call(documented_gateway, "/v2/completions", body=completion(), headers=headers)

    assert (answer.status_code, answer.json()) == (401, NOBODY)


def test_the_bypass_header_means_nothing_when_it_was_not_allowed(closed_gateway: RunningGateway) -> None:
    answer = call(closed_gateway, "/v2/completions", body=completion(), headers={"Bypass-Auth": "true"})

    assert (answer.status_code, answer.json()) == (401, NOBODY)


@pytest.mark.parametrize("prompt_kind", ["complete", "generate"])
def test_the_bypass_grants_every_scope(documented_gateway: RunningGateway, prompt_kind: str) -> None:
    path = {"complete": "/v2/code/completions", "generate": "/v2/code/generations"}[prompt_kind]
    body = completion() if prompt_kind == "complete" else completion(prompt_version=2, prompt="sort")

    assert call(documented_gateway, path, body=body, headers={"Bypass-Auth": "true"}).status_code == 200


@pytest.mark.parametrize("audience", ["gitlab-ai-gateway", ["other", "gitlab-ai-gateway"]])
def test_case_023_without_signatures_audience_and_expiry_are_enough(
    mocked_gateway: RunningGateway, audience: object
) -> None:
    headers = gitlab_headers("complete_code", aud=audience)

    assert call(mocked_gateway, "/v2/completions", body=completion(), headers=headers).status_code == 200


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
def test_case_023_without_signatures_the_times_are_still_verified(mocked_gateway: RunningGateway, claim: str) -> None:
    wrong = int(time.time()) + (-1 if claim == "exp" else 600)
    headers = gitlab_headers("complete_code", **{claim: wrong})

    answer = call(mocked_gateway, "/v2/completions", body=completion(), headers=headers)

    assert (answer.status_code, answer.json()) == (401, {"error": "Forbidden by auth provider"})


@pytest.mark.parametrize("audience", ["other", ["other"], [], None, "GITLAB-AI-GATEWAY"])
def test_case_023_without_signatures_the_audience_is_still_verified(
    mocked_gateway: RunningGateway, audience: object
) -> None:
    headers = gitlab_headers("complete_code", aud=audience)

    answer = call(mocked_gateway, "/v2/completions", body=completion(), headers=headers)

    assert (answer.status_code, answer.json()) == (401, {"error": "Forbidden by auth provider"})


@pytest.mark.parametrize("token", ["abc", "a.b.c", "e30.e30.", "....", "e30.W10.e30"])
def test_without_signatures_a_malformed_token_is_still_refused(mocked_gateway: RunningGateway, token: str) -> None:
    headers = {**gitlab_headers("complete_code"), "Authorization": f"Bearer {token}"}

    answer = call(mocked_gateway, "/v2/completions", body=completion(), headers=headers)

    assert (answer.status_code, answer.json()) == (401, {"error": "Forbidden by auth provider"})


@pytest.mark.parametrize(
    "host", ["example.com/monitoring/healthz?", "example.com/monitoring/healthz#", "monitoring/healthz"]
)
def test_case_026_a_host_that_looks_like_an_open_path_opens_nothing(closed_gateway: RunningGateway, host: str) -> None:
    head = f"POST /v2/completions HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    with socket.create_connection(("127.0.0.1", closed_gateway.port), timeout=PATIENCE_S) as connection:
        connection.sendall(head.encode())
        with connection.makefile("rb") as answer:
            status = answer.readline()

    assert status.startswith(b"HTTP/1.1 401 ")
