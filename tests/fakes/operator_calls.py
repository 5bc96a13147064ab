"""An operator at the gateway's own door, `/admin`: adds clients, gives them new keys, ends them, and reads the audit."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

# Any: what an answer holds is what its test asserts.
from typing import Any

from fakes.gateway import RunningGateway, wait_for
from fakes.gitlab import call, complete, key_headers, outcome

CLIENTS = "/admin/clients"


@dataclass(frozen=True)
class Operator:
    """Who holds a key with a role; the one of the first admin unless another is given."""

    gateway: RunningGateway
    key: str = field(default="", repr=False)

    # Any: see the import.
    def ask(
        self, method: str, path: str, body: object = None, *, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Send one request; gives the status, and the body when it is JSON or else its text."""
        known = key_headers(self.key or self.gateway.key)
        return outcome(call(self.gateway, path, method=method, body=body, headers={**known, **(headers or {})}))

    def add(self, name: str = "", *, usable: bool = True, **members: object) -> tuple[str, str]:
        """Add a client; gives its name and its key, which opens the gateway already unless not `usable`."""
        name = name or f"client-{uuid.uuid4().hex[:12]}"
        status, answer = self.ask("POST", CLIENTS, {"name": name, **members})
        assert status == 201, answer
        if usable:
            wait_until_known(self.gateway, answer["key"])
        return name, answer["key"]

    def rotate(self, name: str, *, grace: float) -> str:
        """Give a client a new key, which opens the gateway already."""
        status, answer = self.ask("POST", f"{CLIENTS}/{name}/rotate", {"grace": grace})
        assert status == 200, answer
        wait_until_known(self.gateway, answer["key"])
        key = answer["key"]
        assert isinstance(key, str)
        return key

    def revoke(self, name: str) -> None:
        """End a client."""
        assert self.ask("DELETE", f"{CLIENTS}/{name}") == (204, "")

    # Any: see the import.
    def client(self, name: str) -> dict[str, Any]:
        """Give what the list says of a client."""
        _, answer = self.ask("GET", CLIENTS)
        [found] = [one for one in answer["clients"] if one["name"] == name]
        assert isinstance(found, dict)
        return found

    # Any: see the import.
    def audit(self, **query: str) -> list[dict[str, Any]]:
        """Give the records of the audit that are asked for, once there are some."""
        path = "/admin/audit?" + "&".join(f"{name}={value}" for name, value in query.items())

        # Any: see the import.
        def look() -> list[dict[str, Any]] | None:
            status, answer = self.ask("GET", path)
            assert status == 200, answer
            return answer["events"] or None

        return wait_for(look, what=f"records of the audit for {query}")


def wait_until_known(gateway: RunningGateway, key: str, *, within_s: float = 5, every_s: float = 0.02) -> None:
    """Wait until this key opens a door, or at least is known for whose it is; each look too early is a refusal."""
    wait_for(
        lambda: complete(gateway, key_headers(key))[0] not in {401, 429} or None,
        what="the key to be known",
        within_s=within_s,
        every_s=every_s,
    )
