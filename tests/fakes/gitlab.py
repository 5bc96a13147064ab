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

from fakes import signing
from fakes.gateway import RunningGateway
from fakes.issuer import Issuer

# Any: see the import.
JsonObject = dict[str, Any]

SERVICE = "gitlab-ai-gateway"
PATIENCE_S = 10.0

SIGNING, VALIDATION = "the gateway's", "the gateway's earlier one"
"""Names of its keys, as `fakes.signing` has them."""

FORBIDDEN = (401, {"error": "Forbidden by auth provider"})
"""The answer to every token and key that does not hold, whatever is wrong with it."""


def write_token(claims: Mapping[str, object]) -> str:
    """Write a token that looks like RS256 and is signed by nobody."""
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT", "kid": "nobody"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (*parts, b"not a signature"))


def user_claims(*scopes: str, **changes: object) -> dict[str, object]:
    """Give the claims of a token that GitLab signs; valid for an hour. A change to None takes a claim away."""
    now = int(time.time())
    known = {"iss": "http://gitlab.test", "aud": SERVICE, "sub": "1234", "gitlab_realm": "self-managed"}
    claims = {**known, "iat": now, "nbf": now, "exp": now + 3600, "scopes": list(scopes), **changes}
    return {name: value for name, value in claims.items() if value is not None}


def gitlab_headers(*scopes: str, **changes: object) -> dict[str, str]:
    """Give the headers of a caller who holds these scopes, with a token that nobody signed; `changes` are claims."""
    return token_headers(write_token(user_claims(*scopes, **changes)))


def signed_headers(issuer: Issuer, *scopes: str, **changes: object) -> dict[str, str]:
    """Give the headers of a caller who holds these scopes, with a token of this issuer; `changes` are claims."""
    return token_headers(issuer.sign(user_claims(*scopes, **changes)))


def token_headers(token: str, **changes: str) -> dict[str, str]:
    """Give the headers that GitLab sends with this token; `changes` name headers with underscores, "" leaves one out."""
    known = {
        "Authorization": f"Bearer {token}",
        "X-Gitlab-Authentication-Type": "oidc",
        "X-Gitlab-Instance-Id": "1234",
        "X-Gitlab-Realm": "self-managed",
        "X-Gitlab-Global-User-Id": "u1",
    }
    changed = {name.replace("_", "-"): value for name, value in changes.items()}
    return {name: value for name, value in {**known, **changed}.items() if value}


def trust_in(issuer: Issuer, **more: str) -> dict[str, str]:
    """Give the settings of a gateway that trusts this issuer as its GitLab and its customer portal."""
    return {"AIGW_GITLAB_URL": issuer.url, "AIGW_CUSTOMER_PORTAL_URL": issuer.url, **more}


def own_keys() -> dict[str, str]:
    """Give the settings of a gateway that issues tokens, and once had another key to do so."""
    settings = {"SIGNING_KEY": SIGNING, "VALIDATION_KEY": VALIDATION}
    return {
        f"AIGW_SELF_SIGNED_JWT__{name}": signing.private_pem(signing.rsa_key(key)) for name, key in settings.items()
    }


def own_token(claims: Mapping[str, object], *, by: str = "signing") -> str:
    """Write a token as the gateway of `own_keys` itself would, by its key for `signing` or `validation`."""
    key = {"signing": SIGNING, "validation": VALIDATION}[by]
    return signing.write_token(claims, key=signing.rsa_key(key), header={"kid": f"{SERVICE}_{by}_key"})


def own_claims(*scopes: str, user: str = "u1", **changes: object) -> dict[str, object]:
    """Give the claims of a token that the gateway issued to a user of the GitLab of `token_headers`."""
    known = {"iss": SERVICE, "sub": user, "gitlab_instance_id": "1234", "jti": "c0ffee"}
    return user_claims(*scopes, **{**known, **changes})


def key_headers(key: str) -> dict[str, str]:
    """Give the headers of who holds a key of this gateway."""
    return {"Authorization": f"Bearer {key}"}


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


# Any: see the import.
def complete(gateway: RunningGateway, headers: Mapping[str, str]) -> tuple[int, Any]:
    """Ask for a completion; gives the status, and the body when it is JSON or else its text."""
    return outcome(call(gateway, "/v2/completions", body=completion(), headers=headers))


# Any: see the import.
def outcome(answer: httpx.Response) -> tuple[int, Any]:
    """Give the status, and the body when it is JSON or else its text."""
    is_json = answer.headers.get("content-type", "").startswith("application/json")
    return answer.status_code, answer.json() if is_json else answer.text


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
