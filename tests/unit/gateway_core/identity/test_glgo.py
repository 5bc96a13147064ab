from __future__ import annotations

import base64
import hashlib
import json
import uuid
from collections.abc import AsyncGenerator

import pytest
from joserfc.jwk import RSAKey

from fakes.clock import FakeClock
from fakes.glgo import TOKEN, FakeGlgo, run_glgo
from fakes.raw_server import reply
from gateway_core.http_client import HttpClient
from gateway_core.identity.glgo import GlgoExchange, thumbprint
from gateway_core.identity.self_issued import TokenSigner
from gateway_core.kernel.errors import TokenExchangeFailed
from gateway_core.kernel.secret import Secret
from gateway_core.kernel.units import Seconds

OURS = RSAKey.generate_key(2048)
PATIENT = Seconds(30)
ANOTHER = RSAKey.generate_key(2048)
CREDENTIAL = Secret("eyJhbGciOiJSUzI1NiJ9.caller.signature")
NOW = int(FakeClock().now().timestamp())


@pytest.fixture
async def http() -> AsyncGenerator[HttpClient]:
    client = HttpClient()
    yield client
    await client.close()


@pytest.fixture
async def glgo() -> AsyncGenerator[FakeGlgo]:
    async with run_glgo(OURS) as glgo:
        yield glgo


def signer(key: RSAKey | None = OURS) -> TokenSigner:
    pem = None if key is None else Secret(key.as_pem(private=True).decode())
    return TokenSigner(pem, service_name="gitlab-ai-gateway")


def exchange_at(url: str, http: HttpClient, *, key: RSAKey | None = OURS, patience: Seconds = PATIENT) -> GlgoExchange:
    return GlgoExchange(http, url, signer=signer(key), clock=FakeClock(), patience=patience)


async def refusal(exchange: GlgoExchange) -> str:
    """Give what the operator reads; the caller reads always the same."""
    with pytest.raises(TokenExchangeFailed) as caught:
        await exchange.exchange(user_id="u-1", credential=CREDENTIAL)
    assert str(caught.value) == "Cannot obtain OIDC token"
    assert CREDENTIAL.reveal() not in caught.value.reason
    return caught.value.reason


async def test_glgo_gives_a_token_for_the_caller_whom_we_vouch_for(http: HttpClient, glgo: FakeGlgo) -> None:
    token = await exchange_at(glgo.url, http).exchange(user_id="u-1", credential=CREDENTIAL)

    assert token == Secret(TOKEN)


async def test_the_request_is_the_one_of_the_contract(http: HttpClient, glgo: FakeGlgo) -> None:
    await exchange_at(glgo.url, http).exchange(user_id="u-1", credential=CREDENTIAL)

    [request] = glgo.requests
    assert (request.method, request.path) == ("POST", "/cc/token")
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.body) == {"user_id": "u-1"}


async def test_what_we_vouch_with_says_what_the_contract_says_and_nothing_else(
    http: HttpClient, glgo: FakeGlgo
) -> None:
    await exchange_at(glgo.url, http).exchange(user_id="u-1", credential=CREDENTIAL)

    [claims], [header] = glgo.claims, glgo.headers
    assert uuid.UUID(str(claims.pop("jti"))).version == 4
    assert claims == {
        "iss": "https://cloud.gitlab.com",
        "aud": "glgo",
        "exp": NOW + 3600,
        "nbf": NOW,
        "iat": NOW,
        "cct": CREDENTIAL.reveal(),
        "uid": "u-1",
    }
    assert header == {"alg": "RS256", "typ": "JWT", "kid": thumbprint(OURS)}


async def test_no_two_exchanges_vouch_with_the_same_token(http: HttpClient, glgo: FakeGlgo) -> None:
    exchange = exchange_at(glgo.url, http)
    await exchange.exchange(user_id="u-1", credential=CREDENTIAL)
    await exchange.exchange(user_id="u-1", credential=CREDENTIAL)

    assert glgo.claims[0]["jti"] != glgo.claims[1]["jti"]


def test_a_key_is_named_by_its_thumbprint() -> None:
    # The key and the thumbprint of RFC 7638, section 3.1.
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3"
        "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA"
        "ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-"
        "kEgU8awapJzKnqDKgw"
    )
    key = RSAKey.import_key({"kty": "RSA", "n": modulus, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"})

    assert thumbprint(key) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_the_thumbprint_is_made_of_the_three_public_members_in_order() -> None:
    public = OURS.as_dict(private=False)
    plain = json.dumps({name: public[name] for name in ("e", "kty", "n")}, separators=(",", ":"))
    digest = base64.urlsafe_b64encode(hashlib.sha256(plain.encode()).digest()).decode()

    assert thumbprint(OURS) == digest.rstrip("=")


async def test_a_slash_at_the_end_of_the_address_changes_nothing(http: HttpClient, glgo: FakeGlgo) -> None:
    assert await exchange_at(f"{glgo.url}/", http).exchange(user_id="u-1", credential=CREDENTIAL) == Secret(TOKEN)


async def test_a_key_that_glgo_does_not_know_is_named_to_the_operator(http: HttpClient, glgo: FakeGlgo) -> None:
    reason = await refusal(exchange_at(glgo.url, http, key=ANOTHER))

    assert thumbprint(ANOTHER) in reason
    assert "AIGW_SELF_SIGNED_JWT__SIGNING_KEY" in reason


async def test_without_a_signing_key_nothing_is_sent_and_the_setting_is_named(http: HttpClient, glgo: FakeGlgo) -> None:
    reason = await refusal(exchange_at(glgo.url, http, key=None))

    assert "AIGW_SELF_SIGNED_JWT__SIGNING_KEY" in reason
    assert glgo.requests == []


@pytest.mark.parametrize(
    ("status", "cure"),
    [
        ("400 Bad Request", "does not know this user"),
        ("403 Forbidden", "AIGW_SELF_SIGNED_JWT__SIGNING_KEY"),
        ("404 Not Found", "AIGW_GLGO_BASE_URL"),
        ("302 Found", "AIGW_GLGO_BASE_URL"),
        ("429 Too Many Requests", "too often"),
        ("204 No Content", "something stands in between"),
        ("503 Service Unavailable", "try again later"),
    ],
)
async def test_a_refusal_tells_status_and_cure_and_not_what_was_answered(
    http: HttpClient, glgo: FakeGlgo, status: str, cure: str
) -> None:
    glgo.answer = reply(b"" if status.startswith("204") else b'{"token": "in-a-refusal"}', status=status)

    reason = await refusal(exchange_at(glgo.url, http))

    assert status[:3] in reason
    assert cure in reason
    assert "in-a-refusal" not in reason


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>sign in</html>",
        b"[]",
        b'"token"',
        b"{}",
        b'{"token": null}',
        b'{"token": 7}',
        b'{"token": ""}',
        b'{"token": " "}',
        b'{"token": "\xff"}',
        b"[" * 50_000,
        b'{"more": ' + b"[" * 50_000,
    ],
)
async def test_an_answer_without_a_token_is_a_failure(http: HttpClient, glgo: FakeGlgo, body: bytes) -> None:
    glgo.answer = reply(body)

    assert "answered without a token" in await refusal(exchange_at(glgo.url, http))


async def test_an_answer_without_end_is_not_read(http: HttpClient, glgo: FakeGlgo) -> None:
    glgo.answer = reply(b'{"token": "' + b"x" * 70_000 + b'"}')

    assert "larger than 65536 bytes" in await refusal(exchange_at(glgo.url, http))


async def test_a_glgo_that_is_not_there_is_named_with_its_setting(http: HttpClient) -> None:
    async with run_glgo() as gone:
        pass

    reason = await refusal(exchange_at(gone.url, http))

    assert gone.url.removeprefix("http://") in reason
    assert "AIGW_GLGO_BASE_URL" in reason


async def test_a_glgo_that_stalls_is_given_up(http: HttpClient, glgo: FakeGlgo) -> None:
    glgo.stalls = True

    assert "deadline of 0.05 s" in await refusal(exchange_at(glgo.url, http, patience=Seconds(0.05)))


async def test_an_address_that_cannot_be_called_is_a_failure_like_any_other(http: HttpClient) -> None:
    reason = await refusal(exchange_at("gopher://user:hunter22@glgo", http))

    assert "AIGW_GLGO_BASE_URL" in reason
    assert "hunter22" not in reason


async def test_no_answer_leaves_its_connection_open(http: HttpClient, glgo: FakeGlgo) -> None:
    # Half an answer: the rest is not waited for.
    glgo.answer = reply(b"x" * 1_000, status="500 Internal Server Error")[:-500]
    await refusal(exchange_at(glgo.url, http))

    assert http.open_connections == 0
