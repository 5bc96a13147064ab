"""The fake upstream, judged by the vendors' own clients."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing

# The clients are the judge of our wire formats here; nothing we ship imports them.
import anthropic

# Same reason.
import openai
import pytest

from fakes.upstream import FRAMINGS, MockUpstream, Reply, ReplyUsage, SseFraming, ToolUse

QUESTION = "def add(a, b):"
READ_FILE = ToolUse("call_7", "read_file", '{"path":"src/shape.py"}')
LIST_FILES = ToolUse("call_8", "list_files", "{}")


@pytest.fixture
def openai_client(upstream: MockUpstream) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{upstream.url}/any/prefix/v1", api_key="k", max_retries=0, timeout=10) as client:
        yield client


@pytest.fixture
def anthropic_client(upstream: MockUpstream) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=f"{upstream.url}/any", api_key="k", max_retries=0, timeout=10) as client:
        yield client


def openai_text(client: openai.OpenAI) -> str:
    stream = client.chat.completions.create(model="m", messages=[{"role": "user", "content": QUESTION}], stream=True)
    with closing(stream):
        return "".join(choice.delta.content or "" for chunk in stream for choice in chunk.choices)


def anthropic_text(client: anthropic.Anthropic) -> str:
    messages: list[anthropic.types.MessageParam] = [{"role": "user", "content": QUESTION}]
    with client.messages.stream(model="m", max_tokens=9, messages=messages) as stream:
        return "".join(stream.text_stream)


def anthropic_message(client: anthropic.Anthropic) -> anthropic.types.Message:
    return client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": QUESTION}])


def test_openai_reads_a_whole_chat_answer(upstream: MockUpstream, openai_client: openai.OpenAI) -> None:
    upstream.script(Reply(text="hé", finish_reason="length", usage=ReplyUsage(10, 3, cached_tokens=4)))

    answer = openai_client.chat.completions.create(
        model="our-model", messages=[{"role": "user", "content": QUESTION}], temperature=0
    )

    assert answer.model == "our-model"
    assert answer.choices[0].message.content == "hé"
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.prompt_tokens_details is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (10, 3, 13)
    assert answer.usage.prompt_tokens_details.cached_tokens == 4
    [seen] = upstream.requests
    assert (seen.method, seen.path) == ("POST", "/any/prefix/v1/chat/completions")
    assert seen.header("Authorization") == "Bearer k"
    assert seen.json["messages"] == [{"role": "user", "content": QUESTION}]


def test_openai_reads_a_chat_stream_in_several_chunks(openai_client: openai.OpenAI) -> None:
    stream = openai_client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}], stream=True)
    with closing(stream):
        chunks = list(stream)

    contents = [choice.delta.content for chunk in chunks for choice in chunk.choices if choice.delta.content]
    assert contents == ["return", " a", " +", " b"]
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in chunks)


def test_openai_gets_usage_at_the_end_of_a_stream_that_asked_for_it(
    upstream: MockUpstream, openai_client: openai.OpenAI
) -> None:
    upstream.script(Reply(usage=ReplyUsage(7, 5)))
    stream = openai_client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "x"}], stream=True, stream_options={"include_usage": True}
    )
    with closing(stream):
        *before, last = list(stream)

    assert all(chunk.usage is None for chunk in before)
    assert last.choices == []
    assert last.usage is not None
    assert (last.usage.prompt_tokens, last.usage.completion_tokens) == (7, 5)


def test_openai_reads_text_completions_whole_and_streamed(openai_client: openai.OpenAI) -> None:
    whole = openai_client.completions.create(model="fill", prompt=QUESTION, suffix="\n")
    stream = openai_client.completions.create(model="fill", prompt=QUESTION, stream=True)
    with closing(stream):
        streamed = list(stream)

    assert (whole.model, whole.choices[0].text) == ("fill", "return a + b")
    assert "".join(chunk.choices[0].text for chunk in streamed) == "return a + b"
    assert streamed[-1].choices[0].finish_reason == "stop"


def test_openai_reads_tool_calls_whole_and_streamed(upstream: MockUpstream, openai_client: openai.OpenAI) -> None:
    upstream.always(Reply(tool_calls=(READ_FILE, LIST_FILES)))

    whole = openai_client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])
    with openai_client.chat.completions.stream(model="m", messages=[{"role": "user", "content": "x"}]) as stream:
        streamed = stream.get_final_completion()

    for choice in (whole.choices[0], streamed.choices[0]):
        assert choice.message.content is None
        assert choice.finish_reason == "tool_calls"
        calls = [call for call in choice.message.tool_calls or [] if call.type == "function"]
        seen = [ToolUse(call.id, call.function.name, call.function.arguments) for call in calls]
        assert seen == [READ_FILE, LIST_FILES]


def test_openai_lists_models(openai_client: openai.OpenAI) -> None:
    assert "gpt-4.1-mini" in [model.id for model in openai_client.models.list()]


async def test_the_async_clients_read_both_vendors_streams(upstream: MockUpstream) -> None:
    async with openai.AsyncOpenAI(base_url=upstream.url, api_key="k", max_retries=0) as client:
        stream = await client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "x"}], stream=True
        )
        async with stream:
            first = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    async with (
        anthropic.AsyncAnthropic(base_url=upstream.url, api_key="k", max_retries=0) as other,
        other.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "x"}]) as events,
    ):
        second = await events.get_final_text()

    assert first == second == "return a + b"


def test_anthropic_reads_a_whole_message(upstream: MockUpstream, anthropic_client: anthropic.Anthropic) -> None:
    upstream.script(
        Reply(text="hé", finish_reason="stop_sequence", stop_sequence="END", usage=ReplyUsage(10, 3, cached_tokens=4))
    )

    message = anthropic_message(anthropic_client)

    assert message.model == "m"
    assert [block.text for block in message.content if block.type == "text"] == ["hé"]
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "END")
    assert (message.usage.input_tokens, message.usage.output_tokens) == (6, 3)
    assert message.usage.cache_read_input_tokens == 4
    [seen] = upstream.requests
    assert seen.path == "/any/v1/messages"
    assert seen.header("authorization") == "Bearer k"


def test_anthropic_reads_a_streamed_message(upstream: MockUpstream, anthropic_client: anthropic.Anthropic) -> None:
    upstream.script(Reply(chunks=("re", "turn"), finish_reason="max_tokens", usage=ReplyUsage(7, 5)))

    with anthropic_client.messages.stream(
        model="m", max_tokens=9, messages=[{"role": "user", "content": "x"}]
    ) as stream:
        texts = list(stream.text_stream)
        message = stream.get_final_message()

    assert texts == ["re", "turn"]
    assert message.stop_reason == "max_tokens"
    assert (message.usage.input_tokens, message.usage.output_tokens) == (7, 5)


def test_anthropic_reads_text_and_tool_calls_whole_and_streamed(
    upstream: MockUpstream, anthropic_client: anthropic.Anthropic
) -> None:
    upstream.always(Reply(text="Let me look.", tool_calls=(READ_FILE, LIST_FILES)))

    whole = anthropic_message(anthropic_client)
    with anthropic_client.messages.stream(
        model="m", max_tokens=9, messages=[{"role": "user", "content": "x"}]
    ) as stream:
        streamed = stream.get_final_message()

    for message in (whole, streamed):
        assert message.stop_reason == "tool_use"
        assert [block.type for block in message.content] == ["text", "tool_use", "tool_use"]
        calls = [block for block in message.content if block.type == "tool_use"]
        assert [(call.id, call.name, call.input) for call in calls] == [
            ("call_7", "read_file", {"path": "src/shape.py"}),
            ("call_8", "list_files", {}),
        ]


def test_anthropic_lists_models(anthropic_client: anthropic.Anthropic) -> None:
    assert [model.id for model in anthropic_client.models.list()] == ["claude-sonnet-4-5"]


@pytest.mark.parametrize(
    ("status", "refusal"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
        (529, openai.InternalServerError),
    ],
)
def test_openai_raises_its_own_error_for_each_status(
    status: int, refusal: type[openai.APIStatusError], upstream: MockUpstream, openai_client: openai.OpenAI
) -> None:
    upstream.script(Reply(status=status))

    with pytest.raises(refusal) as caught:
        openai_text(openai_client)

    assert caught.value.status_code == status
    assert caught.value.type


@pytest.mark.parametrize(
    ("status", "refusal", "kind"),
    [
        (400, anthropic.BadRequestError, "invalid_request_error"),
        (401, anthropic.AuthenticationError, "authentication_error"),
        (403, anthropic.PermissionDeniedError, "permission_error"),
        (404, anthropic.NotFoundError, "not_found_error"),
        (413, anthropic.APIStatusError, "request_too_large"),
        (429, anthropic.RateLimitError, "rate_limit_error"),
        (500, anthropic.InternalServerError, "api_error"),
        (529, anthropic.APIStatusError, "overloaded_error"),
    ],
)
def test_anthropic_raises_its_own_error_for_each_status(
    status: int,
    refusal: type[anthropic.APIStatusError],
    kind: str,
    upstream: MockUpstream,
    anthropic_client: anthropic.Anthropic,
) -> None:
    upstream.script(Reply(status=status))

    with pytest.raises(refusal) as caught:
        anthropic_text(anthropic_client)

    assert (caught.value.status_code, caught.value.type) == (status, kind)


def test_a_rate_limit_says_when_to_come_back_and_a_reply_may_say_it_otherwise(
    upstream: MockUpstream, openai_client: openai.OpenAI
) -> None:
    upstream.script(
        Reply(status=429),
        Reply(status=429, headers={"Retry-After": "3", "x-request-id": None}, error={"code": "insufficient_quota"}),
    )

    with pytest.raises(openai.RateLimitError) as first:
        openai_text(openai_client)
    with pytest.raises(openai.RateLimitError) as second:
        openai_text(openai_client)

    assert first.value.response.headers["retry-after"] == "20"
    assert first.value.code == "rate_limit_exceeded"
    assert second.value.response.headers["retry-after"] == "3"
    assert second.value.code == "insufficient_quota"
    assert "x-request-id" not in second.value.response.headers


@pytest.mark.parametrize("name", FRAMINGS)
def test_every_framing_gives_the_clients_the_same_text(
    name: str, upstream: MockUpstream, openai_client: openai.OpenAI, anthropic_client: anthropic.Anthropic
) -> None:
    upstream.always(Reply(text="if a:\n    return 'naïve 日本'", framing=FRAMINGS[name]))

    assert openai_text(openai_client) == "if a:\n    return 'naïve 日本'"
    assert anthropic_text(anthropic_client) == "if a:\n    return 'naïve 日本'"


@pytest.mark.parametrize("transfer", ["chunked", "length", "close"])
def test_every_transfer_gives_the_clients_the_same_text_in_split_characters(
    transfer: str, upstream: MockUpstream, openai_client: openai.OpenAI, anthropic_client: anthropic.Anthropic
) -> None:
    transfers = {"chunked": Reply(text="a 😀 é"), "length": Reply(text="a 😀 é", transfer="length")}
    plain = transfers.get(transfer, Reply(text="a 😀 é", transfer="close"))
    split = Reply(text=plain.text, transfer=plain.transfer, split_utf8=True, framing=SseFraming(newline="crlf"))
    upstream.script(plain, split, plain, split)

    assert openai_text(openai_client) == openai_text(openai_client) == "a 😀 é"
    assert anthropic_text(anthropic_client) == anthropic_text(anthropic_client) == "a 😀 é"


def test_an_error_in_the_middle_of_a_stream_reaches_the_clients(
    upstream: MockUpstream, openai_client: openai.OpenAI, anthropic_client: anthropic.Anthropic
) -> None:
    upstream.always(Reply(error_after=1, error={"message": "We are full."}))
    texts: list[str] = []

    with pytest.raises(openai.APIError, match=r"We are full\."):
        openai_text(openai_client)
    with (
        pytest.raises(anthropic.APIStatusError, match=r"We are full\."),
        anthropic_client.messages.stream(
            model="m", max_tokens=9, messages=[{"role": "user", "content": "x"}]
        ) as stream,
    ):
        texts.extend(stream.text_stream)

    assert texts == ["return"]


def test_an_echo_says_what_was_asked(upstream: MockUpstream, openai_client: openai.OpenAI) -> None:
    upstream.always(Reply(echo=True))

    text = openai_text(openai_client)

    assert json.loads(text) == upstream.requests[0].json


def test_a_reply_may_depend_on_the_request(upstream: MockUpstream) -> None:
    upstream.always(lambda seen: Reply(status=401) if seen.header("authorization") == "Bearer bad" else Reply())

    with (
        openai.OpenAI(base_url=upstream.url, api_key="bad", max_retries=0) as bad,
        openai.OpenAI(base_url=upstream.url, api_key="good", max_retries=0) as good,
    ):
        with pytest.raises(openai.AuthenticationError):
            openai_text(bad)
        assert openai_text(good) == "return a + b"


def test_a_client_that_retries_gets_the_next_scripted_reply(upstream: MockUpstream) -> None:
    upstream.script(Reply(status=500, headers={"retry-after-ms": "1"}), Reply(text="second"))

    with openai.OpenAI(base_url=upstream.url, api_key="k", max_retries=1) as client:
        assert openai_text(client) == "second"

    assert len(upstream.requests) == 2
