"""Bodies with every member that the schemas know, and ways to plant something in them."""

from __future__ import annotations

from collections.abc import Iterator

from gateway_core.inference.request import Json

Path = tuple[str | int, ...]

CURRENT_FILE: dict[str, Json] = {
    "file_name": "a.py",
    "language_identifier": "python",
    "content_above_cursor": "x = ",
    "content_below_cursor": "\n",
}
CONTEXT_ITEM: dict[str, Json] = {"type": "file", "name": "b.py", "content": "y = 2"}
V2: dict[str, Json] = {
    "prompt_version": 1,
    "project_path": "group/project",
    "project_id": 7,
    "current_file": CURRENT_FILE,
    "model_provider": "anthropic",
    "model_name": "claude-sonnet-4-5-20250929",
    "model_endpoint": "http://127.0.0.1:9",
    "model_api_key": "key",
    "model_identifier": "custom_openai/x",
    "telemetry": [
        {
            "model_engine": "anthropic",
            "model_name": "m",
            "lang": "python",
            "requests": 1,
            "accepts": 1,
            "errors": 0,
            "experiments": [{"name": "e", "variant": 1}],
        }
    ],
    "stream": False,
    "choices_count": 1,
    "context": [CONTEXT_ITEM],
    "prompt_id": "code_suggestions/generations",
    "role_arn": "arn",
    "prompt": "write x",
}
V2_WITH_MESSAGES: dict[str, Json] = V2 | {"prompt_version": 3, "prompt": [{"role": "user", "content": "write x"}]}

_EDITOR: dict[str, Json] = CURRENT_FILE | {
    "model_provider": "anthropic",
    "model_name": "claude",
    "stream": False,
    "choices_count": 0,
    "role_arn": "arn",
    "prompt": [{"role": "user", "content": "write x"}],
}
_GENERATION: dict[str, Json] = {
    "prompt_id": "code_suggestions/generations",
    "prompt_version": "^1.0.0",
    "prompt_enhancer": {"libraries": ["l"]},
}
_SOURCE: dict[str, Json] = {"source": "lsp", "version": "8"}
COMPONENTS: dict[str, Json] = {
    "prompt_components": [
        {"type": "code_editor_completion", "payload": _EDITOR, "metadata": _SOURCE},
        {"type": "code_editor_generation", "payload": _EDITOR | _GENERATION, "metadata": _SOURCE},
        {"type": "code_context", "payload": CONTEXT_ITEM, "metadata": _SOURCE},
    ]
}


def paths_of(body: Json, at: Path = ()) -> Iterator[Path]:
    """Give the path of every member, the outer ones first."""
    match body:
        case dict():
            steps: list[tuple[str | int, Json]] = list(body.items())
        case list():
            steps = list(enumerate(body))
        case _:
            steps = []
    for step, inner in steps:
        yield (*at, step)
        yield from paths_of(inner, (*at, step))


def planted(body: Json, path: Path, value: Json) -> Json:
    """Give a copy of the body with another value at the path."""
    if not path:
        return value
    first, rest = path[0], path[1:]
    if isinstance(body, dict) and isinstance(first, str):
        return body | {first: planted(body[first], rest, value)}
    if isinstance(body, list) and isinstance(first, int):
        return [*body[:first], planted(body[first], rest, value), *body[first + 1 :]]
    raise AssertionError(f"no {first!r} in {body!r}")
