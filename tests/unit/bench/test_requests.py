"""What the bench sends has the size that its name promises."""

from __future__ import annotations

import json

import pytest
from bench.requests import Request, ask_chat, ask_message


@pytest.mark.parametrize("size", [1024, 100_000])
@pytest.mark.parametrize("stream", [False, True])
def test_a_body_is_as_long_as_was_asked_for(size: int, *, stream: bool) -> None:
    for request in (
        ask_chat(key="k", model="m", size=size, stream=stream),
        ask_message(key="k", model="m", size=size, stream=stream),
    ):
        body = request.render_body()
        assert len(body) == size
        assert json.loads(body).get("stream", False) is stream


def test_a_request_is_one_whole_http_message() -> None:
    request = Request("/v1/chat/completions", {"authorization": "Bearer k"}, {"model": "m"})

    head, _, body = request.render(port=8080).partition(b"\r\n\r\n")

    assert head.startswith(b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:8080\r\n")
    assert f"content-length: {len(body)}".encode() in head.split(b"\r\n")
    assert json.loads(body) == {"model": "m"}
