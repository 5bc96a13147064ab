"""A head that was read before is known again, byte by byte, and nothing else is taken for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Scope

from ai_gateway.edge.known_heads import HEADERS, KnownHeads
from ai_gateway.edge.scope import begin_exchange
from unit.ai_gateway.edge import virtual_time
from unit.ai_gateway.edge.memory_line import Forgetful, MemoryLine, Recorder, meaning

LINE = b"POST /v1/chat/completions?a=b%20c HTTP/1.1\r\n"
BEFORE = LINE + b"Host: x:80\r\nAuthorization: Bearer s\xe9cret\r\nContent-Length: "
BEHIND = b"\r\nContent-Type: application/json\r\nX-Empty:\r\n\r\n"
DIGITS = range(len(BEFORE), len(BEFORE) + 2)
OF_THE_CONNECTION = ("client", "server", "scheme", "state")
MOST = 256
LONGEST = 4_096


def head(length: int) -> bytes:
    """Write a head for a body of this length."""
    return BEFORE + b"%d" % length + BEHIND


def parse(data: bytes, heads: KnownHeads | None = None) -> Scope | None:
    """Give what the parser reads at the beginning of some data, if a request is served for it."""

    async def read() -> list[Scope]:
        app = Recorder()
        line = MemoryLine(app, heads or Forgetful())
        await line.say(data)
        await line.close()
        return app.scopes

    scopes = virtual_time.run(read())
    return scopes[0] if scopes else None


def learnt(*requests: bytes) -> KnownHeads:
    """Give what is known behind these requests, each on a connection of its own."""
    heads = KnownHeads()
    for request in requests:
        parse(request, heads)
    return heads


def found(heads: KnownHeads, data: bytes) -> Scope | None:
    """Give the scope that is known for some data, without what belongs to the connection."""
    known = heads.find(data)
    return None if known is None else meaning(known.head.scope_for(known.length))


def parsed(data: bytes) -> Scope | None:
    """Give what the parser would read of it, without what belongs to the connection."""
    scope = parse(data)
    if scope is None:
        return None
    return {name: value for name, value in meaning(scope).items() if name not in OF_THE_CONNECTION}


@pytest.mark.parametrize("length", [0, 1, 12, 99, 1_000, 99_999_999])
def test_a_known_head_means_what_the_parser_read(length: int) -> None:
    heads = learnt(head(12))
    data = head(length) + b"body" * 3
    known = heads.find(data)

    assert known is not None
    assert (known.end, known.length) == (len(head(length)), b"%d" % length)
    assert found(heads, data) == parsed(data)


@pytest.mark.parametrize(
    "target", [b"/", b"/a%2Fb%20c?d=%20", b"//x/y", b"http://x:80/a?b", b"/a?", b"/%E9%80", b"/a?b=\x7e?"]
)
@pytest.mark.parametrize("length", [b"Content-Length: 5", b"content-length: 5", b"content-Length:5"])
@pytest.mark.parametrize("first", [False, True])
def test_every_part_of_a_head_is_remembered(target: bytes, length: bytes, *, first: bool) -> None:
    lines = [b"Host: x", b"X-A:\t 1 \t", length, b"x-b: \xff;,=\"'"]
    if first:
        lines.insert(0, lines.pop(2))
    data = b"POST " + target + b" HTTP/1.1\r\n" + b"\r\n".join(lines) + b"\r\n\r\nhello"

    known = found(learnt(data), data)

    assert known is not None
    assert known == parsed(data)


def test_headers_by_name_are_those_that_are_read_of_a_parsed_request() -> None:
    known = learnt(head(12)).find(head(345))
    read = parse(head(345) + b"b" * 345)

    assert known is not None
    assert read is not None
    assert begin_exchange(known.head.scope_for(known.length)).headers == begin_exchange(read).headers


@pytest.mark.parametrize("byte", [b"", b"\0", b"\t", b"\n", b"\r", b" ", b"0", b"1", b":", b"a", b"A", b"\xff"])
def test_a_head_that_differs_anywhere_but_in_its_length_is_not_known(byte: bytes) -> None:
    known, heads = head(12), learnt(head(12))
    assert heads.find(known) is not None

    for at in range(len(known)):
        replaced, inserted = known[:at] + byte + known[at + 1 :], known[:at] + byte + known[at:]
        if at not in DIGITS and replaced != known:
            assert heads.find(replaced) is None, replaced
        if at not in DIGITS and at != DIGITS.stop and not inserted.startswith(known):
            assert heads.find(inserted) is None, inserted


HEADS = learnt(head(12))


@given(st.data())
def test_whatever_is_found_is_what_the_parser_would_have_read(data: st.DataObject) -> None:
    twisted = head(12)
    for _ in range(data.draw(st.integers(1, 3))):
        at, upto = sorted((data.draw(st.integers(0, len(twisted))), data.draw(st.integers(0, len(twisted)))))
        # What is there, at another place, is the likeliest to be taken for what it is not.
        put = data.draw(st.sampled_from([b"", b"7", b"0", b"\r\n", b"\r\n\r\n", twisted[at:upto], b"-", b" "]))
        cut = data.draw(st.sampled_from([at, upto, min(at + 1, len(twisted))]))
        twisted = twisted[:at] + put + twisted[cut:]
    known = found(HEADS, twisted)

    assert known is None or known == parsed(twisted)


@pytest.mark.parametrize("digits", [b"12", b"0", b"1", b"99999999"])
def test_a_length_may_be_any_that_is_written_plainly(digits: bytes) -> None:
    assert HEADS.find(BEFORE + digits + BEHIND) is not None


@pytest.mark.parametrize(
    "digits",
    [
        *(b"+12", b"-12", b"012", b"00", b"", b" 12", b"12 ", b"\t12", b"1 2", b"1_2", b"0x12", b"12,12", b"12, 12"),
        *(b"12\r\nContent-Length: 12", b"12\r\nContent-Length: 13", b"12\r\n 3", b"12\r", b"12\n", b"1.2", b"1e2"),
        *(b"100000000", b"18446744073709551628", b"\xef\xbc\x91", b"12\0", b"12;"),
    ],
)
def test_a_length_that_is_written_otherwise_is_not_known(digits: bytes) -> None:
    data = BEFORE + digits + BEHIND

    assert HEADS.find(data) is None
    assert learnt(data + b"b" * 12).find(data) is None


def post(*lines: bytes) -> bytes:
    """Write a request of these headers, with an empty body."""
    return b"\r\n".join([b"POST /a HTTP/1.1", b"host: x", *lines, b"", b""])


@pytest.mark.parametrize(
    "line",
    [
        *(b"connection: close", b"connection: keep-alive", b"Connection: x", b"CONNECTION: upgrade\r\nupgrade: h2c"),
        *(b"upgrade: h2c", b"expect: 100-continue", b"Expect: 100-continue", b"TE: trailers", b"trailer: x"),
        *(b"transfer-encoding: chunked", b"X-Request-ID: 1", b"traceparent: 00-1-1-01"),
        *(b"x-gitlab-rails-send-start: 1", b"x-a: 1\r\nx-a: 1", b"x-a: 1\r\nX-A: 2", b"host: x", b"Host: y"),
        *(b"authorization: a\r\nauthorization: b", b"content-length: 0", b"CONTENT-LENGTH: 0", b"x-a: 1\r\n 2"),
        *(b"x-a: 1\n", b"x-a: 1\nx-b: 2", b"x-a: 1\rx-b: 2", b"x-a: \r", b"\nx-a: 1", b"x-a: \0", b"x-a : 1"),
    ],
)
def test_what_is_said_of_one_request_alone_or_can_be_read_in_two_ways_is_not_remembered(line: bytes) -> None:
    for data in (post(line, b"content-length: 0"), post(b"content-length: 0", line)):
        assert learnt(data).find(data) is None


@pytest.mark.parametrize(
    "data",
    [
        b"POST /a HTTP/1.0\r\nhost: x\r\ncontent-length: 0\r\n\r\n",
        b"POST /a HTTP/1.0\r\nhost: x\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n",
        b"GET /a HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n",
        b"POST /a HTTP/1.1\r\ncontent-length: 0\r\n\r\n",
        b"POST /a HTTP/1.1\r\nhost: u@x\r\ncontent-length: 0\r\n\r\n",
        b"\r\nPOST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n",
        b"POST /a HTTP/1.1\nhost: x\r\ncontent-length: 0\r\n\r\n",
        b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 0\n\r\n\r\n\r\n",
        b"POST /a HTTP/1.1\r\nhost: x\r\nCONTENT-LENGTH: 0\r\n\r\n",
        b"POST /a HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n",
        b"",
    ],
)
def test_no_other_request_is_remembered(data: bytes) -> None:
    assert learnt(data).find(data) is None


@pytest.mark.parametrize(
    "read",
    [
        {"http_version": "1.0"},
        {"method": "GET"},
        {"headers": [(b"host", b"x")]},
        {"headers": [(b"host", b"x"), (b"x-a", b"1")]},
        {"headers": [(b"content-length", b"0"), (b"content-length", b"0")]},
        {"headers": [(b"host", b"x"), (b"content-length", b"0"), (b"x-a", b"1")]},
    ],
)
def test_a_head_that_was_read_as_another_is_not_remembered(read: Scope) -> None:
    data, heads = post(b"content-length: 0"), KnownHeads()
    scope = parse(data)
    assert scope is not None
    heads.learn(data, {**scope, **read})
    assert heads.find(data) is None

    heads.learn(data, scope)
    assert heads.find(data) is not None


def test_only_the_head_that_was_read_is_remembered_and_not_what_stands_behind_it() -> None:
    first, second = post(b"content-length: 0"), post(b"x-a: 1", b"content-length: 0")
    chunked = b"POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"

    for before in (first, chunked + b"0\r\n\r\n", b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n"):
        heads = learnt(before + second)
        assert heads.find(second) is None
        assert (heads.find(before) is None) == (before is not first)
        assert heads.find(before[:-1]) is None


def test_a_length_in_a_body_or_a_target_is_none() -> None:
    bare = post(b"x-a: 1")
    heads = learnt(post(b"x-a: 1", b"content-length: 0"), b"POST /\r\ncontent-length: 0\r\n\r\n")

    assert heads.find(bare + b"\r\ncontent-length: 0\r\n\r\n") is None
    assert heads.find(b"POST /\r\ncontent-length: 0\r\n\r\n") is None


@pytest.mark.parametrize(("more", "known"), [(0, True), (1, False), (3_000, False)])
def test_a_long_head_is_not_remembered(more: int, *, known: bool) -> None:
    short = post(b"content-length: 0", b"x-fill: ")
    data = short[:-4] + b"f" * (LONGEST - len(short) + more) + short[-4:]
    assert len(data) == LONGEST + more

    assert (learnt(data).find(data) is not None) == known


def test_no_more_than_some_heads_are_remembered_and_the_newest_is_among_them() -> None:
    heads = KnownHeads()
    scope = parse(post(b"content-length: 0", b"x-a: 0"))
    assert scope is not None
    all_of_them = [post(b"content-length: 0", b"x-a: %d" % number) for number in range(3 * MOST)]

    for upto, data in enumerate(all_of_them):
        heads.learn(data, scope)
        assert heads.find(data) is not None
        if upto < MOST:
            assert heads.find(all_of_them[0]) is not None
    assert sum(heads.find(data) is not None for data in all_of_them) <= MOST


def test_whoever_changes_a_scope_changes_no_other() -> None:
    heads = KnownHeads()
    first = parse(head(12), heads)
    assert first is not None
    untouched = found(heads, head(3))
    known = heads.find(head(3))
    assert known is not None
    given_out = known.head.scope_for(known.length)

    for scope in (first, given_out):
        scope["path"], scope["query_string"], scope["gateway.exchange"] = "/other", b"key=1", object()
        scope["headers"].append((b"x-added", b"1"))
    given_out[HEADERS]["x-goog-api-key"] = "added"

    assert untouched is not None
    assert found(heads, head(3)) == untouched
    assert "x-goog-api-key" not in known.head.scope_for(known.length)[HEADERS]


def test_a_head_says_nothing_of_the_connection_it_came_over() -> None:
    known = learnt(head(12)).find(head(12))

    assert known is not None
    assert not {*OF_THE_CONNECTION, "gateway.line"} & set(known.head.scope_for(known.length))


def test_what_is_known_is_shown_to_nobody() -> None:
    assert "cret" not in repr(learnt(head(12)))
