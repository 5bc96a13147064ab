"""Issuers whose answers a test writes down, and what follows them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fakes.clock import FakeClock
from fakes.issuer import private_key, public_jwk
from fakes.raw_server import until
from gateway_core.identity.discovery import Discovered, DiscoveryFailed, Fetched
from gateway_core.identity.disk import KeyFolder
from gateway_core.identity.issuers import IssuerKeys, IssuerSource
from gateway_core.identity.ports import TrustedKey
from gateway_core.kernel.units import Seconds

HOUR = Seconds(3600)
WEEK = Seconds(7 * 24 * 3600)
GITLAB = IssuerSource("Gitlab", "https://gitlab.example.com", "AIGW_GITLAB_URL", check_issuer=False)
PORTAL = IssuerSource("CustomersDot", "https://portal.example.com", "AIGW_CUSTOMER_PORTAL_URL", check_issuer=False)
OTHER = IssuerSource("other", "https://id.example.com", "AIGW_AUTH__ISSUERS", check_issuer=True)

JsonObject = dict[str, object]
Answer = Sequence[JsonObject] | bytes | Exception
Log = Callable[[], list[dict[str, object]]]


def jwk(kid: str, **changes: object) -> JsonObject:
    """Give a good RSA key of this name, changed as asked."""
    return {**public_jwk(private_key(1, kid)), "kid": kid, **changes}


TWO: Mapping[str, Answer] = {"gitlab": [jwk("g1")], "portal": [jwk("p1")]}
"""One key of GitLab, one of the portal."""


@dataclass
class FakeIssuers:
    """Answer as the test says: by the name of a URL's first host part, a key set, bytes, or a failure.

    Who is `silent` takes the request and never answers.
    """

    answers: Mapping[str, Answer] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    silent: Collection[str] = field(default_factory=set)
    asked: list[tuple[str, Discovered | None]] = field(default_factory=list)
    at_root: bool = False
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def fetch(self, url: str, *, setting: str, known: Discovered | None) -> Fetched:
        name = url.removeprefix("https://").partition(".")[0]
        self.asked.append((name, known))
        if name in self.silent:
            await self.released.wait()
        answer = self.answers.get(name, DiscoveryFailed(f"{setting}: nobody there"))
        if isinstance(answer, Exception):
            raise answer
        found = known or Discovered(self.names.get(name, url), f"{url}/keys", at_root=self.at_root)
        return Fetched(found, answer if isinstance(answer, bytes) else json.dumps({"keys": answer}).encode())

    def count(self, name: str) -> int:
        return sum(asked == name for asked, _ in self.asked)


@dataclass
class Followed:
    """One `IssuerKeys` under a test's hand: nothing is fetched but by `fetch_due` and `look_again`."""

    folder: Path
    local: Sequence[TrustedKey] = ()
    sources: Sequence[IssuerSource] = (GITLAB, PORTAL)
    algorithms: tuple[str, ...] = ("RS256",)
    stale_for: Seconds = WEEK
    clock: FakeClock = field(default_factory=FakeClock)
    issuers: FakeIssuers = field(default_factory=FakeIssuers)

    def build(self) -> IssuerKeys:
        """Make one as a process makes it at its start."""
        return IssuerKeys(
            self.local,
            self.sources,
            fetch=self.issuers.fetch,
            disk=KeyFolder(self.folder, self.clock, self.stale_for),
            clock=self.clock,
            refresh=HOUR,
            stale_for=self.stale_for,
            algorithms=self.algorithms,
        )

    async def after(self, keys: IssuerKeys, seconds: float) -> int:
        """Let time pass, fetch what is due then, and tell how many issuers were asked."""
        self.clock.advance(seconds)
        return await fetch_due(keys)


async def fetch_due(keys: IssuerKeys) -> int:
    """Fetch what is due now, and tell how many issuers were asked."""
    # A fetch is told to its test a moment before it has ended.
    await until(lambda: all(state.task is None for state in keys._states))
    started = keys.start_due()
    await asyncio.gather(*started, return_exceptions=True)
    await asyncio.gather(*keys._writing)
    return len(started)


def kids(keys: IssuerKeys) -> list[str]:
    """Give each key as `<source>/<kid>`."""
    held = keys.keys()
    return [f"{key.source}/{key.kid}" for key in held]


def names(keys: IssuerKeys) -> list[str | None]:
    """Give for each key the issuer that its tokens must name."""
    held = keys.keys()
    return [key.issuer for key in held]


def events(lines: list[dict[str, object]]) -> list[object]:
    """Give what each line says happened."""
    return [line["message"] for line in lines]
