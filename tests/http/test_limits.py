"""Bad input from the network: each kind gets its refusal, and the service goes on answering."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from random import Random

import pytest

from fakes.gateway import RunningGateway
from fakes.raw_client import Answer, Call, connected, post, render_post
from fakes.suggestions import v2_body

StartGateway = Callable[..., RunningGateway]

MOST_BODY = 20_000
MOST_HEADERS = 8_192
STRICT = {
    "AIGW_LIMITS__MAX_BODY_BYTES": str(MOST_BODY),
    "AIGW_LIMITS__MAX_HEADER_BYTES": str(MOST_HEADERS),
    "AIGW_LIMITS__HEADER_TIMEOUT": "0.5",
}
PATH = "/v2/code/completions"
GOOD = json.dumps(v2_body()).encode()
INVALID = {"detail": "Validation error"}
# Only a test that fails sends so much.
FAR_TOO_MUCH = 2_000_000


@pytest.fixture
def gateway(start_gateway: StartGateway) -> Iterator[RunningGateway]:
    """Give the service with small limits; each test must leave it answering and without a crash in its log."""
    running = start_gateway(**STRICT)
    already = len(running.log_lines())
    yield running
    assert ask(running, GOOD).status == 200
    later = running.log_lines()[already:]
    assert [line for line in later if line["level"] in {"error", "critical"} or "exception_class" in line] == []


def ask(gateway: RunningGateway, body: bytes, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return post(gateway.port, PATH, body, headers={"authorization": f"Bearer {gateway.key}", **named})


def padded(size: int) -> bytes:
    """Give a good body of this many bytes: white space may follow JSON."""
    return GOOD.ljust(size)


def chunked(body: bytes, *, size: int = 1000) -> bytes:
    pieces = (body[start : start + size] for start in range(0, len(body), size))
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def chunked_request(gateway: RunningGateway, body: bytes) -> bytes:
    headers = {
        "authorization": f"Bearer {gateway.key}",
        "content-length": "",
        "transfer-encoding": "chunked",
        "x-request-id": "chunked",
    }
    return render_post(PATH, b"", headers=headers) + chunked(body)


# Bodies.


@pytest.mark.parametrize(
    "body",
    [b"", b" ", b"{", b'{"a": 1,}', b"nonsense", b"[]", b'"text"', b"17", b"null", b"\xff\xfe{}", b"{}", GOOD + b"x"],
)
def test_a_body_that_is_no_such_object_is_unprocessable(body: bytes, gateway: RunningGateway) -> None:
    answer = ask(gateway, body)

    assert (answer.status, answer.json) == (422, INVALID)


def test_a_body_nested_too_deep_is_unprocessable(gateway: RunningGateway) -> None:
    answer = ask(gateway, b'{"current_file":' + b"[" * 9000 + b"]" * 9000 + b"}")

    assert (answer.status, answer.json) == (422, INVALID)


def test_a_number_too_long_is_unprocessable(gateway: RunningGateway) -> None:
    answer = ask(gateway, GOOD.removesuffix(b"}") + b', "project_id": ' + b"9" * 5000 + b"}")

    assert (answer.status, answer.json) == (422, INVALID)


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json"]
)
def test_a_body_that_is_not_called_json_is_unprocessable(kind: str, gateway: RunningGateway) -> None:
    answer = ask(gateway, GOOD, content_type=kind)

    assert (answer.status, answer.json) == (422, INVALID)


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_may_be_called_so_in_any_case_and_with_a_charset(kind: str, gateway: RunningGateway) -> None:
    assert ask(gateway, GOOD, content_type=kind).status == 200


def test_a_body_of_exactly_the_limit_is_read(gateway: RunningGateway) -> None:
    assert ask(gateway, padded(MOST_BODY)).status == 200
    with connected(gateway.port) as call:
        call.send(chunked_request(gateway, padded(MOST_BODY)))
        assert call.answer().status == 200


def test_a_body_one_byte_over_the_limit_is_too_large(gateway: RunningGateway) -> None:
    answer = ask(gateway, padded(MOST_BODY + 1))

    assert answer.status == 413
    assert str(MOST_BODY) in answer.json["detail"]


def test_a_body_announced_too_large_is_refused_before_it_is_sent(gateway: RunningGateway) -> None:
    head = render_post(
        PATH, b"", headers={"authorization": f"Bearer {gateway.key}", "content-length": str(10 * MOST_BODY)}
    )

    with connected(gateway.port) as call:
        call.send(head)

        assert call.answer().status == 413


def test_a_chunked_body_over_the_limit_is_too_large(gateway: RunningGateway) -> None:
    with connected(gateway.port) as call:
        call.send(chunked_request(gateway, padded(MOST_BODY + 1)))

        assert call.answer().status == 413


def test_a_chunked_body_without_end_is_refused_while_it_is_sent(gateway: RunningGateway) -> None:
    with connected(gateway.port) as call:
        call.send(chunked_request(gateway, b"").removesuffix(b"0\r\n\r\n"))
        send_until_answered(call, chunked(b" " * 1000).removesuffix(b"0\r\n\r\n"))

        assert call.status() == 413


@pytest.mark.parametrize(
    ("coding", "encode"), [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_a_compressed_body_is_read(coding: str, encode: Callable[[bytes], bytes], gateway: RunningGateway) -> None:
    assert ask(gateway, encode(GOOD), content_encoding=coding).status == 200


@pytest.mark.parametrize("size", [MOST_BODY + 1, 50 * MOST_BODY, 5000 * MOST_BODY])
def test_a_body_that_expands_over_the_limit_is_too_large(size: int, gateway: RunningGateway) -> None:
    compressed = bytearray(gzip.compress(GOOD + b" " * (size - len(GOOD))))

    answer = ask(gateway, bytes(compressed[: MOST_BODY - 1]), content_encoding="gzip")

    assert answer.status == 413


@pytest.mark.parametrize(
    "body", [b"nonsense", gzip.compress(GOOD)[:-9], gzip.compress(GOOD)[:5], b"", GOOD], ids=["a", "b", "c", "d", "e"]
)
def test_a_body_that_is_not_what_its_coding_says_is_unprocessable(body: bytes, gateway: RunningGateway) -> None:
    assert ask(gateway, body, content_encoding="gzip").status == 422


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, br"])
def test_a_coding_that_we_cannot_undo_is_unsupported(coding: str, gateway: RunningGateway) -> None:
    answer = ask(gateway, GOOD, content_encoding=coding)

    assert answer.status == 415
    assert coding in answer.json["detail"]


# Heads.


def send_until_answered(call: Call, piece: bytes) -> None:
    """Send the same bytes over and over until there is an answer."""
    for _ in range(FAR_TOO_MUCH // len(piece)):
        try:
            call.send(piece)
        except ConnectionError:
            # It closed; what it said before that is still to be read.
            break
        if call.more(within_s=0.001) or call.ended:
            break


def drip(call: Call, text: bytes) -> None:
    """Send one byte at a time, some time apart, until there is an answer."""
    for byte in text:
        try:
            call.send(bytes([byte]))
        except ConnectionError:
            break
        if call.more(within_s=0.05) or call.ended:
            break


@pytest.mark.parametrize("head", [b"P", b"POST /v2", b"POST / HTTP/1.1\r\nhost: x\r\n", b"GET / HTTP/1.1\r\nho"])
def test_a_head_that_does_not_come_whole_in_time_is_refused(head: bytes, gateway: RunningGateway) -> None:
    with connected(gateway.port) as call:
        call.send(head)

        assert call.answer().status == 408
        call.wait_for_end()


def test_a_head_that_comes_byte_by_byte_has_no_more_time(gateway: RunningGateway) -> None:
    with connected(gateway.port) as call:
        drip(call, b"GET / HTTP/1.1\r\nx-slow: " + b"a" * 200)

        assert call.answer().status == 408
        call.wait_for_end()


def test_a_second_head_on_the_same_connection_has_no_more_time(gateway: RunningGateway) -> None:
    with connected(gateway.port) as call:
        call.send(render_post(PATH, GOOD, headers={"authorization": f"Bearer {gateway.key}"}))
        assert call.answer().status == 200
        call.send(b"GET / HTTP/1.1\r\nho")

        assert call.answer().status == 408
        call.wait_for_end()


def test_a_connection_that_says_nothing_is_closed(gateway: RunningGateway) -> None:
    with connected(gateway.port) as call:
        assert call.wait_for_end() in {b"", call.raw}
        assert call.raw == b"" or call.raw.startswith(b"HTTP/1.1 408 ")


def test_a_body_may_take_longer_than_the_headers_may(gateway: RunningGateway) -> None:
    request = render_post(PATH, GOOD, headers={"authorization": f"Bearer {gateway.key}"})
    with connected(gateway.port) as call:
        call.send(request[:-1])
        # Longer than the time for headers.
        assert not call.more(within_s=0.8)
        call.send(request[-1:])

        assert call.answer().status == 200


ONE_LARGE = "x-large: " + "a" * MOST_HEADERS
MANY = "\r\n".join(f"x-header-{number}: {number}" for number in range(MOST_HEADERS // 10))


@pytest.mark.parametrize("lines", [ONE_LARGE, MANY], ids=["one large header", "many headers"])
def test_headers_over_the_limit_are_refused(lines: str, gateway: RunningGateway) -> None:
    with connected(gateway.port) as call:
        call.send(f"GET /monitoring/healthz HTTP/1.1\r\nhost: x\r\n{lines}\r\n\r\n".encode())

        assert call.answer().status == 431
        call.wait_for_end()


def test_an_address_over_the_limit_is_refused(gateway: RunningGateway) -> None:
    with connected(gateway.port) as call:
        call.send(f"GET /monitoring/healthz?{'a' * MOST_HEADERS} HTTP/1.1\r\nhost: x\r\n\r\n".encode())

        assert call.answer().status in {414, 431}


def test_headers_without_end_are_refused_while_they_are_sent(gateway: RunningGateway) -> None:
    with connected(gateway.port) as call:
        call.send(b"GET /monitoring/healthz HTTP/1.1\r\nx-endless: ")
        send_until_answered(call, b"a" * 1000)

        assert call.status() == 431


def test_headers_just_under_the_limit_are_read(gateway: RunningGateway) -> None:
    with connected(gateway.port) as call:
        call.send(f"GET /monitoring/healthz HTTP/1.1\r\nhost: x\r\nx: {'a' * (MOST_HEADERS - 200)}\r\n\r\n".encode())

        assert call.answer().status == 200


def test_the_limits_hold_in_each_of_several_workers(start_gateway: StartGateway) -> None:
    gateway = start_gateway(**STRICT, WEB_CONCURRENCY="2")
    # Enough that either worker has taken some.
    for _ in range(8):
        with connected(gateway.port) as call:
            call.send(f"GET /monitoring/healthz HTTP/1.1\r\nhost: x\r\n{ONE_LARGE}\r\n\r\n".encode())

            assert call.answer().status == 431
        assert ask(gateway, padded(MOST_BODY + 1)).status == 413
    with connected(gateway.port) as call:
        call.send(b"GET / HTTP/1.1\r\nho")

        assert call.answer().status == 408


def test_the_default_limit_for_headers_is_64_kib(start_gateway: StartGateway) -> None:
    gateway = start_gateway()
    for size, status in ((64 * 1024 - 300, 200), (64 * 1024, 431)):
        with connected(gateway.port) as call:
            call.send(f"GET /monitoring/healthz HTTP/1.1\r\nhost: x\r\nx: {'a' * size}\r\n\r\n".encode())

            assert call.answer().status == status


GARBAGE = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"nonsense\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9.9\r\n\r\n",
    b"GET / HTTP/1.1\r\nno colon here\r\n\r\n",
    b"GET / HTTP/1.1\r\n: no name\r\n\r\n",
    b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: many\r\n\r\n",
    b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx",
    b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\nabc",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
]


@pytest.mark.parametrize("said", GARBAGE)
def test_what_is_no_http_is_a_bad_request(said: bytes, gateway: RunningGateway) -> None:
    with connected(gateway.port) as call:
        call.send(said)

        assert call.status() == 400
        call.wait_for_end()


def test_noise_never_stops_the_service(gateway: RunningGateway) -> None:
    # Random, but the same noise in each run.
    random = Random(20251121)
    for _ in range(50):
        with connected(gateway.port) as call:
            call.send(random.randbytes(random.randint(1, 2000)))
            call.leave(reset=random.random() < 0.5)
