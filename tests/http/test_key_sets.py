"""Key sets of issuers: fetched, changed, withdrawn, wrong, late, and kept for when their issuer is down."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fakes.certificates import make_client_files
from fakes.gateway import RunningGateway, run_gateway, wait_for
from fakes.gitlab import (
    FORBIDDEN,
    SERVICE,
    call,
    complete,
    key_headers,
    own_claims,
    signed_headers,
    token_headers,
    trust_in,
    user_claims,
)
from fakes.issuer import FIRST_KID, OCT_JWK, UNKNOWN_JWK, Issuer, run_issuer, weak_jwk, weak_key
from fakes.raw_server import CERTIFICATE
from fakes.signing import write_token

StartGateway = Callable[..., RunningGateway]

# An issuer that stalls is given up after ten seconds, and a request must wait for one at most. In between, so that
# only a gateway that waits fails here, and not a slow machine.
SOON_S = 5.0


@pytest.fixture
def moody() -> Iterator[Issuer]:
    """Run an issuer that the test may change."""
    with run_issuer() as running:
        yield running


def ask(gateway: RunningGateway, token: str) -> tuple[int, object]:
    """Show a token; fails when the answer does not come soon."""
    began = time.monotonic()
    answer = complete(gateway, token_headers(token))
    assert time.monotonic() - began < SOON_S
    return answer


def wait_until_taken(gateway: RunningGateway, token: str, *, within_s: float = 10) -> None:
    wait_for(lambda: ask(gateway, token)[0] == 200 or None, what="the token to be taken", within_s=within_s)


def wait_until_refused(gateway: RunningGateway, token: str) -> None:
    wait_for(lambda: ask(gateway, token) == FORBIDDEN or None, what="the token to be refused")


def failures(gateway: RunningGateway) -> list[str]:
    """Give the reasons for which key sets were not fetched."""
    return [str(line["reason"]) for line in gateway.log_lines() if line["message"] == "JWKS not refreshed"]


def test_an_issuer_that_stalls_holds_up_neither_the_start_nor_a_request(moody: Issuer, tmp_path: Path) -> None:
    moody.behave("stall")
    with run_gateway(tmp_path, trust_in(moody), warm=True) as gateway:
        # It listens before it knows what becomes of the fetch.
        assert failures(gateway) == []
        assert call(gateway, "/monitoring/ready", method="GET").status_code == 200
        assert complete(gateway, key_headers(gateway.key))[0] == 200

        tokens = [moody.sign(user_claims("complete_code", jti=number)) for number in range(8)]
        with ThreadPoolExecutor(len(tokens)) as pool:
            answers = set(pool.map(lambda token: ask(gateway, token)[0], tokens))

        assert answers == {500}
        assert moody.hits(moody.discovery_path) == 1
        moody.behave("well")
        wait_until_taken(gateway, tokens[0])


def test_an_unknown_key_does_not_make_a_request_wait_for_an_issuer_that_stalls(moody: Issuer, tmp_path: Path) -> None:
    with run_gateway(tmp_path, trust_in(moody), warm=True) as gateway:
        wait_until_taken(gateway, moody.sign(user_claims("complete_code")))
        moody.behave("stall")

        assert ask(gateway, moody.sign(user_claims("complete_code"), kid="key-9")) == FORBIDDEN
        assert ask(gateway, moody.sign(user_claims("complete_code", jti=1)))[0] == 200


@pytest.mark.parametrize("how", ["html", "empty", "half"])
def test_an_issuer_that_answers_nonsense_is_asked_again_within_seconds(how: str, moody: Issuer, tmp_path: Path) -> None:
    moody.behave(how, at=moody.keys_path)
    token = moody.sign(user_claims("complete_code"))
    with run_gateway(tmp_path, trust_in(moody), warm=True) as gateway:
        assert ask(gateway, token)[0] == 500
        assert "AIGW_GITLAB_URL" in wait_for(lambda: failures(gateway) or None, what="a line about it")[0]
        moody.behave("well", at=moody.keys_path)

        wait_until_taken(gateway, token)


def test_a_new_key_is_taken_at_once_and_unknown_ones_do_not_make_us_ask_again_and_again(
    moody: Issuer, tmp_path: Path
) -> None:
    with run_gateway(tmp_path, trust_in(moody), warm=True) as gateway:
        wait_until_taken(gateway, moody.sign(user_claims("complete_code")))
        asked = moody.hits(moody.keys_path)
        kid = moody.rotate()

        assert ask(gateway, moody.sign(user_claims("complete_code"), kid=kid))[0] == 200
        for number in range(20):
            unknown = moody.sign(user_claims("complete_code"), kid="key-9", header_changes={"kid": f"key-{number}"})
            assert ask(gateway, unknown) == FORBIDDEN

        assert ask(gateway, moody.sign(user_claims("complete_code", jti=1)))[0] == 200
        assert moody.hits(moody.keys_path) == asked + 1


def test_a_key_that_was_withdrawn_no_longer_holds_for_tokens_that_got_in_before(moody: Issuer, tmp_path: Path) -> None:
    with run_gateway(tmp_path, trust_in(moody, AIGW_AUTH__KEYS_REFRESH="1"), warm=True) as gateway:
        token = moody.sign(user_claims("complete_code"))
        wait_until_taken(gateway, token)
        kid = moody.rotate(keep_old=False)

        wait_until_refused(gateway, token)

        assert ask(gateway, moody.sign(user_claims("complete_code"), kid=kid))[0] == 200


@pytest.mark.parametrize("how", ["go away", "empty", "stall"])
def test_known_keys_hold_while_their_issuer_is_down(how: str, moody: Issuer, tmp_path: Path) -> None:
    with run_gateway(tmp_path, trust_in(moody, AIGW_AUTH__KEYS_REFRESH="1"), warm=True) as gateway:
        wait_until_taken(gateway, moody.sign(user_claims("complete_code")))
        if how == "go away":
            moody.go_away()
        else:
            moody.behave(how)
            asked = moody.hits(moody.keys_path)
            wait_for(lambda: moody.hits(moody.keys_path) > asked or None, what="it to be asked again")
        if how != "stall":
            wait_for(lambda: failures(gateway) or None, what="a failed fetch")

        assert ask(gateway, moody.sign(user_claims("complete_code", jti=1)))[0] == 200


def test_known_keys_hold_no_longer_than_the_operator_allows(moody: Issuer, tmp_path: Path) -> None:
    settings = trust_in(moody, AIGW_AUTH__KEYS_REFRESH="1", AIGW_AUTH__KEYS_STALE_FOR="2")
    with run_gateway(tmp_path, settings, warm=True) as gateway:
        token = moody.sign(user_claims("complete_code"))
        wait_until_taken(gateway, token)
        moody.go_away()

        # No key is left at all, so it cannot be judged any more.
        wait_for(lambda: ask(gateway, token)[0] == 500 or None, what="the keys to be dropped", within_s=20)


def test_after_a_restart_without_the_issuer_its_known_keys_hold_and_no_others(moody: Issuer, tmp_path: Path) -> None:
    settings = trust_in(moody)
    token = moody.sign(user_claims("complete_code"))
    with run_gateway(tmp_path, settings, warm=True) as gateway:
        wait_until_taken(gateway, token)
    moody.go_away()

    with run_gateway(tmp_path, settings, warm=True) as gateway:
        assert ask(gateway, token)[0] == 200
        assert ask(gateway, moody.sign(user_claims("complete_code"), kid="key-2")) == FORBIDDEN

    [kept] = (tmp_path / "data" / "key-sets").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    [jwk] = json.loads(kept.read_text())["keys"]
    assert set(jwk) == {"kty", "kid", "alg", "use", "n", "e"}


def test_a_gitlab_below_a_path_is_found_there(tmp_path: Path) -> None:
    with run_issuer(path="/gitlab") as issuer, run_gateway(tmp_path, trust_in(issuer), warm=True) as gateway:
        wait_until_taken(gateway, issuer.sign(user_claims("complete_code")))

        assert issuer.hits(issuer.discovery_path) == 1


def test_a_key_that_cannot_be_used_is_skipped_by_name_and_the_others_hold(moody: Issuer, tmp_path: Path) -> None:
    elliptic = moody.jwk("ec-1", algorithm="ES256")
    broken = {"kty": "RSA", "kid": "broken", "n": "!", "e": "AQAB"}
    encrypting = {**moody.jwk("key-2"), "use": "enc", "kid": "for-encryption"}
    moody.publish(FIRST_KID, extra=[weak_jwk("weak"), OCT_JWK, UNKNOWN_JWK, elliptic, broken, encrypting])
    claims = user_claims("complete_code")
    with run_gateway(tmp_path, trust_in(moody), warm=True) as gateway:
        wait_until_taken(gateway, moody.sign(claims))

        assert ask(gateway, write_token(claims, key=weak_key(), header={"kid": "weak"})) == FORBIDDEN
        assert ask(gateway, moody.sign(claims, kid="ec-1", algorithm="ES256")) == FORBIDDEN
        in_its_name = {"kid": "for-encryption"}
        assert ask(gateway, moody.sign(claims, kid="key-2", header_changes=in_its_name)) == FORBIDDEN
        skipped = {line["kid"]: str(line["reason"]) for line in gateway.log_lines() if line["message"] == "key_skipped"}
        assert set(skipped) == {"weak", "symmetric", "of-the-future", "ec-1", "broken", "for-encryption"}
        assert all(f"'{kid}'" in reason for kid, reason in skipped.items())
        assert "1024" in skipped["weak"]
        assert "AIGW_AUTH__ALGORITHMS" in skipped["ec-1"]


def test_elliptic_signatures_hold_where_the_operator_allows_them(moody: Issuer, tmp_path: Path) -> None:
    moody.publish(FIRST_KID, extra=[moody.jwk("ec-1", algorithm="ES256")])
    claims = user_claims("complete_code")
    with run_gateway(tmp_path, trust_in(moody, AIGW_AUTH__ALGORITHMS="RS256,ES256"), warm=True) as gateway:
        wait_until_taken(gateway, moody.sign(claims, kid="ec-1", algorithm="ES256"))

        assert ask(gateway, moody.sign(claims))[0] == 200
        crossed = moody.sign(claims, algorithm="RS256", header_changes={"kid": "ec-1"})
        assert ask(gateway, crossed) == FORBIDDEN


def test_a_key_of_a_checked_issuer_holds_for_tokens_that_name_it_and_for_no_others(
    issuer: Issuer, moody: Issuer, tmp_path: Path
) -> None:
    settings = {"AIGW_GITLAB_URL": issuer.url, "AIGW_AUTH__ISSUERS": json.dumps([{"url": moody.url}])}
    with run_gateway(tmp_path, settings, warm=True) as gateway:
        wait_until_taken(gateway, moody.sign(user_claims("complete_code", iss=moody.url)))
        wait_until_taken(gateway, issuer.sign(user_claims("complete_code")))

        for other in (issuer.url, "http://gitlab.test", f"{moody.url}/", moody.url.upper(), "", None):
            assert ask(gateway, moody.sign(user_claims("complete_code", iss=other))) == FORBIDDEN


def test_with_checking_for_all_no_issuer_signs_in_the_name_of_another(
    issuer: Issuer, moody: Issuer, tmp_path: Path
) -> None:
    issuers = json.dumps([{"url": moody.url}])
    settings = {"AIGW_GITLAB_URL": issuer.url, "AIGW_AUTH__ISSUERS": issuers, "AIGW_AUTH__CHECK_GITLAB_ISSUER": "true"}
    with run_gateway(tmp_path, settings, warm=True) as gateway:
        for one, other in ((issuer, moody), (moody, issuer)):
            wait_until_taken(gateway, one.sign(user_claims("complete_code", iss=one.url)))
            assert ask(gateway, one.sign(user_claims("complete_code", iss=other.url))) == FORBIDDEN


def test_an_issuer_that_calls_itself_as_another_one_is_not_believed(
    issuer: Issuer, moody: Issuer, tmp_path: Path
) -> None:
    moody.announce(issuer=issuer.url)
    settings = {"AIGW_GITLAB_URL": issuer.url, "AIGW_AUTH__ISSUERS": json.dumps([{"url": moody.url}])}
    with run_gateway(tmp_path, settings, warm=True) as gateway:
        wait_until_taken(gateway, issuer.sign(user_claims("complete_code", iss=issuer.url)))
        wait_for(lambda: "issuer_refused" in gateway.log_text() or None, what="a line about the impostor")

        assert ask(gateway, moody.sign(user_claims("complete_code", iss=issuer.url))) == FORBIDDEN
        assert ask(gateway, moody.sign(user_claims("complete_code", iss=moody.url))) == FORBIDDEN


def test_no_issuer_can_sign_in_our_own_name(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    for kid in (FIRST_KID, f"{SERVICE}_signing_key"):
        token = issuer.sign(own_claims("complete_code"), header_changes={"kid": kid})
        assert complete(trusting_gateway, token_headers(token)) == FORBIDDEN


def test_the_issuer_of_a_gitlab_token_is_not_looked_at_by_default(
    trusting_gateway: RunningGateway, issuer: Issuer
) -> None:
    headers = signed_headers(issuer, "complete_code", iss="https://gitlab.by.another.name")

    assert complete(trusting_gateway, headers)[0] == 200


def test_an_issuer_with_a_certificate_of_an_own_authority_is_trusted_when_told_so(tmp_path: Path) -> None:
    trust = {"REQUESTS_CA_BUNDLE": str(CERTIFICATE)}
    with run_issuer(tls=True) as issuer, run_gateway(tmp_path, trust_in(issuer, **trust), warm=True) as gateway:
        wait_until_taken(gateway, issuer.sign(user_claims("complete_code")))


def test_an_issuer_whose_certificate_nobody_vouches_for_is_not_believed(tmp_path: Path) -> None:
    with run_issuer(tls=True) as issuer, run_gateway(tmp_path, trust_in(issuer), warm=True) as gateway:
        [reason] = wait_for(lambda: failures(gateway) or None, what="a line about it")

        assert "SSL_CERT_FILE" in reason
        assert ask(gateway, issuer.sign(user_claims("complete_code")))[0] == 500


def test_an_issuer_that_wants_to_see_a_certificate_is_shown_ours(tmp_path: Path) -> None:
    files = make_client_files(tmp_path / "certificates")
    settings = {
        "AIGW_MTLS__ENABLED": "true",
        "AIGW_MTLS__CERT_FILE": str(files.certificate),
        "AIGW_MTLS__KEY_FILE": str(files.key),
        "AIGW_MTLS__CA_BUNDLE": str(CERTIFICATE),
    }
    with run_issuer(tls=True, client_ca=files.authority) as issuer:
        token = issuer.sign(user_claims("complete_code"))
        with run_gateway(tmp_path / "with", trust_in(issuer, **settings), warm=True) as gateway:
            wait_until_taken(gateway, token)
        with run_gateway(tmp_path / "without", trust_in(issuer, SSL_CERT_FILE=str(CERTIFICATE)), warm=True) as gateway:
            wait_for(lambda: failures(gateway) or None, what="a line about it")
            assert ask(gateway, token)[0] == 500


def test_keys_are_verified_over_tls_also_where_the_models_are_not(tmp_path: Path) -> None:
    files = make_client_files(tmp_path / "certificates")
    settings = {
        "AIGW_MTLS__ENABLED": "true",
        "AIGW_MTLS__CERT_FILE": str(files.certificate),
        "AIGW_MTLS__KEY_FILE": str(files.key),
        "AIGW_MTLS__VERIFY": "false",
    }
    with run_issuer(tls=True) as issuer, run_gateway(tmp_path, trust_in(issuer, **settings), warm=True) as gateway:
        wait_for(lambda: failures(gateway) or None, what="a line about it")

        assert ask(gateway, issuer.sign(user_claims("complete_code")))[0] == 500
