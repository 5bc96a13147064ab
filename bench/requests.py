"""What is sent: the requests of GitLab and of SDKs, and those that the mock model itself understands."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

CLIENT_KEY = "gw-bench0123456789abcdefghijklmnopqrstuvwxyz01"
"""What opens a gateway that is measured; it is put into its data folder before the start."""

# What callers send besides the body; a bench without them would skip the work of reading them.
GITLAB_HEADERS = {
    "authorization": f"Bearer {CLIENT_KEY}",
    "x-gitlab-authentication-type": "oidc",
    "x-gitlab-global-user-id": "bench-user",
    "x-gitlab-instance-id": "00000000-0000-4000-8000-000000000000",
    "x-gitlab-host-name": "gitlab.example.com",
    "x-gitlab-realm": "self-managed",
    "x-gitlab-version": "18.6.0",
    "x-request-id": "01BENCH0000000000000000000",
}
OPENAI_SDK_HEADERS = {
    "accept": "application/json",
    "user-agent": "OpenAI/Python 3.52.0",
    "x-stainless-lang": "python",
    "x-stainless-package-version": "3.52.0",
    "x-stainless-os": "Linux",
    "x-stainless-arch": "x64",
    "x-stainless-runtime": "CPython",
    "x-stainless-runtime-version": "3.11.7",
    "x-stainless-async": "false",
    "x-stainless-retry-count": "0",
}
ANTHROPIC_SDK_HEADERS = OPENAI_SDK_HEADERS | {
    "user-agent": "Anthropic/Python 2.11.0",
    "x-stainless-package-version": "2.11.0",
    "anthropic-version": "2023-06-01",
}

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json]"


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


def ask_model_to_complete() -> Request:
    """Ask the model itself to fill a gap in code."""
    prompt: dict[str, Json] = {"model": "codestral", "prompt": ABOVE, "suffix": BELOW, "max_tokens": 128}
    return Request("/v1/completions", {"authorization": "Bearer sk-bench"}, prompt)


def ask_model_for_code() -> Request:
    """Ask the model itself for code in pieces."""
    chat: dict[str, Json] = {"model": "bench", "stream": True, "messages": [{"role": "user", "content": ABOVE}]}
    return Request("/v1/chat/completions", {"authorization": "Bearer sk-bench"}, chat)


def ask_code_completion(model_url: str) -> Request:
    """Ask for what stands at the cursor, as GitLab does."""
    return Request(
        "/v2/code/completions",
        GITLAB_HEADERS,
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


def ask_streamed_suggestion(model_url: str) -> Request:
    """Ask for new code in pieces, as GitLab does."""
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
    return Request("/v4/code/suggestions", GITLAB_HEADERS | {"x-supports-sse-streaming": "true"}, body)


ADVICE = (
    "You are a careful assistant that answers questions about software in a terse and exact manner. "
    "Quote the sources you rely on and say when you are not sure. "
)


def ask_chat(*, key: str, model: str, size: int = 1024, stream: bool = False) -> Request:
    """Ask in OpenAI's format, with a body of so many bytes."""
    headers = OPENAI_SDK_HEADERS | {"authorization": f"Bearer {key}"}

    def with_question(question: str) -> Request:
        messages: Json = [{"role": "system", "content": ADVICE}, {"role": "user", "content": question}]
        body: dict[str, Json] = {"model": model, "temperature": 0.2, "max_tokens": 512, "messages": messages}
        return Request("/v1/chat/completions", headers, body | ({"stream": True} if stream else {}))

    return _fill(with_question, size=size)


def ask_message(*, key: str, model: str, size: int = 1024, stream: bool = False) -> Request:
    """Ask in Anthropic's format, with a body of so many bytes."""
    headers = ANTHROPIC_SDK_HEADERS | {"x-api-key": key}

    def with_question(question: str) -> Request:
        user: Json = {"role": "user", "content": question}
        body: dict[str, Json] = {"model": model, "max_tokens": 512, "system": ADVICE, "messages": [user]}
        return Request("/v1/messages", headers, body | ({"stream": True} if stream else {}))

    return _fill(with_question, size=size)


def _fill(with_question: Callable[[str], Request], *, size: int) -> Request:
    """Choose a question that makes the body so many bytes long."""
    room = size - len(with_question("").render_body())
    return with_question((ADVICE * (room // len(ADVICE) + 1))[:room])
