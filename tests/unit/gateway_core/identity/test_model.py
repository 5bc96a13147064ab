from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.identity.model import ROLES, Caller, Claims, Client, Role

SCOPES = frozenset({"complete_code", "generate_code"})
BORN = datetime(2026, 1, 1, tzinfo=UTC)
ANY, LIMITED = Client("1", "ci", BORN), Client("2", "team", BORN, scopes=SCOPES, models=frozenset({"m1"}))


@pytest.mark.parametrize(
    ("caller", "unit_primitive", "disallowed", "may"),
    [
        (Caller("debug"), "", (), False),
        (Caller("client", client=ANY), "", (), False),
        (Caller("token", Claims(scopes=frozenset({""}))), "", (), False),
        (Caller("debug"), "anything", ("gitlab-ai-gateway",), True),
        (Caller("client", client=ANY), "anything", ("us",), True),
        (Caller("client", client=LIMITED), "complete_code", ("us",), True),
        (Caller("client", client=LIMITED), "duo_chat", (), False),
        (Caller("client"), "anything", (), False),
        (Caller("token"), "complete_code", (), False),
        (Caller("token", Claims(scopes=SCOPES)), "complete_code", (), True),
        (Caller("token", Claims(scopes=SCOPES)), "ask_duo", (), False),
        (Caller("token", Claims(scopes=SCOPES)), "complete", (), False),
        (Caller("token", Claims()), "complete_code", (), False),
        (Caller("token", Claims(issuer="us", scopes=SCOPES)), "complete_code", ("us",), False),
        (Caller("token", Claims(issuer="us", scopes=SCOPES)), "complete_code", ["them"], True),
        (Caller("token", Claims(issuer="us", scopes=SCOPES)), "complete_code", {"them", "us"}, False),
    ],
)
def test_a_caller_may_do_what_the_rules_say(
    caller: Caller, unit_primitive: str, disallowed: tuple[str, ...], *, may: bool
) -> None:
    assert caller.can(unit_primitive, disallowed_issuers=disallowed) is may


@given(st.frozensets(st.text(), max_size=4), st.text())
def test_a_token_gives_its_scopes_and_no_more(scopes: frozenset[str], asked: str) -> None:
    assert Caller("token", Claims(scopes=scopes)).can(asked) is (asked != "" and asked in scopes)


@pytest.mark.parametrize("held", [None, *ROLES])
@pytest.mark.parametrize("needed", ROLES)
def test_a_role_includes_those_before_it(held: Role | None, needed: Role) -> None:
    caller = Caller("client", client=Client("1", "ci", BORN, role=held))

    assert caller.has_role(needed) is (held is not None and ROLES.index(held) >= ROLES.index(needed))


@pytest.mark.parametrize("caller", [Caller("debug"), Caller("token", Claims(scopes=SCOPES))])
def test_only_keys_of_clients_carry_roles(caller: Caller) -> None:
    assert not caller.has_role("viewer")


@pytest.mark.parametrize(
    ("extra", "skips"), [({}, False), ({"skip_usage_cutoff": True}, True), ({"skip_usage_cutoff": False}, False)]
)
def test_a_token_may_ask_that_no_quota_be_checked(extra: dict[str, object], *, skips: bool) -> None:
    assert Caller("token", Claims(extra=extra)).skip_usage_cutoff is skips


def test_a_caller_is_called_by_client_subject_or_kind() -> None:
    assert Caller("client", client=ANY).name == "ci"
    assert Caller("token", Claims(subject="1234")).name == "1234"
    assert Caller("debug").name == "debug"
