"""Heads that two readers could read in two ways are told from those that say one thing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.edge.protocol_head import Fields, find_fault

HOST = (b"host", b"x")


def status(
    *telling: tuple[bytes, bytes], version: str = "1.1", method: bytes = b"POST", target: bytes = b"/a"
) -> int | None:
    fault = find_fault(version, method=method, target=target, telling=telling)
    return None if fault is None else fault.status


def test_a_plain_head_has_no_fault() -> None:
    assert status(HOST) is None


@pytest.mark.parametrize("version", ["0.9", "1.2", "2.0", "3.0", "9.9", ""])
def test_another_version_is_not_supported(version: str) -> None:
    assert status(HOST, version=version) == 505


@pytest.mark.parametrize("method", [b"SOURCE", b"ANNOUNCE", b"PROPFIND", b"M-SEARCH", b"PRI", b"get", b""])
def test_a_method_of_another_trade_is_not_implemented(method: bytes) -> None:
    assert status(HOST, method=method) == 501


@pytest.mark.parametrize("coding", [b"chunked", b"CHUNKED", b" chunked\t"])
def test_chunks_are_read(coding: bytes) -> None:
    assert status(HOST, (b"transfer-encoding", coding)) is None


@pytest.mark.parametrize(
    "coding",
    [b"", b"xchunked", b"chunked, identity", b"identity", b"gzip, chunked", b",chunked", b'"chunked"', b"chunked;a=b"],
)
def test_no_other_transfer_coding_is_read(coding: bytes) -> None:
    assert status(HOST, (b"transfer-encoding", coding)) == 501
    assert status((b"transfer-encoding", b"chunked"), HOST, (b"transfer-encoding", coding)) == 501


def test_http_1_0_has_no_chunks() -> None:
    assert status(HOST, (b"transfer-encoding", b"chunked"), version="1.0") == 400


@pytest.mark.parametrize("wish", [b"", b"200-ok", b"100-continue, x", b"x"])
def test_an_expectation_that_is_not_met_is_refused(wish: bytes) -> None:
    assert status(HOST, (b"expect", wish)) == 417


def test_the_one_expectation_that_is_met_is_taken_in_any_case() -> None:
    assert status(HOST, (b"expect", b"100-Continue")) is None


@pytest.mark.parametrize(
    "host", [b"", b"x", b"X.example:443", b"127.0.0.1:5052", b"[::1]", b"[2001:DB8::1]:65535", b"a_b.", b"x:0"]
)
def test_one_host_is_taken(host: bytes) -> None:
    assert status((b"host", host)) is None


@pytest.mark.parametrize(
    "host",
    [
        *(b"u@x", b"x:", b"x:99999", b"x:65536", b"x:port", b"x:80:80", b"a b", b"x, y", b"-x", b".x", b"x..", b"[::1"),
        *(b"::1", b"[x]", b"[::1%25eth0]", b"x\\y", b"<x>", b"\xe9", b"x\x00", b"x\n"),
    ],
)
def test_a_decorated_host_is_refused(host: bytes) -> None:
    assert status((b"host", host)) == 400


PATHS = [b"x/monitoring/healthz?", b"x/monitoring/healthz#", b"monitoring/healthz", b"x/y", b"x#", b"x?y", b"/", b"//x"]


@pytest.mark.parametrize("host", PATHS)
@pytest.mark.parametrize(
    "target",
    [
        *(b"/a", b"/v1/chat/completions", b"/v1/messages", b"/v2/code/completions", b"/monitoring/healthz"),
        *(
            b"/v2/completions/",
            b"/V2/completions",
            b"//v2/completions",
            b"/x?/v2/completions",
            b"http://x/v2/completions",
        ),
    ],
)
def test_a_path_in_the_host_is_refused_like_any_other_decoration(host: bytes, target: bytes) -> None:
    assert status((b"host", host), target=target) == 400


@pytest.mark.parametrize("host", PATHS)
@pytest.mark.parametrize("target", [b"/v2/completions", b"/ai/v2/completions", b"/v2/completions?x=/y"])
def test_a_path_in_the_host_counts_as_no_credential_where_gitlab_was_promised_that(host: bytes, target: bytes) -> None:
    assert status((b"host", host), target=target) == 401
    assert status((b"host", b"u@x"), target=target) == 400
    assert status(HOST, target=target) is None


@pytest.mark.parametrize("hosts", [(), (HOST, HOST), (HOST, (b"host", b"y")), (HOST, (b"host", b""))])
def test_http_1_1_has_exactly_one_host(hosts: Fields) -> None:
    assert status(*hosts) == 400


def test_http_1_0_may_have_no_host_but_not_two() -> None:
    assert status(version="1.0") is None
    assert status(HOST, HOST, version="1.0") == 400


@pytest.mark.parametrize("target", [b"http://x/a", b"HTTP://X/a?b", b"http://x:80/a", b"https://x:443/"])
def test_a_target_that_names_the_same_host_is_taken(target: bytes) -> None:
    assert status(HOST, target=target) is None


@pytest.mark.parametrize("host", [b"x:80", b"X"])
def test_the_usual_port_may_be_named_or_not(host: bytes) -> None:
    assert status((b"host", host), target=b"http://x/a") is None


@pytest.mark.parametrize(
    "target",
    [
        *(b"http://y/a", b"http://x:81/a", b"http://x.y/a", b"http://u@x/a", b"http://x@y/a", b"ftp://x/a"),
        *(b"http:///a", b"http://x", b"http://x?a", b"http:/x/a", b"a", b"", b"*", b"?a", b"x:80", b"/a#b"),
        *(b"/a?b#c", b"http://x#y/a", b"http://x\\@y/a"),
    ],
)
def test_any_other_target_is_refused(target: bytes) -> None:
    assert status(HOST, target=target) == 400


def test_a_path_that_looks_like_a_host_is_a_path() -> None:
    assert status(HOST, target=b"//y/a") is None


def test_a_target_names_a_host_even_where_no_header_does() -> None:
    assert status(version="1.0", target=b"http://y/a") is None
    assert status(version="1.0", target=b"http://u@y/a") == 400


def test_options_may_be_asked_of_the_server_itself() -> None:
    assert status(HOST, method=b"OPTIONS", target=b"*") is None


_NAMES = st.sampled_from([b"host", b"transfer-encoding", b"expect"])
_VALUES = st.one_of(st.binary(max_size=12), st.sampled_from([b"x", b"x:80", b"chunked", b"100-continue", b"u@x"]))


@given(
    telling=st.lists(st.tuples(_NAMES, _VALUES), max_size=4),
    target=st.one_of(st.binary(max_size=20), st.from_regex(rb"\Ahttps?://[a-z@:0-9]{1,6}/\Z")),
    version=st.sampled_from(["1.1", "1.0"]),
)
def test_what_has_no_fault_says_one_thing(telling: Fields, target: bytes, version: str) -> None:
    if find_fault(version, method=b"POST", target=target, telling=telling) is not None:
        return
    codings = [value for name, value in telling if name == b"transfer-encoding"]
    hosts = [value for name, value in telling if name == b"host"]
    assert {value.strip(b" \t").lower() for value in codings} <= {b"chunked"}
    assert not codings or version == "1.1"
    assert len(hosts) == 1 or (version, hosts) == ("1.0", [])
    assert target.startswith((b"/", b"http"))
    assert b"#" not in target
    if not target.startswith(b"/"):
        assert b"@" not in target.split(b"/")[2]
