"""A caller learns how long to wait wherever the vendor said it, and in whatever dialect either of them speaks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fakes.gateway import RunningGateway
from fakes.suggestions import OPENAI, open_door
from fakes.universal import WAYS, Caller, Way, door_settings
from fakes.upstream import MockUpstream, Reply
from gateway_core.dialects.json_body import render_json

StartGateway = Callable[..., RunningGateway]

RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.07s"}
ERROR = {"code": 429, "message": "Quota exceeded.", "status": "RESOURCE_EXHAUSTED", "details": [RETRY]}
USED_UP = {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m2s"}
# The recorded refusals say it, some of them in more than one way.
NO_HEADER: dict[str, str | None] = {
    "retry-after": None,
    "retry-after-ms": None,
    "x-ratelimit-remaining-requests": None,
}
REPLIES = {
    # Google's endpoint for OpenAI's clients answers so, too: a list around its own error.
    "35": Reply(
        status=429, body=render_json([{"error": ERROR}]), content_type="application/json", headers={**NO_HEADER}
    ),
    "62": Reply(status=429, headers={**NO_HEADER, **USED_UP}),
    "2": Reply(status=429, headers={**NO_HEADER, "retry-after-ms": "1500"}),
}


@pytest.fixture(params=[way for way in WAYS if not way.proxied], ids=lambda way: way.name)
def caller(request: pytest.FixtureRequest, start_gateway: StartGateway, upstream: MockUpstream) -> Caller:
    way: Way = request.param
    return Caller(start_gateway(**door_settings(upstream.url)), way)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("wait", REPLIES)
def test_a_wait_that_no_retry_after_says_becomes_one(
    caller: Caller, upstream: MockUpstream, *, stream: bool, wait: str
) -> None:
    upstream.always(REPLIES[wait])

    answer = caller.ask(stream=stream)

    assert (answer.status, answer.headers.get("retry-after")) == (429, wait)


@pytest.mark.parametrize("wait", REPLIES)
def test_gitlab_is_told_the_wait_as_well(wait: str, start_gateway: StartGateway, upstream: MockUpstream) -> None:
    upstream.always(REPLIES[wait])

    answer = open_door(start_gateway, OPENAI, way="v2 whole", upstream=upstream.url).ask()

    assert (answer.status, answer.headers.get("retry-after")) == (429, wait)
