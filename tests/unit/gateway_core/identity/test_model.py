from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.identity.model import Caller, Claims

SCOPES = frozenset({"complete_code", "generate_code"})


@pytest.mark.parametrize(
    ("caller", "unit_primitive", "disallowed", "may"),
    [
        (Caller("debug"), "", (), False),
        (Caller("client"), "", (), False),
        (Caller("token", Claims(scopes=frozenset({""}))), "", (), False),
        (Caller("debug"), "anything", ("gitlab-ai-gateway",), True),
        (Caller("client"), "anything", (), True),
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
