"""The list of routes, and the document that describes them."""

from __future__ import annotations

import json

import msgspec
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from ai_gateway.api.router import add_routes
from ai_gateway.edge.roles import RoleGate
from unit.ai_gateway.api.openapi_outline import SNAPSHOT, Outline, current, outline_of

CODE = {
    "POST /v2/completions": "CompletionBody",
    "POST /v2/code/completions": "CompletionBody",
    "POST /v2/code/generations": "GenerationBody",
    "POST /v3/code/completions": "ComponentsBody",
    "POST /v4/code/suggestions": "ComponentsBody",
}


def test_the_document_is_the_one_that_was_reviewed() -> None:
    reviewed = msgspec.json.decode(SNAPSHOT.read_bytes(), type=Outline)

    assert current() == reviewed


@pytest.mark.parametrize(("operation", "schema"), CODE.items())
def test_each_code_endpoint_is_listed_with_its_body(operation: str, schema: str) -> None:
    assert current().paths[operation] == schema


def test_every_code_endpoint_is_named_in_metrics_and_nothing_else_is() -> None:
    assert {f"POST {path}" for path in add_routes(FastAPI())} == {*CODE, "POST /v1/code/user_access_token"}


# Every route of the operator's door, and the weakest role that it lets in.
OPERATOR = {
    "GET /admin/me": "viewer",
    "GET /admin/clients": "viewer",
    "POST /admin/clients": "admin",
    "POST /admin/clients/{name}/rotate": "admin",
    "DELETE /admin/clients/{name}": "admin",
    "GET /admin/audit": "operator",
}


def test_each_route_of_the_operators_door_asks_for_its_role_and_there_is_none_without() -> None:
    api = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    add_routes(api)
    routes = [route for route in api.routes if isinstance(route, APIRoute) and route.path.startswith("/admin")]

    gates = {f"{method} {route.path}": route.app for route in routes for method in route.methods or ()}

    assert {name: gate.role for name, gate in gates.items() if isinstance(gate, RoleGate)} == OPERATOR
    assert gates.keys() == OPERATOR.keys()


def test_the_document_says_which_role_an_operators_route_needs() -> None:
    api = FastAPI()
    add_routes(api)

    for name, role in OPERATOR.items():
        method, path = name.split()
        assert api.openapi()["paths"][path][method.lower()]["description"].endswith(f"Needs the role {role}.")


def test_schemas_tell_the_members_of_their_bodies() -> None:
    schemas = current().schemas

    assert {"current_file", "prompt_version", "model_provider", "stream"} <= set(schemas["CompletionBody"])
    assert schemas["ComponentsBody"] == ["prompt_components"]
    assert "prompt_enhancer" in schemas["GenerationPayload"]
    assert schemas["ContextPayload"] == ["content", "name", "type"]


def test_an_outline_shows_a_member_that_is_new() -> None:
    document = {
        "paths": {"/a": {"get": {}}},
        "components": {"schemas": {"Body": {"properties": {"one": {"type": "string"}, "new": {}}}}},
    }

    assert outline_of(json.dumps(document).encode()) == Outline({"GET /a": None}, {"Body": ["new", "one"]})
