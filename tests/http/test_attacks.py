"""What an attacker tries with tokens and headers: each is refused with 401, and nothing breaks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence

import pytest

from fakes.gateway import RunningGateway
from fakes.gitlab import (
    FORBIDDEN,
    complete,
    completion,
    own_claims,
    own_token,
    signed_headers,
    token_headers,
    trust_in,
    user_claims,
)
from fakes.issuer import FIRST_KID, Issuer
from fakes.operator_calls import Operator
from fakes.raw_client import connected
from fakes.signing import (
    decoded,
    encoded,
    forged_algorithms,
    forged_headers,
    forged_payloads,
    private_pem,
    public_pem,
    rsa_key,
    sign_parts,
    twisted,
    write_token,
)

StartGateway = Callable[..., RunningGateway]

SCOPES = ("complete_code", "generate_code")
HEADER = {"alg": "RS256", "typ": "JWT", "kid": FIRST_KID}


def good_token(issuer: Issuer) -> str:
    return issuer.sign(user_claims(*SCOPES))


def payload_of(issuer: Issuer) -> bytes:
    return decoded(good_token(issuer).split(".")[1])


def refused(gateway: RunningGateway, tokens: Mapping[str, str]) -> dict[str, object]:
    """Show each token, as bytes and so also as what no polite client would send; gives the answers that are wrong."""
    answers = {name: show(gateway, token) for name, token in tokens.items()}
    return {name: answer for name, answer in answers.items() if answer != FORBIDDEN}


def show(gateway: RunningGateway, token: str, *more: tuple[str, str]) -> tuple[int, object]:
    """Send a completion with this token and further headers, in this order and as often as they are given."""
    return send(gateway, [*token_headers(token).items(), *more])


def send(gateway: RunningGateway, headers: Sequence[tuple[str, str]], *, host: str = "gateway") -> tuple[int, object]:
    """Send a completion with exactly these headers; gives the status, and the body as JSON if it is."""
    body = json.dumps(completion()).encode()
    named = [("Host", host), ("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers]
    lines = ["POST /v2/completions HTTP/1.1", *(f"{name}: {value}" for name, value in named), "", ""]
    with connected(gateway.port) as call:
        call.send("\r\n".join(lines).encode("utf-8", "surrogatepass") + body)
        answer = call.answer()
    is_json = answer.headers.get("content-type", "").startswith("application/json")
    return answer.status, answer.json if is_json else answer.body.decode()


@pytest.fixture(autouse=True)
def nothing_broke(trusting_gateway: RunningGateway, issuer: Issuer) -> Iterator[None]:
    """See after each test that the gateway still tells a good token from a bad one, and nothing crashed in it."""
    yield
    assert show(trusting_gateway, good_token(issuer))[0] == 200
    assert [line for line in trusting_gateway.log_lines() if line["level"] in {"error", "critical"}] == []


def test_no_other_spelling_of_a_good_token_is_taken(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    tokens = twisted(good_token(issuer))
    # White space around a header's value is no part of it, so this one arrives as it was.
    assert show(trusting_gateway, tokens.pop("space before"))[0] == 200
    # A header ends with its line, or the request is none.
    broken = {name: tokens.pop(name) for name in ("line end after", "line end inside", "zero after")}

    assert refused(trusting_gateway, tokens) == {}
    assert {show(trusting_gateway, token)[0] for token in broken.values()} <= {400, 401}


def test_no_part_of_a_token_is_taken_for_the_whole(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    token = good_token(issuer)
    assert show(trusting_gateway, token)[0] == 200
    lengths = [*range(0, len(token), 37), *range(len(token) - 6, len(token))]

    # Of no token at all only the word before it is left, which is refused in other words.
    assert {show(trusting_gateway, token[:length])[0] for length in lengths} == {401}


def test_a_token_that_is_changed_in_one_character_is_refused(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    token = good_token(issuer)
    changed = {
        str(place): f"{token[:place]}{'A' if token[place] != 'A' else 'B'}{token[place + 1 :]}"
        for place in range(0, len(token), 23)
        if token[place] != "."
    }

    assert refused(trusting_gateway, changed) == {}


def test_no_token_that_lies_about_its_algorithm_is_taken(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    key, payload = issuer.key(), payload_of(issuer)
    # Their claims are of another day, so each is written anew around claims of now.
    forged = forged_algorithms(rsa_key())
    well_signed = {name: sign_parts(decoded(one.split(".")[0]), payload, key=key) for name, one in forged.items()}
    unsigned = {name: f"{one.split('.')[0]}.{encoded(payload)}." for name, one in forged.items()}
    by_word = {name for name in forged if "by its word" in name}
    own = {
        algorithm: issuer.sign(user_claims(*SCOPES), algorithm=algorithm) for algorithm in ("HS256", "none", "RS512")
    }
    as_rs256 = {
        f"{algorithm} by the name of RS256": issuer.sign(
            user_claims(*SCOPES), algorithm=algorithm, header_changes={"alg": "RS256"}
        )
        for algorithm in ("RS512", "PS256", "HS256")
    }

    assert refused(trusting_gateway, {name: one for name, one in well_signed.items() if name not in by_word}) == {}
    assert refused(trusting_gateway, unsigned) == {}
    assert refused(trusting_gateway, own | as_rs256) == {}


@pytest.mark.parametrize("spelling", ["none", "None", "NONE", "nOnE", " none", "none ", "", "non\u0435"])
def test_an_unsigned_token_is_refused_in_every_spelling(
    spelling: str, trusting_gateway: RunningGateway, issuer: Issuer
) -> None:
    head = encoded(json.dumps({"alg": spelling, "typ": "JWT", "kid": FIRST_KID}).encode())
    for signature in ("", "AAAA", good_token(issuer).split(".")[2]):
        assert show(trusting_gateway, f"{head}.{encoded(payload_of(issuer))}.{signature}") == FORBIDDEN


def test_the_public_key_is_never_a_password(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    # The one attack of this kind that once worked everywhere: the public key's text keys the signature.
    for kid in (FIRST_KID, "gitlab-ai-gateway_signing_key", None):
        token = issuer.sign(user_claims(*SCOPES), algorithm="HS256", header_changes={"kid": kid})
        assert show(trusting_gateway, token) == FORBIDDEN


def test_no_header_with_a_wish_of_its_own_is_granted_one(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    payload = payload_of(issuer)
    # The issuer publishes the name that these bear, and its own key signs: only what the header asks for is wrong.
    tokens = {
        name: sign_parts(decoded(one.split(".")[0]), payload, key=issuer.key("k1"))
        for name, one in forged_headers(rsa_key()).items()
    }
    plain = {"alg": "RS256", "kid": "k1"}
    assert show(trusting_gateway, sign_parts(json.dumps(plain).encode(), payload, key=issuer.key("k1")))[0] == 200

    assert refused(trusting_gateway, tokens) == {}


def test_a_key_that_a_token_brings_along_is_never_used(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    mine = rsa_key("attacker")
    asked = issuer.hits("/attacker")
    jwk = {**issuer.jwk(), "kid": "mine"}
    where = f"{issuer.url}/attacker"
    for bait in ({"jwk": jwk}, {"jku": where}, {"x5u": where}, {"x5c": [public_pem(mine)]}, {"jku": where, "jwk": jwk}):
        for kid in (FIRST_KID, "mine", where):
            token = write_token(user_claims(*SCOPES), key=mine, header={"kid": kid, **bait})
            assert show(trusting_gateway, token) == FORBIDDEN
    assert issuer.hits("/attacker") == asked


@pytest.mark.parametrize(
    "kid",
    [
        "../../../../dev/null",
        "/dev/null",
        "file:///dev/null",
        "' OR '1'='1",
        "key-1' --",
        "key-1\u0000",
        "key-1\n",
        "KEY-1",
        " key-1",
        "$(id)",
        "{{7*7}}",
        "k" * 10_000,
        "\ud800",
        "\u202e1-yek",
        "",
        1,
        True,
        ["key-1"],
        {"kid": "key-1"},
        1e400,
    ],
    ids=lambda kid: repr(kid)[:24],
)
def test_a_key_id_is_a_name_and_nothing_else(kid: object, trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    by_stranger = write_token(user_claims(*SCOPES), key=rsa_key("attacker"), header={"kid": kid})
    by_issuer = issuer.sign(user_claims(*SCOPES), header_changes={"kid": kid})

    assert show(trusting_gateway, by_stranger) == FORBIDDEN
    # Well signed, but by no key of this name.
    assert show(trusting_gateway, by_issuer) == FORBIDDEN


def test_what_is_signed_but_says_nothing_sensible_is_refused(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    head = json.dumps(HEADER).encode()
    good = payload_of(issuer)
    raw = {name: decoded(one.split(".")[1]) for name, one in forged_payloads(rsa_key()).items()}
    # Of claims of another day only those are kept that are no claims at all; the others are written anew.
    twins = {"two audiences": good[:-1] + b',"aud":"other"}', "two scopes": good[:-1] + b',"scopes":["admin"]}'}
    broken = {
        "no number": good[:-1] + b',"x":NaN}',
        "a byte too many": good + b"\0",
        "cut": good[:-1],
        "bom": b"\xef\xbb\xbf" + good,
    }

    tokens = {name: sign_parts(head, one, key=issuer.key()) for name, one in {**raw, **twins, **broken}.items()}

    assert refused(trusting_gateway, tokens) == {}


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
@pytest.mark.parametrize(
    "value",
    ["{now}", "9999999999", True, False, [9999999999], {}, "", "soon", 1e400, -1e400, 10**400],
    ids=lambda value: repr(value)[:24],
)
def test_a_time_that_is_no_number_is_refused(
    value: object, claim: str, *, trusting_gateway: RunningGateway, issuer: Issuer
) -> None:
    claims = user_claims(*SCOPES)
    said = str(claims["exp"]) if value == "{now}" else value

    assert show(trusting_gateway, issuer.sign({**claims, claim: said})) == FORBIDDEN


@pytest.mark.parametrize("claim", ["exp", "aud"])
def test_a_token_without_an_end_or_an_audience_is_refused(
    claim: str, trusting_gateway: RunningGateway, issuer: Issuer
) -> None:
    assert show(trusting_gateway, issuer.sign(user_claims(*SCOPES, **{claim: None}))) == FORBIDDEN


@pytest.mark.parametrize("claim", ["iss", "sub", "gitlab_realm", "gitlab_instance_id", "gitlab_instance_uid"])
@pytest.mark.parametrize("value", [["1234"], {"1234": 1}, True])
def test_a_claim_of_who_calls_must_be_a_text(
    claim: str, value: object, *, trusting_gateway: RunningGateway, issuer: Issuer
) -> None:
    assert show(trusting_gateway, issuer.sign(user_claims(*SCOPES, **{claim: value}))) == FORBIDDEN


def test_a_token_over_16_kib_is_refused_and_one_below_is_not(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    def of(size: int) -> str:
        token = issuer.sign(user_claims(*SCOPES, padding=""))
        missing = size - len(token)
        return issuer.sign(user_claims(*SCOPES, padding="x" * (missing * 3 // 4 - 8)))

    fitting, long, huge = of(16 * 1024), of(16 * 1024 + 64), of(48 * 1024)
    assert 16_300 < len(fitting) <= 16_384 < len(long)
    assert show(trusting_gateway, fitting)[0] == 200
    assert show(trusting_gateway, long) == FORBIDDEN
    # One that is larger than a whole head may be is refused even earlier.
    assert show(trusting_gateway, huge)[0] in {401, 431}


def test_two_credentials_are_none(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    good, bad = (("Authorization", f"Bearer {one}") for one in (good_token(issuer), "bad"))
    rest = [(name, value) for name, value in token_headers("").items() if name != "Authorization"]
    key = ("Authorization", f"Bearer {trusting_gateway.key}")
    for pair in ((good, bad), (bad, good), (good, good), (key, bad), (bad, key), (key, good), (key, key)):
        assert send(trusting_gateway, [*pair, *rest]) == (401, {"error": "Invalid authorization header"})
        joined = ("Authorization", ", ".join(value for _, value in pair))
        assert send(trusting_gateway, [joined, *rest]) == (401, {"error": "Invalid authorization header"})


def test_two_api_keys_are_none(trusting_gateway: RunningGateway) -> None:
    good, bad = ("x-api-key", trusting_gateway.key), ("x-api-key", "gw-bad")
    for pair in ((good, bad), (bad, good), (good, good)):
        assert send(trusting_gateway, pair) == FORBIDDEN


@pytest.mark.parametrize(
    ("name", "wrong", "claims"),
    [
        ("X-Gitlab-Realm", "saas", {}),
        ("X-Gitlab-Instance-Id", "9", {}),
        ("X-Gitlab-Instance-Id", "9", {"gitlab_instance_id": "1234", "sub": None}),
    ],
)
def test_a_second_header_cannot_say_what_the_first_does_not(
    name: str, wrong: str, claims: dict[str, object], *, trusting_gateway: RunningGateway, issuer: Issuer
) -> None:
    headers = signed_headers(issuer, *SCOPES, **claims)
    right = headers.pop(name)
    for values in ((right, wrong), (wrong, right), (right, right), ("", right)):
        said = [*headers.items(), *((name, value) for value in values)]
        assert send(trusting_gateway, said) == (401, {"error": f"Header mismatch '{name}'"})
    for spelled in (name.lower(), name.upper()):
        assert send(trusting_gateway, [*headers.items(), (spelled, right)])[0] == 200
        assert send(trusting_gateway, [*headers.items(), (spelled, wrong)])[0] == 401
    # Another name is another header, however much it looks like this one.
    assert send(trusting_gateway, [*headers.items(), (name.replace("-", "_"), right)])[0] == 401


def test_a_second_user_cannot_hide_behind_the_first(trusting_gateway: RunningGateway) -> None:
    headers = token_headers(own_token(own_claims(*SCOPES, user="u1")))
    del headers["X-Gitlab-Global-User-Id"]
    for values in (("u1", "u2"), ("u2", "u1")):
        said = [*headers.items(), *(("X-Gitlab-Global-User-Id", value) for value in values)]
        assert send(trusting_gateway, said) == (401, {"error": "Header mismatch 'X-Gitlab-Global-User-Id'"})


@pytest.mark.parametrize("values", [("true", "true"), ("false", "true"), ("true", "false")])
def test_a_bypass_that_is_said_twice_is_not_said(values: tuple[str, str], documented_gateway: RunningGateway) -> None:
    assert send(documented_gateway, [("Bypass-Auth", "true")])[0] == 200

    assert send(documented_gateway, [("Bypass-Auth", value) for value in values])[0] == 401


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "gateway/monitoring/healthz?",
        "gateway/monitoring/healthz#",
        "x@gateway",
        "gateway:80/monitoring/ready",
        "gateway\\monitoring\\healthz",
        "monitoring/healthz",
    ],
)
def test_no_host_is_a_way_around_the_credential(host: str, trusting_gateway: RunningGateway) -> None:
    forwarding = [
        ("X-Forwarded-Host", host),
        ("X-Original-URL", "/monitoring/healthz"),
        ("X-Rewrite-URL", "/monitoring/ready"),
    ]
    status, _ = send(trusting_gateway, forwarding, host=host)

    assert status in {400, 401}


def test_a_stolen_prefix_opens_nothing_at_the_operator_s_door(trusting_gateway: RunningGateway) -> None:
    prefix = trusting_gateway.key[:12]
    for guess in (prefix, prefix + "A" * 34, prefix + "*", prefix + "%"):
        assert Operator(trusting_gateway, guess).ask("GET", "/admin/me") == FORBIDDEN


def test_a_token_of_another_gateway_of_ours_is_refused(trusting_gateway: RunningGateway) -> None:
    # Another service's own key, by the name that ours has here.
    token = write_token(
        own_claims(*SCOPES), key=rsa_key("of another gateway"), header={"kid": "gitlab-ai-gateway_signing_key"}
    )

    assert show(trusting_gateway, token) == FORBIDDEN


def test_a_key_of_ours_cannot_sign_for_gitlab(start_gateway: StartGateway, issuer: Issuer) -> None:
    # Whoever got hold of a user's token could else make an instance's of it, with every scope.
    pem = private_pem(rsa_key("shared"))
    gateway = start_gateway(**trust_in(issuer), AIGW_SELF_SIGNED_JWT__SIGNING_KEY=pem)
    header = {"kid": "gitlab-ai-gateway_signing_key"}
    token = write_token(user_claims(*SCOPES), key=rsa_key("shared"), header=header)

    assert show(gateway, token) == FORBIDDEN


def test_a_refusal_says_the_same_whatever_the_reason(trusting_gateway: RunningGateway, issuer: Issuer) -> None:
    reasons = (
        issuer.sign(user_claims(*SCOPES, exp=1)),
        issuer.sign(user_claims(*SCOPES, aud="other")),
        issuer.sign(user_claims(*SCOPES), kid="unknown"),
        "x",
        "gw-unknown",
    )

    assert {json.dumps(complete(trusting_gateway, token_headers(token))) for token in reasons} == {
        json.dumps(FORBIDDEN)
    }
