from __future__ import annotations

import string
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Scope

from ai_gateway.edge.scope import Exchange, begin_exchange, exchange_of

RawHeaders = Sequence[tuple[bytes, bytes]]

IDENTIFYING = (b"authorization", b"x-api-key", b"bypass-auth", b"x-gitlab-realm", b"x-gitlab-", b"x-gitlab-of-tomorrow")
OTHERS = (b"accept", b"content-type", b"x-gitlab", b"x-request-id", b"authorization-x", b"proxy-authorization")
NAMES = st.sampled_from(IDENTIFYING + OTHERS) | st.text(string.ascii_lowercase + "-", min_size=1, max_size=8).map(
    str.encode
)
HEADERS = st.lists(st.tuples(NAMES, st.binary(max_size=12)), max_size=8)


def begun(headers: RawHeaders) -> Exchange:
    return begin_exchange({"type": "http", "headers": headers})


def sent(headers: RawHeaders, name: str) -> list[str]:
    """Give the values of a header in the order in which they came."""
    return [value.decode("latin-1") for said, value in headers if said.decode("latin-1") == name]


def test_the_exchange_stays_with_its_request() -> None:
    scope: Scope = {"type": "http", "headers": []}

    begun_with = begin_exchange(scope)

    assert exchange_of(scope) is begun_with


def test_a_header_is_found_by_its_name_in_small_letters() -> None:
    exchange = begun([(b"accept", b"*/*")])

    assert exchange.header("accept") == "*/*"
    assert exchange.header("Accept") is None


@pytest.mark.parametrize("name", IDENTIFYING)
def test_a_header_that_says_who_calls_shows_all_that_was_sent(name: bytes) -> None:
    exchange = begun([(name, b"first"), (b"accept", b"*/*"), (name, b"second"), (name, b"")])

    assert exchange.header(name.decode()) == "first, second, "


@pytest.mark.parametrize("name", OTHERS)
def test_of_any_other_header_the_first_counts(name: bytes) -> None:
    assert begun([(name, b"first"), (name, b"second")]).header(name.decode()) == "first"


def test_a_repeated_value_is_not_taken_for_one() -> None:
    assert begun([(b"x-gitlab-realm", b"saas")] * 2).header("x-gitlab-realm") == "saas, saas"


@given(HEADERS)
def test_no_value_of_a_header_that_says_who_calls_hides_behind_another(headers: RawHeaders) -> None:
    exchange = begun(headers)

    for raw in {name for name, _ in headers}:
        name = raw.decode("latin-1")
        values = sent(headers, name)
        joined = raw in IDENTIFYING or raw.startswith(b"x-gitlab-")
        assert exchange.header(name) == (", ".join(values) if joined else values[0])


@given(HEADERS)
def test_no_header_appears_that_was_not_sent(headers: RawHeaders) -> None:
    assert set(begun(headers).headers) == {name.decode("latin-1") for name, _ in headers}


@given(st.lists(st.tuples(st.binary(max_size=6), st.binary(max_size=12)), max_size=8))
def test_any_bytes_can_be_headers(headers: RawHeaders) -> None:
    exchange = begun(headers)

    for name, value in headers:
        found = exchange.header(name.decode("latin-1"))
        assert found is not None
        assert value.decode("latin-1") in {found, *sent(headers, name.decode("latin-1"))}


@given(HEADERS, st.permutations(range(3)))
def test_two_of_the_same_never_read_as_one_of_them(headers: RawHeaders, order: list[int]) -> None:
    several = [(b"authorization", value) for value in (b"Bearer a", b"Bearer b", b"Bearer c")]
    others = [header for header in headers if header[0] != b"authorization"]
    exchange = begun([*others, *(several[index] for index in order)])

    assert exchange.header("authorization") not in {value.decode() for _, value in several}
