"""A key in the query of Google's paths counts like one in Google's header, and nobody sees it afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl, quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Scope

from ai_gateway.edge.scope import GOOGLE_KEY, begin_exchange

RawHeaders = Sequence[tuple[bytes, bytes]]

GENERATE = "/v1beta/models/gemini-2.5-flash:generateContent"
KEY = "gw-key-of-the-caller-0123456789"
OTHER = "gw-another-key-entirely-0123456"


def begun(query: str, *, path: str = GENERATE, headers: RawHeaders = ()) -> tuple[dict[str, str], bytes]:
    """Begin an exchange; gives its headers and what is left of the query."""
    scope: Scope = {"type": "http", "path": path, "query_string": query.encode(), "headers": list(headers)}
    return begin_exchange(scope).headers, scope["query_string"]


@pytest.mark.parametrize(
    ("query", "left"),
    [
        (f"key={KEY}", b""),
        (f"alt=sse&key={KEY}", b"alt=sse"),
        (f"key={KEY}&alt=sse", b"alt=sse"),
        (f"a=1&key={KEY}&b=%20&&c", b"a=1&b=%20&&c"),
        (f"%6bey={KEY}", b""),
        (f"key={KEY}&key={KEY}", b""),
        ("key=" + quote(KEY, safe="").replace("-", "%2d"), b""),
        (f"key=&key={KEY}", b""),
    ],
)
def test_the_key_of_the_query_becomes_the_header(query: str, left: bytes) -> None:
    headers, rest = begun(query)

    assert headers[GOOGLE_KEY].removeprefix(", ") == KEY
    assert rest == left


@pytest.mark.parametrize("query", ["", "key=", "key", "alt=sse", "keys=x", "KEY=x", "xkey=x", "a=key=x", "key%00=x"])
def test_a_query_without_a_key_adds_none(query: str) -> None:
    assert GOOGLE_KEY not in begun(query)[0]


@pytest.mark.parametrize(
    "path",
    [
        "/v1beta/models",
        "/v1beta/models/gemini-2.5-flash",
        "/v1beta/models/publishers/x:generateContent",
        "/v1beta/cachedContents",
        "/v1/models/gemini-2.5-flash:streamGenerateContent",
        "/ai/v1beta/models/x:countTokens",
        "/ai/v1/models/x:countTokens",
    ],
)
def test_it_is_taken_on_googles_paths(path: str) -> None:
    assert begun(f"key={KEY}", path=path) == ({GOOGLE_KEY: KEY}, b"")


@pytest.mark.parametrize(
    "path",
    [
        *("/v1/models", "/v1/models/gpt-4.1", "/v1/chat/completions", "/v1/messages", "/v2/completions", "/admin/me"),
        *("/v1/proxy/vertex-ai/v1/projects/p/models/m:predict", "/x/v1beta/models", "/v1beta", "/v1/models/a:b/c", "/"),
    ],
)
def test_on_every_other_path_it_is_no_credential(path: str) -> None:
    query = f"key={KEY}"

    assert begun(query, path=path) == ({}, query.encode())


@pytest.mark.parametrize("name", [b"x-goog-api-key", b"x-api-key", b"authorization"])
def test_beside_a_header_that_says_the_same_it_counts_for_nothing(name: bytes) -> None:
    said = b"Bearer " + KEY.encode() if name == b"authorization" else KEY.encode()

    assert begun(f"key={KEY}", headers=[(name, said)]) == ({name.decode(): said.decode()}, b"")


@pytest.mark.parametrize("name", [b"x-goog-api-key", b"x-api-key", b"authorization"])
@pytest.mark.parametrize("said", [b"Bearer " + KEY.encode(), KEY.encode(), b"", b"Bearer"])
def test_beside_a_header_that_says_something_else_neither_is_a_credential(name: bytes, said: bytes) -> None:
    headers, left = begun(f"key={OTHER}", headers=[(name, said)])

    assert headers == {name.decode(): f"{said.decode()}, {OTHER}"}
    assert left == b""


def test_two_keys_are_none() -> None:
    assert begun(f"key={KEY}&key={OTHER}")[0] == {GOOGLE_KEY: f"{KEY}, {OTHER}"}


_PAIRS = st.lists(
    st.tuples(st.sampled_from(["key", "alt", "Key", "key ", "a&b", "é"]), st.text(max_size=6)), max_size=6
)


@given(_PAIRS)
def test_what_is_left_of_a_query_is_all_but_its_keys(pairs: list[tuple[str, str]]) -> None:
    _, left = begun(urlencode(pairs))

    assert parse_qsl(left.decode(), keep_blank_values=True) == [pair for pair in pairs if pair[0] != "key"]
