"""Requests for code in every way a client can ask, over each dialect that an upstream may speak."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from fakes.gateway import RunningGateway, wait_for
from fakes.raw_client import Answer, Call, connected, render_post

PREFIX = "def prefix_of_the_caller(a, b):\n    "
SUFFIX = "\n\nafter_the_cursor = 1\n"

Way = Literal["v2 whole", "v2 stream", "v4 stream"]
WAYS: tuple[Way, ...] = ("v2 whole", "v2 stream", "v4 stream")
STREAMS: tuple[Way, ...] = ("v2 stream", "v4 stream")


@dataclass(frozen=True, slots=True)
class Dialect:
    """A wire format, and how a gateway is brought to speak it; `root` is what the address ends with."""

    name: str
    provider: str
    key: str
    path: str
    root: str = ""
    variables: tuple[str, str] | None = None
    """Of the key and the address; None: each request brings both."""

    def settings(self, upstream: str) -> dict[str, str]:
        """Give the settings that lead to this upstream."""
        if self.variables is None:
            return {"AIGW_CUSTOM_MODELS__ENABLED": "true"}
        key, address = self.variables
        return {key: self.key, address: upstream + self.root}


OPENAI = Dialect(
    "openai chat",
    "openai",
    "sk-proj-openai-0123456789abcdef",
    "/v1/chat/completions",
    "/v1",
    ("OPENAI_API_KEY", "OPENAI_BASE_URL"),
)
ANTHROPIC = Dialect(
    "anthropic",
    "anthropic",
    "sk-ant-api03-0123456789abcdef",
    "/v1/messages",
    variables=("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
)
SELF_HOSTED = Dialect("self-hosted", "compatible", "self-hosted-key-0123456789", "/v1/completions", "/v1")
DIALECTS = (OPENAI, ANTHROPIC, SELF_HOSTED)


@dataclass(frozen=True, slots=True)
class Brought:
    """A model that the caller brings along."""

    endpoint: str
    api_key: str
    name: str = "codegemma"
    identifier: str | None = None
    provider: str = "litellm"

    def in_v2(self) -> dict[str, str]:
        """Give the members of a v2 body."""
        members = {
            "model_provider": self.provider,
            "model_name": self.name,
            "model_endpoint": self.endpoint,
            "model_api_key": self.api_key,
        }
        return members if self.identifier is None else {**members, "model_identifier": self.identifier}

    def in_v4(self) -> dict[str, object]:
        """Give the member of a v4 body."""
        metadata = {
            "provider": self.provider,
            "name": self.name,
            "endpoint": self.endpoint,
            "api_key": self.api_key,
            "identifier": self.identifier or f"custom_openai/{self.name}",
        }
        return {"model_metadata": metadata}


def v2_body(*, stream: bool = False, prefix: str = PREFIX, **members: object) -> dict[str, object]:
    """Write a v2 body."""
    file = {"file_name": "main.py", "content_above_cursor": prefix, "content_below_cursor": SUFFIX}
    return {"prompt_version": 1, "current_file": file, "stream": stream, **members}


def v4_body(*, stream: bool = True, prefix: str = PREFIX) -> dict[str, object]:
    """Write a v4 body."""
    payload = {
        "file_name": "main.py",
        "content_above_cursor": prefix,
        "content_below_cursor": SUFFIX,
        "stream": stream,
    }
    return {"prompt_components": [{"type": "code_editor_completion", "payload": payload}]}


def request_in(way: Way, brought: Brought | None = None, *, prefix: str = PREFIX) -> tuple[str, dict[str, object]]:
    """Give path and body of a completion asked for in this way."""
    if way == "v4 stream":
        return "/v4/code/suggestions", {**v4_body(prefix=prefix), **(brought.in_v4() if brought else {})}
    members = brought.in_v2() if brought else {}
    return "/v2/code/completions", v2_body(stream=way == "v2 stream", prefix=prefix, **members)


def text_in(way: Way, answer: Answer) -> str:
    """Read the suggestion out of an answer, as far as it came."""
    if way == "v2 whole":
        return "".join(choice["text"] for choice in answer.json["choices"])
    if way == "v2 stream":
        return answer.body.decode(errors="replace")
    chunks = (json.loads(data) for event, data in events_in(answer) if event == "content_chunk")
    return "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks)


def events_in(answer: Answer) -> list[tuple[str, str]]:
    """Read name and data of each whole event of a v4 stream; comments are left out."""
    events = []
    for block in answer.body.decode().split("\r\n\r\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\r\n") if not line.startswith(":"))
        if fields:
            events.append((fields["event"], fields["data"]))
    return events


@dataclass(frozen=True)
class Door:
    """One way into one gateway: what a test asks through."""

    gateway: RunningGateway
    way: Way
    brought: Brought | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def asking(self, request_id: str, *, prefix: str = PREFIX) -> Iterator[Call]:
        """Send a request and leave its answer to the test."""
        path, body = request_in(self.way, self.brought, prefix=prefix)
        credential = {"authorization": f"Bearer {self.gateway.key}", "x-request-id": request_id}
        with connected(self.gateway.port) as call:
            call.send(render_post(path, body, headers={**credential, **self.headers}))
            yield call

    def ask(self, request_id: str | None = None, *, prefix: str = PREFIX) -> Answer:
        """Ask and read the answer to its end."""
        with self.asking(request_id or new_id(), prefix=prefix) as call:
            return call.answer()


def open_door(
    start_gateway: Callable[..., RunningGateway], dialect: Dialect, *, way: Way, upstream: str, **settings: str
) -> Door:
    """Give a way to this upstream; gateways with equal settings are one."""
    gateway = start_gateway(**dialect.settings(upstream), **settings)
    brought = None if dialect.variables else Brought(upstream + dialect.root, dialect.key)
    return Door(gateway, way, brought)


def new_id() -> str:
    """Make a request id that no other test has."""
    return uuid.uuid4().hex


def failure_line(gateway: RunningGateway, request_id: str) -> dict[str, object]:
    """Wait for the line in which the failure of this request's model call is told."""

    def find() -> dict[str, object] | None:
        for line in gateway.log_lines():
            told = line["level"] in {"warning", "error"} and "provider" in line
            if told and line["correlation_id"] == request_id:
                return line
        return None

    return wait_for(find, what=f"a warning about the upstream of {request_id}")


def wait_until_idle(gateway: RunningGateway) -> None:
    """Wait until no model call is in flight any more."""

    def look() -> bool | None:
        gauges = [value for name, value in gateway.metrics().items() if name.startswith("model_inferences_in_flight")]
        return True if gauges and not any(gauges) else None

    wait_for(look, what="the in-flight gauge to be 0")
