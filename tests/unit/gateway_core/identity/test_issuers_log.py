from __future__ import annotations

from fakes.issuer import OCT_JWK, weak_jwk
from gateway_core.identity.discovery import DiscoveryFailed
from unit.gateway_core.identity.issuer_keys import (
    GITLAB,
    TWO,
    Followed,
    Log,
    events,
    fetch_due,
    jwk,
)


async def test_keys_that_came_are_logged_as_gitlab_does(followed: Followed, issuer_log: Log) -> None:
    followed.sources, followed.issuers.answers = (GITLAB,), {"gitlab": [jwk("g1"), jwk("g2")]}

    await fetch_due(followed.build())

    (line,) = issuer_log()
    assert {name: line[name] for name in ("level", "message", "logger", "kids", "provider")} == {
        "level": "info",
        "message": "JWKS refreshed",
        "logger": "cloud_connector",
        "kids": ["g1", "g2"],
        "provider": "Gitlab",
    }


async def test_an_issuer_that_is_away_for_long_is_said_once_in_ten_minutes(followed: Followed, issuer_log: Log) -> None:
    followed.sources = (GITLAB,)
    keys = followed.build()
    for _ in range(25):
        await followed.after(keys, 60)

    lines = issuer_log()
    assert [line["message"] for line in lines] == ["JWKS not refreshed"] * 3
    assert {(line["level"], line["oidc_provider"], line["reason"]) for line in lines} == {
        ("warning", "Gitlab", "AIGW_GITLAB_URL: nobody there")
    }


async def test_another_reason_is_said_at_once(followed: Followed, issuer_log: Log) -> None:
    followed.sources = (GITLAB,)
    keys = followed.build()
    await fetch_due(keys)
    followed.issuers.answers = {"gitlab": DiscoveryFailed("AIGW_GITLAB_URL: a web page")}
    await followed.after(keys, 1)

    assert [line["reason"] for line in issuer_log()] == ["AIGW_GITLAB_URL: nobody there", "AIGW_GITLAB_URL: a web page"]
    assert keys.trouble() == "Gitlab: AIGW_GITLAB_URL: a web page"


async def test_a_failure_after_a_good_answer_is_said_again(followed: Followed, issuer_log: Log) -> None:
    followed.sources, followed.issuers.answers = (GITLAB,), {}
    keys = followed.build()
    await fetch_due(keys)
    followed.issuers.answers = TWO
    await followed.after(keys, 1)
    followed.issuers.answers = {}
    await keys.look_again()

    assert events(issuer_log()) == ["JWKS not refreshed", "JWKS refreshed", "JWKS not refreshed"]


async def test_each_key_that_cannot_be_used_is_said_once(followed: Followed, issuer_log: Log) -> None:
    followed.sources = (GITLAB,)
    followed.issuers.answers = {"gitlab": [jwk("g1"), weak_jwk("feeble"), OCT_JWK, jwk("leaked", d="AQAB")]}
    keys = followed.build()
    await fetch_due(keys)
    await followed.after(keys, 1)

    lines = [line for line in issuer_log() if line["message"] != "JWKS refreshed"]
    assert [(line["message"], line["kid"], line["provider"], line["level"]) for line in lines] == [
        ("key_skipped", "feeble", "Gitlab", "warning"),
        ("key_skipped", "symmetric", "Gitlab", "warning"),
        ("key_skipped", "leaked", "Gitlab", "warning"),
    ]
    assert "1024 bits" in str(lines[0]["reason"])


def test_before_any_answer_every_issuer_is_in_trouble(followed: Followed) -> None:
    keys = followed.build()

    assert keys.trouble() == "Gitlab: it has not answered yet; CustomersDot: it has not answered yet"
