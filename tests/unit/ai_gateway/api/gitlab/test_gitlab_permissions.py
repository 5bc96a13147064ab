"""What a caller must be allowed to do for each endpoint, and who may not even then."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from structlog.typing import EventDict

from fakes.gitlab import SERVICE, gitlab_headers
from gateway_core.inference.request import Json
from unit.ai_gateway.asgi_client import FakeConnection, bare_scope, call
from unit.ai_gateway.edge.body_samples import COMPONENTS, CURRENT_FILE, V2, planted
from unit.ai_gateway.run_app import RunApp

UNSIGNED = {"AIGW_AUTH__BYPASS_JWT_SIGNATURE": "true"}
EVERYTHING = ("complete_code", "generate_code", "amazon_q_integration")

SMALL: Json = {"current_file": CURRENT_FILE}
COMPLETION: dict[str, Json] = {"prompt_components": [{"type": "code_editor_completion", "payload": CURRENT_FILE}]}
GENERATION: dict[str, Json] = {"prompt_components": [{"type": "code_editor_generation", "payload": CURRENT_FILE}]}


@dataclass(frozen=True)
class Door:
    """An endpoint: the unit primitive that it asks for, and its words for those who lack it."""

    path: str
    body: Json
    needs: str
    refusal: str
    takes_our_own_tokens: bool = False


DOORS = [
    Door(path, SMALL, "complete_code", "Unauthorized to access code completions", takes_our_own_tokens=True)
    for path in ("/v2/completions", "/v2/code/completions")
]
DOORS.append(Door("/v2/code/generations", SMALL, "generate_code", "Unauthorized to access code generations"))
for path in ("/v3/code/completions", "/v4/code/suggestions"):
    DOORS.append(Door(path, COMPLETION, "complete_code", "Unauthorized to access code suggestions"))
    DOORS.append(Door(path, GENERATION, "generate_code", "Unauthorized to access code suggestions"))

each_door = pytest.mark.parametrize("door", DOORS, ids=lambda door: f"{door.path}-{door.needs}")


async def knock(running: RunApp, door: Door, *scopes: str, issuer: str = "http://gitlab.test") -> FakeConnection:
    """Ask with a token that holds these scopes."""
    own = {"iss": SERVICE, "sub": "u1"} if issuer == SERVICE else {"iss": issuer}
    headers = {name.lower(): value for name, value in gitlab_headers(*scopes, **own).items()}
    scope = bare_scope(door.path, headers=headers | {"content-type": "application/json"})
    async with running(**UNSIGNED) as app:
        return await call(app, scope, json.dumps(door.body).encode())


def forbidden(door: Door) -> tuple[int, bytes]:
    """Give the refusal of a door."""
    return 403, json.dumps({"detail": door.refusal}, separators=(",", ":")).encode()


@each_door
async def test_the_one_unit_primitive_is_enough(running: RunApp, door: Door, logged: list[EventDict]) -> None:
    answer = await knock(running, door, door.needs)

    assert answer.status == 200, answer.body
    (line,) = (line for line in logged if line["logger_name"] == "api.access")
    assert (line["meta.unit_primitive"], line["meta.feature_category"]) == (door.needs, "code_suggestions")


@each_door
async def test_every_other_unit_primitive_is_not(running: RunApp, door: Door, logged: list[EventDict]) -> None:
    answer = await knock(running, door, *(name for name in EVERYTHING if name != door.needs))

    assert (answer.status, answer.body) == forbidden(door)
    (line,) = (line for line in logged if line["logger_name"] == "api.access")
    assert "meta.unit_primitive" not in line
    assert line["http_exception_details"] == f"403: {door.refusal}"


@each_door
async def test_tokens_that_we_issued_ourselves_open_only_completions(running: RunApp, door: Door) -> None:
    answer = await knock(running, door, *EVERYTHING, issuer=SERVICE)

    if door.takes_our_own_tokens:
        assert answer.status == 200, answer.body
    else:
        assert (answer.status, answer.body) == forbidden(door)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v2/code/completions", planted(V2, ("model_provider",), "amazon_q")),
        ("/v2/code/generations", planted(V2, ("model_provider",), "amazon_q")),
        (
            "/v4/code/suggestions",
            planted(COMPONENTS, ("prompt_components", 0, "payload", "model_provider"), "amazon_q"),
        ),
        ("/v4/code/suggestions", COMPLETION | {"model_metadata": {"provider": "amazon_q", "name": "amazon_q"}}),
    ],
)
async def test_amazon_q_asks_for_a_unit_primitive_of_its_own(running: RunApp, path: str, body: Json) -> None:
    if isinstance(body, dict) and "model_name" in body:
        body = body | {"model_name": "amazon_q"}
    door = Door(path, body, "amazon_q_integration", "")

    refused = await knock(running, door, "complete_code", "generate_code")
    ours = await knock(running, door, *EVERYTHING, issuer=SERVICE)
    taken = await knock(running, door, "amazon_q_integration")

    assert (refused.status, ours.status) == (403, 403)
    # Allowed, but nothing here can call it.
    assert taken.status == 422
    assert b"Amazon Q cannot be called" in taken.body


async def test_a_body_that_does_not_fit_is_refused_before_the_permission_is_looked_at(running: RunApp) -> None:
    answer = await knock(running, Door("/v2/code/completions", {}, "", ""))

    assert answer.status == 422
