from __future__ import annotations

import uuid
from collections.abc import Mapping

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from fakes.clock import MORNING, FakeClock
from fakes.signing import (
    ISSUER,
    NOW,
    SERVICE,
    FakeKeySets,
    claims_in,
    claims_of,
    ec_key,
    header_of,
    private_pem,
    public_pem,
    rsa_key,
    trusted,
)
from gateway_core.identity.jwks import SignedTokens
from gateway_core.identity.model import Caller, Claims, Client
from gateway_core.identity.self_issued import IssuedToken, TokenSigner, UserTokenRequest, local_keys
from gateway_core.kernel.errors import PermissionMissing, SigningFailed
from gateway_core.kernel.secret import Secret

PEM = private_pem(rsa_key("signing"))
SETTING = "AIGW_SELF_SIGNED_JWT__SIGNING_KEY"
SCOPES = frozenset({"complete_code", "duo_chat"})
REQUEST = UserTokenRequest("u1", project_id="5", namespace_id="6", root_namespace_id="7")
ALWAYS = {"iss", "aud", "sub", "iat", "nbf", "exp", "jti", "scopes", "gitlab_realm", "gitlab_instance_id"}


def damaged_pem() -> str:
    """Give a key whose private half does not fit its public one."""
    good = rsa_key("signing").private_numbers()
    mixed = rsa.RSAPrivateNumbers(
        p=good.p,
        q=good.q,
        d=good.d + 2,
        dmp1=good.dmp1 + 2,
        dmq1=good.dmq1 + 2,
        iqmp=good.iqmp,
        public_numbers=good.public_numbers,
    )
    return private_pem(mixed.private_key(unsafe_skip_rsa_key_validation=True))


UNUSABLE = {
    "empty": ("", "not a key in PEM form"),
    "words": ("a secret", "not a key in PEM form"),
    "cut": (PEM[:500], "not a key in PEM form"),
    "empty PEM": ("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----", "not a key in PEM form"),
    "file name": ("/etc/keys/signing.pem", "not a key in PEM form"),
    "not ASCII": ("-----BEGIN PRIVATE KEY-----\né\n-----END PRIVATE KEY-----", "not a key in PEM form"),
    "surrogate": ("\ud800", "not a key in PEM form"),
    "curve": (private_pem(ec_key()), "not an RSA key"),
    "curve's public half": (public_pem(ec_key()), "not an RSA key"),
    "weak": (private_pem(rsa_key("weak", bits=1024)), "has 1024 bits"),
    "damaged": (damaged_pem(), "damaged"),
    "locked": (private_pem(rsa_key("signing"), passphrase=b"sesame"), "passphrase"),
    "locked, older form": (private_pem(rsa_key("signing"), passphrase=b"sesame", pkcs1=True), "passphrase"),
}


def signer(pem: str | None = PEM) -> TokenSigner:
    return TokenSigner(Secret(pem) if pem is not None else None, service_name=SERVICE)


def token_caller(
    *, realm: str = "saas", scopes: frozenset[str] = SCOPES, extra: Mapping[str, object] | None = None
) -> Caller:
    claims = Claims(issuer=ISSUER, subject="i1", scopes=scopes, realm=realm, instance_id="i1", extra=extra or {})
    return Caller("token", claims)


def issue(caller: Caller, request: UserTokenRequest = REQUEST) -> dict[str, object]:
    return claims_in(signer().issue_user_token(caller, request, now=MORNING).token.reveal())


async def take_back(issued: IssuedToken) -> Claims:
    keys = local_keys(Secret(PEM), None, service_name=SERVICE)
    tokens = SignedTokens(SERVICE, SERVICE, key_sets=FakeKeySets(*keys), algorithms=("RS256",), clock=FakeClock())
    caller = await tokens.verify(issued.token.reveal())
    assert caller.claims is not None
    return caller.claims


def test_our_keys_are_trusted_in_our_name_alone() -> None:
    signing, validation = local_keys(
        Secret(PEM), Secret(private_pem(rsa_key("validation"), pkcs1=True)), service_name=SERVICE
    )

    assert [signing.kid, validation.kid] == [f"{SERVICE}_signing_key", f"{SERVICE}_validation_key"]
    assert {key.source for key in (signing, validation)} == {"local"}
    assert {key.issuer for key in (signing, validation)} == {SERVICE}
    assert {key.algorithm for key in (signing, validation)} == {"RS256"}
    assert not any(key.key.is_private for key in (signing, validation))
    assert signing.key.public_key == rsa_key("signing").public_key()
    assert validation.key.public_key == rsa_key("validation").public_key()


@pytest.mark.parametrize("pem", [PEM, private_pem(rsa_key("signing"), pkcs1=True), f"\n {PEM}\n\n"], ids=range(3))
def test_every_usual_form_of_a_key_is_read(pem: str) -> None:
    assert local_keys(Secret(pem), None, service_name=SERVICE)
    assert signer(pem).sign({}).reveal()


def test_the_public_half_is_enough_to_validate() -> None:
    (key,) = local_keys(None, Secret(public_pem(rsa_key())), service_name=SERVICE)

    assert key.key.public_key == rsa_key().public_key()


def test_without_settings_there_are_no_keys_and_no_complaints() -> None:
    with capture_logs() as lines:
        assert local_keys(None, None, service_name=SERVICE) == ()

    assert {line["log_level"] for line in lines} == {"debug"}


@pytest.mark.parametrize("name", sorted(UNUSABLE))
def test_a_key_that_cannot_be_used_is_skipped_alone_and_told_by_its_setting(name: str) -> None:
    pem, cause = UNUSABLE[name]
    with capture_logs() as lines:
        keys = local_keys(Secret(pem), Secret(PEM), service_name=SERVICE)

    assert [key.kid for key in keys] == [f"{SERVICE}_validation_key"]
    (line,) = lines
    assert line["event"] == "local_key_skipped"
    assert line["log_level"] == "error"
    assert line["setting"] == SETTING
    assert cause in line["reason"]
    assert not pem or pem not in str(line)


def test_the_other_service_has_settings_of_its_own() -> None:
    prefix = "DUO_WORKFLOW_SELF_SIGNED_JWT__"
    with capture_logs() as lines:
        local_keys(Secret(PEM), Secret("x"), service_name=SERVICE, settings=prefix)
    with pytest.raises(SigningFailed) as failed:
        TokenSigner(None, service_name=SERVICE, settings=prefix).sign({})

    assert lines[0]["setting"] == f"{prefix}VALIDATION_KEY"
    assert f"{prefix}SIGNING_KEY" in failed.value.reason


@pytest.mark.parametrize("name", [*sorted(UNUSABLE), "public"])
def test_without_a_usable_key_nothing_is_signed_and_the_reason_names_the_setting(name: str) -> None:
    pem, cause = {**UNUSABLE, "public": (public_pem(rsa_key()), "public key")}[name]

    with pytest.raises(SigningFailed, match=r"^Failed to generate JWT$") as failed:
        signer(pem).issue_user_token(token_caller(), REQUEST, now=MORNING)

    assert failed.value.reason.startswith(SETTING)
    assert cause in failed.value.reason
    assert signer(pem).public_key is None


def test_a_signer_without_a_setting_says_how_to_make_one() -> None:
    with pytest.raises(SigningFailed) as failed:
        signer(None).sign({})

    assert failed.value.reason == f"{SETTING} is not set; make a key with: ai-gateway keys new"


def test_claims_that_json_cannot_hold_are_not_signed() -> None:
    with pytest.raises(SigningFailed):
        signer().sign({"x": object()})


@pytest.mark.parametrize("name", ["signing", "other"])
async def test_what_is_signed_for_others_has_their_key_id_and_holds_by_our_public_half(name: str) -> None:
    own = TokenSigner(Secret(private_pem(rsa_key(name))), service_name=SERVICE)
    claims = claims_of(aud="glgo")
    token = own.sign(claims, header={"kid": "thumbprint"}).reveal()

    assert header_of(token) == {"alg": "RS256", "typ": "JWT", "kid": "thumbprint"}
    assert claims_in(token) == claims
    assert own.public_key is not None
    assert own.public_key.public_key == rsa_key(name).public_key()
    assert not own.public_key.is_private


async def test_a_user_token_has_the_claims_of_its_kind_and_no_others() -> None:
    issued = signer().issue_user_token(token_caller(realm="other"), REQUEST, now=MORNING)
    claims = claims_in(issued.token.reveal())

    assert set(claims) == ALWAYS
    assert {name: claims[name] for name in ("iss", "aud", "sub")} == {"iss": SERVICE, "aud": SERVICE, "sub": "u1"}
    assert claims["iat"] == claims["nbf"] == int(NOW)
    assert claims["exp"] == issued.expires_at == int(NOW) + 3600
    assert (claims["gitlab_realm"], claims["gitlab_instance_id"]) == ("other", "i1")
    assert claims["scopes"] == ["complete_code"]
    # No key id: after the keys were changed, the key that signed it has another one.
    assert header_of(issued.token.reveal()) == {"alg": "RS256", "typ": "JWT"}


def test_each_token_is_its_own() -> None:
    first, second = (str(issue(token_caller())["jti"]) for _ in range(2))

    assert first != second
    assert uuid.UUID(first).version == uuid.UUID(second).version == 4


async def test_the_token_is_taken_back_by_the_gateway_that_issued_it() -> None:
    issued = signer().issue_user_token(token_caller(extra={"skip_usage_cutoff": True}), REQUEST, now=MORNING)

    claims = await take_back(issued)

    assert (claims.issuer, claims.subject, claims.realm, claims.instance_id) == (SERVICE, "u1", "saas", "i1")
    assert claims.scopes == {"complete_code"}
    assert claims.extra == {
        "gitlab_project_id": "5",
        "gitlab_namespace_id": "6",
        "gitlab_root_namespace_id": 7,
        "skip_usage_cutoff": True,
    }


async def test_a_token_signed_before_the_keys_were_changed_still_holds() -> None:
    issued = signer().issue_user_token(token_caller(), REQUEST, now=MORNING)
    keys = local_keys(Secret(private_pem(rsa_key("new"))), Secret(PEM), service_name=SERVICE)
    tokens = SignedTokens(
        SERVICE, SERVICE, key_sets=FakeKeySets(*keys, trusted(rsa_key())), algorithms=("RS256",), clock=FakeClock()
    )

    assert (await tokens.verify(issued.token.reveal())).kind == "token"


@pytest.mark.parametrize(
    ("held", "granted"),
    [
        ({"complete_code"}, ["complete_code"]),
        ({"ai_gateway_model_provider_proxy"}, ["ai_gateway_model_provider_proxy"]),
        ({"ai_gateway_model_provider_proxy", "complete_code"}, ["complete_code", "ai_gateway_model_provider_proxy"]),
        ({"duo_chat", "code_suggestions"}, []),
    ],
)
def test_a_token_grants_no_more_than_its_caller_holds(held: set[str], granted: list[str]) -> None:
    assert issue(token_caller(scopes=frozenset(held)))["scopes"] == granted


@pytest.mark.parametrize(("seats", "copied"), [("5", "5"), ("", None), ("  ", None)])
def test_the_number_of_seats_is_copied_when_there_is_one(seats: str, copied: str | None) -> None:
    caller = Caller("token", Claims(realm="saas", duo_seat_count=seats))

    assert issue(caller).get("duo_seat_count") == copied


def test_claims_that_the_caller_lacks_are_null() -> None:
    claims = issue(Caller("token", Claims(issuer=ISSUER)))

    assert set(claims) == ALWAYS
    assert (claims["gitlab_realm"], claims["gitlab_instance_id"]) == (None, None)


def test_extra_claims_are_copied_and_override_nothing() -> None:
    mine = dict.fromkeys([*ALWAYS, "gitlab_project_id", "gitlab_namespace_id", "gitlab_root_namespace_id"], "forged")
    ordinary = issue(token_caller())

    claims = issue(token_caller(extra={**mine, "skip_usage_cutoff": True, "deep": {"x": [1]}}))

    assert claims | {"jti": 0} == ordinary | {"jti": 0, "skip_usage_cutoff": True, "deep": {"x": [1]}}


def test_a_self_managed_instance_is_named_by_its_unique_id_and_has_no_namespaces() -> None:
    claims = issue(Caller("token", Claims(realm="self-managed", instance_id="i1", instance_uid="uid1")))

    assert set(claims) == ALWAYS | {"gitlab_instance_uid"}
    assert claims["gitlab_instance_uid"] == "uid1"


def test_ids_that_nobody_sent_are_null_in_the_realm_of_many() -> None:
    claims = issue(token_caller(), UserTokenRequest("u1"))

    assert set(claims) == ALWAYS | {"gitlab_project_id", "gitlab_namespace_id", "gitlab_root_namespace_id"}
    assert claims["gitlab_project_id"] is claims["gitlab_namespace_id"] is claims["gitlab_root_namespace_id"] is None


@pytest.mark.parametrize(
    ("claimed", "header", "root"),
    [
        ("42", None, 42),
        (42, "7", 42),
        (None, "7", 7),
        (None, "-1", None),
        (None, "0", None),
        (None, "", None),
        (None, "1.5", None),
        (None, " 7", None),
        (None, "٧", None),  # noqa: RUF001 - a digit of another script is the point
        (None, "9" * 40, None),
        (None, "+7", None),
        (True, "7", 7),
        (True, None, None),
        (0, "7", 7),
        (-3, None, None),
        (1.0, None, None),
        ("x", "7", 7),
        ([42], "7", 7),
    ],
)
def test_the_root_namespace_is_a_positive_number_or_nothing(
    claimed: object, header: str | None, root: int | None
) -> None:
    extra = {} if claimed is None else {"gitlab_root_namespace_id": claimed}

    claims = issue(token_caller(extra=extra), UserTokenRequest("u1", root_namespace_id=header))

    assert claims["gitlab_root_namespace_id"] == root
    assert type(claims["gitlab_root_namespace_id"]) in {int, type(None)}


@pytest.mark.parametrize("realm", ["saas", "self-managed"])
async def test_whom_a_bypass_let_in_is_described_by_the_headers(realm: str) -> None:
    request = UserTokenRequest("111", realm=realm, instance_id="x", root_namespace_id="7")

    issued = signer().issue_user_token(Caller("debug"), request, now=MORNING)
    claims = await take_back(issued)

    assert (claims.subject, claims.realm, claims.instance_id) == ("111", realm, "x")
    assert claims.scopes == {"complete_code", "ai_gateway_model_provider_proxy"}


def test_headers_say_nothing_about_a_caller_who_has_claims() -> None:
    claims = issue(token_caller(), UserTokenRequest("u1", realm="self-managed", instance_id="another"))

    assert (claims["gitlab_realm"], claims["gitlab_instance_id"]) == ("saas", "i1")


@pytest.mark.parametrize("client", [None, Client("c1", "ci", MORNING, role="admin")])
def test_holders_of_client_keys_get_no_token_that_would_outlive_their_key(client: Client | None) -> None:
    with pytest.raises(PermissionMissing, match=r"^Unauthorized to create user access token$"):
        signer().issue_user_token(Caller("client", client=client), REQUEST, now=MORNING)


def test_neither_key_nor_token_shows_itself() -> None:
    issued = signer().issue_user_token(token_caller(), REQUEST, now=MORNING)

    assert issued.token.reveal() not in repr(issued)
    assert "PRIVATE" not in repr(vars(signer()))


@given(
    st.dictionaries(
        st.text(max_size=8),
        st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=8) | st.lists(st.integers(0, 9)),
        max_size=5,
    ),
    st.text(max_size=20),
)
def test_whatever_the_caller_brings_the_token_names_us_and_ends_in_an_hour(extra: dict[str, object], user: str) -> None:
    claims = issue(Caller("token", Claims(realm="saas", extra=extra)), UserTokenRequest(user))

    assert (claims["iss"], claims["aud"], claims["sub"]) == (SERVICE, SERVICE, user)
    assert claims["exp"] == int(NOW) + 3600
    assert claims["scopes"] == []


def test_a_token_that_nobody_would_take_is_not_signed() -> None:
    with pytest.raises(SigningFailed) as failed:
        signer().sign({"x": "y" * 16_384})

    assert "16384 are taken" in failed.value.reason
