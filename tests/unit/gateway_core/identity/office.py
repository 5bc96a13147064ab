"""The register of clients, and all that it works with."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from fakes.audit import FakeAuditTrail
from fakes.clients import FakeClientStore
from fakes.clock import FakeClock
from gateway_core.audit.model import AuditEvent
from gateway_core.identity.clients import Actor, ClientRegistry
from gateway_core.identity.key_hash import KeyHasher
from gateway_core.identity.model import Client
from gateway_core.identity.new_client import NewClient
from gateway_core.kernel.secret import Secret

HASHER = KeyHasher(Secret("h" * 32))
ME = Actor("root", request_id="r1", address="192.0.2.7")


@dataclass
class Office:
    """A registry, and all that it works with."""

    store: FakeClientStore = field(default_factory=FakeClientStore)
    trail: FakeAuditTrail = field(default_factory=FakeAuditTrail)
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        numbers = itertools.count(1)
        self.registry = ClientRegistry(
            self.store,
            HASHER,
            audit=self.trail,
            clock=self.clock,
            random_bytes=lambda length: next(numbers).to_bytes(length),
        )

    async def add(self, name: str = "ci", *, role: str | None = None) -> Secret:
        _, key = await self.registry.add(NewClient(name, role=role), by=ME)
        return key

    async def clients(self) -> Sequence[Client]:
        return (await self.store.load())[0]

    async def digests(self) -> list[str]:
        """Give the digests of all keys that have no end."""
        return [key.digest for key in (await self.store.load())[1] if key.valid_until is None]

    def last_event(self) -> AuditEvent:
        return self.trail.events[-1]
