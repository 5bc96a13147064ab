"""The target sees what it is there to see: each test breaks the product on purpose."""

from __future__ import annotations

import asyncio
import hashlib
import math
import string
from collections.abc import Callable, Mapping

import pytest

from fakes.signing import SERVICE, FakeKeySets
from fuzz.engine import build_mutator, load_target, read_inputs, trouble_with
from fuzz.finding import Finding
from fuzz.fuzz_credentials import try_one
from fuzz.known import CHECKED_ISSUER, CLIENT_KEYS, TOKENS, Doors, build_doors
from fuzz.planted import lenient_doors
from fuzz.run import CORPUS
from fuzz.verdict import Verdict, judge
from fuzz.wire import edited, read_request
from gateway_core.identity import claims, client_index, compact, jwks, service
from gateway_core.identity.compact import CompactToken, parse_compact

OIDC = b"x-gitlab-authentication-type: oidc\n"
GOOD = OIDC + b"authorization: Bearer <nokid>"
INTO_THE_END = 0x82
ENOUGH = 3_000
PLAIN = [(CORPUS / "credentials" / name).read_bytes() for name in ("token-nokid", "client-key", "signed-plainly")]


@pytest.fixture
def doors() -> Doors:
    return build_doors()


def first_trouble(doors: Doors, *, within: int = ENOUGH) -> str | None:
    """Fuzz by chance from three plain inputs, none of which is wrong in any way."""
    mutator = build_mutator(load_target("credentials"), 1, longest=2_000)
    for _ in range(within):
        data = mutator.change(mutator.choose(PLAIN))
        trouble = trouble_with(lambda data: try_one(data, doors=doors), data)
        if trouble is not None:
            return trouble
    return None


def test_chance_finds_a_parser_that_forgives_padding() -> None:
    assert "nobody comes in, but the answer is Caller(kind='token'" in (first_trouble(lenient_doors()) or "")


def test_chance_finds_a_parser_that_breaks_on_what_it_does_not_expect(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parse_carelessly(token: str) -> CompactToken:
        found = parse_compact(token)
        return found if found.header.kid is None else {"checked": found}[found.header.kid]

    monkeypatch.setattr(jwks, "parse_compact", parse_carelessly)

    assert "KeyError" in (first_trouble(doors) or "")


def test_chance_finds_tokens_that_are_remembered_by_their_beginning(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Prefix:
        sha256 = staticmethod(lambda data: hashlib.sha256(data[:200]))

    monkeypatch.setattr(jwks, "hashlib", Prefix)
    try_one(GOOD, doors=doors)

    assert "nobody comes in, but the answer is Caller(kind='token'" in (first_trouble(doors) or "")


def test_chance_finds_times_that_are_not_looked_at(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "_check_times", lambda *_, **__: math.inf)

    assert "nobody comes in, but the answer is Caller(kind='token'" in (first_trouble(doors) or "")


@pytest.mark.parametrize(
    ("broken", "data"),
    [
        (
            lambda patch: patch.setattr(service.Authenticator, "_cross_check", lambda *_: None),
            OIDC + b"authorization: Bearer <rs256>",
        ),
        (
            lambda patch: patch.setattr(jwks.SignedTokens, "_check_issuer", lambda *_, **__: None),
            OIDC + b"authorization: Bearer <impostor>",
        ),
        (
            lambda patch: patch.setattr(jwks.SignedTokens, "_holds", lambda *_: True),
            OIDC + b"authorization: Bearer <stranger>",
        ),
        (lambda patch: patch.setattr(client_index, "_why_unknown", str), b"authorization: Bearer <unknown>"),
        (
            lambda patch: patch.setattr(compact, "_LAST_CHARACTERS", dict.fromkeys((2, 3), string.printable)),
            None,
        ),
    ],
    ids=["no cross-check", "no issuer", "no signature", "key in the reason", "loose bits"],
)
def test_a_check_that_is_gone_is_missed(
    broken: Callable[[pytest.MonkeyPatch], None],
    data: bytes | None,
    doors: Doors,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken(monkeypatch)
    chosen = read_inputs(CORPUS / "credentials") if data is None else [data]

    assert any(trouble_with(lambda one: try_one(one, doors=doors), one) for one in chosen)


def test_without_a_bug_the_same_chance_finds_nothing(doors: Doors) -> None:
    assert first_trouble(doors) is None


def test_a_door_that_waits_is_a_finding(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    async def look_again(_keys: object) -> bool:
        await asyncio.sleep(0)
        return False

    monkeypatch.setattr(FakeKeySets, "look_again", look_again)

    with pytest.raises(Finding, match="waits"):
        try_one(OIDC + b"authorization: Bearer <stranger>", doors=doors)


VERDICTS: Mapping[str, tuple[bytes, Verdict]] = {
    "a token": (GOOD, Verdict.TOKEN),
    "a client key": (b"X-Api-Key: <key>", Verdict.CLIENT),
    "any case of bearer": (OIDC + b"authorization: bEARER  <es256> \t", Verdict.TOKEN),
    "a token for a key": (OIDC + b"x-api-key: <nokid>", Verdict.NOBODY),
    "twice the same": (GOOD + b"\nauthorization: Bearer <nokid>", Verdict.NOBODY),
    "a header that differs": (OIDC + b"x-gitlab-global-user-id: u-2\nauthorization: Bearer <own>", Verdict.NOBODY),
    "a header that fits": (OIDC + b"x-gitlab-global-user-id: u-1\nauthorization: Bearer <own>", Verdict.TOKEN),
    "an edited token": (GOOD + b"\n\n" + bytes([INTO_THE_END, 0, 0, 0]), Verdict.NOBODY),
    "claims of one's own": (
        OIDC
        + b'authorization: Bearer <es256:{"alg":"ES256"}|{"iss":"%s","aud":"%s","exp":9999999999}>'
        % (CHECKED_ISSUER.encode(), SERVICE.encode()),
        Verdict.PERHAPS,
    ),
    "claims of one's own, late": (
        OIDC
        + b'authorization: Bearer <es256:{"alg":"ES256"}|{"iss":"%s","aud":"%s","exp":1}>'
        % (CHECKED_ISSUER.encode(), SERVICE.encode()),
        Verdict.NOBODY,
    ),
}


@pytest.mark.parametrize("name", sorted(VERDICTS))
def test_the_verdict_follows_the_rules(name: str) -> None:
    data, verdict = VERDICTS[name]

    assert judge(read_request(data)) is verdict


def test_the_operators_door_is_for_keys_only() -> None:
    assert judge(read_request(GOOD), operator=True) is Verdict.NOBODY
    assert judge(read_request(b"authorization: Bearer <key>"), operator=True) is Verdict.CLIENT


def test_a_word_in_brackets_becomes_its_credential_and_edits_are_made_in_the_first() -> None:
    request = read_request(b"authorization: Bearer <key>\nx: <key>\ny: <nobody>\n\n" + bytes([4, 0, 3, 0]))

    assert request.headers == [
        (b"authorization", b"Bearer gw-"),
        (b"x", CLIENT_KEYS["key"]),
        (b"y", b"<nobody>"),
    ]


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (bytes([0, 0, 1, 88]), b"aX.c.e"),
        (bytes([1, 0, 0, 88]), b"Xab.c.e"),
        (bytes([INTO_THE_END, 0, 0, 0]), b"ab.c.e="),
        (bytes([3, 0, 0, 1]), b".c.e"),
        (bytes([4, 0, 4, 0]), b"ab.c"),
        (bytes([5, 0, 0, 1]), b"cb.c.e"),
        (bytes([6, 0, 0, 5]), b"e.c.ab"),
        (bytes([7, 0, 1, 0]), b"ab." + TOKENS["rs256"].text.split(b".")[1] + b".e"),
        (b"\0\0\0", b"ab.c.e"),
    ],
)
def test_an_edit_says_what_where_and_with_which_byte(edit: bytes, expected: bytes) -> None:
    assert edited(b"ab.c.e", edit) == expected


def test_known_tokens_are_the_same_in_each_process() -> None:
    digest = hashlib.sha256(b"".join(token.text for token in TOKENS.values())).hexdigest()

    assert digest[:16] == "e5765fdc07bd022e"
