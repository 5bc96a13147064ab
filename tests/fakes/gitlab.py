"""GitLab and an editor as callers of the gateway: their tokens, headers and bodies, sent over plain HTTP."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

# Any: a body may be of any shape, also a wrong one, and an answer's shape is what its test asserts.
from typing import Any

import httpx

from fakes.gateway import RunningGateway

# Any: see the import.
JsonObject = dict[str, Any]

SERVICE = "gitlab-ai-gateway"
PATIENCE_S = 10.0


def write_token(claims: Mapping[str, object]) -> str:
    """Write a token that looks like RS256 and is signed by nobody."""
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT", "kid": "nobody"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (*parts, b"not a signature"))


def user_claims(*scopes: str, **changes: object) -> dict[str, object]:
    """Give the claims of a token that GitLab signs; valid for an hour."""
    now = int(time.time())
    known = {"iss": "http://gitlab.test", "aud": SERVICE, "sub": "1234", "gitlab_realm": "self-managed"}
    return {**known, "iat": now, "nbf": now, "exp": now + 3600, "scopes": list(scopes), **changes}


def gitlab_headers(*scopes: str, **changes: object) -> dict[str, str]:
    """Give the headers of a caller who holds these scopes; `changes` are claims."""
    return {
        "Authorization": f"Bearer {write_token(user_claims(*scopes, **changes))}",
        "X-Gitlab-Authentication-Type": "oidc",
        "X-Gitlab-Instance-Id": "1234",
        "X-Gitlab-Realm": "self-managed",
        "X-Gitlab-Global-User-Id": "u1",
    }


def without(headers: Mapping[str, str], name: str) -> dict[str, str]:
    """Give the headers less one."""
    return {known: value for known, value in headers.items() if known != name}


# Any: see the import.
def current_file(**changes: Any) -> JsonObject:
    """Give a small Python file with the cursor in it."""
    return {
        "file_name": "main.py",
        "content_above_cursor": "def f",
        "content_below_cursor": "\n",
        **changes,
    }


# Any: see the import.
def completion(**changes: Any) -> JsonObject:
    """Give the body of a v2 completion."""
    return {
        "prompt_version": 1,
        "project_path": "group/project",
        "project_id": 1,
        "current_file": current_file(),
        **changes,
    }


# Any: see the import.
def generation(**changes: Any) -> JsonObject:
    """Give the body of a v2 generation whose messages the caller wrote."""
    message = {"role": "user", "content": "write a sorting function"}
    known = {"model_provider": "litellm", "model_name": "mistral"}
    return completion(prompt_version=3, prompt=[message], **known) | changes


# Any: see the import.
def component(kind: str, **payload: Any) -> JsonObject:
    """Give one component of a v3 or v4 body; `kind` is `completion` or `generation`."""
    return {"type": f"code_editor_{kind}", "payload": {**current_file(), **payload}}


def components(*items: JsonObject) -> JsonObject:
    """Give a v3 or v4 body."""
    return {"prompt_components": list(items)}


def call(
    gateway: RunningGateway,
    path: str,
    *,
    method: str = "POST",
    body: object = None,
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    """Send one request over a connection of its own and read the whole answer."""
    with _client() as client:
        return client.request(method, gateway.url + path, json=body, headers=headers)


@contextmanager
def streaming(
    gateway: RunningGateway, path: str, *, body: object, headers: Mapping[str, str]
) -> Iterator[httpx.Response]:
    """Send one request and leave the answer's body to the block; at its end the caller is gone."""
    with _client() as client, client.stream("POST", gateway.url + path, json=body, headers=headers) as answer:
        yield answer


def _client() -> httpx.Client:
    # Neither proxies nor certificates: everything is on loopback.
    return httpx.Client(trust_env=False, verify=False, timeout=PATIENCE_S)
