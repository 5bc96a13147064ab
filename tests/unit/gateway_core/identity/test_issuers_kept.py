from __future__ import annotations

import json
from dataclasses import replace

from fakes.issuer import weak_jwk
from fakes.raw_server import until
from gateway_core.kernel.units import Seconds
from unit.gateway_core.identity.issuer_keys import (
    GITLAB,
    HOUR,
    TWO,
    FakeIssuers,
    Followed,
    Log,
    events,
    fetch_due,
    jwk,
    kids,
    names,
)


async def test_after_a_restart_the_kept_keys_hold_while_every_issuer_is_away(
    followed: Followed, issuer_log: Log
) -> None:
    followed.issuers.answers = TWO
    await fetch_due(followed.build())
    followed.clock.advance(HOUR)
    issuer_log()
    followed.issuers = FakeIssuers()

    async with followed.build() as keys:
        assert kids(keys) == ["Gitlab/g1", "CustomersDot/p1"]
        assert [(line["provider"], line["age_s"]) for line in issuer_log()] == [
            ("Gitlab", 3600),
            ("CustomersDot", 3600),
        ]
        await until(lambda: "nobody there" in keys.trouble())
        assert kids(keys) == ["Gitlab/g1", "CustomersDot/p1"]


async def test_kept_keys_grow_old_as_if_there_had_been_no_restart(followed: Followed) -> None:
    followed.sources, followed.issuers.answers, followed.stale_for = (GITLAB,), TWO, HOUR
    await fetch_due(followed.build())
    followed.clock.advance(HOUR - 30)
    followed.issuers.answers = {}

    async with followed.build() as keys:
        await until(lambda: "nobody there" in keys.trouble())
        assert kids(keys) == ["Gitlab/g1"]
        await followed.after(keys, 31)
        assert kids(keys) == []


async def test_an_answer_without_news_keeps_the_kept_keys_young(followed: Followed) -> None:
    followed.sources, followed.issuers.answers, followed.stale_for = (GITLAB,), TWO, Seconds(HOUR * 2)
    keys = followed.build()
    for _ in range(5):
        await followed.after(keys, 1.2 * HOUR)

    async with followed.build() as restarted:
        assert kids(restarted) == ["Gitlab/g1"]


async def test_kept_keys_are_judged_by_the_settings_of_today(followed: Followed) -> None:
    followed.sources, followed.issuers.answers = (GITLAB,), TWO
    followed.issuers.names = {"gitlab": "https://names.itself.example"}
    await fetch_due(followed.build())
    followed.issuers.silent = {"gitlab"}

    followed.sources = (replace(GITLAB, check_issuer=True),)
    async with followed.build() as checked:
        assert names(checked) == ["https://names.itself.example"]
    followed.algorithms = ("ES256",)
    async with followed.build() as curves_alone:
        assert kids(curves_alone) == []


async def test_kept_keys_without_a_name_do_not_count_once_names_are_checked(
    followed: Followed, issuer_log: Log
) -> None:
    followed.sources, followed.issuers.answers, followed.issuers.names = (GITLAB,), TWO, {"gitlab": ""}
    await fetch_due(followed.build())
    followed.issuers.silent = {"gitlab"}
    issuer_log()

    followed.sources = (replace(GITLAB, check_issuer=True),)
    async with followed.build() as keys:
        assert kids(keys) == []
    assert events(issuer_log()) == ["kept_keys_ignored"]


async def test_a_kept_file_never_holds_more_than_was_usable(followed: Followed) -> None:
    followed.sources = (GITLAB,)
    followed.issuers.answers = {"gitlab": [jwk("g1", x5c=["AAAA"]), jwk("leaked", d="AQAB"), weak_jwk()]}

    await fetch_due(followed.build())

    (file,) = followed.folder.iterdir()
    assert [sorted(key) for key in json.loads(file.read_text())["keys"]] == [["alg", "e", "kid", "kty", "n", "use"]]
