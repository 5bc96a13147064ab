from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest

from fakes.raw_server import always, serve
from fakes.upstream import MockUpstream, Reply
from gateway_core.http_client import Deadlines, HttpClient
from gateway_core.inference.events import StreamEvent, TextDelta
from gateway_core.inference.ports import Lease
from gateway_core.inference.request import InferenceRequest
from gateway_core.kernel.errors import (
    GatewayFailure,
    PromptTooLong,
    UpstreamBroken,
    UpstreamCut,
    UpstreamFailure,
    UpstreamGarbled,
    UpstreamKeyRefused,
    UpstreamModelUnknown,
    UpstreamOverloaded,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimedOut,
    UpstreamUnreachable,
)
from gateway_core.kernel.secret import Secret
from gateway_core.kernel.units import Seconds
from gateway_core.providers.http_provider import HttpProvider
from unit.gateway_core.providers.http_calls import CHAT, KEY, LARGEST, LATE, STREAM, build, text_of

SOON = Seconds(0.05)


async def failure_of(provider: HttpProvider, request: InferenceRequest, lease: Lease) -> UpstreamFailure:
    with pytest.raises(UpstreamFailure) as caught:
        await text_of(provider, request, lease)
    assert (caught.value.provider, caught.value.model) == (provider.name, request.model)
    return caught.value


async def test_a_web_page_in_the_place_of_events_is_garbled(upstream: MockUpstream, client: HttpClient) -> None:
    upstream.always(Reply.html(200))

    failure = await failure_of(build(client), STREAM, Lease(upstream.url))

    assert type(failure) is UpstreamGarbled
    assert (failure.detail, failure.upstream_status) == (
        "it answered a web page instead of events; is the address right?",
        200,
    )


async def test_a_web_page_that_does_not_end_is_not_waited_for(upstream: MockUpstream, client: HttpClient) -> None:
    upstream.always(replace(Reply.html(200), hold_after=0))

    assert type(await failure_of(build(client), STREAM, Lease(upstream.url))) is UpstreamGarbled
    assert client.open_connections == 0


async def test_a_web_page_in_the_place_of_an_answer_is_garbled(upstream: MockUpstream, client: HttpClient) -> None:
    upstream.always(Reply.html(200))

    assert type(await failure_of(build(client), CHAT, Lease(upstream.url))) is UpstreamGarbled


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(status=401), UpstreamKeyRefused),
        (Reply(status=403), UpstreamKeyRefused),
        (Reply(status=400, error={"code": "invalid_value", "message": "Bad temperature."}), UpstreamRejected),
        (Reply(status=400), PromptTooLong),
        (Reply(status=404, error={"code": "model_not_found"}), UpstreamModelUnknown),
        (Reply(status=429, headers={"retry-after": "7"}), UpstreamRateLimited),
        (Reply(status=500), UpstreamBroken),
        (Reply(status=503), UpstreamOverloaded),
        (Reply(status=529), UpstreamOverloaded),
        (Reply.html(502), UpstreamBroken),
        (Reply(status=302, body=b"", headers={"location": "http://127.0.0.1:1/"}), UpstreamGarbled),
        (Reply(status=202, body=b"{}"), UpstreamGarbled),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Reply) else value.__name__,
)
@pytest.mark.parametrize("request_", [CHAT, STREAM], ids=["whole", "stream"])
async def test_a_refusal_becomes_the_failure_that_it_stands_for(
    upstream: MockUpstream, client: HttpClient, reply: Reply, kind: type[UpstreamFailure], request_: InferenceRequest
) -> None:
    upstream.always(reply)

    failure = await failure_of(build(client), request_, Lease(upstream.url))

    assert type(failure) is kind
    assert failure.upstream_status == reply.status
    if isinstance(failure, UpstreamRateLimited):
        assert failure.retry_after == "7"


@pytest.mark.parametrize(
    "reply",
    [Reply(status=500, length_surplus=5), Reply(status=500, body=b"x" * 300_000), Reply(status=500, cut_after_bytes=3)],
    ids=["cut short", "too large", "cut off"],
)
async def test_a_refusal_whose_reason_cannot_be_read_is_told_by_its_status(
    upstream: MockUpstream, client: HttpClient, reply: Reply
) -> None:
    upstream.always(reply)

    failure = await failure_of(build(client), CHAT, Lease(upstream.url))

    assert type(failure) is UpstreamBroken
    assert (failure.upstream_status, failure.detail) == (500, "HTTP 500: no body")


async def test_a_closed_port_is_unreachable(client: HttpClient, upstream: MockUpstream) -> None:
    async with serve(always(b"")) as server:
        url = server.url

    failure = await failure_of(build(client), CHAT, Lease(url))

    assert type(failure) is UpstreamUnreachable
    assert "127.0.0.1:" in failure.detail


@pytest.mark.parametrize("phase", ["first_byte", "total"])
async def test_a_provider_that_says_nothing_times_out(
    upstream: MockUpstream, client: HttpClient, phase: Literal["first_byte", "total"]
) -> None:
    upstream.always(Reply(hang=True))
    deadlines = Deadlines(
        connect=LATE,
        first_byte=SOON if phase == "first_byte" else LATE,
        idle=LATE,
        total=SOON if phase == "total" else LATE,
    )

    failure = await failure_of(build(client, deadlines=deadlines), CHAT, Lease(upstream.url))

    assert type(failure) is UpstreamTimedOut
    assert f"the {phase} deadline of 0.05 s has passed" in failure.detail


async def test_a_stream_that_falls_silent_times_out_after_what_it_said(
    upstream: MockUpstream, client: HttpClient
) -> None:
    upstream.always(Reply(chunks=("one", " two"), hold_after=1))
    deadlines = Deadlines(connect=LATE, first_byte=LATE, idle=SOON, total=LATE)
    seen: list[StreamEvent] = []

    async def read() -> None:
        async for event in build(client, deadlines=deadlines).stream(STREAM, Lease(upstream.url)):
            seen.append(event)  # noqa: PERF401 - what came before the failure must be kept

    with pytest.raises(UpstreamTimedOut, match="the idle deadline"):
        await read()

    assert [event.text for event in seen if isinstance(event, TextDelta)] == ["one"]


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        (CHAT, Reply(cut_before_head=True)),
        (CHAT, Reply(cut_after_bytes=20)),
        (CHAT, Reply(length_surplus=5)),
        (STREAM, Reply(cut_before_head=True)),
        (STREAM, Reply(cut_after=1)),
        (STREAM, Reply(cut_after=1, cut="reset")),
        (STREAM, Reply(cut_after=1, transfer="close")),
    ],
    ids=repr,
)
async def test_an_answer_that_ends_too_early_was_cut(
    upstream: MockUpstream, client: HttpClient, request_: InferenceRequest, reply: Reply
) -> None:
    upstream.always(reply)

    assert type(await failure_of(build(client), request_, Lease(upstream.url))) is UpstreamCut


@pytest.mark.parametrize(
    "said",
    [
        b"hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: br\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_garbled(client: HttpClient, said: bytes) -> None:
    async with serve(always(said)) as server:
        assert type(await failure_of(build(client), CHAT, Lease(server.url))) is UpstreamGarbled


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        (CHAT, Reply(truncate_json=True)),
        (CHAT, Reply(body=b"[]")),
        (CHAT, Reply(body=b'{"text":"' + b"x" * LARGEST + b'"}')),
        (STREAM, Reply(body=b'data: {"choices": 7}\n\n', content_type="text/event-stream")),
        (STREAM, Reply(body=b"data: {\n\n", content_type="text/event-stream")),
    ],
    ids=["half a JSON", "no answer", "too large", "no event", "half an event"],
)
async def test_an_answer_that_is_not_of_its_dialect_is_garbled(
    upstream: MockUpstream, client: HttpClient, request_: InferenceRequest, reply: Reply
) -> None:
    upstream.always(reply)

    assert type(await failure_of(build(client), request_, Lease(upstream.url))) is UpstreamGarbled


async def test_a_stream_that_ends_inside_an_event_was_cut(upstream: MockUpstream, client: HttpClient) -> None:
    upstream.always(Reply(body=b'data: {"id":"c1","choi', content_type="text/event-stream", transfer="close"))

    assert type(await failure_of(build(client), STREAM, Lease(upstream.url))) is UpstreamCut


async def test_an_error_inside_a_stream_is_named(upstream: MockUpstream, client: HttpClient) -> None:
    upstream.always(Reply(error_after=1, error={"type": "overloaded_error", "message": "busy"}))

    failure = await failure_of(build(client, "anthropic"), STREAM, Lease(upstream.url, KEY))

    assert type(failure) is UpstreamOverloaded
    assert "busy" in failure.detail


@pytest.mark.parametrize(
    "lease",
    [
        Lease("http://127.0.0.1:99999/v1"),
        Lease("http://[::1/v1"),
        Lease("http://"),
        Lease("http://a host/v1"),
        Lease("http://op:hunter2@127.0.0.1:1/v1"),
        Lease("http://op:hunter2/v1"),
        Lease("http://127.0.0.1:1/v1", Secret("key\nwith a line end")),
        Lease("http://127.0.0.1:1/v1", Secret("ключ")),
        Lease("http://127.0.0.1:1/v1", KEY, {"X Team": "blue"}),
    ],
    ids=[
        "port",
        "bracket",
        "no host",
        "blank",
        "password",
        "no port",
        "line end in the key",
        "no Latin key",
        "header name",
    ],
)
async def test_a_lease_that_cannot_be_sent_is_a_failure_that_we_name(client: HttpClient, lease: Lease) -> None:
    with pytest.raises(GatewayFailure) as caught:
        await text_of(build(client, "compatible"), CHAT, lease)

    for secret in ("hunter2", "with a line end", "ключ"):
        assert secret not in str(caught.value)


async def test_no_failure_shows_the_key(upstream: MockUpstream, client: HttpClient) -> None:
    for reply in (Reply(status=401, error={"message": f"Incorrect API key provided: {KEY.reveal()}"}), Reply.html(500)):
        upstream.always(reply)
        assert KEY.reveal() not in str(await failure_of(build(client), CHAT, Lease(upstream.url, KEY)))
