"""A vendor's answer is pumped decoded, and what goes wrong has the relay's name."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Callable

import pytest

from fakes.raw_server import Peer, once, reply, serve
from gateway_core.http_client import HttpClient
from gateway_core.inference.ports import Lease, RawCall
from gateway_core.kernel.errors import UpstreamCut, UpstreamFailure, UpstreamGarbled
from unit.gateway_core.providers.http_calls import build

CALL = RawCall("openai_chat", "m1", b"{}", stream=False)
# Not much shorter when it is packed.
TEXT = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(8_000))


class Cup:
    """Takes pieces; full after each."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.full = 0
        self.waits = 0

    def sink(self, piece: bytes) -> bool:
        assert self.full == self.waits
        self.taken.append(piece)
        self.full += 1
        return False

    async def ready(self) -> None:
        self.waits += 1


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)]
)
@pytest.mark.parametrize("step", [700, 20_000, 1_000_000])
async def test_an_answer_is_pumped_decoded_to_its_last_byte(
    client: HttpClient, encoding: str, pack: Callable[[bytes], bytes], step: int
) -> None:
    body = pack(TEXT)

    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(reply(body, headers=(f"content-encoding: {encoding}",))[: -len(body)])
        for at in range(0, len(body), step):
            await peer.send_all(body[at : at + step])

    cup = Cup()
    async with serve(script) as server:
        answer = await build(client).forward(CALL, Lease(server.url))
        await answer.pump(cup.sink, ready=cup.ready)
        answer.close()

    # Told apart here: to show how they differ would take minutes.
    same = b"".join(cup.taken) == TEXT
    assert same
    assert len(cup.taken) > 1
    assert cup.waits == cup.full


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_an_answer_that_is_cut_fails_behind_what_came(client: HttpClient, encoding: str) -> None:
    body = gzip.compress(TEXT) if encoding == "gzip" else TEXT
    answered = reply(body, headers=(f"content-encoding: {encoding}",))[: -len(body) // 2]

    cup = Cup()
    async with serve(once(answered)) as server:
        answer = await build(client).forward(CALL, Lease(server.url))
        with pytest.raises(UpstreamCut):
            await answer.pump(cup.sink, ready=cup.ready)

    got = b"".join(cup.taken)
    assert got
    begins = TEXT.startswith(got)
    assert begins


async def test_an_answer_that_cannot_be_decoded_is_garbled(client: HttpClient) -> None:
    cup = Cup()
    async with serve(once(reply(b"no gzip", headers=("content-encoding: gzip",)))) as server:
        answer = await build(client).forward(CALL, Lease(server.url))
        with pytest.raises(UpstreamGarbled) as caught:
            await answer.pump(cup.sink, ready=cup.ready)

    failure: UpstreamFailure = caught.value
    assert (failure.provider, failure.model, cup.taken) == ("openai", "m1", [])
