"""A glgo on loopback that checks, as the real one must, what we vouch for with."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from fakes.raw_server import Peer, SeenRequest, reply, serve

TOKEN = "glgo-issued-token"


class FakeGlgo:
    """Give `TOKEN` to whoever holds the private half of a known key; `answer` says something else instead."""

    def __init__(self, *known: RSAKey) -> None:
        self._known = KeySet(
            [RSAKey.import_key(key.as_dict(private=False), {"kid": key.thumbprint()}) for key in known]
        )
        self.answer: bytes | None = None
        self.stalls = False
        self.url = ""
        self.requests: list[SeenRequest] = []
        self.headers: list[dict[str, object]] = []
        self.claims: list[dict[str, object]] = []

    async def serve(self, peer: Peer) -> None:
        """Answer each request of one connection."""
        while True:
            request = await peer.request()
            self.requests.append(request)
            if self.stalls:
                await asyncio.Event().wait()
            peer.send(self.answer or self._judge(request))

    def _judge(self, request: SeenRequest) -> bytes:
        if request.method != "POST" or request.path != "/cc/token":
            return reply(status="404 Not Found")
        word, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            proof = jwt.decode(token, self._known, algorithms=["RS256"])
        except (JoseError, ValueError) as error:
            return reply(repr(error).encode(), status="401 Unauthorized")
        self.headers.append(proof.header)
        self.claims.append(proof.claims)
        asked = json.loads(request.body)
        vouched = proof.claims.get("iss") == "https://cloud.gitlab.com" and proof.claims.get("aud") == "glgo"
        if word != "Bearer" or not vouched or asked != {"user_id": proof.claims.get("uid")}:
            return reply(b"this is no proof", status="403 Forbidden")
        return reply(json.dumps({"token": TOKEN}).encode(), headers=("content-type: application/json",))


@asynccontextmanager
async def run_glgo(*known: RSAKey) -> AsyncGenerator[FakeGlgo]:
    """Run one while the block is open."""
    glgo = FakeGlgo(*known)
    async with serve(glgo.serve) as server:
        glgo.url = server.url
        yield glgo
