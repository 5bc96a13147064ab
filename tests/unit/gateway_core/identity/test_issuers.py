from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from joserfc.jwk import RSAKey

from gateway_core.identity.issuers import IssuerKeys, IssuerSource, find_impostors
from gateway_core.identity.ports import KeySets, TrustedKey
from gateway_core.kernel.errors import SettingInvalid
from unit.gateway_core.identity.issuer_keys import (
    GITLAB,
    HOUR,
    OTHER,
    PORTAL,
    TWO,
    Followed,
    Log,
    fetch_due,
    jwk,
    kids,
    names,
)

N = str(jwk("own")["n"])
OWN = TrustedKey("local", "gateway_signing_key", "RS256", RSAKey.import_key({"kty": "RSA", "n": N, "e": "AQAB"}))


# The keys, merged.


async def test_keys_come_in_the_order_of_their_sources_behind_our_own(followed: Followed) -> None:
    followed.local, followed.sources = [OWN], (GITLAB, PORTAL, OTHER)
    followed.issuers.answers = {"id": [jwk("o1")], "portal": [jwk("p2"), jwk("p1")], "gitlab": [jwk("g1")]}
    keys: KeySets = followed.build()
    assert isinstance(keys, IssuerKeys)
    assert kids(keys) == ["local/gateway_signing_key"]

    await fetch_due(keys)

    assert kids(keys) == ["local/gateway_signing_key", "Gitlab/g1", "CustomersDot/p2", "CustomersDot/p1", "other/o1"]
    assert keys.trouble() == ""


async def test_two_sources_with_one_address_are_fetched_once(followed: Followed) -> None:
    followed.sources = (GITLAB, replace(PORTAL, url=GITLAB.url + "/"))
    followed.issuers.answers = TWO
    keys = followed.build()

    assert await fetch_due(keys) == 1
    assert kids(keys) == ["Gitlab/g1"]


@pytest.mark.parametrize(("check", "issuer"), [(True, "https://names.itself.example"), (False, None)])
async def test_a_checked_issuers_keys_hold_for_what_it_calls_itself(
    followed: Followed, issuer: str | None, *, check: bool
) -> None:
    followed.sources = (replace(GITLAB, check_issuer=check),)
    followed.issuers.answers, followed.issuers.names = TWO, {"gitlab": "https://names.itself.example"}
    keys = followed.build()

    await fetch_due(keys)

    assert names(keys) == [issuer]


@pytest.mark.parametrize("check", [True, False])
async def test_a_checked_issuer_must_say_what_it_is_called(followed: Followed, *, check: bool) -> None:
    followed.sources = (replace(GITLAB, check_issuer=check),)
    followed.issuers.answers, followed.issuers.names = TWO, {"gitlab": ""}
    keys = followed.build()

    await fetch_due(keys)

    assert kids(keys) == ([] if check else ["Gitlab/g1"])
    assert ("does not say what the issuer is called" in keys.trouble()) is check


def test_no_issuer_may_be_called_like_our_own_keys(followed: Followed) -> None:
    followed.sources = (replace(OTHER, name="local"),)

    with pytest.raises(SettingInvalid, match=r"^AIGW_AUTH__ISSUERS calls an issuer 'local'.*rename it\.$"):
        followed.build()


# Who calls itself what.

THIRD = IssuerSource("third", "https://third.example.com/", "AIGW_AUTH__ISSUERS", check_issuer=True)


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ([(GITLAB, "https://gitlab.example.com"), (OTHER, "https://id.example.com")], set()),
        ([(GITLAB, "https://inside"), (OTHER, "https://id.example.com")], set()),
        ([(GITLAB, ""), (OTHER, ""), (THIRD, "")], set()),
        ([(OTHER, "https://names.itself"), (THIRD, "https://third.example.com")], set()),
        ([(GITLAB, ""), (OTHER, "https://gitlab.example.com/")], {OTHER}),
        ([(GITLAB, "https://inside"), (OTHER, "https://inside")], {OTHER}),
        ([(OTHER, "https://third.example.com"), (THIRD, "https://third.example.com")], {OTHER}),
        ([(OTHER, "https://same"), (THIRD, "https://same")], {THIRD}),
        ([(GITLAB, "https://id.example.com"), (OTHER, "https://id.example.com")], set()),
    ],
)
def test_a_name_belongs_to_one_issuer(named: list[tuple[IssuerSource, str]], found: set[IssuerSource]) -> None:
    assert find_impostors(named) == found


async def test_an_issuer_that_calls_itself_like_another_one_is_refused(followed: Followed, issuer_log: Log) -> None:
    followed.sources = (GITLAB, OTHER)
    followed.issuers.answers = {"gitlab": [jwk("g1")], "id": [jwk("o1")]}
    followed.issuers.names = {"id": GITLAB.url}
    keys = followed.build()

    await fetch_due(keys)

    assert kids(keys) == ["Gitlab/g1"]
    assert keys.trouble() == f"other: AIGW_AUTH__ISSUERS: it calls itself {GITLAB.url!r}, as another issuer does"
    assert [set(key.barred) for key in tuple(keys.keys())] == [{OTHER.url}]
    refusals = [line for line in issuer_log() if line["message"] == "issuer_refused"]
    assert [(line["level"], line["oidc_provider"]) for line in refusals] == [("error", "other")]


async def test_keys_of_an_unchecked_issuer_never_sign_in_the_name_of_a_checked_one(followed: Followed) -> None:
    followed.sources = (GITLAB, OTHER)
    followed.issuers.answers = {"gitlab": [jwk("g1")], "id": [jwk("o1")]}
    followed.issuers.names = {"id": "https://id.example.com/realm"}
    keys = followed.build()
    await fetch_due(keys)

    both = {"https://id.example.com", "https://id.example.com/realm"}
    assert [(key.kid, key.issuer, set(key.barred)) for key in tuple(keys.keys())] == [
        ("g1", None, both),
        ("o1", "https://id.example.com/realm", set()),
    ]


async def test_what_the_root_of_the_host_says_does_not_count_for_a_checked_issuer_below_it(followed: Followed) -> None:
    followed.sources = (
        IssuerSource("tenant", "https://id.example.com/tenant", "AIGW_AUTH__ISSUERS", check_issuer=True),
    )
    followed.issuers.answers, followed.issuers.at_root = {"id": [jwk("o1")]}, True
    followed.issuers.names = {"id": "https://id.example.com/other"}
    keys = followed.build()
    await fetch_due(keys)

    assert kids(keys) == []
    assert "that of its host is another issuer's" in keys.trouble()

    followed.issuers.names = {"id": "https://id.example.com/tenant"}
    await followed.after(keys, HOUR)
    assert kids(keys) == ["tenant/o1"]


# Keys of an issuer that does not answer.


async def test_keys_hold_while_their_issuer_is_away_and_are_then_dropped(followed: Followed, issuer_log: Log) -> None:
    followed.sources, followed.issuers.answers, followed.stale_for = (GITLAB,), TWO, HOUR
    keys = followed.build()
    await fetch_due(keys)
    followed.issuers.answers = {}

    look = await keys.look_again()
    await followed.after(keys, HOUR)
    assert (look, kids(keys)) == (False, ["Gitlab/g1"])
    issuer_log()
    await followed.after(keys, 60)

    assert kids(keys) == []
    (line,) = [line for line in issuer_log() if line["message"] == "stale_keys_dropped"]
    assert (line["level"], line["oidc_provider"], line["kids"]) == ("error", "Gitlab", ["g1"])
    assert "AIGW_AUTH__KEYS_STALE_FOR" in str(line["reason"])


async def test_a_withdrawn_key_is_gone_with_the_next_answer(followed: Followed) -> None:
    followed.sources, followed.issuers.answers = (GITLAB,), {"gitlab": [jwk("g1"), jwk("g2")]}
    keys = followed.build()
    await fetch_due(keys)
    followed.issuers.answers = {"gitlab": [jwk("g2")]}

    await followed.after(keys, 1.2 * HOUR)

    assert kids(keys) == ["Gitlab/g2"]


# The generation.


async def test_the_generation_changes_with_the_keys_and_with_nothing_else(followed: Followed) -> None:
    followed.sources = (GITLAB,)
    keys = followed.build()
    seen = [keys.generation]

    async def answered(*published: dict[str, object]) -> None:
        followed.issuers.answers = {"gitlab": list(published)}
        await followed.after(keys, 1.2 * HOUR)
        seen.append(keys.generation)

    await answered()
    await answered(jwk("g1"))
    held = keys.keys()
    await answered(jwk("g1", use="sig", alg="RS256"))
    assert keys.keys() is held
    await answered(jwk("g1"), jwk("g2"))
    await answered(jwk("g2"), jwk("g1"))
    # The same name, but another key.
    await answered(jwk("g2"), {**jwk("g3"), "kid": "g1"})
    await answered()

    steps = [after - before for before, after in pairwise(seen)]
    assert steps == [0, 1, 0, 1, 1, 1, 0]
