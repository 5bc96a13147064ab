"""Who may bring a model along."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from structlog.typing import EventDict

from fakes.gitlab import SERVICE, gitlab_headers
from gateway_core.inference.request import Json
from unit.ai_gateway.asgi_client import FakeConnection, bare_scope, call
from unit.ai_gateway.edge.body_samples import CURRENT_FILE
from unit.ai_gateway.run_app import OPEN, RunApp

UNSIGNED = {"AIGW_AUTH__BYPASS_JWT_SIGNATURE": "true"}
CUSTOM = {"AIGW_CUSTOM_MODELS__ENABLED": "true", "AIGW_MOCK_MODEL_RESPONSES": "true"}
ENDPOINT = "http://127.0.0.1:9/v1"
METADATA: Json = {"provider": "litellm", "name": "codegemma", "endpoint": ENDPOINT, "identifier": "custom_openai/m"}

BROUGHT: dict[str, dict[str, Json]] = {
    "an endpoint": {"model_provider": "litellm", "model_name": "codegemma", "model_endpoint": ENDPOINT},
    "a key": {"model_provider": "litellm", "model_name": "codegemma", "model_api_key": "k-0123456789"},
    "an identifier": {"model_identifier": "anthropic/claude-sonnet-4-5"},
    "metadata": {"model_metadata": METADATA},
}
each_part = pytest.mark.parametrize("brought", BROUGHT.values(), ids=BROUGHT)
each_path = pytest.mark.parametrize("path", ["/v2/completions", "/v2/code/completions"])


async def ask(
    running: RunApp, path: str, brought: Mapping[str, Json], *, issuer: str = "", **settings: str
) -> FakeConnection:
    """Ask with a token of this issuer, or with none."""
    own = {"iss": issuer, "sub": "u1" if issuer == SERVICE else "1234"}
    headers = gitlab_headers("complete_code", **own) if issuer else {}
    scope = bare_scope(path, headers={name.lower(): value for name, value in headers.items()})
    scope["headers"].append((b"content-type", b"application/json"))
    async with running(**settings) as app:
        return await call(app, scope, json.dumps({"current_file": CURRENT_FILE, **brought}).encode())


@each_part
@each_path
async def test_gitlab_may_bring_a_model(running: RunApp, path: str, brought: Mapping[str, Json]) -> None:
    answer = await ask(running, path, brought, issuer="http://gitlab.test", **UNSIGNED, **CUSTOM)

    assert answer.status == 200, answer.body


@each_part
@each_path
async def test_a_user_with_a_token_of_ours_may_not(
    running: RunApp, path: str, brought: Mapping[str, Json], logged: list[EventDict]
) -> None:
    answer = await ask(running, path, brought, issuer=SERVICE, **UNSIGNED, **CUSTOM)

    assert (answer.status, answer.body) == (403, b'{"detail":"Unauthorized to bring a model"}')
    assert "127.0.0.1:9" not in str(logged)


async def test_a_user_with_a_token_of_ours_may_ask_for_the_model_of_the_feature(running: RunApp) -> None:
    answer = await ask(running, "/v2/completions", {}, issuer=SERVICE, **UNSIGNED, **CUSTOM)

    assert answer.status == 200, answer.body


async def test_a_model_that_gitlab_hosts_is_none_that_a_user_brings(running: RunApp) -> None:
    metadata: dict[str, Json] = {"model_metadata": {"provider": "gitlab", "identifier": "claude_sonnet_4_5_20250929"}}

    answer = await ask(running, "/v2/completions", metadata, issuer=SERVICE, **UNSIGNED, **CUSTOM)

    assert answer.status == 200, answer.body


async def test_where_nobody_is_asked_who_they_are_everybody_may(running: RunApp) -> None:
    answer = await ask(running, "/v2/completions", BROUGHT["an endpoint"], **OPEN, **CUSTOM)

    assert answer.status == 200, answer.body


async def test_where_custom_models_are_off_everybody_is_told_so(running: RunApp) -> None:
    keys = {"ANTHROPIC_API_KEY": "sk-of-nobody"}

    answer = await ask(running, "/v2/completions", BROUGHT["an endpoint"], issuer=SERVICE, **UNSIGNED, **keys)

    assert answer.status == 422
    assert b"specifying custom models endpoint is disabled" in answer.body
