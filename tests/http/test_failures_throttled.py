"""Guessing is slowed down, and nobody who holds a good credential is locked out by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from fakes.gateway import RunningGateway
from fakes.gitlab import (
    FORBIDDEN,
    call,
    complete,
    completion,
    key_headers,
    outcome,
    signed_headers,
    token_headers,
    trust_in,
)
from fakes.issuer import Issuer
from fakes.operator_calls import Operator, wait_until_known
from fakes.suggestions import new_id

StartGateway = Callable[..., RunningGateway]

LIMIT = 5


@pytest.fixture
def strict_gateway(start_gateway: StartGateway, issuer: Issuer) -> RunningGateway:
    """Give a gateway that takes few failures a minute; tests share what they used up of them."""
    return start_gateway(**trust_in(issuer), AIGW_AUTH__FAILURES_PER_MINUTE=str(LIMIT))


def exhaust(gateway: RunningGateway) -> None:
    """Fail as often as is allowed, and once more."""
    answers = [complete(gateway, key_headers(f"gw-{number}"))[0] for number in range(LIMIT + 1)]
    assert answers[-1] == 429
    assert set(answers) <= {401, 429}


def test_up_to_the_limit_a_refusal_is_the_usual_one(start_gateway: StartGateway, issuer: Issuer) -> None:
    gateway = start_gateway(**trust_in(issuer), AIGW_AUTH__FAILURES_PER_MINUTE=str(LIMIT), AIGW_AUDIT__KEEP_DAYS="9")

    answers = [complete(gateway, key_headers(f"gw-{number}")) for number in range(LIMIT + 2)]

    assert answers[:LIMIT] == [FORBIDDEN] * LIMIT
    assert [status for status, _ in answers[LIMIT:]] == [429, 429]


def test_too_many_failures_are_answered_with_a_time_to_wait(strict_gateway: RunningGateway) -> None:
    exhaust(strict_gateway)

    answer = call(strict_gateway, "/v2/completions", body=completion(), headers=key_headers("gw-wrong"))

    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 65
    assert set(answer.json()) == {"error"}


def test_a_good_credential_is_taken_all_the_same(strict_gateway: RunningGateway, issuer: Issuer) -> None:
    _, key = Operator(strict_gateway).add(usable=False)
    wait_until_known(strict_gateway, key)
    exhaust(strict_gateway)

    good: tuple[Mapping[str, str], ...] = (
        key_headers(key),
        {"x-api-key": key},
        key_headers(strict_gateway.key),
        signed_headers(issuer, "complete_code"),
    )
    assert [complete(strict_gateway, headers)[0] for headers in good] == [200] * len(good)
    assert Operator(strict_gateway).ask("GET", "/admin/me")[0] == 200
    assert call(strict_gateway, "/monitoring/healthz", method="GET").status_code == 200


def test_every_kind_of_guess_counts(strict_gateway: RunningGateway, issuer: Issuer) -> None:
    exhaust(strict_gateway)

    guesses: tuple[Mapping[str, str], ...] = (
        key_headers("gw-wrong"),
        {"x-api-key": "wrong"},
        token_headers("wrong"),
        signed_headers(issuer, "complete_code", exp=1),
        {**signed_headers(issuer, "complete_code"), "X-Gitlab-Realm": "saas"},
    )
    assert [complete(strict_gateway, headers)[0] for headers in guesses] == [429] * len(guesses)
    assert outcome(call(strict_gateway, "/admin/me", method="GET", headers=key_headers("gw-wrong")))[0] == 429


def test_who_shows_nothing_guesses_nothing(strict_gateway: RunningGateway) -> None:
    exhaust(strict_gateway)

    assert complete(strict_gateway, {}) == (401, {"error": "No authorization header presented"})


def test_a_missing_permission_is_no_guess(strict_gateway: RunningGateway, issuer: Issuer) -> None:
    exhaust(strict_gateway)

    assert complete(strict_gateway, signed_headers(issuer, "duo_chat"))[0] == 403


def test_an_address_that_a_header_claims_is_not_believed(strict_gateway: RunningGateway) -> None:
    exhaust(strict_gateway)

    for number in range(3):
        claimed = f"10.0.0.{number}"
        headers = {"X-Forwarded-For": claimed, "X-Real-Ip": claimed, "Forwarded": f"for={claimed}"}
        assert complete(strict_gateway, {**key_headers("gw-wrong"), **headers})[0] == 429


def test_an_address_that_a_trusted_proxy_passes_on_counts(start_gateway: StartGateway, issuer: Issuer) -> None:
    strict = {"AIGW_AUTH__FAILURES_PER_MINUTE": str(LIMIT), "AIGW_FASTAPI__TRUSTED_PROXIES": "127.0.0.0/8"}
    gateway = start_gateway(**trust_in(issuer), **strict)

    def guess(address: str, key: str) -> int:
        return complete(gateway, {**key_headers(f"gw-{key}"), "X-Forwarded-For": address})[0]

    assert [guess("10.0.0.1", f"a{number}") for number in range(LIMIT + 1)][-1] == 429
    assert guess("10.0.0.2", "b") == 401


def test_the_log_still_tells_why_a_slowed_credential_was_refused(strict_gateway: RunningGateway) -> None:
    exhaust(strict_gateway)
    request_id = new_id()

    complete(strict_gateway, {**token_headers("wrong"), "X-Request-ID": request_id})

    line = strict_gateway.access_line(request_id)
    assert line["status_code"] == 429
    assert "the token is refused" in str(line["auth_error_details"])
