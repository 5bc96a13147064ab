"""What is sent, and how hard: the scenarios with their requests and their loads."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

CHUNKS = 200
CADENCE_US = 5_000
# What GitLab sends besides the body; a bench without them would skip the work of reading them.
CLIENT_KEY = "gw-bench0123456789abcdefghijklmnopqrstuvwxyz01"
"""What opens a gateway that is measured; it is put into its data folder before the start."""

CALLER_HEADERS = {
    "authorization": f"Bearer {CLIENT_KEY}",
    "x-gitlab-authentication-type": "oidc",
    "x-gitlab-global-user-id": "bench-user",
    "x-gitlab-instance-id": "00000000-0000-4000-8000-000000000000",
    "x-gitlab-host-name": "gitlab.example.com",
    "x-gitlab-realm": "self-managed",
    "x-gitlab-version": "18.6.0",
    "x-request-id": "01BENCH0000000000000000000",
}

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json]"


class Door(StrEnum):
    """Whose request format a target understands."""

    GATEWAY = "gateway"
    MODEL = "model"


@dataclass(frozen=True)
class Load:
    """A way to put load on a target. Without a rate the loop is closed."""

    name: str
    meaning: str
    connections: int
    rate: float | None = None


@dataclass(frozen=True)
class Request:
    """One request, the same for each call."""

    path: str
    headers: dict[str, str]
    body: dict[str, Json]

    def render_body(self) -> bytes:
        """Give the bytes of the body."""
        return json.dumps(self.body).encode()

    def render_headers(self) -> dict[str, str]:
        """Give the headers with those that every client sends."""
        return {"accept": "*/*", "content-type": "application/json"} | self.headers

    def render(self, *, port: int) -> bytes:
        """Give the bytes that go over the wire."""
        body = self.render_body()
        headers = {"host": f"127.0.0.1:{port}"} | self.render_headers() | {"content-length": str(len(body))}
        lines = [f"POST {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        return "\r\n".join(lines).encode() + body


@dataclass(frozen=True)
class Scenario:
    """A question asked in both formats, the loads it is asked under, and the marks that a whole answer carries."""

    name: str
    streamed: bool
    marks: int
    loads: tuple[Load, ...]

    def build_request(self, door: Door, *, model_url: str) -> Request:
        """Give the request in the format of the target."""
        match (self.streamed, door):
            case (False, Door.GATEWAY):
                return _code_completion(model_url)
            case (True, Door.GATEWAY):
                return _streamed_suggestion(model_url)
            case (False, Door.MODEL):
                prompt: dict[str, Json] = {"model": "codestral", "prompt": ABOVE, "suffix": BELOW, "max_tokens": 128}
                return Request("/v1/completions", {"authorization": "Bearer sk-bench"}, prompt)
            case _:
                chat: dict[str, Json] = {
                    "model": "bench",
                    "stream": True,
                    "messages": [{"role": "user", "content": ABOVE}],
                }
                return Request("/v1/chat/completions", {"authorization": "Bearer sk-bench"}, chat)


def _method(name: str) -> str:
    return (
        f"    def {name}(self, factor: float) -> float:\n"
        f'        """Give the {name} of this shape, scaled by a factor."""\n'
        f"        return self.sizes[{name!r}] * factor\n\n"
    )


# Thirteen methods of four lines; with the head and the method being written about sixty.
_SIZES = ("width", "height", "depth", "margin", "border", "padding", "radius")
_OTHERS = ("weight", "volume", "density", "surface", "slope", "offset")
_BELOW_METHODS = ("shade", "gloss", "grain", "price", "stock")
ABOVE = (
    '"""Shapes and their sizes."""\n\nfrom dataclasses import dataclass, field\n\n\n@dataclass\nclass Shape:\n'
    '    """A shape with named sizes in metres."""\n\n    sizes: dict[str, float] = field(default_factory=dict)\n\n'
    + "".join(map(_method, _SIZES + _OTHERS))
    + '    def describe(self) -> str:\n        """Name the shape and its size for a log line."""\n        '
)
BELOW = "\n" + "".join(map(_method, _BELOW_METHODS))


def _code_completion(model_url: str) -> Request:
    return Request(
        "/v2/code/completions",
        CALLER_HEADERS,
        {
            "prompt_version": 1,
            "project_path": "",
            "project_id": -1,
            "current_file": {"file_name": "shape.py", "content_above_cursor": ABOVE, "content_below_cursor": BELOW},
            "model_provider": "litellm",
            "model_name": "codestral",
            "model_endpoint": model_url,
            "model_api_key": "sk-bench",
        },
    )


def _streamed_suggestion(model_url: str) -> Request:
    payload: dict[str, Json] = {
        "file_name": "shape.py",
        "content_above_cursor": ABOVE,
        "content_below_cursor": "",
        "language_identifier": "python",
        "stream": True,
        "prompt": "write a function",
    }
    metadata: dict[str, Json] = {
        "provider": "litellm",
        "name": "gpt",
        "endpoint": model_url,
        "api_key": "sk-bench",
        "identifier": "custom_openai/bench",
    }
    components: list[Json] = [{"type": "code_editor_generation", "payload": payload}]
    body: dict[str, Json] = {"prompt_components": components, "model_metadata": metadata}
    return Request("/v4/code/suggestions", CALLER_HEADERS | {"x-supports-sse-streaming": "true"}, body)


SATURATED = Load("saturated", "closed loop, 32 connections", connections=32)
CONSTANT = Load("constant", "100 requests/s", connections=64, rate=100)
PACED = Load("paced", "5 new streams/s, a chunk each 5 ms", connections=64, rate=5)
BUSY = Load("busy", "50 streams at once, a chunk each 5 ms", connections=50)
COMPLETIONS = Scenario("completions", streamed=False, marks=1, loads=(SATURATED, CONSTANT))
SUGGESTIONS_STREAM = Scenario("suggestions_stream", streamed=True, marks=CHUNKS, loads=(PACED, BUSY))
SCENARIOS = {scenario.name: scenario for scenario in (COMPLETIONS, SUGGESTIONS_STREAM)}
