"""Where an issuer's keys are: its discovery document, and the key set that this names."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit

import msgspec

from gateway_core.http_client import (
    Deadlines,
    HttpClient,
    HttpCut,
    HttpFailure,
    HttpResponse,
    HttpTimedOut,
    HttpUnreachable,
)
from gateway_core.kernel.units import Seconds

WELL_KNOWN = "/.well-known/openid-configuration"
"""Where an issuer's discovery document is, below its address. Source: OpenID Connect Discovery 1.0, section 4."""

PATIENCE = Seconds(10)
"""How long one document may take, redirects included."""

_LARGEST = 1024 * 1024
_REDIRECTS = 3
_MOVED = frozenset({301, 302, 303, 307, 308})
_LONGEST_QUOTE = 200


class DiscoveryFailed(Exception):
    """An issuer gave no key set; `reason` says why, and which setting to look at. It holds no secret."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _NotThere(DiscoveryFailed):
    """Somebody answered, but has no such document."""


@dataclass(frozen=True, slots=True)
class Discovered:
    """What a discovery document said: what the issuer calls itself, and where its keys are."""

    issuer_name: str
    jwks_uri: str
    at_root: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """A key set as it came; a JSON object, and nothing else is known of it yet."""

    discovered: Discovered
    document: bytes


async def fetch_key_set(http: HttpClient, url: str, *, setting: str, known: Discovered | None = None) -> Fetched:
    """Fetch an issuer's key set; with what is `known`, discover only when the keys are not there any more.

    `setting` is the name under which the operator gave the address; raises DiscoveryFailed.
    """
    issuer = _Issuer(http, url.rstrip("/"), setting)
    if known is None:
        found = await issuer.discover()
        return Fetched(found, await issuer.get_object(found.jwks_uri))
    try:
        return Fetched(known, await issuer.get_object(known.jwks_uri))
    except DiscoveryFailed:
        found = await issuer.discover()
        if found.jwks_uri == known.jwks_uri:
            raise
    return Fetched(found, await issuer.get_object(found.jwks_uri))


@dataclass(frozen=True, slots=True)
class _Issuer:
    """One issuer as it is asked; `setting` names its address in every message."""

    http: HttpClient
    url: str
    setting: str

    async def discover(self) -> Discovered:
        """Ask below the address as given, then at the root of its host, where older set-ups have it."""
        parts = urlsplit(self.url)
        root = f"{parts.scheme}://{parts.netloc}"
        try:
            return await self._discover_at(self.url)
        except _NotThere:
            if root != self.url:
                # When it is at neither, what the address as given answered is what the operator can mend.
                with contextlib.suppress(_NotThere):
                    return replace(await self._discover_at(root), at_root=True)
            raise

    async def get_object(self, url: str) -> bytes:
        """Get a JSON object, following redirects."""
        loop = asyncio.get_running_loop()
        due = loop.time() + PATIENCE
        asked = url
        for _ in range(_REDIRECTS + 1):
            response = await self._send(asked, patience=Seconds(max(due - loop.time(), 0.001)))
            if response.status not in _MOVED:
                return await self._read(response, url=asked)
            response.close()
            asked = self._next_hop(asked, response.headers.get("location"))
        raise _NotThere(f"{self._at(url)} redirects more than {_REDIRECTS} times: set {self.setting} to where it leads")

    async def _discover_at(self, address: str) -> Discovered:
        document = msgspec.json.decode(await self.get_object(address + WELL_KNOWN), type=dict[str, object])
        jwks_uri, issuer_name = document.get("jwks_uri"), document.get("issuer", "")
        if not isinstance(jwks_uri, str) or not isinstance(issuer_name, str):
            raise _NotThere(f"{self._at(address + WELL_KNOWN)} is no discovery document: it names no keys")
        self._check_same_safety(self.url, jwks_uri, what="names the address of its keys")
        return Discovered(issuer_name, jwks_uri)

    def _next_hop(self, url: str, location: str | None) -> str:
        if location is None:
            raise DiscoveryFailed(f"{self._at(url)} redirects to nowhere: is a proxy in between?")
        try:
            target = urljoin(url, location)
        except ValueError as error:
            raise DiscoveryFailed(f"{self._at(url)} redirects to {_quoted(location)}, which is no URL") from error
        self._check_same_safety(url, target, what="redirects")
        return target

    def _check_same_safety(self, url: str, target: str, *, what: str) -> None:
        """Refuse to leave HTTPS, and to leave HTTP for anything but HTTPS."""
        scheme = target.partition(":")[0].lower()
        if scheme not in {"http", "https"}:
            raise DiscoveryFailed(f"{self._at(url)} {what} as {_quoted(target)}, which is neither http nor https")
        if scheme == "http" and url.lower().startswith("https:"):
            raise DiscoveryFailed(
                f"{self._at(url)} {what} as {_quoted(target)}, where anybody could answer in its place: "
                f"tell that server its own https address (GitLab: external_url), or set {self.setting} to another"
            )

    async def _send(self, url: str, *, patience: Seconds) -> HttpResponse:
        deadlines = Deadlines(connect=patience, first_byte=patience, idle=patience, total=patience)
        try:
            return await self.http.send("GET", url, headers=[("accept", "application/json")], deadlines=deadlines)
        except HttpFailure as error:
            raise DiscoveryFailed(self._explain(error)) from error
        except ValueError as error:
            # Its message never holds the URL, which may be one with a password.
            raise DiscoveryFailed(f"{self.setting} cannot be asked: {error}") from error

    async def _read(self, response: HttpResponse, *, url: str) -> bytes:
        if response.status != 200:
            response.close()
            failure = _NotThere if response.status in {404, 410} else DiscoveryFailed
            raise failure(f"{self._at(url)} answered {response.status}: {self._doubt()}")
        try:
            body = await response.read(limit=_LARGEST)
        except HttpFailure as error:
            raise DiscoveryFailed(self._explain(error)) from error
        if body.lstrip()[:1] == b"<":
            raise _NotThere(f"{self._at(url)} answers with a web page instead of JSON: {self._doubt()}")
        try:
            msgspec.json.decode(body, type=dict[str, object])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _NotThere(
                f"{self._at(url)} answers with something that is no JSON object: {self._doubt()}"
            ) from error
        return body

    def _at(self, url: str) -> str:
        return f"{self.setting}: {_quoted(url)}"

    def _doubt(self) -> str:
        whose = "a GitLab" if self.setting == "AIGW_GITLAB_URL" else "an OpenID issuer"
        return f"is {self.setting} the address of {whose}?"

    def _explain(self, error: HttpFailure) -> str:
        cause = error.__cause__
        match error:
            case HttpTimedOut():
                cure = f"it did not answer within {PATIENCE:g} s; is it up, and may this machine reach it?"
            case HttpUnreachable() if isinstance(cause, ssl.SSLCertVerificationError):
                cure = f"{cause.verify_message}; give the authority that signed its certificate in SSL_CERT_FILE"
            case HttpUnreachable():
                cure = f"is {self.setting} right, is it up, and may this machine reach it?"
            case HttpCut() if self.url.startswith("https:"):
                # After the handshake a server that misses our certificate just hangs up.
                cure = "is a proxy in between, or does it demand a client certificate (AIGW_MTLS__ENABLED)?"
            case _:
                cure = "is a proxy in between?"
        return f"{self.setting}: {error}; {cure}"


def _quoted(text: str) -> str:
    shown = text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}…"
    return repr(shown)
