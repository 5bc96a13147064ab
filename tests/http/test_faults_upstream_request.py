"""What the upstream is sent: its own key and the code, nothing of the caller's; and models that callers bring."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from fakes.gateway import RunningGateway
from fakes.raw_client import Answer, post
from fakes.suggestions import (
    ANTHROPIC,
    DIALECTS,
    OPENAI,
    PREFIX,
    SELF_HOSTED,
    SUFFIX,
    WAYS,
    Brought,
    Dialect,
    Door,
    Way,
    open_door,
    request_in,
    text_in,
    v2_body,
    v4_body,
)
from fakes.upstream import MockUpstream, Reply, SeenRequest

StartGateway = Callable[..., RunningGateway]

DISABLED = "specifying custom models endpoint is disabled"
# What GitLab and a language server send along; nothing of it is the provider's business.
CALLERS = {
    "x-gitlab-instance-id": "instance-of-the-caller",
    "x-gitlab-global-user-id": "user-of-the-caller",
    "x-gitlab-host-name": "gitlab.caller.test",
    "x-gitlab-realm": "self-managed",
    "x-gitlab-version": "18.6.0",
    "x-gitlab-language-server-version": "8.0.0",
    "x-gitlab-rails-send-start": "1700000000.0",
    "cookie": "session=cookie-of-the-caller",
    "user-agent": "agent-of-the-caller/1",
    "x-forwarded-for": "203.0.113.9",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
}


@pytest.fixture(params=DIALECTS, ids=lambda dialect: dialect.name)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    chosen: Dialect = request.param
    return chosen


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    chosen: Way = request.param
    return chosen


@pytest.fixture
def custom(start_gateway: StartGateway) -> RunningGateway:
    return start_gateway(**SELF_HOSTED.settings(""))


def ask(gateway: RunningGateway, path: str, body: object) -> Answer:
    return post(gateway.port, path, body, headers={"authorization": f"Bearer {gateway.key}"})


def only(upstream: MockUpstream) -> SeenRequest:
    [seen] = upstream.requests
    return seen


def prompt_of(seen: SeenRequest) -> str:
    """Give all text that the model is shown."""
    body = seen.json
    if "prompt" in body:
        return str(body["prompt"])
    texts = [part["content"] for part in body["messages"]]
    return json.dumps([body.get("system"), texts], ensure_ascii=False).replace("\\n", "\n")


def test_the_upstream_is_sent_its_own_key_and_the_code(
    dialect: Dialect, way: Way, start_gateway: StartGateway, upstream: MockUpstream
) -> None:
    door = open_door(start_gateway, dialect, way=way, upstream=upstream.url)

    assert door.ask().status == 200

    seen = only(upstream)
    assert (seen.method, seen.path, seen.query) == ("POST", dialect.path, "")
    assert seen.header("content-type") == "application/json"
    assert seen.json.get("stream", False) is (way != "v2 whole")
    if dialect is ANTHROPIC:
        assert seen.header("x-api-key") == dialect.key
        assert seen.header("anthropic-version")
        assert seen.header("authorization") is None
    else:
        assert seen.header("authorization") == f"Bearer {dialect.key}"
        assert seen.header("x-api-key") is None
    assert PREFIX in prompt_of(seen)
    assert SUFFIX in prompt_of(seen)


def test_the_upstream_learns_nothing_of_the_caller(
    dialect: Dialect, way: Way, start_gateway: StartGateway, upstream: MockUpstream
) -> None:
    plain = open_door(start_gateway, dialect, way=way, upstream=upstream.url)
    door = Door(plain.gateway, way, plain.brought, CALLERS)

    assert door.ask("id-of-the-caller").status == 200

    seen = only(upstream)
    assert not [name for name, _ in seen.headers if name.startswith("x-gitlab")]
    whole = json.dumps(seen.headers) + seen.body.decode()
    known = [*CALLERS.values(), door.gateway.key, "id-of-the-caller"]
    assert [value for value in known if value in whole and value != "self-managed"] == []
    assert seen.header("host") == upstream.url.removeprefix("http://")


FORMS = {
    "codegemma": "<|fim_prefix|>{P}<|fim_suffix|>{S}<|fim_middle|>",
    # Full-width bars and lower one-eighth blocks, as in the model's vocabulary.
    "deepseekcoder": "<\uff5cfim\u2581begin\uff5c>{P}<\uff5cfim\u2581hole\uff5c>{S}<\uff5cfim\u2581end\uff5c>",
    "qwen2p5-coder-7b": "<|fim_prefix|>{P}<|fim_suffix|>{S}<|fim_middle|>",
    "codellama": "<PRE> {P} <SUF> {S} <MID>",
}


@pytest.mark.parametrize("family", FORMS)
def test_a_family_that_fills_gaps_is_asked_in_its_own_form(
    family: str, way: Way, custom: RunningGateway, upstream: MockUpstream
) -> None:
    brought = Brought(f"{upstream.url}/v1", "k-0123456789", family)

    answer = Door(custom, way, brought).ask()

    assert text_in(way, answer) == "return a + b"
    seen = only(upstream)
    assert seen.path == "/v1/completions"
    assert seen.json["prompt"] == FORMS[family].replace("{P}", PREFIX).replace("{S}", SUFFIX)
    assert seen.json["model"] == family


def test_codestral_is_asked_in_a_chat_message(way: Way, custom: RunningGateway, upstream: MockUpstream) -> None:
    answer = Door(custom, way, Brought(f"{upstream.url}/v1", "k-0123456789", "codestral")).ask()

    assert text_in(way, answer) == "return a + b"
    seen = only(upstream)
    assert seen.path == "/v1/chat/completions"
    assert seen.json["messages"][-1] == {"role": "user", "content": f"<s>[SUFFIX]{SUFFIX}[PREFIX]{PREFIX}"}


def test_code_that_looks_like_a_template_is_sent_as_it_is(custom: RunningGateway, upstream: MockUpstream) -> None:
    prefix = "{prefix} {suffix} {0} %s ${x} {{ y }} \\1 "
    brought = Brought(f"{upstream.url}/v1", "k-0123456789")

    Door(custom, "v2 whole", brought).ask(prefix=prefix)

    prompt = only(upstream).json["prompt"]
    assert prompt == FORMS["codegemma"].replace("{P}", prefix).replace("{S}", SUFFIX)


@pytest.mark.parametrize(
    ("identifier", "model"),
    [
        ("custom_openai/served-name", "served-name"),
        ("text-completion-custom_openai/org/deep/name", "org/deep/name"),
        ("served-name", "served-name"),
    ],
)
def test_the_model_is_what_follows_the_first_slash_of_the_identifier(
    identifier: str, model: str, *, way: Way, custom: RunningGateway, upstream: MockUpstream
) -> None:
    brought = Brought(f"{upstream.url}/v1", "k-0123456789", identifier=identifier)

    assert Door(custom, way, brought).ask().status == 200

    assert only(upstream).json["model"] == model
    assert only(upstream).path == "/v1/completions"


def test_a_model_without_a_key_is_asked_without_one(custom: RunningGateway, upstream: MockUpstream) -> None:
    body = v2_body(model_provider="litellm", model_name="codegemma", model_endpoint=f"{upstream.url}/v1/")

    assert ask(custom, "/v2/code/completions", body).status == 200

    assert only(upstream).path == "/v1/completions"
    assert only(upstream).header("authorization") is None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("start", [OPENAI, ANTHROPIC], ids=lambda dialect: dialect.name)
def test_a_model_of_the_callers_is_refused_where_that_is_off(
    start: Dialect, way: Way, start_gateway: StartGateway, upstream: MockUpstream
) -> None:
    gateway = open_door(start_gateway, start, way=way, upstream=upstream.url).gateway

    answer = Door(gateway, way, Brought(f"{upstream.url}/elsewhere", "key-of-the-caller")).ask()

    assert answer.status == 422
    assert DISABLED in answer.json["detail"]
    assert upstream.requests == []


@pytest.mark.parametrize("member", ["model_endpoint", "model_api_key"])
def test_each_part_of_a_callers_model_alone_is_refused_where_that_is_off(
    member: str, start_gateway: StartGateway, upstream: MockUpstream
) -> None:
    gateway = open_door(start_gateway, OPENAI, way="v2 whole", upstream=upstream.url).gateway
    body = {**v2_body(model_provider="litellm", model_name="codegemma"), member: upstream.url}

    answer = ask(gateway, "/v2/code/completions", body)

    assert answer.status == 422
    assert DISABLED in answer.json["detail"]
    assert upstream.requests == []


def test_a_generation_goes_to_the_callers_model_too(custom: RunningGateway, upstream: MockUpstream) -> None:
    members = Brought(f"{upstream.url}/v1", "k-0123456789", "mistral").in_v2()
    body = {**v2_body(prompt="write a sum"), **members, "prompt_version": 2}

    answer = ask(custom, "/v2/code/generations", body)

    assert answer.json["choices"][0]["text"] == "\nreturn a + b"
    assert only(upstream).path == "/v1/chat/completions"
    assert "write a sum" in prompt_of(only(upstream))


MALFORMED = {
    "a text": "codegemma",
    "a list": [1],
    "null": None,
    "empty": {},
    "without provider": {"name": "codegemma", "endpoint": "http://127.0.0.1:9/v1"},
    "a provider that is a number": {"provider": 1, "name": "codegemma"},
    "an endpoint that is none": {"provider": "litellm", "name": "codegemma", "endpoint": "not an address"},
    "a name too long": {"provider": "litellm", "name": "x" * 256, "endpoint": "http://127.0.0.1:9/v1"},
    "a key too long": {"provider": "litellm", "name": "x", "endpoint": "http://127.0.0.1:9/v1", "api_key": "k" * 2001},
}


@pytest.mark.parametrize("metadata", MALFORMED.values(), ids=MALFORMED.keys())
def test_model_metadata_that_does_not_fit_is_ignored(
    metadata: object, start_gateway: StartGateway, upstream: MockUpstream
) -> None:
    gateway = open_door(start_gateway, OPENAI, way="v4 stream", upstream=upstream.url).gateway

    answer = ask(gateway, "/v4/code/suggestions", {**v4_body(), "model_metadata": metadata})

    assert answer.status == 200
    assert text_in("v4 stream", answer) == "return a + b"
    assert only(upstream).path == OPENAI.path
    assert only(upstream).header("authorization") == f"Bearer {OPENAI.key}"


ODD_ADDRESSES = [
    "http://",
    "http://[",
    "http://127.0.0.1:99999/v1",
    "http://ho st/v1",
    "ftp://127.0.0.1/v1",
    "nonsense",
    "http://u:p@127.0.0.1:9/v1",
]


@pytest.mark.parametrize("endpoint", [*ODD_ADDRESSES, "http://127.0.0.1:9/v1\r\nx-more: 1"])
def test_an_address_that_is_none_fails_in_words(endpoint: str, custom: RunningGateway) -> None:
    _, body = request_in("v2 whole", Brought(endpoint, "k-0123456789"))

    answer = ask(custom, "/v2/code/completions", body)

    assert answer.status in {422, 503}, answer
    assert answer.json["detail"]


@pytest.mark.parametrize("key", ["bad-key-1\r\nx-injected: 1", "bad-key-1-\u4f60", "bad-key-1\x00"])
def test_a_key_that_is_no_header_value_is_refused(key: str, custom: RunningGateway, upstream: MockUpstream) -> None:
    _, body = request_in("v2 whole", Brought(f"{upstream.url}/v1", key))

    answer = ask(custom, "/v2/code/completions", body)

    assert answer.status in {422, 503}, answer
    assert [seen for seen in upstream.requests if seen.header("x-injected")] == []
    assert "bad-key-1" not in custom.log_text() + answer.body.decode()


def test_headers_of_the_operator_reach_the_callers_model(start_gateway: StartGateway, upstream: MockUpstream) -> None:
    extra = {"AIGW_CUSTOM_MODELS__EXTRA_HEADERS": '{"x-tenant": "blue"}'}
    door = open_door(start_gateway, SELF_HOSTED, way="v2 whole", upstream=upstream.url, **extra)

    assert door.ask().status == 200

    assert only(upstream).header("x-tenant") == "blue"


def test_an_echo_of_the_prompt_is_handed_back_whole(custom: RunningGateway, upstream: MockUpstream) -> None:
    upstream.always(Reply(echo=True))
    brought = Brought(f"{upstream.url}/v1", "k-0123456789")

    answer = Door(custom, "v2 stream", brought).ask()

    assert json.loads(answer.body) == only(upstream).json
