"""The model proxies behind their gate: what goes on to the vendor, and what comes back. Cases 90 to 99."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import httpx
import pytest

from fakes.gateway import RunningGateway
from fakes.gitlab import call, key_headers, outcome
from fakes.upstream import MockUpstream, Reply

StartGateway = Callable[..., RunningGateway]

UP = {"X-Gitlab-Unit-Primitive": "explain_vulnerability"}
ANTHROPIC = "/v1/proxy/anthropic/v1/messages"
OPENAI = "/v1/proxy/openai/v1/chat/completions"
CLAUDE = {"model": "claude-sonnet-4-5-20250929", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
GPT = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}]}
ANTHROPIC_KEY = "sk-ant-test-0123456789"
OPENAI_KEY = "sk-test-0123456789"


@pytest.fixture
def proxy_gateway(start_gateway: StartGateway, upstream: MockUpstream) -> RunningGateway:
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
    return call(gateway, path, body=body, headers={**key_headers(gateway.key), **UP, **(headers or {})})


def send(gateway: RunningGateway, path: str, content: bytes) -> httpx.Response:
    headers = {**key_headers(gateway.key), **UP, "content-type": "application/json"}
    with httpx.Client(timeout=10, trust_env=False, verify=False) as client:
        return client.post(gateway.url + path, content=content, headers=headers)


@pytest.mark.parametrize(
    ("path", "content", "status", "detail"),
    [
        ("/v1/proxy/anthropic/v1/models", b"{}", 404, "Not found"),
        (ANTHROPIC, b"{", 400, "Invalid JSON"),
        (ANTHROPIC, b"{}", 400, "Failed to extract model name"),
        (ANTHROPIC, b'{"model":"gpt-0"}', 400, "Unsupported model"),
        (OPENAI, b'{"model":"gpt-0"}', 400, "Unsupported model"),
        (OPENAI, b'{"model":"claude-x"}', 400, "Unsupported model"),
    ],
)
def test_cases_90_to_93_what_cannot_be_passed_on_is_refused(
    proxy_gateway: RunningGateway, upstream: MockUpstream, *, path: str, content: bytes, status: int, detail: str
) -> None:
    assert outcome(send(proxy_gateway, path, content)) == (status, {"detail": detail})
    assert upstream.requests == []


def test_case_94_a_vendors_refusal_passes_unchanged_and_nothing_of_the_caller_reaches_it(
    proxy_gateway: RunningGateway, upstream: MockUpstream
) -> None:
    upstream.always(Reply(status=529))
    private = {
        "Cookie": "a=b",
        "X-Gitlab-Instance-Id": "1",
        "X-Gitlab-Realm": "saas",
        "anthropic-version": "2026-10-21",
    }

    answer = ask(proxy_gateway, ANTHROPIC, CLAUDE, headers={**private, "anthropic-beta": "fine-grained-2025"})

    (seen,) = upstream.requests
    headers = dict(seen.headers)
    assert (answer.status_code, answer.json()["error"]["type"]) == (529, "overloaded_error")
    assert (headers["x-api-key"], headers["anthropic-version"]) == (ANTHROPIC_KEY, "2026-10-21")
    assert headers["anthropic-beta"] == "fine-grained-2025"
    assert not {name for name in headers if name.startswith("x-gitlab") or name in {"authorization", "cookie"}}
    assert seen.json == CLAUDE


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
@pytest.mark.parametrize(("path", "body"), [(ANTHROPIC, CLAUDE), (OPENAI, GPT)])
def test_every_refusal_of_a_vendor_keeps_its_status_and_its_bytes(
    proxy_gateway: RunningGateway, upstream: MockUpstream, *, path: str, body: object, status: int
) -> None:
    upstream.always(Reply(status=status))

    answer = ask(proxy_gateway, path, body)

    direct = httpx.post(
        upstream.url + path.removeprefix("/v1/proxy").partition("/v1")[1] + path.rpartition("/v1")[2], json=body
    )
    assert (answer.status_code, answer.content) == (status, direct.content)
    assert answer.headers["content-type"] == direct.headers["content-type"]


@pytest.mark.parametrize(
    "fault", [Reply(cut_before_head=True, cut="reset"), Reply.html(200)], ids=["cut", "a web page"]
)
def test_case_95_a_vendor_that_gives_no_answer_is_a_bad_gateway(
    proxy_gateway: RunningGateway, upstream: MockUpstream, fault: Reply
) -> None:
    upstream.always(fault)

    assert outcome(ask(proxy_gateway, ANTHROPIC, CLAUDE)) == (502, {"detail": "Bad Gateway"})


def test_case_95_a_vendor_that_cannot_be_reached_is_a_bad_gateway(start_gateway: StartGateway) -> None:
    gateway = start_gateway(ANTHROPIC_API_KEY=ANTHROPIC_KEY, ANTHROPIC_BASE_URL="http://127.0.0.1:9")

    assert outcome(ask(gateway, ANTHROPIC, CLAUDE)) == (502, {"detail": "Bad Gateway"})


@pytest.mark.parametrize(("path", "body"), [(ANTHROPIC, CLAUDE), (OPENAI, GPT)])
@pytest.mark.parametrize("prefix", ["", "/ai"])
def test_case_96_a_stream_passes_as_it_came(
    proxy_gateway: RunningGateway, upstream: MockUpstream, *, path: str, body: dict[str, object], prefix: str
) -> None:
    upstream.always(Reply(text="a b c d"))

    answer = ask(proxy_gateway, prefix + path, {**body, "stream": True})

    direct = httpx.post(
        f"{upstream.url}/v1/{path.partition('/v1/')[2].partition('/v1/')[2]}", json={**body, "stream": True}
    )
    assert answer.content == direct.content
    assert answer.headers["content-type"] == direct.headers["content-type"]
    assert answer.headers["transfer-encoding"] == "chunked"


def test_a_whole_answer_passes_byte_for_byte(proxy_gateway: RunningGateway, upstream: MockUpstream) -> None:
    answer = ask(proxy_gateway, "/v1/proxy/openai/v1/embeddings", {"model": "text-embedding-3-small", "input": "a"})
    (seen,) = upstream.requests

    assert seen.path == "/v1/embeddings"
    assert seen.header("authorization") == f"Bearer {OPENAI_KEY}"
    assert answer.status_code < 500


def test_a_query_that_is_part_of_a_path_reaches_the_vendor(
    proxy_gateway: RunningGateway, upstream: MockUpstream
) -> None:
    ask(proxy_gateway, f"{ANTHROPIC}?beta=true", CLAUDE)

    assert (upstream.requests[0].path, upstream.requests[0].query) == ("/v1/messages", "beta=true")
    assert outcome(ask(proxy_gateway, f"{ANTHROPIC}?beta=false", CLAUDE))[0] == 404


@pytest.mark.parametrize(
    ("path", "body", "status"), [(ANTHROPIC, CLAUDE, 400), (OPENAI, GPT, 500)], ids=["anthropic", "openai"]
)
def test_without_a_key_there_is_nothing_to_call_with(
    start_gateway: StartGateway, path: str, *, body: object, status: int
) -> None:
    gateway = start_gateway(AIGW_CUSTOM_MODELS__ENABLED="true")

    assert outcome(ask(gateway, path, body)) == (status, {"detail": "API key not found"})


def test_case_99_mock_mode_answers_by_itself(closed_gateway: RunningGateway) -> None:
    assert outcome(ask(closed_gateway, ANTHROPIC, CLAUDE)) == (200, {"response": "mocked"})
    assert outcome(ask(closed_gateway, ANTHROPIC, {"model": "gpt-0"})) == (400, {"detail": "Unsupported model"})


def test_the_operator_chooses_which_models_go_through(start_gateway: StartGateway, upstream: MockUpstream) -> None:
    gateway = start_gateway(
        ANTHROPIC_API_KEY=ANTHROPIC_KEY,
        ANTHROPIC_BASE_URL=upstream.url,
        AIGW_PROXY_ENDPOINTS__ANTHROPIC_MODELS="claude-haiku-*,glm-5",
    )

    assert outcome(ask(gateway, ANTHROPIC, CLAUDE)) == (400, {"detail": "Unsupported model"})
    assert ask(gateway, ANTHROPIC, {**CLAUDE, "model": "glm-5"}).status_code == 200
