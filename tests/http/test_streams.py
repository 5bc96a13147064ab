"""The three ways in which text is streamed, in bytes."""

from __future__ import annotations

import json
import re

import httpx
import pytest

from fakes.gateway import RunningGateway
from fakes.gitlab import JsonObject, call, completion, component, components, generation, gitlab_headers, streaming
from fakes.upstream import MockUpstream, Reply

RAW = "text/event-stream; charset=utf-8"
# One message, or one comment, with the blank line after it.
MESSAGE = re.compile(rb"event: ([^\r\n]+)\r\ndata: ([^\r\n]*)\r\n\r\n|:[^\r\n]*\r\n\r\n")

# Path, scope, body: one of each stream without framing.
PLAIN: dict[str, tuple[str, str, JsonObject]] = {
    "v2 completion": ("/v2/completions", "complete_code", completion()),
    "v2 code completion": ("/v2/code/completions", "complete_code", completion()),
    "v3 completion": ("/v3/code/completions", "complete_code", components(component("completion"))),
    "v3 generation": (
        "/v3/code/completions",
        "generate_code",
        components(component("generation", prompt_id="code_suggestions/generations")),
    ),
}


def with_stream(body: JsonObject) -> JsonObject:
    """Give the same body, but asking for a stream."""
    if "prompt_components" not in body:
        return {**body, "stream": True}
    (item,) = body["prompt_components"]
    return components({**item, "payload": {**item["payload"], "stream": True}})


def suggest(gateway: RunningGateway, item: JsonObject, *, scope: str) -> httpx.Response:
    headers = gitlab_headers(scope)
    return call(gateway, "/v4/code/suggestions", body=components(item), headers=headers)


def read_messages(body: bytes) -> list[tuple[str, str]]:
    """Take a stream apart; every byte must belong to a message or a comment."""
    found = list(MESSAGE.finditer(body))
    assert b"".join(one[0] for one in found) == body
    return [(one[1].decode(), one[2].decode()) for one in found if one[1] is not None]


def chunks_of(messages: list[tuple[str, str]]) -> list[str]:
    """Give the text of each chunk, and see that it is one."""
    chunks = [json.loads(data) for name, data in messages if name == "content_chunk"]
    texts: list[str] = [chunk["choices"][0]["delta"]["content"] for chunk in chunks]
    assert chunks == [{"choices": [{"delta": {"content": text}, "index": 0}]} for text in texts]
    return texts


@pytest.mark.parametrize("kind", [kind for kind in PLAIN if "completion" in kind])
def test_case_048_a_stream_without_framing_is_the_text_itself(mocked_gateway: RunningGateway, kind: str) -> None:
    path, scope, body = PLAIN[kind]

    whole = call(mocked_gateway, path, body=body, headers=gitlab_headers(scope))
    stream = call(mocked_gateway, path, body=with_stream(body), headers=gitlab_headers(scope))

    assert (stream.status_code, stream.headers["content-type"]) == (200, RAW)
    assert "x-streaming-format" not in stream.headers
    assert "data:" not in stream.text
    assert stream.text == whole.json()["choices"][0]["text"]


@pytest.mark.parametrize("kind", PLAIN)
def test_a_stream_without_framing_carries_the_models_bytes(
    connected_gateway: RunningGateway, upstream: MockUpstream, kind: str
) -> None:
    path, scope, body = PLAIN[kind]
    upstream.always(Reply(text="oo():\n    return 'é 👩‍💻'\n", split_utf8=True))

    stream = call(connected_gateway, path, body=with_stream(body), headers=gitlab_headers(scope))

    assert (stream.status_code, stream.headers["content-type"]) == (200, RAW)
    assert stream.content.decode() == "oo():\n    return 'é 👩‍💻'\n"


def test_a_streamed_generation_by_a_prompt_is_the_text_itself(mocked_gateway: RunningGateway) -> None:
    path, scope, body = PLAIN["v3 generation"]

    stream = call(mocked_gateway, path, body=with_stream(body), headers=gitlab_headers(scope))

    assert (stream.status_code, stream.headers["content-type"]) == (200, RAW)
    assert stream.text == "mock"


def test_a_streamed_generation_of_the_second_version_is_the_text_itself(mocked_gateway: RunningGateway) -> None:
    body = generation(stream=True)

    stream = call(mocked_gateway, "/v2/code/generations", body=body, headers=gitlab_headers("generate_code"))

    told = json.loads(stream.text.removeprefix("echo: "))
    assert (stream.status_code, stream.headers["content-type"]) == (200, RAW)
    assert (told["messages"], told["stream"]) == (body["prompt"], True)


@pytest.mark.parametrize("kind", PLAIN)
def test_a_stream_is_written_while_the_model_still_speaks(
    connected_gateway: RunningGateway, upstream: MockUpstream, kind: str
) -> None:
    path, scope, body = PLAIN[kind]
    upstream.always(Reply(chunks=("first line\n", "second line\n"), hold_after=1))

    with streaming(connected_gateway, path, body=with_stream(body), headers=gitlab_headers(scope)) as answer:
        parts = answer.iter_raw()
        first = next(parts)
        upstream.release()
        rest = b"".join(parts)

    assert first + rest == b"first line\nsecond line\n"
    assert rest


def test_case_053_the_fourth_version_streams_events(mocked_gateway: RunningGateway) -> None:
    item = component("generation", prompt_id="code_suggestions/generations", stream=True)

    answer = suggest(mocked_gateway, item, scope="generate_code")

    messages = read_messages(answer.content)
    assert (answer.status_code, answer.headers["content-type"]) == (200, RAW)
    assert answer.headers["x-streaming-format"] == "sse"
    assert messages[0][0] == "stream_start"
    assert json.loads(messages[0][1])["metadata"]["model"]["engine"] == "agent"
    assert messages[-1] == ("stream_end", "null")
    assert {name for name, _ in messages[1:-1]} == {"content_chunk"}
    assert "".join(chunks_of(messages)).strip() == "mock"


def test_the_lines_of_an_event_stream_end_in_both_characters(mocked_gateway: RunningGateway) -> None:
    answer = suggest(mocked_gateway, component("completion", stream=True), scope="complete_code")

    assert re.search(rb"(?<!\r)\n|\r(?!\n)", answer.content) is None
    assert answer.content.startswith(b'event: stream_start\r\ndata: {"')
    assert answer.content.endswith(b"\r\n\r\nevent: stream_end\r\ndata: null\r\n\r\n")


def test_an_event_stream_is_neither_stored_nor_held_back_on_its_way(mocked_gateway: RunningGateway) -> None:
    answer = suggest(mocked_gateway, component("completion", stream=True), scope="complete_code")

    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-accel-buffering"] == "no"


def test_the_first_event_tells_the_model_and_leaves_out_what_is_null(mocked_gateway: RunningGateway) -> None:
    answer = suggest(mocked_gateway, component("completion", stream=True), scope="complete_code")

    name, data = read_messages(answer.content)[0]
    start = json.loads(data)
    metadata = start["metadata"]
    assert (name, set(start)) == ("stream_start", {"metadata"})
    assert {"model", "timestamp"} <= set(metadata) <= {"model", "timestamp", "enabled_feature_flags", "region"}
    assert set(metadata["model"]) == {"engine", "name"}
    assert type(metadata["timestamp"]) is int
    assert None not in metadata.values()


def test_the_first_event_tells_the_flags(mocked_gateway: RunningGateway) -> None:
    headers = {**gitlab_headers("complete_code"), "x-gitlab-enabled-feature-flags": "a,b"}
    body = components(component("completion", stream=True))

    answer = call(mocked_gateway, "/v4/code/suggestions", body=body, headers=headers)

    start = json.loads(read_messages(answer.content)[0][1])
    assert start["metadata"]["enabled_feature_flags"] == ["a"]


@pytest.mark.parametrize("text", ["one two\nthree", "a\r\nb\rc", "data: x\n\nevent: y", "é\u2028👩‍💻\u0085", '"\\'])
def test_any_text_fits_into_the_events(connected_gateway: RunningGateway, upstream: MockUpstream, text: str) -> None:
    upstream.always(Reply(text=text))

    answer = suggest(connected_gateway, component("completion", stream=True), scope="complete_code")

    messages = read_messages(answer.content)
    assert "".join(chunks_of(messages)) == text
    assert [messages[0][0], messages[-1]] == ["stream_start", ("stream_end", "null")]


def test_a_model_that_answers_nothing_still_gives_a_whole_event_stream(
    connected_gateway: RunningGateway, upstream: MockUpstream
) -> None:
    upstream.always(Reply(text=""))

    answer = suggest(connected_gateway, component("completion", stream=True), scope="complete_code")

    messages = read_messages(answer.content)
    assert answer.status_code == 200
    assert "".join(chunks_of(messages)) == ""
    assert [messages[0][0], messages[-1]] == ["stream_start", ("stream_end", "null")]


def test_events_are_written_while_the_model_still_speaks(
    connected_gateway: RunningGateway, upstream: MockUpstream
) -> None:
    upstream.always(Reply(chunks=("first line\n", "second line\n"), hold_after=1))
    body = components(component("completion", stream=True))
    headers = gitlab_headers("complete_code")

    with streaming(connected_gateway, "/v4/code/suggestions", body=body, headers=headers) as answer:
        read, parts = b"", answer.iter_raw()
        while b"first line" not in read:
            read += next(parts)
        upstream.release()
        read += b"".join(parts)

    assert chunks_of(read_messages(read)) == ["first line\n", "second line\n"]
