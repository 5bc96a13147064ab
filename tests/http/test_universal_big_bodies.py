"""Large bodies at the universal door: passed on byte by byte, translated whole, or refused by a rule."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from fakes.gateway import RunningGateway
from fakes.gitlab import key_headers
from fakes.universal import CHAT, MESSAGES, door_settings
from fakes.upstream import MockUpstream

StartGateway = Callable[..., RunningGateway]

TO_OPENAI, TO_ANTHROPIC = "gpt-4.1", "claude-opus-4-5"
MIB = 1 << 20
PICTURE = "iVBORw0KGgo" + "A" * (10 * MIB)
OPENAI_PICTURE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}}
ANTHROPIC_PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PICTURE}}


@pytest.fixture
def door(start_gateway: StartGateway, upstream: MockUpstream) -> RunningGateway:
    """Give a gateway with both vendors' keys, whose vendors are the upstream."""
    return start_gateway(**door_settings(upstream.url))


def send(gateway: RunningGateway, path: str, content: bytes) -> httpx.Response:
    headers = {**key_headers(gateway.key), "content-type": "application/json"}
    with httpx.Client(timeout=60, trust_env=False, verify=False) as client:
        return client.post(gateway.url + path, content=content, headers=headers)


def with_picture(path: str, model: str) -> bytes:
    picture = OPENAI_PICTURE if path == CHAT else ANTHROPIC_PICTURE
    said = [{"role": "user", "content": [{"type": "text", "text": "what is it? é"}, picture]}]
    return json.dumps({"messages": said, "model": model, "max_tokens": 9}).encode()


@pytest.mark.parametrize(("path", "model"), [(CHAT, TO_OPENAI), (MESSAGES, TO_ANTHROPIC)])
def test_a_large_picture_passes_byte_by_byte(
    door: RunningGateway, upstream: MockUpstream, path: str, model: str
) -> None:
    content = with_picture(path, f"{'openai' if path == CHAT else 'anthropic'}/{model}")

    answer = send(door, path, content)

    (seen,) = upstream.requests
    assert answer.status_code == 200
    assert seen.body == content.replace(b"openai/", b"").replace(b"anthropic/", b"")


@pytest.mark.parametrize(("path", "model"), [(CHAT, TO_ANTHROPIC), (MESSAGES, TO_OPENAI)])
def test_a_large_picture_is_translated_whole(
    door: RunningGateway, upstream: MockUpstream, path: str, model: str
) -> None:
    answer = send(door, path, with_picture(path, model))

    (seen,) = upstream.requests
    assert answer.status_code == 200
    assert PICTURE.encode() in seen.body
    assert "what is it? é" in json.dumps(json.loads(seen.body), ensure_ascii=False)


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@pytest.mark.parametrize(
    ("written", "named"),
    [
        (b'{"messages":[%b],"model":""}', "model"),
        (b'{"messages":[%b],"model":"gpt-4.1","model":"gpt-4.1"}', "model"),
        (b'{"messages":[%b],"stream":"yes","model":"gpt-4.1"}', "stream"),
        (b'{"messages":[%b],"temperature":1e999,"model":"gpt-4.1"}', "range"),
        (b'{"messages":[%b', "not JSON"),
        (b'{"messages":[%b,"\xff"],"model":"gpt-4.1"}', "not UTF-8"),
        (b'{"messages":[%b,' + b"[" * 100_000, "nested"),
    ],
)
def test_what_is_wrong_behind_megabytes_is_named(
    door: RunningGateway, upstream: MockUpstream, path: str, written: bytes, named: str
) -> None:
    many = b'{"model":"x","role":"user","content":"a"}'

    answer = send(door, path, written % b",".join([many] * (2 * MIB // len(many))))

    assert 400 <= answer.status_code < 500
    assert named in answer.json()["error"]["message"]
    assert not upstream.requests


def test_any_number_of_values_passes_when_nothing_is_translated(door: RunningGateway, upstream: MockUpstream) -> None:
    content = b'{"messages":[],"model":"openai/gpt-4.1","metadata":{' + b",".join(
        b'"k%d":0' % number for number in range(300_000)
    )
    content += b"}}"

    answer = send(door, CHAT, content)

    assert answer.status_code == 200
    assert upstream.requests[0].body == content.replace(b"openai/", b"")


@pytest.mark.parametrize(("path", "model"), [(CHAT, TO_ANTHROPIC), (MESSAGES, TO_OPENAI)])
def test_a_body_of_too_many_values_is_not_translated_and_says_why(
    door: RunningGateway, upstream: MockUpstream, path: str, model: str
) -> None:
    content = b'{"model":"%b","max_tokens":9,"messages":[],"metadata":[%b0]}' % (model.encode(), b"0," * 600_000)

    answer = send(door, path, content)

    assert answer.status_code == 400
    assert "over 100000 JSON values" in answer.json()["error"]["message"]
    assert upstream.requests == []


@pytest.mark.parametrize(("path", "model"), [(CHAT, TO_OPENAI), (MESSAGES, TO_ANTHROPIC)])
def test_the_same_body_passes_to_who_speaks_its_dialect(
    door: RunningGateway, upstream: MockUpstream, path: str, model: str
) -> None:
    content = b'{"model":"%b","max_tokens":9,"messages":[],"metadata":[%b0]}' % (model.encode(), b"0," * 600_000)

    assert send(door, path, content).status_code == 200
    assert [seen.body for seen in upstream.requests] == [content]
