from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace

import pytest

from fakes.upstream import FRAMINGS, MockUpstream, Reply, SseFraming
from gateway_core.http_client import HttpClient
from gateway_core.inference.events import TextDelta
from gateway_core.inference.ports import Lease
from gateway_core.inference.request import Completion, InferenceRequest
from gateway_core.kernel.errors import NoModelConfigured
from unit.gateway_core.providers.http_calls import CHAT, KEY, STREAM, build, text_of

# What is sent.


@pytest.mark.parametrize(
    ("name", "path", "shown"),
    [
        ("openai", "/v1/chat/completions", {"authorization": "Bearer key-0123456789"}),
        ("compatible", "/v1/chat/completions", {"authorization": "Bearer key-0123456789"}),
        ("fireworks_ai", "/v1/chat/completions", {"authorization": "Bearer key-0123456789"}),
        ("anthropic", "/v1/messages", {"x-api-key": "key-0123456789", "anthropic-version": "2023-06-01"}),
    ],
)
async def test_the_key_and_the_headers_of_the_lease_are_sent(
    upstream: MockUpstream, client: HttpClient, name: str, path: str, shown: dict[str, str]
) -> None:
    lease = Lease(f"{upstream.url}/v1", KEY, {"X-Team": "blue"})

    await text_of(build(client, name), CHAT, lease)

    (seen,) = upstream.requests
    assert (seen.method, seen.path, seen.json["model"]) == ("POST", path, "m1")
    headers = dict(seen.headers)
    assert headers == headers | shown | {"x-team": "blue", "content-type": "application/json"}
    assert {"authorization", "x-api-key"} & headers.keys() == {"authorization", "x-api-key"} & shown.keys()


async def test_without_a_key_none_is_sent(upstream: MockUpstream, client: HttpClient) -> None:
    await text_of(build(client, "compatible"), CHAT, Lease(f"{upstream.url}/v1"))

    assert upstream.requests[0].header("authorization") is None


@pytest.mark.parametrize(
    ("stream", "accepted"), [(True, "text/event-stream"), (False, "application/json")], ids=["stream", "whole"]
)
async def test_what_is_asked_for_is_said(
    upstream: MockUpstream, client: HttpClient, accepted: str, *, stream: bool
) -> None:
    await text_of(build(client), replace(CHAT, stream=stream), Lease(upstream.url))

    assert upstream.requests[0].header("accept") == accepted
    assert bool(upstream.requests[0].json.get("stream")) is stream


async def test_a_completion_goes_to_the_endpoint_of_completions(upstream: MockUpstream, client: HttpClient) -> None:
    await text_of(build(client), replace(CHAT, prompt=Completion("def f(", "pass")), Lease(f"{upstream.url}/v1"))

    assert upstream.requests[0].path == "/v1/completions"
    assert (upstream.requests[0].json["prompt"], upstream.requests[0].json["suffix"]) == ("def f(", "pass")


async def test_a_provider_without_an_endpoint_for_it_says_so(client: HttpClient) -> None:
    request = replace(CHAT, prompt=Completion("def f("))

    with pytest.raises(NoModelConfigured, match=r"^anthropic has no endpoint for a completion; choose a model of"):
        await text_of(build(client, "anthropic"), request, Lease("http://127.0.0.1:1"))


async def test_a_provider_without_an_address_says_so(client: HttpClient) -> None:
    with pytest.raises(NoModelConfigured, match=r"^compatible was given no address to call\.$"):
        await text_of(build(client, "compatible"), CHAT, Lease())


# What comes back.


@pytest.mark.parametrize("name", ["openai", "anthropic"])
@pytest.mark.parametrize("request_", [CHAT, STREAM], ids=["whole", "stream"])
async def test_an_answer_is_read_as_it_was_asked_for(
    upstream: MockUpstream, client: HttpClient, name: str, request_: InferenceRequest
) -> None:
    upstream.always(Reply(text="one two three"))

    events = [event async for event in build(client, name).stream(request_, Lease(upstream.url, KEY))]

    pieces = [event.text for event in events if isinstance(event, TextDelta)]
    assert pieces == (["one", " two", " three"] if request_.stream else ["one two three"])


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
async def test_a_whole_answer_is_read_although_a_stream_was_asked_for(
    upstream: MockUpstream, client: HttpClient, kind: str
) -> None:
    body = b'{"id":"c1","object":"chat.completion","model":"m1","choices":[{"index":0,"message":{"role":"assistant",'
    body += b'"content":"one two"},"finish_reason":"stop"}]}'
    upstream.always(Reply(body=body, content_type=kind))

    assert await text_of(build(client), STREAM, Lease(upstream.url)) == "one two"


@pytest.mark.parametrize("kind", [None, "text/event-stream;charset=utf-8", "text/plain"])
async def test_events_are_read_whatever_a_server_calls_them(
    upstream: MockUpstream, client: HttpClient, kind: str | None
) -> None:
    upstream.always(Reply(text="one two", headers={"content-type": kind}))

    assert await text_of(build(client), STREAM, Lease(upstream.url)) == "one two"


@pytest.mark.parametrize("framing", FRAMINGS.values(), ids=FRAMINGS)
@pytest.mark.parametrize("name", ["openai", "anthropic"])
async def test_a_stream_is_read_whole_however_its_events_are_laid_out(
    upstream: MockUpstream, client: HttpClient, name: str, framing: SseFraming
) -> None:
    upstream.always(Reply(text="één 漢字 🙂", framing=framing, split_utf8=True))

    assert await text_of(build(client, name), STREAM, Lease(upstream.url)) == "één 漢字 🙂"


async def test_the_first_words_are_there_before_the_last_are_sent(upstream: MockUpstream, client: HttpClient) -> None:
    upstream.always(Reply(chunks=("one", " two"), hold_after=1))

    async with aclosing(build(client).stream(STREAM, Lease(upstream.url))) as events:
        pieces: list[str] = []
        async for event in events:
            if isinstance(event, TextDelta):
                pieces.append(event.text)
                upstream.release()

    assert pieces == ["one", " two"]


# Who leaves.


async def test_a_reader_who_leaves_closes_the_call_upstream(upstream: MockUpstream, client: HttpClient) -> None:
    upstream.always(Reply(chunks=("one", " two"), hold_after=1))
    events = build(client).stream(STREAM, Lease(upstream.url))
    await anext(events)

    await events.aclose()

    await asyncio.to_thread(upstream.wait_until, lambda: upstream.requests[0].aborted)
    assert client.open_connections == 0


async def test_a_reader_who_is_cancelled_closes_the_call_upstream(upstream: MockUpstream, client: HttpClient) -> None:
    upstream.always(Reply(hang=True))
    reading = asyncio.create_task(text_of(build(client), STREAM, Lease(upstream.url)))
    await asyncio.to_thread(upstream.wait_until, lambda: upstream.held)

    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    await asyncio.to_thread(upstream.wait_until, lambda: upstream.requests[0].aborted)
    assert client.open_connections == 0


async def test_an_answer_read_to_its_end_leaves_its_connection_for_the_next(
    upstream: MockUpstream, client: HttpClient
) -> None:
    for request in (CHAT, STREAM, CHAT):
        await text_of(build(client), request, Lease(upstream.url))

    assert upstream.connections_made == 1
