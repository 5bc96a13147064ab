from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.kernel.secret import Secret


@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=12))
def test_no_way_of_writing_a_secret_down_shows_it(value: str) -> None:
    secret = Secret(value)

    for written in (str(secret), repr(secret), f"{secret}", f"{secret!r:>40}", repr([secret]), repr({"key": secret})):
        assert value not in written


def test_a_secret_is_given_away_whole_when_asked_for() -> None:
    assert Secret("sk-1 é").reveal() == "sk-1 é"


def test_secrets_of_the_same_value_are_equal_and_no_others() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert hash(Secret("a")) == hash(Secret("a"))


def test_a_json_encoder_cannot_write_a_secret_out() -> None:
    encoded = msgspec.json.encode({"key": Secret("sk-verysecret")}, enc_hook=str)

    assert encoded == b'{"key":"**********"}'
