"""Google's token endpoint on loopback, and service accounts whose keys send their holders there."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import cache
from typing import Literal
from urllib.parse import parse_qs

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from fakes.raw_server import Peer, SeenRequest, reply, serve

Behaviour = Literal["well", "refuses", "stalls", "waits"]

EMAIL = "gateway@project.iam.gserviceaccount.com"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_AUDIENCE = "https://oauth2.googleapis.com/token"
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


@cache
def account_key() -> RSAKey:
    """Give the account's own key, made once: that takes a while."""
    return RSAKey.generate_key(2048)


class GoogleTokenServer:
    """Give `access-1`, `access-2` … to who proves to be the account, each for `life` seconds.

    An `answer` is said instead when there is one. While it `waits`, `proceed` lets all who wait go on.
    """

    def __init__(self) -> None:
        self.behaviour: Behaviour = "well"
        self.answer: bytes | None = None
        self.life: object = 3600
        self.url = ""
        self.requests: list[SeenRequest] = []
        self.given = 0
        self.proceed = asyncio.Event()

    def key_text(self, *, key: RSAKey | None = None, **changed: object) -> str:
        """Give the account's key as the JSON text that Google hands out; a `changed` None leaves a member out."""
        members: dict[str, object] = {
            "type": "service_account",
            "project_id": "project",
            "private_key_id": "key-1",
            "private_key": (key or account_key()).as_pem(private=True).decode(),
            "client_email": EMAIL,
            "token_uri": f"{self.url}/token",
        }
        return json.dumps({name: value for name, value in (members | changed).items() if value is not None})

    async def serve(self, peer: Peer) -> None:
        """Answer each request of one connection."""
        while True:
            request = await peer.request()
            self.requests.append(request)
            if self.behaviour == "stalls":
                await asyncio.Event().wait()
            if self.behaviour == "waits":
                await self.proceed.wait()
            peer.send(self.answer or self._judge(request))

    def _judge(self, request: SeenRequest) -> bytes:
        if request.path.startswith("/computeMetadata/") or request.path == "/":
            return self._as_metadata_server(request)
        if (request.method, request.path) != ("POST", "/token"):
            return _refusal("not_found", "no such page")
        form = parse_qs(request.body.decode())
        if self.behaviour == "refuses" or form["grant_type"] != [_GRANT]:
            return _refusal("invalid_grant", "Invalid grant: account not found")
        try:
            proof = jwt.decode(form["assertion"][0], account_key(), algorithms=["RS256"])
        except (JoseError, ValueError):
            return _refusal("invalid_grant", "Invalid JWT Signature.")
        claims = proof.claims
        meant = (claims["iss"], claims["aud"], claims["scope"]) == (EMAIL, _AUDIENCE, _SCOPE)
        if not meant or not claims["iat"] - 60 < time.time() < claims["exp"] or proof.header["kid"] != "key-1":
            return _refusal("invalid_grant", "Invalid JWT")
        return self._grant()

    def _as_metadata_server(self, request: SeenRequest) -> bytes:
        flavour = ("metadata-flavor: Google", "content-type: application/json")
        if request.headers.get("metadata-flavor") != "Google":
            return reply(status="403 Forbidden", headers=flavour)
        path = request.path.partition("?")[0]
        if path.endswith("/token"):
            return self._grant(*flavour)
        if path.endswith("/project-id"):
            return reply(b'"project"', headers=flavour)
        account = {"email": EMAIL, "scopes": [_SCOPE], "aliases": ["default"]}
        return reply(json.dumps(account).encode(), headers=flavour)

    def _grant(self, *headers: str) -> bytes:
        self.given += 1
        grant = {"access_token": f"access-{self.given}", "token_type": "Bearer"}
        life = {} if self.life is None else {"expires_in": self.life}
        return reply(json.dumps(grant | life).encode(), headers=headers)


def _refusal(error: str, description: str) -> bytes:
    body = json.dumps({"error": error, "error_description": description})
    return reply(body.encode(), status="400 Bad Request", headers=("content-type: application/json",))


@asynccontextmanager
async def run_google() -> AsyncGenerator[GoogleTokenServer]:
    """Run one while the block is open."""
    google = GoogleTokenServer()
    async with serve(google.serve) as server:
        google.url = server.url
        yield google
