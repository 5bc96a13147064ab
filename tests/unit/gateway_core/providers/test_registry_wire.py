"""Every provider against its recorded exchanges: what is asked, and what becomes of the answer."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from gateway_core.http_client import HttpClient
from gateway_core.inference.collect import collect_stream
from gateway_core.inference.events import FinishReason
from gateway_core.inference.ports import Lease, RawCall
from gateway_core.inference.request import Json, Thinking, ToolCall
from gateway_core.kernel.errors import (
    PromptTooLong,
    UpstreamBroken,
    UpstreamFailure,
    UpstreamKeyRefused,
    UpstreamModelUnknown,
    UpstreamOverloaded,
    UpstreamRateLimited,
    UpstreamRejected,
)
from gateway_core.kernel.secret import Secret
from gateway_core.providers.http_provider import HttpProvider
from unit.gateway_core.providers.http_calls import LARGEST, PATIENT
from unit.gateway_core.providers.recordings import POSTED, SPECS, Exchange, replayed

ANSWERED = [
    exchange
    for exchange in POSTED
    if exchange.status == 200 and exchange.endpoint and not exchange.case.endswith("_error")
]
PASSED_ON = [exchange for exchange in POSTED if exchange.status == 200 and exchange.operation]
REFUSED = [exchange for exchange in POSTED if exchange.status != 200]

FAILURES: dict[int, type[UpstreamFailure]] = {
    400: PromptTooLong,
    401: UpstreamKeyRefused,
    402: UpstreamKeyRefused,
    403: UpstreamKeyRefused,
    404: UpstreamModelUnknown,
    412: UpstreamRejected,
    413: UpstreamRejected,
    422: UpstreamRejected,
    429: UpstreamRateLimited,
    500: UpstreamBroken,
    502: UpstreamBroken,
    503: UpstreamOverloaded,
    529: UpstreamOverloaded,
}
# Where the recording is about something else.
OTHERWISE: dict[tuple[str, int], type[UpstreamFailure]] = {("google", 400): UpstreamRejected}
WAIT_IN_BODY = {"google": "20"}


@dataclass(frozen=True)
class Signature:
    """Signs as the recording was signed: for providers whose keys are no headers of their own."""

    headers: tuple[tuple[str, str], ...]

    async def sign(self, method: str, url: str, *, body: bytes) -> list[tuple[str, str]]:
        """Give the recorded proof."""
        assert (method, body[:1]) == ("POST", b"{")
        assert url.startswith("http://127.0.0.1:")
        return list(self.headers)


def lease_for(exchange: Exchange, host: str) -> Lease:
    """Give a key, or a signer where a cloud's token was recorded."""
    proof = ("authorization", "Bearer access-token")
    signed = proof in exchange.request_headers.items()
    return Lease(
        exchange.address(host),
        secret=None if signed else Secret("test-key"),
        signer=Signature((proof,)) if signed else None,
        variables=exchange.variables,
    )


def spelled_out(body: bytes) -> dict[str, Json]:
    """Read a request; an item of OpenAI's responses that does not say its type is a message."""
    members: dict[str, Json] = json.loads(body)
    items = members.get("input")
    if isinstance(items, list):
        members["input"] = [{"type": "message", **item} if isinstance(item, dict) else item for item in items]
    return members


def provider_for(exchange: Exchange, client: HttpClient) -> HttpProvider:
    return HttpProvider(exchange.only_here(), client, PATIENT, LARGEST)


@pytest.mark.parametrize("exchange", ANSWERED, ids=str)
async def test_what_is_asked_is_what_was_recorded(exchange: Exchange, client: HttpClient) -> None:
    async with replayed(exchange) as server:
        stream = provider_for(exchange, client).stream(exchange.question(), lease_for(exchange, server.url))
        await collect_stream(stream)

    (seen,) = server.requests
    assert (seen.method, seen.path) == ("POST", exchange.path)
    assert seen.headers.items() >= exchange.request_headers.items()
    assert spelled_out(seen.body) == spelled_out(exchange.request)


@pytest.mark.parametrize("exchange", ANSWERED, ids=str)
async def test_the_recorded_answer_is_read_whole(exchange: Exchange, client: HttpClient) -> None:
    async with replayed(exchange) as server:
        stream = provider_for(exchange, client).stream(exchange.question(), lease_for(exchange, server.url))
        answer = await collect_stream(stream)

    calls = [part for part in answer.parts if isinstance(part, ToolCall)]
    thoughts = [part.text for part in answer.parts if isinstance(part, Thinking)]
    reason: FinishReason = "tool_calls" if "tools" in exchange.case else "stop"
    if "tools" in exchange.case:
        assert [(call.name, json.loads(call.arguments)) for call in calls] == [("read_file", {"path": "shape.py"})]
        assert calls[0].id
    else:
        assert answer.text == "return a + b"
        assert calls == []
    if "reasoning" in exchange.case or "thinking" in exchange.case:
        assert "".join(thoughts)
    assert answer.finished.reason == reason
    # Converse's answers do not say who gave them.
    assert answer.model or exchange.provider == "bedrock"
    assert answer.usage
    assert answer.usage.input_tokens > 0
    assert answer.usage.output_tokens > 0


@pytest.mark.parametrize("exchange", PASSED_ON, ids=str)
async def test_what_is_only_passed_on_reaches_its_place_and_comes_back_untouched(
    exchange: Exchange, client: HttpClient
) -> None:
    operation = exchange.operation
    assert operation
    provider = HttpProvider(exchange.spec, client, PATIENT, LARGEST)
    async with replayed(exchange) as server:
        call = RawCall(operation, exchange.passed_on_for, exchange.request, stream=False)
        answer = await provider.forward(call, lease_for(exchange, server.url))
        try:
            body = await answer.read(limit=LARGEST)
        finally:
            answer.close()

    (seen,) = server.requests
    assert (seen.path, seen.body) == (exchange.path, exchange.request)
    assert seen.headers.items() >= exchange.request_headers.items()
    assert (answer.status, body) == (200, exchange.response)


@pytest.mark.parametrize("exchange", REFUSED, ids=str)
async def test_a_refusal_in_the_vendors_own_shape_is_named_for_what_it_is(
    exchange: Exchange, client: HttpClient
) -> None:
    async with replayed(exchange) as server:
        question = exchange.answered().question()
        stream = provider_for(exchange, client).stream(question, lease_for(exchange, server.url))
        with pytest.raises(UpstreamFailure) as caught:
            await collect_stream(stream)

    failure = caught.value
    assert type(failure) is OTHERWISE.get((exchange.provider, exchange.status), FAILURES[exchange.status])
    assert (failure.provider, failure.upstream_status) == (exchange.provider, exchange.status)
    assert "test-key" not in str(failure)
    assert "no message" not in failure.detail
    if isinstance(failure, UpstreamRateLimited):
        # Google says it in the body.
        assert failure.retry_after == exchange.response_headers.get("retry-after", WAIT_IN_BODY.get(exchange.provider))


# Rows and recordings.


@pytest.mark.parametrize("name", SPECS)
def test_every_row_has_recordings_of_all_it_offers(name: str) -> None:
    spec = SPECS[name]
    own = [exchange for exchange in POSTED if exchange.provider == name]
    answered = {
        (found[0], exchange.streamed) for exchange in own if exchange.status == 200 and (found := exchange.endpoint)
    }

    assert answered == {(dialect, streamed) for dialect in spec.endpoints for streamed in (True, False)}
    assert {exchange.operation for exchange in own if exchange.operation} == set(spec.raw)
    refused = {exchange.status for exchange in own}
    assert {400, 404, 429, 500} <= refused
    # A wrong key.
    assert {401, 403} & refused


@pytest.mark.parametrize("exchange", POSTED, ids=str)
def test_every_recording_belongs_to_a_row_and_one_of_its_places(exchange: Exchange) -> None:
    assert exchange.provider in SPECS
    assert exchange.endpoint or exchange.operation


HOSTED = [exchange for exchange in POSTED if exchange.provider in SPECS and exchange.spec.base_url]


@pytest.mark.parametrize("exchange", HOSTED, ids=str)
def test_a_recording_was_made_where_the_row_says(exchange: Exchange) -> None:
    host = str(exchange.head.get("host", ""))
    address = exchange.spec.base_url or ""
    for name, value in exchange.variables.items():
        address = address.replace("{" + name + "}", value)

    assert not host or address.partition("://")[2].partition("/")[0] == host
