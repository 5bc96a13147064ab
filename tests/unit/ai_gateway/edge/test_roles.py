"""Each route of the operator's door asks for its role."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ai_gateway.edge.roles import RoleGate
from ai_gateway.edge.scope import exchange_of
from gateway_core.identity.model import ROLES, Caller, Claims, Client, Role
from gateway_core.kernel.errors import PermissionMissing
from unit.ai_gateway.asgi_client import Inner, call, http_scope


def holder(role: Role | None) -> Caller:
    return Caller("client", client=Client("1", "ci", datetime(2026, 1, 1, tzinfo=UTC), role=role))


@pytest.mark.parametrize("held", [None, *ROLES])
@pytest.mark.parametrize("needed", ROLES)
async def test_the_role_or_a_stronger_one_gets_through(held: Role | None, needed: Role) -> None:
    scope = http_scope("/admin/clients", method="POST")
    exchange_of(scope).caller = holder(held)
    gate = RoleGate(Inner(), needed)

    if held is not None and ROLES.index(held) >= ROLES.index(needed):
        assert (await call(gate, scope)).status == 200
        return
    with pytest.raises(PermissionMissing) as refused:
        await call(gate, scope)
    assert str(refused.value) == f"POST /admin/clients needs the role {needed}; this key has {held or 'none'}."


@pytest.mark.parametrize("caller", [None, Caller("debug"), Caller("token", Claims(scopes=frozenset({"admin"})))])
async def test_whoever_holds_no_key_of_a_client_does_not(caller: Caller | None) -> None:
    scope = http_scope("/admin/me")
    exchange_of(scope).caller = caller

    with pytest.raises(PermissionMissing):
        await call(RoleGate(Inner(), "viewer"), scope)
