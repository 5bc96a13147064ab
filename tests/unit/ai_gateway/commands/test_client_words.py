from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.commands.client_words import (
    parse_budget,
    parse_list,
    render_json,
    render_lines,
    show_table,
    unenforced,
)
from gateway_core.identity.clients import KnownClient
from gateway_core.identity.model import Budget, Client, ClientKey
from gateway_core.identity.new_client import NewClient
from gateway_core.kernel.units import MicroUsd

NOON = datetime(2026, 11, 21, 12, 0, 33, tzinfo=UTC)
DAY = timedelta(days=1)
CI = Client("1", "ci", NOON - DAY)
LIMITED = replace(
    CI,
    name="team-a",
    role="operator",
    scopes=frozenset({"generate_code", "complete_code"}),
    models=frozenset({"coder"}),
    budget=Budget(MicroUsd(500_000), "day"),
    rpm=600,
    tpm=9,
)


def known(client: Client, *ends: datetime | None) -> KnownClient:
    keys = (ClientKey(str(n), client.id, "", f"gw-key{n}", NOON, end) for n, end in enumerate(ends or (None,)))
    return KnownClient(client, tuple(keys))


def row(one: KnownClient) -> list[str]:
    _, line = render_lines([one], now=NOON)
    return line.split("\t")


@pytest.mark.parametrize(("text", "names"), [("a", ("a",)), ("a,b", ("a", "b")), (" a , b,", ("a", "b"))])
def test_names_stand_between_commas(text: str, names: tuple[str, ...]) -> None:
    assert parse_list(text) == names


@pytest.mark.parametrize("text", ["", " ", ",", " , "])
def test_a_list_of_nothing_is_not_taken_for_all(text: str) -> None:
    with pytest.raises(ValueError, match="names nothing; leave the option out for all"):
        parse_list(text)


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("50/month", Budget(MicroUsd(50_000_000), "month")),
        ("0.5/day", Budget(MicroUsd(500_000), "day")),
        ("0.000001/total", Budget(MicroUsd(1), "total")),
    ],
)
def test_a_budget_is_dollars_and_a_period(text: str, budget: Budget) -> None:
    assert parse_budget(text) == budget


@pytest.mark.parametrize("text", ["", "50", "50/", "/day", "50/week", "$50/day", "a/day", "NaN/day", "Infinity/day"])
def test_anything_else_is_no_budget(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no budget; give US dollars per day, month or total, such as 50/month"):
        parse_budget(text)


def test_less_than_can_be_counted_is_no_budget() -> None:
    with pytest.raises(ValueError, match="is no budget"):
        parse_budget("0.0000001/day")


@given(st.text() | st.builds("{}/{}".format, st.decimals(), st.sampled_from(["day", "month", "total"])))
def test_any_text_is_a_budget_or_refused_in_our_words(text: str) -> None:
    said = ""
    try:
        parse_budget(text)
    except ValueError as error:
        said = str(error)
    assert not said or "is no budget" in said


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        (NewClient("ci"), ""),
        (NewClient("ci", rpm=1), "--rpm"),
        (NewClient("ci", tpm=1, rpm=1), "--rpm and --tpm"),
        (NewClient("ci", budget=Budget(MicroUsd(1), "day")), "--budget"),
    ],
)
def test_limits_that_are_kept_only_are_named(asked: NewClient, named: str) -> None:
    assert unenforced(asked) == named


def test_a_client_without_limits_is_a_short_line_under_a_heading() -> None:
    assert list(render_lines([known(CI)], now=NOON)) == [
        "NAME\tROLE\tKEYS\tSTATE\tLIMITS",
        "ci\t-\tgw-key0…\tactive\t-",
    ]


def test_a_client_shows_its_role_and_all_that_limits_it() -> None:
    limits = "scopes complete_code,generate_code; models coder; 0.5 USD/day; 600 requests/min; 9 tokens/min"

    assert row(known(LIMITED)) == ["team-a", "operator", "gw-key0…", "active", limits]


@pytest.mark.parametrize(
    ("client", "state"),
    [
        (replace(CI, expires_at=NOON + DAY), "expires 2026-11-22 12:00 UTC"),
        (replace(CI, expires_at=NOON), "expired 2026-11-21 12:00 UTC"),
        (replace(CI, expires_at=NOON, revoked_at=NOON - DAY), "revoked 2026-11-20 12:00 UTC"),
    ],
)
def test_a_state_says_until_or_since_when(client: Client, state: str) -> None:
    assert row(known(client))[3] == state


def test_an_old_key_shows_until_when_it_holds_and_not_after() -> None:
    _, _, keys, state, _ = row(known(CI, NOON, NOON + DAY, None))

    assert keys == "gw-key1…, gw-key2…"
    assert state == "active; old key gw-key1… until 2026-11-22 12:00 UTC"


def test_json_says_everything_but_the_hashes() -> None:
    [line] = render_json([known(replace(LIMITED, expires_at=NOON + DAY), NOON, None)], now=NOON)

    assert json.loads(line) == {
        "name": "team-a",
        "role": "operator",
        "state": "active",
        "scopes": ["complete_code", "generate_code"],
        "models": ["coder"],
        "budget": {"usd": "0.5", "per": "day"},
        "rpm": 600,
        "tpm": 9,
        "not_enforced": ["budget", "rpm", "tpm"],
        "created_at": "2026-11-20T12:00:33Z",
        "expires_at": "2026-11-22T12:00:33Z",
        "revoked_at": None,
        "keys": [
            {
                "prefix": "gw-key0",
                "created_at": "2026-11-21T12:00:33Z",
                "valid_until": "2026-11-21T12:00:33Z",
            },
            {"prefix": "gw-key1", "created_at": "2026-11-21T12:00:33Z", "valid_until": None},
        ],
    }


@pytest.mark.parametrize(
    ("client", "state"),
    [(CI, "active"), (replace(CI, expires_at=NOON), "expired"), (replace(CI, revoked_at=NOON), "revoked")],
)
def test_json_has_one_word_for_the_state(client: Client, state: str) -> None:
    [line] = render_json([known(client)], now=NOON)

    assert json.loads(line)["state"] == state


def test_a_table_shows_each_client(capsys: pytest.CaptureFixture[str]) -> None:
    show_table([known(CI), known(LIMITED)], now=NOON)

    heading, first, second, *_ = capsys.readouterr().out.splitlines()
    assert heading.split() == ["NAME", "ROLE", "KEYS", "STATE", "LIMITS"]
    assert first.split() == ["ci", "-", "gw-key0…", "active", "-"]
    assert second.split()[:4] == ["team-a", "operator", "gw-key0…", "active"]
