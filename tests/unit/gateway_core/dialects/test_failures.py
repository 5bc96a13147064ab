from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.dialects.failures import StreamedError, classify, classify_streamed, streamed_error
from gateway_core.kernel.errors import (
    PromptTooLong,
    UpstreamBroken,
    UpstreamFailure,
    UpstreamGarbled,
    UpstreamKeyRefused,
    UpstreamModelUnknown,
    UpstreamOverloaded,
    UpstreamRateLimited,
    UpstreamRejected,
)


def refusal(status: int, body: bytes | dict[str, object], *, retry_after: str | None = None) -> UpstreamFailure:
    wire = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return classify(status, {"retry-after": retry_after}.get, wire, provider="acme", model="m1")


def openai_error(message: str, *, code: str | None = None, kind: str = "invalid_request_error") -> dict[str, object]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def anthropic_error(message: str, *, kind: str = "invalid_request_error") -> dict[str, object]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (401, openai_error("Incorrect API key", code="invalid_api_key"), UpstreamKeyRefused),
        (403, openai_error("No access to model", code="model_not_found"), UpstreamKeyRefused),
        (402, anthropic_error("Out of credit", kind="billing_error"), UpstreamKeyRefused),
        (404, openai_error("The model `x` does not exist", code="model_not_found"), UpstreamModelUnknown),
        (404, anthropic_error("model: claude-none", kind="not_found_error"), UpstreamModelUnknown),
        (404, {"error": "model 'x' not found, try pulling it first"}, UpstreamModelUnknown),
        (400, openai_error("Unknown model", code="model_not_found"), UpstreamModelUnknown),
        (404, {"detail": "Not Found"}, UpstreamRejected),
        (404, b"<html><title>404 Not Found</title></html>", UpstreamRejected),
        (400, openai_error("'temperature' is too high"), UpstreamRejected),
        (400, openai_error("max_tokens is too large: 9. This model supports at most 4."), UpstreamRejected),
        (413, anthropic_error("Request exceeds the maximum size", kind="request_too_large"), UpstreamRejected),
        (418, b"", UpstreamRejected),
        (500, anthropic_error("Internal server error", kind="api_error"), UpstreamBroken),
        (500, anthropic_error("Overloaded", kind="overloaded_error"), UpstreamOverloaded),
        (502, b"<html><head><title>502 Bad Gateway</title></head></html>", UpstreamBroken),
        (503, b"", UpstreamOverloaded),
        (529, anthropic_error("Overloaded", kind="overloaded_error"), UpstreamOverloaded),
        (302, b"", UpstreamGarbled),
    ],
)
def test_a_refusal_is_named_by_status_then_code_then_text(
    status: int, body: bytes | dict[str, object], failure: type[UpstreamFailure]
) -> None:
    named = refusal(status, body)

    assert type(named) is failure
    assert (named.provider, named.model, named.upstream_status) == ("acme", "m1", status)


@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
        "prompt is too long: 213462 tokens > 200000 maximum",
        "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
        "Your input exceeds the context window of this model.",
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
        "This model's maximum prompt length is 131072 but the request contains 140000 tokens.",
        "Input is too long for requested model.",
        "request (33056 tokens) exceeds the available context size (32768 tokens), try increasing it",
        "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens",
        "The decoder prompt (length 9000) is longer than the maximum model length of 8192.",
        "Please reduce the length of the messages or completion.",
    ],
)
@pytest.mark.parametrize("status", [400, 413])
def test_every_vendors_words_for_too_long_a_prompt_are_known(status: int, message: str) -> None:
    assert type(refusal(status, openai_error(message))) is PromptTooLong
    assert type(refusal(status, {"object": "error", "message": message, "code": 400})) is PromptTooLong


def test_the_code_for_too_long_a_prompt_needs_no_words() -> None:
    assert type(refusal(400, openai_error("no", code="context_length_exceeded"))) is PromptTooLong


def test_too_long_in_a_rate_limit_stays_a_rate_limit() -> None:
    assert type(refusal(429, openai_error("prompt is too long for your tokens a minute"))) is UpstreamRateLimited


@pytest.mark.parametrize("asked", ["20", "Wed, 21 Oct 2026 07:28:00 GMT", None])
def test_a_rate_limit_carries_the_wait_it_asked_for_unread(asked: str | None) -> None:
    failure = refusal(429, openai_error("Slow down", code="rate_limit_exceeded"), retry_after=asked)

    assert isinstance(failure, UpstreamRateLimited)
    assert failure.retry_after == asked
    assert failure.detail == "HTTP 429 rate_limit_exceeded: Slow down"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": {"code": 400, "message": "Bad", "status": "INVALID_ARGUMENT"}}, "400: Bad"),
        ([{"error": {"code": 400, "message": "Bad"}}], "400: Bad"),
        ({"detail": [{"loc": ["body"], "msg": "field required"}]}, ": field required"),
        ({"detail": "Not Found"}, ": Not Found"),
        ({"error": "plain"}, ": plain"),
        ({"message": "Bad", "statusCode": 400}, ": Bad"),
        ({"type": "error", "error": {"type": "t", "message": "two\nlines\tand more"}}, " t: two lines and more"),
        ({}, ": no message"),
        ([], ": a body without a message"),
    ],
)
def test_the_vendors_message_is_found_in_every_shape(body: object, said: str) -> None:
    assert refusal(400, msgspec.json.encode(body)).detail.endswith(said)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "HTTP 500: no body"),
        (b"upstream connect error", "HTTP 500: upstream connect error"),
        (b"<html>\n<head><title>Bad\nGateway</title>", "HTTP 500: a page of HTML: Bad Gateway"),
        (b"<!doctype html>", "HTTP 500: a page of HTML"),
        (b"\xff\xfe\x00", "HTTP 500: ???"),
        (b"[" * 100_000, "HTTP 500: " + "[" * 289 + "…"),
    ],
)
def test_a_body_that_is_no_json_becomes_a_short_line(body: bytes, said: str) -> None:
    assert refusal(500, body).detail.replace("�", "?") == said


@pytest.mark.parametrize(
    "secret",
    [
        "sk-ant-api03-abcDEF123",
        "sk-proj-1234",
        "sk-abc***xyz",
        "AIzaSyD4x7Qw9Zk2Lm8Np3Rt6Vb1Yc5Hj0Ef",
        "3f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c.Zk2Lm8Np3Rt6Vb1Y",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "dGhpcyBpcyBub3QgYSBrZXkgYnV0IGl0IGxvb2tz/aWtlIG9uZQ==",
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnop",
        "xai-abcdefghijkl",
    ],
)
def test_what_looks_like_a_key_never_reaches_the_detail(secret: str) -> None:
    for message in (f"Invalid key {secret}.", f"key={secret}", f'{{"k":"{secret}"}}', secret):
        assert secret not in refusal(400, openai_error(message)).detail
        assert secret not in str(refusal(400, message.encode()))


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Authorization: Bearer abc is wrong", "Authorization: Bearer *** is wrong"),
        ("used bearer abc, sorry", "used bearer ***, sorry"),
        ("Incorrect API key provided: test-key.", "Incorrect API key provided: ***"),
        ("api_key=short; retry", "api_key=***; retry"),
    ],
)
def test_a_value_named_as_a_secret_is_masked_however_short(message: str, said: str) -> None:
    assert refusal(400, openai_error(message)).detail.endswith(f": {said}")


def test_the_code_of_a_refused_key_does_not_hide_the_message() -> None:
    refused = refusal(401, openai_error("Incorrect API key provided: test-key.", code="invalid_api_key"))

    assert refused.detail == "HTTP 401 invalid_api_key: Incorrect API key provided: ***"


@pytest.mark.parametrize(
    "name",
    [
        "claude-sonnet-4-5-20250929",
        "Qwen/Qwen3-Coder-480B-A35B-Instruct",
        "accounts/fireworks/models/qwen2p5-coder-7b",
        "https://api.example.com/v1/chat/completions",
        "max_completion_tokens",
        "550e8400-e29b-41d4-a716-446655440000",
    ],
)
def test_names_that_an_operator_needs_stay_readable(name: str) -> None:
    assert name in refusal(400, openai_error(f"No {name} here")).detail


@given(body=st.binary(max_size=200) | st.text(max_size=600).map(lambda text: msgspec.json.encode(openai_error(text))))
def test_any_body_gives_one_bounded_printable_line(body: bytes) -> None:
    detail = refusal(500, body).detail

    assert len(detail) <= 300
    assert detail.isprintable()


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (b'{"type":"overloaded_error","message":"Overloaded"}', UpstreamOverloaded),
        (b'{"type":"rate_limit_error","message":"Slow down"}', UpstreamRateLimited),
        (b'{"type":"invalid_request_error","message":"prompt is too long: 3 > 2"}', PromptTooLong),
        (b'{"message":"The server had an error","type":"server_error","param":null,"code":null}', UpstreamBroken),
        (b'{"object":"error","message":"Not multimodal","type":"BadRequestError","code":400}', UpstreamRejected),
        (b'{"message":"Too big","code":"context_length_exceeded"}', PromptTooLong),
        (b'{"code":502,"message":"Provider returned error"}', UpstreamBroken),
        (b'{"type":"authentication_error","message":"no"}', UpstreamKeyRefused),
        (b'"it broke"', UpstreamBroken),
    ],
)
def test_an_error_inside_a_stream_is_named_as_a_refusal_would_be(body: bytes, failure: type[UpstreamFailure]) -> None:
    assert type(classify_streamed(streamed_error(body), provider="acme", model="m1")) is failure


def test_an_error_inside_a_stream_keeps_the_status_that_it_names() -> None:
    named = classify_streamed(StreamedError("no", status=529, kind="x"), provider="acme", model="m1")

    assert isinstance(named, UpstreamOverloaded)
    assert named.upstream_status == 529
    assert named.detail == "error in the stream x: no"
