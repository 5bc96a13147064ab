from __future__ import annotations

import hashlib
import hmac
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.identity.key_hash import LONGEST_CREDENTIAL, KeyHasher, new_key, prefix_of
from gateway_core.kernel.secret import Secret

HASHER = KeyHasher(Secret("h" * 32))


@given(st.binary(min_size=32, max_size=32))
def test_a_key_is_gw_and_43_url_safe_characters(chance: bytes) -> None:
    key = new_key(chance).reveal()

    assert re.fullmatch(r"gw-[A-Za-z0-9_-]{43}", key)
    assert len(key) <= LONGEST_CREDENTIAL


@given(st.sets(st.binary(min_size=32, max_size=32), min_size=2))
def test_all_of_the_chance_is_in_the_key(chances: set[bytes]) -> None:
    assert len({new_key(chance) for chance in chances}) == len(chances)


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_less_chance_is_not_made(length: int) -> None:
    with pytest.raises(ValueError, match=f"32 random bytes, not {length}"):
        new_key(bytes(length))


def test_twelve_characters_of_a_key_may_be_shown() -> None:
    assert prefix_of("gw-3f9ak2p7xQQQQQQQQ") == "gw-3f9ak2p7x"


def test_a_digest_is_an_hmac_sha256_in_hexadecimal_digits() -> None:
    expected = hmac.new(b"h" * 32, b"gw-a-key", hashlib.sha256).hexdigest()

    assert HASHER.digest("gw-a-key") == expected


@given(st.text(), st.text())
def test_a_digest_is_the_same_for_the_same_key_alone(one: str, other: str) -> None:
    assert (HASHER.digest(one) == HASHER.digest(other)) == (one == other)


def test_text_that_is_no_unicode_has_a_digest_too() -> None:
    assert len(HASHER.digest("gw-\udcff")) == 64


@given(st.text(min_size=32), st.text(min_size=32))
def test_a_mark_tells_one_hash_key_from_another(one: str, other: str) -> None:
    marks = KeyHasher(Secret(one)).mark(), KeyHasher(Secret(other)).mark()

    assert (marks[0] == marks[1]) == (one == other)
    assert re.fullmatch("[0-9a-f]{16}", marks[0])


def test_a_hasher_does_not_show_its_key() -> None:
    assert "hhhh" not in repr(HASHER)
    with pytest.raises(TypeError):
        json.dumps(HASHER)
