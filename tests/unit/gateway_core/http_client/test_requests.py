"""What the client writes, and what it refuses to write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.raw_server import always, reply, serve
from gateway_core.http_client import Deadlines, HttpClient
from gateway_core.http_client.request_head import render_request_head
from gateway_core.http_client.target import parse_target
from gateway_core.kernel.units import Seconds

PATIENT = Deadlines(connect=Seconds(10), first_byte=Seconds(10), idle=Seconds(10), total=None)


async def test_a_request_arrives_as_it_was_given(client: HttpClient) -> None:
    async with serve(always(reply(b"hello", headers=("X-Trace: 7",)))) as server:
        response = await client.send(
            "POST", f"{server.url}/v1/chat?x=1#part", headers=[("X-Key", "s\xe9cret")], body=b"{}", deadlines=PATIENT
        )

        assert (response.status, response.headers.get("x-TRACE")) == (200, "7")
        assert await response.read(limit=5) == b"hello"
    seen = server.requests[0]
    assert (seen.method, seen.path, seen.body) == ("POST", "/v1/chat?x=1", b"{}")
    assert seen.headers == {
        "host": f"127.0.0.1:{server.port}",
        "accept-encoding": "identity",
        "content-length": "2",
        "x-key": "s\xe9cret",
    }


async def test_host_and_accept_encoding_can_be_chosen(client: HttpClient) -> None:
    async with serve(always(reply())) as server:
        response = await client.send(
            "GET", server.url, headers=[("Host", "models.test"), ("Accept-Encoding", "gzip")], deadlines=PATIENT
        )
        await response.read(limit=0)

    seen = server.requests[0]
    assert (seen.path, seen.headers) == ("/", {"host": "models.test", "accept-encoding": "gzip"})


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_method_that_has_a_body_says_the_length_of_an_empty_one(method: str) -> None:
    head = render_request_head(method, parse_target("http://a.test/"), headers=[], length=0)

    assert b"\r\ncontent-length: 0\r\n" in head


@pytest.mark.parametrize(
    ("url", "host_header", "where", "path"),
    [
        ("http://a.test", "a.test", "a.test:80", "/"),
        ("https://a.test/x", "a.test", "a.test:443", "/x"),
        ("https://A.test:8443/x?q=/#f", "a.test:8443", "a.test:8443", "/x?q=/"),
        ("http://[::1]:80/", "[::1]", "[::1]:80", "/"),
        ("http://[::1]:81?q", "[::1]:81", "[::1]:81", "/?q"),
    ],
)
def test_a_url_is_taken_apart(url: str, host_header: str, where: str, path: str) -> None:
    target = parse_target(url)

    assert (target.host_header, target.where, target.path) == (host_header, where, path)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.test/secret",
        "//a.test/secret",
        "http:///secret",
        "http://u:secret@a.test/",
        "http://a.test/secret path",
        "http://a.test/secret\r\nx: y",
        "http://a.test/\N{SNOWMAN}secret",
        "http://a.test:99999/secret",
    ],
)
def test_a_url_that_cannot_be_sent_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_target(url)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x", "secret\r\ny: z"),
        ("x", "secret\ny: z"),
        ("x", "secret\ry: z"),
        ("x", "secret\0"),
        ("x", "secret \N{SNOWMAN}"),
        ("x: y", "secret"),
        ("x\r\ny", "secret"),
        ("", "secret"),
        ("content-length", "secret"),
        ("Transfer-Encoding", "secret"),
    ],
)
async def test_a_header_that_could_smuggle_is_refused_before_anything_is_sent(
    client: HttpClient, name: str, value: str
) -> None:
    async with serve(always(reply())) as server:
        with pytest.raises(ValueError, match=r".") as caught:
            await client.send("GET", server.url, headers=[(name, value)], deadlines=PATIENT)

        assert "secret" not in repr(caught.value)
        assert caught.value.__cause__ is None
        assert client.open_connections == 0


@pytest.mark.parametrize("method", ["", "GET /x", "G\r\nET", "GÉT"])
def test_a_method_that_is_no_token_is_refused(method: str) -> None:
    with pytest.raises(ValueError, match="is not an HTTP method"):
        render_request_head(method, parse_target("http://a.test/"), headers=[], length=0)


@given(st.lists(st.tuples(st.text(min_size=1, max_size=8), st.text(max_size=20)), max_size=4), st.text(max_size=5))
def test_whatever_is_written_is_one_request_with_the_headers_that_were_given(
    headers: list[tuple[str, str]], method: str
) -> None:
    try:
        head = render_request_head(method, parse_target("http://a.test/"), headers=headers, length=0)
    except ValueError:
        return
    first, *lines = head.decode("latin-1").split("\r\n")

    assert first == f"{method} / HTTP/1.1"
    assert lines[-2:] == ["", ""]
    assert lines[:-2][-len(headers) or len(lines) :] == [f"{name}: {value}" for name, value in headers]
    assert not any(mark in line for line in lines for mark in "\r\n\0")
