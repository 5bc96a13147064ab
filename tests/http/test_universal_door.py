"""The vendors' own APIs as the gateway serves them: passed through, translated, refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest

from fakes.gateway import RunningGateway, wait_for
from fakes.gitlab import call, gitlab_headers, key_headers
from fakes.upstream import MockUpstream, Reply, ToolUse

StartGateway = Callable[..., RunningGateway]
# Any: an answer's shape is what its test asserts.
JsonObject = dict[str, Any]

CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
HI = [{"role": "user", "content": "hi"}]
TO_OPENAI: JsonObject = {"model": "gpt-4.1", "messages": HI}
TO_ANTHROPIC: JsonObject = {"model": "claude-opus-4-5", "max_tokens": 9, "messages": HI}
WAYS = {
    "openai": (CHAT, TO_OPENAI),
    "anthropic": (MESSAGES, TO_ANTHROPIC),
    "openai to anthropic": (CHAT, {**TO_OPENAI, "model": "claude-opus-4-5"}),
    "anthropic to openai": (MESSAGES, {**TO_ANTHROPIC, "model": "gpt-4.1"}),
}
STRAIGHT = ("openai", "anthropic")
OPENAI_KEY, ANTHROPIC_KEY = "sk-test-0123456789", "sk-ant-test-0123456789"


@pytest.fixture
def door(start_gateway: StartGateway, upstream: MockUpstream) -> RunningGateway:
    """Give a gateway with both vendors' keys, whose vendors are the upstream."""
    return start_gateway(
        ANTHROPIC_API_KEY=ANTHROPIC_KEY,
        ANTHROPIC_BASE_URL=upstream.url,
        OPENAI_API_KEY=OPENAI_KEY,
        OPENAI_BASE_URL=f"{upstream.url}/v1",
    )


def ask(
    gateway: RunningGateway, path: str, body: object = None, *, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    return call(gateway, path, body=body, headers={**key_headers(gateway.key), **(headers or {})})


def send(gateway: RunningGateway, path: str, content: bytes, **headers: str) -> httpx.Response:
    known = {**key_headers(gateway.key), "content-type": "application/json", **headers}
    with httpx.Client(timeout=20, trust_env=False, verify=False) as client:
        return client.post(gateway.url + path, content=content, headers=known)


def error_of(answer: httpx.Response) -> tuple[int, str, str]:
    """Give the status, the type and the message of an error in either dialect."""
    body = answer.json()
    assert set(body) in ({"error"}, {"type", "error"})
    return answer.status_code, body["error"]["type"], body["error"]["message"]


@pytest.mark.parametrize("way", STRAIGHT)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("prefix", ["", "/ai"])
def test_in_one_dialect_every_byte_passes_both_ways(
    door: RunningGateway, upstream: MockUpstream, *, way: str, stream: bool, prefix: str
) -> None:
    path, body = WAYS[way]
    content = json.dumps(
        {"zeta": {"new": [1.50, None]}, **body, "stream": stream, "tomorrow": "\u2028"}, indent=1
    ).encode()

    answer = send(door, prefix + path, content)

    (seen,) = upstream.requests
    direct = httpx.post(upstream.url + path, content=content)
    assert (answer.status_code, answer.content) == (200, direct.content)
    assert answer.headers["content-type"] == direct.headers["content-type"]
    assert (seen.path, seen.body) == (path, content)
    assert answer.headers["x-gateway-model"].endswith("/" + body["model"])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("stream", [False, True])
def test_every_way_gives_the_text(door: RunningGateway, upstream: MockUpstream, *, way: str, stream: bool) -> None:
    path, body = WAYS[way]
    upstream.always(Reply(text="one two\u2028three"))

    answer = ask(door, path, {**body, "stream": stream})

    assert answer.status_code == 200
    assert text_of(answer, path, stream=stream) == "one two\u2028three"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("stream", [False, True])
def test_every_way_gives_parallel_tool_calls_whole_and_in_order(
    door: RunningGateway, upstream: MockUpstream, *, way: str, stream: bool
) -> None:
    path, body = WAYS[way]
    calls = (ToolUse("call_1", "read", '{"path": "a b", "n": 1.0}'), ToolUse("call_2", "read", '{"path": ["c"]}'))
    upstream.always(Reply(tool_calls=calls))

    answer = ask(door, path, {**body, "stream": stream})

    assert answer.status_code == 200
    for used in calls:
        assert used.id in answer.text
    arguments = arguments_of(answer, path, stream=stream)
    assert [json.loads(text) for text in arguments] == [json.loads(used.arguments) for used in calls]


def text_of(answer: httpx.Response, path: str, *, stream: bool) -> str:
    if stream:
        return "".join(
            piece.get("text") or piece.get("content") or "" for event in events_of(answer) for piece in deltas_of(event)
        )
    body = answer.json()
    if path == CHAT:
        return str(body["choices"][0]["message"]["content"])
    return "".join(block.get("text", "") for block in body["content"])


def arguments_of(answer: httpx.Response, path: str, *, stream: bool) -> list[str]:
    if not stream:
        body = answer.json()
        if path == CHAT:
            return [made["function"]["arguments"] for made in body["choices"][0]["message"]["tool_calls"]]
        return [json.dumps(block["input"]) for block in body["content"] if block["type"] == "tool_use"]
    found: dict[int, str] = {}
    for event in events_of(answer):
        for piece in deltas_of(event):
            for made in piece.get("tool_calls", ()):
                found[made["index"]] = found.get(made["index"], "") + (made["function"].get("arguments") or "")
            if "partial_json" in piece:
                found[event["index"]] = found.get(event["index"], "") + piece["partial_json"]
    return [found[index] for index in sorted(found)]


def events_of(answer: httpx.Response) -> list[JsonObject]:
    blocks = re.split(r"\r?\n\r?\n", answer.content.decode())
    data = [line[5:].strip() for block in blocks for line in block.split("\n") if line.startswith("data:")]
    return [json.loads(item) for item in data if item != "[DONE]"]


def deltas_of(event: JsonObject) -> list[JsonObject]:
    if "choices" in event:
        return [choice["delta"] for choice in event["choices"]]
    return [event["delta"]] if event.get("type") == "content_block_delta" else []


# Who may come in.


@pytest.mark.parametrize("way", STRAIGHT)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer gw-nope"}, {"x-api-key": "sk-ant-other"}])
def test_without_a_key_of_the_gateway_nobody_is_asked(
    door: RunningGateway, upstream: MockUpstream, *, way: str, headers: dict[str, str]
) -> None:
    path, body = WAYS[way]

    status, kind, message = error_of(call(door, path, body=body, headers=headers))

    assert (status, kind) == (401, "authentication_error")
    assert "Authorization: Bearer" in message
    assert upstream.requests == []


def test_a_key_is_taken_as_anthropics_tools_send_it(door: RunningGateway) -> None:
    assert call(door, MESSAGES, body=TO_ANTHROPIC, headers={"x-api-key": door.key}).status_code == 200


def test_a_token_of_gitlab_is_no_key(start_gateway: StartGateway, upstream_settings: dict[str, str]) -> None:
    gateway = start_gateway(**upstream_settings)

    answer = call(gateway, CHAT, body=TO_OPENAI, headers=gitlab_headers("complete_code"))

    assert error_of(answer)[:2] == (403, "permission_error")


def test_a_client_gets_the_models_it_is_limited_to(door: RunningGateway, upstream: MockUpstream) -> None:
    made = door.command("clients", "add", "limited", "--models", "gpt-4.1")
    found = re.search(r"gw-[A-Za-z0-9_-]{43}", made.stdout + made.stderr)
    assert found is not None
    headers = key_headers(found[0])
    wait_for(lambda: call(door, CHAT, body=TO_OPENAI, headers=headers).status_code == 200 or None, what="the new key")

    refused = call(door, MESSAGES, body=TO_ANTHROPIC, headers=headers)
    listed = call(door, "/v1/models", method="GET", headers=headers).json()

    assert error_of(refused)[:2] == (403, "permission_error")
    assert "gpt-4.1" in error_of(refused)[2]
    assert [entry["id"] for entry in listed["data"]] == ["gpt-4.1"]
    assert {seen.json["model"] for seen in upstream.requests} == {"gpt-4.1"}


# What is asked for.


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
def test_an_unknown_model_is_not_found_and_the_nearest_are_named(door: RunningGateway, path: str) -> None:
    status, kind, message = error_of(ask(door, path, {"model": "claud-sonnet-4-5", "max_tokens": 1, "messages": HI}))

    assert (status, kind) == (404, "not_found_error")
    assert "claude-sonnet-4-5-20250929" in message


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"[]", "object"),
        (b"{}", "model"),
        (b'{"model":["a"],"messages":[]}', "model"),
        (b'{"model":"gpt-4.1","messages":5}', "messages"),
        (b'{"model":"gpt-4.1","messages":null}', "messages"),
        (b'{"model":"gpt-4.1","messages":[],"temperature":1e999}', "temperature|range"),
        (b'{"model":"gpt-4.1","model":"gpt-4.1","messages":[]}', "model"),
        (b'{"model":"gpt-4.1","messages":[],"x":"\xff"}', "UTF-8"),
        (b'{"model":"gpt-4.1","messages":' + b"[" * 200_000, "nested|JSON"),
    ],
)
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
def test_a_body_that_cannot_be_is_a_400_that_names_what_is_wrong(
    door: RunningGateway, upstream: MockUpstream, *, path: str, content: bytes, named: str
) -> None:
    status, kind, message = error_of(send(door, path, content))

    assert (status, kind) == (400, "invalid_request_error")
    assert re.search(named, message)
    assert upstream.requests == []


def test_a_body_of_megabytes_passes(door: RunningGateway, upstream: MockUpstream) -> None:
    picture = "A" * 10_000_000
    content = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}}]

    answer = ask(door, CHAT, {**TO_OPENAI, "messages": [{"role": "user", "content": content}]})

    assert answer.status_code == 200
    assert len(upstream.requests[0].body) > 10_000_000


def test_a_body_over_the_limit_is_refused_in_the_callers_dialect(start_gateway: StartGateway) -> None:
    gateway = start_gateway(
        OPENAI_API_KEY=OPENAI_KEY, OPENAI_BASE_URL="http://127.0.0.1:9", AIGW_LIMITS__MAX_BODY_BYTES="1000"
    )

    assert error_of(send(gateway, CHAT, b" " * 2_000))[0] == 413
    assert error_of(send(gateway, MESSAGES, b" " * 2_000))[:2] == (413, "request_too_large")


# What goes wrong upstream.


@pytest.mark.parametrize("way", STRAIGHT)
@pytest.mark.parametrize("status", [400, 404, 413, 429, 500])
def test_in_one_dialect_the_vendors_refusal_passes_byte_for_byte(
    door: RunningGateway, upstream: MockUpstream, *, way: str, status: int
) -> None:
    path, body = WAYS[way]
    upstream.always(Reply(status=status, headers={"retry-after": "7"}))

    answer = ask(door, path, body)

    assert (answer.status_code, answer.content) == (status, httpx.post(upstream.url + path, json=body).content)
    assert answer.headers["retry-after"] == "7"


@pytest.mark.parametrize(
    ("way", "status", "kind"),
    [
        ("openai to anthropic", 400, "invalid_request_error"),
        ("openai to anthropic", 429, "rate_limit_error"),
        ("openai to anthropic", 529, "server_error"),
        ("anthropic to openai", 400, "invalid_request_error"),
        ("anthropic to openai", 429, "rate_limit_error"),
        ("anthropic to openai", 503, "overloaded_error"),
        ("anthropic to openai", 500, "api_error"),
    ],
)
def test_across_dialects_a_refusal_is_said_in_the_callers(
    door: RunningGateway, upstream: MockUpstream, *, way: str, status: int, kind: str
) -> None:
    path, body = WAYS[way]
    upstream.always(Reply(status=status, headers={"retry-after": "7"}))

    answer = ask(door, path, body)

    overloaded = 529 if path == MESSAGES else 503
    assert error_of(answer)[:2] == (overloaded if status in {503, 529} else status, kind)
    if status == 429:
        assert answer.headers["retry-after"] == "7"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_of_ours_is_not_told_as_the_callers(
    door: RunningGateway, upstream: MockUpstream, *, way: str, status: int
) -> None:
    path, body = WAYS[way]
    upstream.always(Reply(status=status))

    told, _, message = error_of(ask(door, path, body))

    assert told == 502
    assert "operator" in message


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("fault", "status"),
    [(Reply(cut_before_head=True, cut="reset"), 502), (Reply.html(200), 502), (Reply.html(502), 502)],
    ids=["cut", "page 200", "page 502"],
)
@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_is_none_is_a_bad_gateway(
    door: RunningGateway, upstream: MockUpstream, *, way: str, fault: Reply, status: int, stream: bool
) -> None:
    path, body = WAYS[way]
    upstream.always(fault)

    answer = ask(door, path, {**body, "stream": stream})

    if fault.status == 200 or answer.headers["content-type"].startswith("application/json"):
        assert error_of(answer)[0] == status
    else:
        assert answer.status_code == fault.status


@pytest.mark.parametrize("way", WAYS)
def test_a_stream_that_is_cut_ends_with_an_error_event(door: RunningGateway, upstream: MockUpstream, way: str) -> None:
    path, body = WAYS[way]
    upstream.always(Reply(chunks=("one ", "two ", "three "), cut="reset", cut_after=2))

    answer = ask(door, path, {**body, "stream": True})

    last = events_of(answer)[-1]
    assert answer.status_code == 200
    assert "one " in answer.text
    assert last["error"]["message"]
    assert last.get("type", "error") == "error"


def test_what_the_vendor_cannot_be_told_is_refused_or_named(door: RunningGateway, upstream: MockUpstream) -> None:
    body = {**TO_OPENAI, "model": "claude-opus-4-5", "seed": 7}

    status, kind, message = error_of(ask(door, CHAT, body))
    allowed = ask(door, CHAT, body, headers={"x-gateway-unsupported": "drop"})

    assert (status, kind) == (400, "invalid_request_error")
    assert "seed" in message
    assert (allowed.status_code, allowed.headers["x-gateway-dropped"]) == (200, "seed")
    assert len(upstream.requests) == 1


def test_a_request_is_one_line_of_the_log_with_model_and_cost(door: RunningGateway, upstream: MockUpstream) -> None:
    del upstream
    answer = ask(door, CHAT, {**TO_OPENAI, "stream": True, "stream_options": {"include_usage": True}})
    request_id = answer.headers["x-request-id"]

    def lines() -> list[JsonObject] | None:
        logged = (door.folder / "gateway.log").read_text().splitlines()
        found = [json.loads(line) for line in logged if request_id in line]
        return [line for line in found if line["logger"] == "api.access"] or None

    (line,) = wait_for(lines, what="the access line")
    assert (line["model_provider"], line["model_name"], line["client"]) == ("openai", "gpt-4.1", "admin")
    assert (line["input_tokens"], line["output_tokens"]) == (21, 4)
    assert "hi" not in json.dumps({name: value for name, value in line.items() if name != "url"}).split()
