"""The operator's door, `/admin`: who may do what there, and what it refuses to be told."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import pytest

from fakes.gateway import RunningGateway, wait_for
from fakes.gitlab import call, key_headers, outcome, signed_headers, without
from fakes.issuer import Issuer
from fakes.operator_calls import CLIENTS, Operator
from fakes.raw_client import post
from fakes.suggestions import new_id

StartGateway = Callable[..., RunningGateway]

ROLES = ("viewer", "operator", "admin")


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    role: str
    body: object = None
    """One that is refused for what it says, so that asking changes nothing."""
    answer: int = 422


ROUTES = (
    Route("GET", "/admin/me", "viewer", answer=200),
    Route("GET", CLIENTS, "viewer", answer=200),
    Route("GET", "/admin/audit", "operator", answer=200),
    Route("POST", CLIENTS, "admin", {"name": "NOT A NAME"}),
    Route("POST", f"{CLIENTS}/nobody-at-all/rotate", "admin", {"grace": 1}, answer=404),
    Route("DELETE", f"{CLIENTS}/nobody-at-all", "admin", answer=404),
)
EVERY_ROUTE = pytest.mark.parametrize("route", ROUTES, ids=[f"{one.method} {one.path}" for one in ROUTES])


@pytest.fixture
def admin(trusting_gateway: RunningGateway) -> Operator:
    return Operator(trusting_gateway)


@pytest.fixture(scope="session")
def held_keys() -> dict[str, dict[str, str]]:
    return {}


@pytest.fixture
def keys(held_keys: dict[str, dict[str, str]], admin: Operator) -> dict[str, str]:
    """Give a key of each role at this gateway, and one of a client without a role."""
    roles: dict[str, str | None] = {**{role: role for role in ROLES}, "none": None}
    if admin.gateway.url not in held_keys:
        held_keys[admin.gateway.url] = {name: admin.add(role=role)[1] for name, role in roles.items()}
    return held_keys[admin.gateway.url]


def knock(gateway: RunningGateway, route: Route, headers: Mapping[str, str]) -> tuple[int, object]:
    return outcome(call(gateway, route.path, method=route.method, body=route.body, headers=headers))


@EVERY_ROUTE
@pytest.mark.parametrize("role", [*ROLES, "none"])
def test_each_route_is_open_to_its_role_and_those_above(
    role: str, route: Route, *, admin: Operator, keys: dict[str, str]
) -> None:
    status, answer = knock(admin.gateway, route, key_headers(keys[role]))

    if role != "none" and ROLES.index(role) >= ROLES.index(route.role):
        assert status == route.answer
    else:
        assert status == 403
        assert isinstance(answer, dict)
        assert set(answer) == {"detail"}


@EVERY_ROUTE
def test_nothing_but_a_client_key_opens_the_operator_s_door(route: Route, admin: Operator, issuer: Issuer) -> None:
    every = ("complete_code", "generate_code", "duo_chat", "admin")
    refused: tuple[Mapping[str, str], ...] = (
        {},
        {"Bypass-Auth": "true"},
        signed_headers(issuer, *every),
        signed_headers(issuer, *every, role="admin", roles=["admin"]),
        key_headers("gw-wrong"),
        {"Authorization": "Basic YWRtaW46YWRtaW4="},
        {"x-api-key": "admin"},
    )
    for headers in refused:
        status, answer = knock(admin.gateway, route, headers)
        assert status == 401
        assert isinstance(answer, dict)
        assert set(answer) == {"error"}


@EVERY_ROUTE
@pytest.mark.parametrize(
    "bypass",
    ["AIGW_AUTH__BYPASS_EXTERNAL", "AIGW_AUTH__BYPASS_EXTERNAL_WITH_HEADER", "AIGW_AUTH__BYPASS_JWT_SIGNATURE"],
)
def test_no_bypass_opens_the_operator_s_door(bypass: str, route: Route, start_gateway: StartGateway) -> None:
    gateway = start_gateway(**{bypass: "true"})

    assert knock(gateway, route, {"Bypass-Auth": "true", "X-Gitlab-Authentication-Type": "oidc"})[0] == 401
    assert knock(gateway, route, key_headers(gateway.key))[0] == route.answer


@pytest.mark.parametrize("path", ["/admin", "/admin/", "/admin/nope", "/admin/clients/", "/admin/me/more"])
def test_behind_the_door_unknown_paths_are_as_closed_as_known_ones(
    path: str, admin: Operator, keys: dict[str, str]
) -> None:
    assert outcome(call(admin.gateway, path, method="GET"))[0] == 401
    assert Operator(admin.gateway, keys["none"]).ask("GET", path)[0] == 403
    assert admin.ask("GET", path) == (404, {"detail": "Not Found"})


@pytest.mark.parametrize(
    "path", ["/admin//clients", "//admin/clients", "/./admin/clients", "/%61dmin/clients", "/ai/admin/clients"]
)
def test_no_other_spelling_of_a_path_gets_around_the_door(path: str, admin: Operator, keys: dict[str, str]) -> None:
    bypassing = {"Bypass-Auth": "true"}
    for headers in (bypassing, key_headers(keys["none"])):
        answer = post(admin.gateway.port, path, {"name": "NOT A NAME"}, headers=headers)
        assert answer.status in {400, 401, 403, 404}


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", CLIENTS), ("PATCH", CLIENTS), ("DELETE", CLIENTS), ("POST", "/admin/me")]
)
def test_another_method_is_not_allowed(method: str, path: str, admin: Operator) -> None:
    assert admin.ask(method, path) == (405, {"detail": "Method Not Allowed"})


@pytest.mark.parametrize("path", ["/admin/me", CLIENTS])
def test_the_head_of_a_page_is_as_closed_as_the_page(path: str, admin: Operator) -> None:
    assert call(admin.gateway, path, method="HEAD").status_code == 401


def test_a_refusal_at_the_door_tells_what_is_wanted(admin: Operator) -> None:
    answer = call(admin.gateway, "/admin/me", method="GET")

    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_everybody_learns_who_they_are(admin: Operator) -> None:
    name, key = admin.add(role="viewer")

    assert Operator(admin.gateway, key).ask("GET", "/admin/me") == (200, {"name": name, "role": "viewer"})
    assert admin.ask("GET", "/admin/me") == (200, {"name": "admin", "role": "admin"})


def test_a_new_client_comes_back_with_its_key(admin: Operator) -> None:
    asked = {
        "name": f"team-{new_id()[:8]}",
        "role": "operator",
        "scopes": ["generate_code", "complete_code"],
        "models": ["b", "a"],
        "budget": {"usd": "12.5", "per": "month"},
        "rpm": 60,
        "tpm": 100_000,
        "expires_at": "2099-01-31T00:00:00+01:00",
    }

    status, answer = admin.ask("POST", CLIENTS, asked)

    assert status == 201
    assert set(answer) == {"client", "key"}
    client = answer["client"]
    assert (client["name"], client["role"]) == (asked["name"], "operator")
    assert client["scopes"] == ["complete_code", "generate_code"]
    assert client["models"] == ["a", "b"]
    assert float(client["budget"]["usd"]) == 12.5
    assert client["budget"]["per"] == "month"
    assert (client["rpm"], client["tpm"]) == (60, 100_000)
    assert datetime.fromisoformat(client["expires_at"]) == datetime.fromisoformat(str(asked["expires_at"]))
    assert client["revoked_at"] is None
    assert answer["key"] not in str(client)
    # Kept alone by this version, which must not go unsaid.
    assert client["not_enforced"] == ["budget", "rpm", "tpm"]
    assert set(admin.client(str(asked["name"]))) == {*client, "keys"}


@pytest.mark.parametrize(("members", "kept_only"), [({}, []), ({"rpm": 60}, ["rpm"])])
def test_a_new_client_names_its_limits_that_nobody_enforces(
    members: Mapping[str, object], kept_only: list[str], *, admin: Operator
) -> None:
    _, answer = admin.ask("POST", CLIENTS, {"name": f"c-{new_id()[:8]}", **members})

    assert answer["client"]["not_enforced"] == kept_only


def test_the_command_lists_clients_as_the_door_does(start_gateway: StartGateway) -> None:
    # A gateway of its own: in a shared one other tests add clients between the two questions.
    admin = Operator(start_gateway(AIGW_AUDIT__KEEP_DAYS="8"))
    admin.add(budget={"usd": "0.5", "per": "day"}, rpm=7, expires_at="2099-01-31T00:00:00+01:00")
    name, _ = admin.add(role="viewer")
    admin.rotate(name, grace=60)
    admin.revoke(name)

    told = [json.loads(line) for line in admin.gateway.command("clients", "list", "--json").stdout.splitlines()]

    assert told == admin.ask("GET", CLIENTS)[1]["clients"]
    assert [(one["state"], one["budget"]) for one in told if one["name"] != "admin"].count(("revoked", None)) == 1
    assert {"usd": "0.5", "per": "day"} in [one["budget"] for one in told]


def test_the_answer_with_a_key_is_kept_by_nobody_on_its_way(admin: Operator) -> None:
    answer = call(admin.gateway, CLIENTS, body={"name": f"c-{new_id()[:8]}"}, headers=key_headers(admin.gateway.key))

    assert answer.status_code == 201
    assert "no-store" in answer.headers.get("cache-control", "")


WRONG: dict[str, tuple[Mapping[str, object], str]] = {
    "a name in capitals": ({"name": "Team"}, "Team"),
    "an empty name": ({"name": ""}, "name"),
    "a name too long": ({"name": "a" * 64}, "name"),
    "a name that leads elsewhere": ({"name": "../admin"}, "name"),
    "a name with a line end": ({"name": "team\n"}, "name"),
    "a name that is a number": ({"name": 7}, "name"),
    "no name": ({"role": "viewer"}, "name"),
    "a role that does not exist": ({"name": "x", "role": "root"}, "role"),
    "a scope that does not exist": ({"name": "x", "scopes": ["complete_cod"]}, "complete_code"),
    "scopes that are a text": ({"name": "x", "scopes": "complete_code"}, "scopes"),
    "a model with a blank": ({"name": "x", "models": ["a b"]}, "a b"),
    "no requests at all": ({"name": "x", "rpm": 0}, "requests"),
    "fewer than no tokens": ({"name": "x", "tpm": -1}, "tokens"),
    "half a request": ({"name": "x", "rpm": 1.5}, "rpm"),
    "an end in the past": ({"name": "x", "expires_at": "2001-01-01T00:00:00Z"}, "past"),
    "an end without a zone": ({"name": "x", "expires_at": "2099-01-01T00:00:00"}, "expires_at"),
    "a budget for a week": ({"name": "x", "budget": {"usd": 1, "per": "week"}}, "budget"),
    "a budget of nothing": ({"name": "x", "budget": {"usd": 0, "per": "day"}}, "budget"),
    "a budget without end": ({"name": "x", "budget": {"usd": "Infinity", "per": "day"}}, "budget"),
    "the id of a client": ({"name": "x", "id": "1"}, "id"),
    "a key": ({"name": "x", "key": "gw-0123456789abcdef0123456789abcdef"}, "key"),
    "the time of its making": ({"name": "x", "created_at": "2001-01-01T00:00:00Z"}, "created_at"),
    "an end of its end": ({"name": "x", "revoked_at": None}, "revoked_at"),
    "more in the budget": ({"name": "x", "budget": {"usd": 1, "per": "day", "spent": 0}}, "budget"),
}


@pytest.mark.parametrize(("body", "named"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_is_refused_and_the_cause_is_named(
    body: Mapping[str, object], named: str, admin: Operator
) -> None:
    status, answer = admin.ask("POST", CLIENTS, body)

    assert status == 422
    assert named in answer["detail"]
    assert "gw-0123456789abcdef" not in str(answer)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b'{"name": "x", "name": "y"', b"\xff"])
def test_a_body_that_is_no_object_is_refused(raw: bytes, admin: Operator) -> None:
    answer = post(admin.gateway.port, CLIENTS, raw, headers=key_headers(admin.gateway.key))

    assert answer.status == 422


def test_a_body_is_not_looked_at_before_the_role(admin: Operator, keys: dict[str, str]) -> None:
    answer = post(admin.gateway.port, CLIENTS, b"{", headers=key_headers(keys["viewer"]))

    assert answer.status == 403


def test_a_name_that_is_taken_is_refused(admin: Operator) -> None:
    name, _ = admin.add()

    status, answer = admin.ask("POST", CLIENTS, {"name": name})

    assert status == 422
    assert name in answer["detail"]


@pytest.mark.parametrize("body", [{"grace": -1}, {"grace": 1e12}, {"grace": "soon"}, {"gracious": 1}, [], "x"])
def test_a_rotation_that_cannot_be_is_refused(body: object, admin: Operator) -> None:
    name, key = admin.add()

    status, answer = admin.ask("POST", f"{CLIENTS}/{name}/rotate", body)

    assert status == 422
    assert answer["detail"]
    assert Operator(admin.gateway, key).ask("GET", "/admin/me")[0] == 403


def test_a_rotation_without_a_body_lets_the_old_key_hold_for_a_day(admin: Operator) -> None:
    name, _ = admin.add()

    status, answer = admin.ask("POST", f"{CLIENTS}/{name}/rotate")

    assert status == 200
    assert answer["key"].startswith("gw-")
    old, new = admin.client(name)["keys"]
    kept = datetime.fromisoformat(old["valid_until"]) - datetime.fromisoformat(new["created_at"])
    assert 86_390 < kept.total_seconds() < 86_410


@pytest.mark.parametrize(("method", "more"), [("POST", "/rotate"), ("DELETE", "")])
def test_a_client_that_does_not_exist_is_not_found_and_the_nearest_is_named(
    method: str, more: str, admin: Operator
) -> None:
    name, _ = admin.add()

    status, answer = admin.ask(method, f"{CLIENTS}/{name}x{more}")

    assert status == 404
    assert f"'{name}'" in answer["detail"]


@pytest.mark.parametrize(("method", "more"), [("POST", "/rotate"), ("DELETE", "")])
def test_a_client_that_was_revoked_is_not_changed_any_more(method: str, more: str, admin: Operator) -> None:
    name, _ = admin.add()
    admin.revoke(name)

    status, answer = admin.ask(method, f"{CLIENTS}/{name}{more}")

    assert status == 422
    assert "revoked" in answer["detail"]


def test_the_last_admin_is_revoked_only_when_that_is_forced(start_gateway: StartGateway) -> None:
    # A gateway of its own: afterwards nobody opens its door any more.
    admin = Operator(start_gateway(AIGW_AUDIT__KEEP_DAYS="7"))
    other, _ = admin.add(role="admin")
    admin.revoke(other)

    status, answer = admin.ask("DELETE", f"{CLIENTS}/admin")

    assert status == 422
    assert "last admin" in answer["detail"]
    assert admin.ask("GET", "/admin/me")[0] == 200
    assert admin.ask("DELETE", f"{CLIENTS}/admin?force=perhaps")[0] == 422
    assert admin.ask("DELETE", f"{CLIENTS}/admin?force=true")[0] == 204
    wait_for(lambda: admin.ask("GET", "/admin/me")[0] == 401 or None, what="the key to end")


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=x", "kind=nope", "since=yesterday", "before_id=0", "unknown=1", "limit=1&limit=x"],
)
def test_a_question_to_the_audit_that_cannot_be_answered_is_refused(query: str, admin: Operator) -> None:
    assert admin.ask("GET", f"/admin/audit?{query}")[0] == 422


@pytest.mark.parametrize("name", ["X-Gitlab-Authentication-Type", "X-Gitlab-Realm"])
def test_what_gitlab_sends_is_not_needed_at_the_door(name: str, admin: Operator, issuer: Issuer) -> None:
    headers = without({**signed_headers(issuer), **key_headers(admin.gateway.key)}, name)

    assert outcome(call(admin.gateway, "/admin/me", method="GET", headers=headers))[0] == 200


def test_no_page_of_another_site_may_change_clients(admin: Operator) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    allowed = call(
        admin.gateway, CLIENTS, method="OPTIONS", headers={**asked, "Access-Control-Request-Headers": "x-api-key"}
    )
    # No cookie ever counts, so a page must hold the key itself; deleting is not offered to pages at all.
    deleting = call(
        admin.gateway,
        f"{CLIENTS}/admin",
        method="OPTIONS",
        headers={**asked, "Access-Control-Request-Method": "DELETE"},
    )

    assert "access-control-allow-credentials" not in allowed.headers
    assert deleting.status_code == 400
