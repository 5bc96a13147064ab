"""What a provider remembers of its calls: each says what it would have said had there been none before."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from gateway_core.http_client import Deadlines, HttpClient, HttpResponse, HttpUnreachable, PreparedRequest
from gateway_core.http_client.proxies import Proxy
from gateway_core.http_client.request_head import render_request_head
from gateway_core.http_client.target import parse_target
from gateway_core.inference.ports import Lease, RawCall
from gateway_core.kernel.errors import UpstreamUnreachable
from gateway_core.kernel.secret import Secret
from unit.gateway_core.providers.http_calls import STREAM, build, text_of

URL = "http://127.0.0.1:9/v1"


class RecordingClient(HttpClient):
    """Keeps what would be sent, and sends nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []

    @override
    async def send_prepared(self, request: PreparedRequest, *, body: bytes = b"", deadlines: Deadlines) -> HttpResponse:
        self.sent.append(request.head_for(len(body)) + body)
        raise HttpUnreachable("nothing is sent", where=request.target.where)


@dataclass
class NumberingSigner:
    """Signs each request by a number of its own, and by its body's length."""

    numbers: Iterator[int]

    async def sign(self, method: str, url: str, *, body: bytes) -> list[tuple[str, str]]:
        return [("x-signed", f"{next(self.numbers)} {method} {url} {len(body)}")]


LEASES = (
    Lease(URL, Secret("key-1")),
    Lease(URL, Secret("key-2")),
    # Equal to the first, and none of it.
    Lease(URL, Secret("key-1")),
    Lease(f"{URL}/other", Secret("key-1")),
    Lease(URL, Secret("key-1"), {"x-team": "blue"}),
    Lease(URL),
)
HEADERS = (
    (),
    (("openai-beta", "a"),),
    (("openai-beta", "a"), ("x-b", "b")),
    (("openai-beta", "ax-b"), ("b", "")),
    (("x-b", "b"), ("openai-beta", "a")),
    (("accept", "text/html"), ("user-agent", "me")),
)
calls = st.tuples(
    st.builds(
        RawCall,
        st.sampled_from(["openai_chat", "openai_completions", "openai_embeddings"]),
        st.sampled_from(["m1", "m2"]),
        st.sampled_from([b"{}", b'{"a":1}', b""]),
        st.booleans(),
        st.sampled_from(HEADERS),
        st.sampled_from(["", "/raw", "/m1"]),
    ),
    st.sampled_from(LEASES),
)


async def sent_by(client: RecordingClient, *made: tuple[RawCall, Lease], name: str = "openai") -> list[bytes]:
    """Make these calls at one provider, and tell what was sent."""
    provider = build(client, name)
    for call, lease in made:
        with pytest.raises(UpstreamUnreachable):
            await provider.forward(call, lease)
    return client.sent


@given(st.lists(calls, min_size=2, max_size=6), st.sampled_from(["openai", "mistral", "azure"]))
async def test_no_call_says_anything_of_another(made: list[tuple[RawCall, Lease]], name: str) -> None:
    if name == "azure":
        made = [(call, replace(lease, variables={"deployment": call.model})) for call, lease in made]
    fresh = [(await sent_by(RecordingClient(), each, name=name))[0] for each in made]

    # Twice, so that each is remembered as well.
    assert await sent_by(RecordingClient(), *made, *made, name=name) == fresh + fresh


async def test_what_was_said_before_is_not_written_again() -> None:
    client = RecordingClient()
    provider = build(client)
    call = RawCall("openai_chat", "m1", b"{}", stream=True, headers=[("openai-beta", "a")])

    for body in (b"{}", b'{"a":1}'):
        with pytest.raises(UpstreamUnreachable):
            await provider.forward(replace(call, body=body), LEASES[0])

    assert len(provider.prepared) == 1
    assert [sent.partition(b"\r\n\r\n")[2] for sent in client.sent] == [b"{}", b'{"a":1}']
    assert b"content-length: 7\r\n" in client.sent[1]


async def test_a_call_of_ours_and_one_passed_on_are_kept_apart() -> None:
    client = RecordingClient()
    provider = build(client)
    call = RawCall("openai_chat", STREAM.model, b"{}", stream=True, headers=[("openai-beta", "secret-of-a-caller")])

    for _ in range(2):
        with pytest.raises(UpstreamUnreachable):
            await provider.forward(call, LEASES[0])
        with pytest.raises(UpstreamUnreachable):
            await text_of(provider, STREAM, LEASES[0])

    assert [b"secret-of-a-caller" in sent for sent in client.sent] == [True, False, True, False]


async def test_a_lease_that_took_the_place_of_another_gets_its_own_key() -> None:
    client = RecordingClient()
    provider = build(client)
    call = RawCall("openai_chat", "m1", b"{}", stream=False)
    for number in range(50):
        # Dropped at once, so that memory gives its place to the next where it can.
        with pytest.raises(UpstreamUnreachable):
            await provider.forward(call, Lease(URL, Secret(f"key-{number}-")))
        if number % 3 == 0:
            provider.prepared.clear()

    assert [f"key-{number}-".encode() in sent for number, sent in enumerate(client.sent)] == [True] * 50


async def test_what_is_signed_is_signed_anew_for_each_body() -> None:
    client = RecordingClient()
    lease = Lease(URL, signer=NumberingSigner(count()))
    call = RawCall("openai_chat", "m1", b"{}", stream=False)

    sent = await sent_by(client, (call, lease), (replace(call, body=b"[1]"), lease))

    url = f"{URL}/chat/completions".encode()
    assert b"x-signed: 0 POST %b 2\r\n" % url in sent[0]
    assert b"x-signed: 1 POST %b 3\r\n" % url in sent[1]


@pytest.mark.parametrize(("length", "kept"), [(1_024, 1), (1_025, 0)])
async def test_long_words_of_a_caller_are_sent_and_not_remembered(length: int, kept: int) -> None:
    client = RecordingClient()
    provider = build(client)
    # The path counts as well: some callers say it.
    path = provider.spec.endpoints["openai_chat"].path
    said = [("openai-beta", "a" * (length - 10 - len(path))), ("x-b", "b" * 10)]

    for _ in range(2):
        with pytest.raises(UpstreamUnreachable):
            await provider.forward(RawCall("openai_chat", "m1", b"{}", stream=False, headers=said), LEASES[0])

    assert len(provider.prepared) == kept
    assert [said[0][1].encode() in sent for sent in client.sent] == [True, True]


async def test_what_is_remembered_is_bounded() -> None:
    client = RecordingClient()
    provider = build(client)
    most = 0
    for number in range(2_100):
        with pytest.raises(UpstreamUnreachable):
            await provider.forward(RawCall("openai_chat", f"m{number}", b"{}", stream=False), LEASES[0])
        most = max(most, len(provider.prepared))

    assert most == 2_000
    assert len(client.sent) == 2_100


def test_nothing_that_is_remembered_shows_itself() -> None:
    provider = build(RecordingClient())
    with pytest.raises(UpstreamUnreachable):
        asyncio.run(provider.forward(RawCall("openai_chat", "m1", b"{}", stream=False), LEASES[0]))

    assert "key-1" not in repr(provider)
    assert provider.prepared
    assert "key-1" not in repr(list(provider.prepared.values()))


@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE"]),
    headers=st.lists(st.sampled_from([("x-a", "1"), ("host", "h"), ("Accept-Encoding", "gzip"), ("x-b", "\xe9")])),
    lengths=st.lists(st.integers(0, 1 << 40), min_size=1, max_size=4),
    proxy=st.sampled_from([None, Proxy("http", "127.0.0.1", 3128, Secret("Basic eDp5"))]),
)
def test_one_prepared_head_is_that_of_a_request_with_each_length(
    method: str, headers: list[tuple[str, str]], *, lengths: list[int], proxy: Proxy | None
) -> None:
    target = parse_target("http://a.test/x?y=1")
    prepared = PreparedRequest(method, target, headers=headers, proxy=proxy)

    for length in lengths:
        head = prepared.head_for(length)
        assert head == render_request_head(method, target, headers=headers, length=length, proxy=proxy)
        said = [line for line in head.split(b"\r\n") if line.startswith(b"content-length: ")]
        assert said == ([b"content-length: %d" % length] if length or method in {"POST", "PUT"} else [])
        assert head.endswith(b"\r\n\r\n")
    assert prepared.without_answer_body is (method == "HEAD")
