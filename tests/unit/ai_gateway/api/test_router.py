"""The list of routes, and the document that describes them."""

from __future__ import annotations

import json

import msgspec
import pytest
from fastapi import FastAPI

from ai_gateway.api.router import add_routes
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
    assert {f"POST {path}" for path in add_routes(FastAPI())} == set(CODE)


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
