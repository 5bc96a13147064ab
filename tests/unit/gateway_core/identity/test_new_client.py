from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.identity.model import Budget, Client
from gateway_core.identity.new_client import NewClient, check_new_client, not_enforced, show_time
from gateway_core.identity.unit_primitives import UNIT_PRIMITIVES
from gateway_core.kernel.errors import RequestInvalid
from gateway_core.kernel.units import MicroUsd

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ASKED = NewClient("ci")


def check(asked: NewClient) -> Client:
    return check_new_client(asked, "id 1", now=NOON)


def refusal(asked: NewClient) -> str:
    with pytest.raises(RequestInvalid) as refused:
        check(asked)
    return str(refused.value)


def test_a_client_of_whom_only_the_name_is_said_has_no_role_and_no_limits() -> None:
    assert check(ASKED) == Client(id="id 1", name="ci", created_at=NOON)


def test_what_was_asked_for_is_what_it_may() -> None:
    client = check(
        NewClient(
            "team-a.1_x",
            role="viewer",
            scopes=["complete_code", "complete_code"],
            models=["anthropic/claude", "coder"],
            budget=Budget(MicroUsd(5), "day"),
            rpm=1,
            tpm=2,
            expires_at=NOON + timedelta(microseconds=1),
        )
    )

    assert client == Client(
        id="id 1",
        name="team-a.1_x",
        created_at=NOON,
        role="viewer",
        scopes=frozenset({"complete_code"}),
        models=frozenset({"anthropic/claude", "coder"}),
        budget=Budget(MicroUsd(5), "day"),
        rpm=1,
        tpm=2,
        expires_at=NOON + timedelta(microseconds=1),
    )


@given(st.from_regex(r"[a-z0-9][a-z0-9._-]{0,62}", fullmatch=True))
def test_a_name_of_small_letters_digits_and_marks_is_taken(name: str) -> None:
    assert check(NewClient(name)).name == name


@pytest.mark.parametrize(
    "name",
    ["", "-ci", ".ci", "_ci", "CI", "c i", "ci\n", "\nci", "cí", "ci/x", "x" * 64, "gw-Secret", "\u0441", "ci\0"],
)
def test_any_other_name_is_refused_with_an_example(name: str) -> None:
    assert "cannot be a client's; take 1 to 63 lower-case letters" in refusal(NewClient(name))


def test_a_name_without_end_is_not_repeated_in_full() -> None:
    assert len(refusal(NewClient("x" * 10_000))) < 300


def test_an_unknown_role_is_refused_with_the_nearest_and_all() -> None:
    said = refusal(replace(ASKED, role="amin"))

    assert said == "There is no role 'amin'; did you mean 'admin'? Give viewer, operator or admin, or none."


@pytest.mark.parametrize("role", ["", "Admin", "root"])
def test_no_role_is_taken_for_another(role: str) -> None:
    assert "There is no role" in refusal(replace(ASKED, role=role))


def test_every_unit_primitive_is_a_scope() -> None:
    assert check(replace(ASKED, scopes=UNIT_PRIMITIVES)).scopes == UNIT_PRIMITIVES


def test_a_scope_that_is_no_unit_primitive_is_refused_with_the_nearest() -> None:
    said = refusal(replace(ASKED, scopes=["generate_code", "completecode"]))

    assert said.startswith("There is no unit primitive 'completecode'; did you mean 'complete_code'? Give names such")


def test_where_no_word_is_near_the_sentence_ends_before_the_next() -> None:
    assert refusal(replace(ASKED, role="boss")) == ("There is no role 'boss'. Give viewer, operator or admin, or none.")
    assert refusal(replace(ASKED, scopes=["zzz"])).startswith("There is no unit primitive 'zzz'. Give names such as")


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        (ASKED, []),
        (NewClient("ci", rpm=1, expires_at=NOON, models=["coder"]), ["rpm"]),
        (NewClient("ci", tpm=1, rpm=1, budget=Budget(MicroUsd(1), "day")), ["budget", "rpm", "tpm"]),
    ],
)
def test_limits_that_are_kept_only_are_named(asked: NewClient, named: list[str]) -> None:
    assert not_enforced(asked) == named


@pytest.mark.parametrize("model", ["", " ", "a b", "a\0", "ü", "x" * 201])
def test_what_cannot_be_a_model_is_refused(model: str) -> None:
    assert "cannot be the name of a model" in refusal(replace(ASKED, models=["coder", model]))


def test_too_many_models_are_refused() -> None:
    assert "201 models are too many" in refusal(replace(ASKED, models=[f"m{n}" for n in range(201)]))


@pytest.mark.parametrize("late", [timedelta(0), timedelta(seconds=1), timedelta(days=400)])
def test_an_end_that_is_past_is_refused(late: timedelta) -> None:
    said = refusal(replace(ASKED, expires_at=NOON - late))

    assert said == f"The client would expire at {show_time(NOON - late)}, which is past; give a later time."


@pytest.mark.parametrize("amount", [0, -1, 10**19])
def test_a_limit_that_no_request_could_meet_or_no_table_could_hold_is_refused(amount: int) -> None:
    assert f"{amount} requests a minute cannot be; give a number from 1 to 1000000000" in refusal(
        replace(ASKED, rpm=amount)
    )
    assert f"{amount} tokens a minute cannot be" in refusal(replace(ASKED, tpm=amount))
    budget = Budget(MicroUsd(amount), "total")
    assert f"{amount} millionths of a dollar as a budget cannot be" in refusal(replace(ASKED, budget=budget))


@pytest.mark.parametrize(
    ("moment", "shown"), [(NOON, "2026-11-21 12:00 UTC"), (NOON + timedelta(seconds=7), "2026-11-21 12:00:07 UTC")]
)
def test_a_time_shows_seconds_only_where_there_are_some(moment: datetime, shown: str) -> None:
    assert show_time(moment) == shown
