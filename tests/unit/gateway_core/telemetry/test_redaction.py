from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.telemetry.redaction import MASK, Redactor

SECRETS = {
    "Anthropic's key": "sk-ant-api03-Ab_9-xyzXYZ",
    "OpenAI's key": "sk-proj-aB3dE5fG7hJ9",
    "our own key": "gw-Zm9vYmFyYmF6_-x",
    "a restricted key": "rk-live51abcdef",
    "a public key": "pk-lf-1234abcd",
    "GitLab's token": "glpat-aB3dE5fG7hJ9kL1m",
    "an AWS key id": "AKIAIOSFODNN7EXAMPLE",
    "a Google key": "AIzaSyA-1234567890abcdefghijklmnopq",
    "an access token of Google": "ya29.a0AfH6SMB-1234567890_abc.def",
    "a signed token": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl-_",
    "an encrypted token without its end": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0",
}
IN_PLACE = {
    "after Bearer": ("Authorization: Bearer ", "opaque.token+value/=", ", then more"),
    "after bearer": ("authorization: bearer ", "0123456789abcdef", ", then more"),
    "a key in a query": ("GET /v1/models?key=", "AbCdEf", "&alt=sse HTTP/1.1"),
    "a second key in a query": ("GET /v1?alt=sse&key=", "AbCdEf", " HTTP/1.1"),
    "an api_key in a query": ("GET /v1?api_key=", "AbCdEf", " HTTP/1.1"),
    "a token in a query": ("GET /v1?a=1&token=", "AbCdEf", " HTTP/1.1"),
    "an access token": ("callback#access_token=", "AbCdEf", "&expires=1"),
    "user and password in an address": ("cannot reach https://", "op:hunter2", "@db.example:5432/x"),
}
HARMLESS = [
    "the token limit is 4096 tokens; key=value",
    "a task-oriented risk-averse desk-bound person",
    "sk-1 gw-2 glpat-3 AKIA eyJ Bearer",
    "the key gw-3f9ak2p7x… of the client ci was revoked",
    "https://gateway.example/v1/chat?stream=true&model=gpt-4.1",
    "ops@gateway.example wrote to dev@gateway.example",
    "https://gateway.example/~op@home",
    "-----BEGIN CERTIFICATE----- MIIB -----END CERTIFICATE-----",
    "naïve café 漢字 🙂",
]


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_whatever_looks_like_a_secret_is_masked(secret: str) -> None:
    line = json.dumps({"message": "said", "detail": f"refused {secret} just now"})

    assert json.loads(Redactor().mask_text(line.encode())) == {"message": "said", "detail": f"refused {MASK} just now"}


@pytest.mark.parametrize(("before", "secret", "after"), IN_PLACE.values(), ids=IN_PLACE)
def test_a_secret_is_masked_for_the_place_where_it_stands(before: str, secret: str, after: str) -> None:
    assert Redactor().mask_text(f"{before}{secret}{after}".encode()) == f"{before}{MASK}{after}".encode()


@pytest.mark.parametrize("kind", ["", "RSA ", "EC ", "ENCRYPTED "])
def test_a_private_key_is_masked_from_its_first_line_to_its_last(kind: str) -> None:
    key = f"-----BEGIN {kind}PRIVATE KEY-----\nMIIBVgIBADAN\nBgkqhkiG9w0B\n-----END {kind}PRIVATE KEY-----"

    for written in (key, json.dumps(key)[1:-1]):
        assert Redactor().mask_text(f"read {written} from x".encode()) == f"read {MASK} from x".encode()


def test_every_secret_of_a_line_is_masked() -> None:
    line = " and ".join(SECRETS.values())

    assert Redactor().mask_text(line.encode()) == " and ".join([MASK] * len(SECRETS)).encode()


@pytest.mark.parametrize("text", HARMLESS)
def test_text_that_holds_no_secret_is_left_alone(text: str) -> None:
    assert Redactor().mask_text(text.encode()) == text.encode()


@given(st.text(st.characters(exclude_characters="*", exclude_categories=["Cs"]), min_size=8), st.text(), st.text())
def test_a_learned_secret_never_survives(secret: str, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.learn(secret)

    masked = redactor.mask_text((before + secret + after).encode(errors="replace"))

    assert secret.encode() not in masked


@given(st.lists(st.text("abcdef0123456789", min_size=8, max_size=20), min_size=1, max_size=5))
def test_of_many_learned_secrets_none_survives(secrets: list[str]) -> None:
    redactor = Redactor()
    for secret in secrets:
        redactor.learn(secret)

    masked = redactor.mask_text(" ".join(secrets).encode())

    assert [secret for secret in secrets if secret.encode() in masked] == []


def test_of_a_secret_that_begins_with_another_no_end_survives() -> None:
    redactor = Redactor()
    redactor.learn("abcdefgh")
    redactor.learn("abcdefghREST")

    assert b"REST" not in redactor.mask_text(b"key abcdefghREST refused")


@pytest.mark.parametrize("secret", ['pass"word"1', r"pass\word\1", "pass\tword"])
def test_a_learned_secret_does_not_survive_inside_json(secret: str) -> None:
    redactor = Redactor()
    redactor.learn(secret)

    masked = redactor.mask_text(json.dumps({"detail": f"refused {secret}!"}).encode())

    assert json.loads(masked) == {"detail": f"refused {MASK}!"}


def test_a_text_too_short_to_be_a_secret_is_not_learned() -> None:
    redactor = Redactor()
    redactor.learn("")
    redactor.learn("a")
    redactor.learn("default")

    assert redactor.mask_text(b"a default") == b"a default"


def test_a_secret_of_eight_bytes_is_learned_even_twice() -> None:
    redactor = Redactor()
    redactor.learn("äöüß")
    redactor.learn("äöüß")

    assert redactor.mask_text("mit äöüß!".encode()) == f"mit {MASK}!".encode()


@pytest.mark.parametrize(
    "name",
    ["api_key", "model_api_key", "authorization", "x-api-key", "cookie", "set-cookie", "password", "signing_key"],
)
def test_a_field_whose_name_says_that_it_is_secret_is_masked(name: str) -> None:
    fields: dict[str, object] = {name: "x", "lang": "python"}

    Redactor().mask_fields(fields)

    assert fields == {name: MASK, "lang": "python"}


def test_a_secret_field_that_is_empty_stays_empty() -> None:
    fields: dict[str, object] = {"api_key": None, "keys": 3}

    Redactor().mask_fields(fields)

    assert fields == {"api_key": None, "keys": 3}


def test_a_secret_field_is_masked_whatever_it_holds() -> None:
    fields: dict[str, object] = {"password": 12345678, "secret": ["a", "b"]}

    Redactor().mask_fields(fields)

    assert fields == {"password": MASK, "secret": MASK}


@pytest.mark.parametrize("piece", ["eyJ-", "-----BEGIN PRIVATE KEY-----", "eyJaaaaaa", "?key=", "sk-"])
def test_the_time_grows_with_the_length_and_not_with_its_square(piece: str) -> None:
    # In quadratic time this would take the better part of an hour and end by the limit for hanging tests.
    line = (piece * (2_000_000 // len(piece))).encode()

    assert len(Redactor().mask_text(line)) <= len(line) + len(MASK)
