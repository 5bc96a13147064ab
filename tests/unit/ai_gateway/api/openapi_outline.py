"""The OpenAPI document in outline: its paths, the body of each, and the members of each schema.

`python -m unit.ai_gateway.api.openapi_outline` (with src and tests on the path) writes the reviewed
snapshot anew; read the difference before it is committed.
"""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
from fastapi import FastAPI

from ai_gateway.api.router import add_routes

SNAPSHOT = Path(__file__).parents[3] / "http" / "openapi.json"


class _Reference(msgspec.Struct):
    ref: str = msgspec.field(name="$ref", default="")
    title: str = ""


class _Content(msgspec.Struct):
    schema: _Reference


class _RequestBody(msgspec.Struct):
    content: dict[str, _Content]
    required: bool = False


class _Operation(msgspec.Struct):
    request_body: _RequestBody | None = msgspec.field(name="requestBody", default=None)


class _Schema(msgspec.Struct):
    properties: dict[str, msgspec.Raw] = {}


class _Components(msgspec.Struct):
    schemas: dict[str, _Schema]


class _Document(msgspec.Struct):
    paths: dict[str, dict[str, _Operation]]
    components: _Components


class Outline(msgspec.Struct, forbid_unknown_fields=True):
    """`paths`: method and path, and the schema of the JSON body or none; `schemas`: names of members, sorted."""

    paths: dict[str, str | None]
    schemas: dict[str, list[str]]


def outline_of(document: bytes) -> Outline:
    """Read the outline out of a document."""
    read = msgspec.json.decode(document, type=_Document)
    paths = {
        f"{method.upper()} {path}": _body_of(operation)
        for path, operations in read.paths.items()
        for method, operation in operations.items()
    }
    return Outline(paths, {name: sorted(schema.properties) for name, schema in read.components.schemas.items()})


def current() -> Outline:
    """Give the outline of the API as it is."""
    api = FastAPI()
    add_routes(api)
    return outline_of(json.dumps(api.openapi()).encode())


def _body_of(operation: _Operation) -> str | None:
    if operation.request_body is None:
        return None
    schema = operation.request_body.content["application/json"].schema
    return schema.ref.rpartition("/")[2] or schema.title


def main() -> None:
    """Write the snapshot."""
    content = msgspec.json.format(msgspec.json.encode(current(), order="sorted"), indent=2)
    SNAPSHOT.write_bytes(content + b"\n")


if __name__ == "__main__":
    main()
