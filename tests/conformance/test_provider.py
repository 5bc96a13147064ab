"""What every provider owes the rest of the product: one suite over the fake, the script and each wire dialect."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, aclosing, contextmanager
from dataclasses import dataclass
from typing import get_args

import pytest

from fakes.provider import FakeProvider, Hold, Step
from fakes.upstream import MockUpstream, Reply
from gateway_core.http_client import Deadlines, HttpClient
from gateway_core.inference.events import Finished, Started, StreamEvent, TextDelta, UsageReported
from gateway_core.inference.ports import Lease, Provider
from gateway_core.inference.request import Completion, InferenceRequest, Text, conversation_of
from gateway_core.kernel.errors import UpstreamFailure, UpstreamOverloaded
from gateway_core.kernel.secret import Secret
from gateway_core.kernel.units import Seconds
from gateway_core.providers.http_provider import HttpProvider
from gateway_core.providers.registry import find_specs
from gateway_core.providers.scripted import ScriptedProvider

PATIENT = Deadlines(connect=Seconds(20), first_byte=Seconds(20), idle=Seconds(20), total=Seconds(20))


@dataclass(frozen=True)
class Subject:
    """A provider under test, told to repeat the prompt in its answer, and what can be seen behind it."""

    provider: Provider
    lease: Lease
    completes: bool
    """It continues a text; else it takes part in a conversation."""
    calls_seen: Callable[[], int]
    at_rest: Callable[[], Awaitable[bool]]
    """Tell whether nothing of a call is left running."""
    fail: Callable[[], None] = lambda: None
    """From now on it refuses."""
    stall: Callable[[], None] = lambda: None
    """From now on it says nothing."""
    stalled: Callable[[], Awaitable[None]] | None = None
    """Wait until a call hangs."""

    def request(self, prompt: str, *, stream: bool = True) -> InferenceRequest:
        asked = Completion(prompt, "") if self.completes else conversation_of(system="", user=prompt)
        return InferenceRequest("m1", asked, stream=stream)

    def stream(self, prompt: str = "Hi", *, stream: bool = True) -> AsyncGenerator[StreamEvent]:
        return self.provider.stream(self.request(prompt, stream=stream), self.lease)


async def resting() -> bool:
    return True


def prompt_of(request: InferenceRequest) -> str:
    if isinstance(request.prompt, Completion):
        return request.prompt.prompt
    return "".join(part.text for message in request.prompt.messages for part in message.parts if isinstance(part, Text))


def echo(request: InferenceRequest) -> Sequence[Step]:
    return [Started("c1", "m1"), TextDelta("you said: "), TextDelta(prompt_of(request)), Finished("stop", "stop")]


@contextmanager
def a_fake() -> Iterator[Subject]:
    fake, hold = FakeProvider(answering=echo), Hold()

    async def at_rest() -> bool:
        return fake.running == 0

    async def stalled() -> None:
        await hold.reached.wait()

    def become(*script: Step) -> None:
        fake.answering, fake.script = None, script

    yield Subject(
        provider=fake,
        lease=Lease(),
        completes=False,
        calls_seen=lambda: len(fake.calls),
        at_rest=at_rest,
        fail=lambda: become(UpstreamOverloaded("busy", provider="fake", model="m1")),
        stall=lambda: become(hold),
        stalled=stalled,
    )


@contextmanager
def a_script(*, completes: bool) -> Iterator[Subject]:
    yield Subject(ScriptedProvider(), Lease(), completes=completes, calls_seen=lambda: 0, at_rest=resting)


@contextmanager
def over_http(name: str, *, completes: bool) -> Iterator[Subject]:
    client = HttpClient()
    with MockUpstream() as upstream:
        upstream.always(Reply(echo=True))

        async def at_rest() -> bool:
            await asyncio.to_thread(upstream.wait_until, lambda: upstream.open_connections == client.idle_connections)
            return client.open_connections == client.idle_connections

        yield Subject(
            provider=HttpProvider(find_specs()[name], client, PATIENT, 1_000_000),
            lease=Lease(upstream.url, Secret("key-0123456789")),
            completes=completes,
            calls_seen=lambda: upstream.connections_made,
            at_rest=at_rest,
            fail=lambda: upstream.always(Reply(status=503)),
            stall=lambda: upstream.always(Reply(hang=True)),
            stalled=lambda: asyncio.to_thread(upstream.wait_until, lambda: upstream.held),
        )
        upstream.release()


MAKERS: Mapping[str, Callable[[], AbstractContextManager[Subject]]] = {
    "fake": a_fake,
    "scripted conversation": lambda: a_script(completes=False),
    "scripted completion": lambda: a_script(completes=True),
    "openai chat": lambda: over_http("openai", completes=False),
    "openai completions": lambda: over_http("openai", completes=True),
    "anthropic messages": lambda: over_http("anthropic", completes=False),
    "compatible": lambda: over_http("compatible", completes=False),
}
CAN_FAIL = [name for name in MAKERS if not name.startswith("scripted")]


@pytest.fixture(params=MAKERS)
async def subject(request: pytest.FixtureRequest) -> AsyncGenerator[Subject]:
    with MAKERS[request.param]() as made:
        yield made
        if isinstance(made.provider, HttpProvider):
            await made.provider.http.close()


fallible = pytest.mark.parametrize("subject", CAN_FAIL, indirect=True)
both_ways = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])


async def read(events: AsyncGenerator[StreamEvent]) -> list[StreamEvent]:
    async with aclosing(events):
        return [event async for event in events]


def text_in(events: list[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def test_it_has_a_name(subject: Subject) -> None:
    assert subject.provider.name


@both_ways
async def test_an_answer_starts_once_finishes_once_and_speaks_in_between(subject: Subject, *, stream: bool) -> None:
    events = await read(subject.stream("Say it again", stream=stream))

    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    assert [type(event) for event in events].count(Started) == 1
    assert [type(event) for event in events].count(Finished) == 1
    assert all(isinstance(event, get_args(StreamEvent)) for event in events)
    assert "Say it again" in text_in(events)


@both_ways
async def test_no_piece_of_text_is_empty_and_tokens_are_never_negative(subject: Subject, *, stream: bool) -> None:
    events = await read(subject.stream(stream=stream))

    assert all(event.text for event in events if isinstance(event, TextDelta))
    for event in events:
        if isinstance(event, UsageReported):
            assert min(event.usage.input_tokens, event.usage.output_tokens) >= 0


async def test_a_streamed_answer_comes_in_pieces(subject: Subject) -> None:
    streamed = [event for event in await read(subject.stream("one two three")) if isinstance(event, TextDelta)]

    assert len(streamed) > 1


@both_ways
async def test_nothing_is_called_before_the_first_event_is_asked_for(subject: Subject, *, stream: bool) -> None:
    events = subject.stream(stream=stream)

    await events.aclose()

    assert subject.calls_seen() == 0
    assert await subject.at_rest()


@both_ways
async def test_a_call_read_to_its_end_leaves_nothing_running(subject: Subject, *, stream: bool) -> None:
    await read(subject.stream(stream=stream))

    assert await subject.at_rest()


async def test_a_call_closed_in_the_middle_gives_no_more_and_leaves_nothing_running(subject: Subject) -> None:
    events = subject.stream("one two three four five")
    await anext(events)

    await events.aclose()

    assert [event async for event in events] == []
    assert await subject.at_rest()


@both_ways
async def test_calls_at_the_same_time_do_not_mix(subject: Subject, *, stream: bool) -> None:
    prompts = [f"question <{number}>" for number in range(8)]

    answers = await asyncio.gather(*(read(subject.stream(prompt, stream=stream)) for prompt in prompts))

    for own, events in zip(prompts, answers, strict=True):
        assert [prompt for prompt in prompts if prompt in text_in(events)] == [own]
    assert await subject.at_rest()


async def test_the_same_request_can_be_made_again(subject: Subject) -> None:
    request = subject.request("again")

    first, second = [await read(subject.provider.stream(request, subject.lease)) for _ in range(2)]

    assert text_in(first) == text_in(second)


async def test_text_of_any_language_comes_through(subject: Subject) -> None:
    prompt = "naïve 漢字 🙂"

    said = text_in(await read(subject.stream(prompt)))

    # An echo of JSON may write a character by its number.
    assert prompt in said or json.dumps(prompt)[1:-1] in said


@fallible
@both_ways
async def test_a_refusal_is_an_upstream_failure_that_names_the_provider(subject: Subject, *, stream: bool) -> None:
    subject.fail()

    with pytest.raises(UpstreamFailure) as caught:
        await read(subject.stream(stream=stream))

    assert isinstance(caught.value, UpstreamOverloaded)
    assert (caught.value.provider, caught.value.model) == (subject.provider.name, "m1")
    assert "key-0123456789" not in str(caught.value)
    assert await subject.at_rest()


@fallible
@both_ways
async def test_a_reader_who_is_cancelled_while_waiting_leaves_nothing_running(
    subject: Subject, *, stream: bool
) -> None:
    subject.stall()
    reading = asyncio.create_task(read(subject.stream(stream=stream)))
    assert subject.stalled
    await subject.stalled()

    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    assert await subject.at_rest()
