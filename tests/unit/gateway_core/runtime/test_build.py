from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest

from fakes.clock import FakeClock
from fakes.provider import FakeProvider
from gateway_core.http_client import Deadlines, HttpUnreachable
from gateway_core.identity.clients import FirstAdmin
from gateway_core.inference.request import InferenceRequest, conversation_of
from gateway_core.inference.wish import ModelWish
from gateway_core.kernel.errors import CredentialRefused, KeySetsMissing, SettingInvalid
from gateway_core.kernel.secret import Secret
from gateway_core.kernel.units import Seconds
from gateway_core.relay.model import AnsweringModel
from gateway_core.runtime import build_runtime, prepare_first_start
from unit.gateway_core.runtime.settings_of import metrics, settings

ANTHROPIC = {"ANTHROPIC_API_KEY": "anthropic-key-of-the-test"}
CUSTOM = {"AIGW_CUSTOM_MODELS__ENABLED": "true"}


async def build_request(model: AnsweringModel) -> InferenceRequest:
    return InferenceRequest(model.upstream, conversation_of(system="", user="Hi"), prompt_id="test")


async def test_with_nothing_set_a_runtime_answers_from_the_script(tmp_path: Path) -> None:
    async with build_runtime(settings(tmp_path), metrics=metrics()) as built:
        model, answer = await built.relay.complete(ModelWish("code_completions"), build_request)

    assert (model.engine, model.name, answer.text) == ("fake-provider", "fake-model", "mock")


async def test_a_test_can_put_a_provider_in_the_place_of_a_real_one(tmp_path: Path) -> None:
    fake = FakeProvider()

    async with build_runtime(
        settings(tmp_path, **ANTHROPIC), metrics=metrics(), providers={"anthropic": fake}
    ) as built:
        model, answer = await built.relay.complete(ModelWish("code_generations"), build_request)

    assert (model.engine, answer.text) == ("anthropic", "hello")
    ((request, lease),) = fake.calls
    assert request.model == "claude-sonnet-4-5-20250929"
    assert lease.secret == Secret(ANTHROPIC["ANTHROPIC_API_KEY"])


async def test_the_first_key_gets_in_and_is_never_logged(tmp_path: Path) -> None:
    first = await asyncio.to_thread(prepare_first_start, settings(tmp_path), terminal=False)
    async with build_runtime(settings(tmp_path), metrics=metrics()) as built:
        file = tmp_path / "data" / "admin-key"
        key = file.read_text().strip()
        caller = await built.identity.authenticator.authenticate({"authorization": f"Bearer {key}"}.get)

    assert first == FirstAdmin(path=file, name="admin")
    assert caller.client is not None
    assert (caller.client.name, caller.client.role) == ("admin", "admin")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_on_a_terminal_the_first_key_is_shown_once_and_kept_nowhere(tmp_path: Path) -> None:
    first = await asyncio.to_thread(prepare_first_start, settings(tmp_path), terminal=True)
    second = await asyncio.to_thread(prepare_first_start, settings(tmp_path), terminal=True)

    assert first.key is not None
    assert first.path is None
    assert second == FirstAdmin(name="admin")
    kept = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())
    assert first.key.reveal().encode() not in kept


# The header {"alg":"RS256"}, the payload {"aud":"gitlab-ai-gateway","exp":4102444800}, a signature of nobody.
UNSIGNED = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJnaXRsYWItYWktZ2F0ZXdheSIsImV4cCI6NDEwMjQ0NDgwMH0.AAAA"
TOKEN = {"authorization": f"Bearer {UNSIGNED}", "x-gitlab-authentication-type": "oidc"}


@pytest.mark.parametrize("headers", [{}, TOKEN, TOKEN | {"bypass-auth": "true"}])
async def test_nothing_is_open_by_default(tmp_path: Path, headers: dict[str, str]) -> None:
    async with build_runtime(settings(tmp_path), metrics=metrics()) as built:
        with pytest.raises((CredentialRefused, KeySetsMissing)):
            await built.identity.authenticator.authenticate(headers.get)


@pytest.mark.parametrize(
    ("environ", "headers", "kind"),
    [
        ({"AIGW_AUTH__BYPASS_EXTERNAL": "true"}, {}, "debug"),
        ({"AIGW_AUTH__BYPASS_EXTERNAL_WITH_HEADER": "true"}, {"bypass-auth": "true"}, "debug"),
        ({"AIGW_AUTH__BYPASS_JWT_SIGNATURE": "true"}, TOKEN, "token"),
    ],
    ids=["external", "external with header", "signature"],
)
async def test_each_bypass_is_a_setting(
    tmp_path: Path, environ: dict[str, str], headers: dict[str, str], kind: str
) -> None:
    async with build_runtime(settings(tmp_path, **environ), metrics=metrics(), clock=FakeClock()) as built:
        assert (await built.identity.authenticator.authenticate(headers.get)).kind == kind


async def test_the_audience_of_tokens_is_the_name_of_the_service(tmp_path: Path) -> None:
    named = settings(tmp_path, AIGW_AUTH__BYPASS_JWT_SIGNATURE="true", AIGW_CLOUD_CONNECTOR_SERVICE_NAME="other")

    async with build_runtime(named, metrics=metrics(), clock=FakeClock()) as built:
        with pytest.raises(CredentialRefused, match="Forbidden by auth provider"):
            await built.identity.authenticator.authenticate(TOKEN.get)


@pytest.mark.parametrize(
    ("environ", "enabled", "custom_models"),
    [({}, False, False), ({"AIGW_LOGGING__ENABLE_REQUEST_LOGGING": "true"}, True, False), (CUSTOM, False, True)],
)
async def test_request_data_is_logged_as_the_settings_say(
    tmp_path: Path, environ: dict[str, str], *, enabled: bool, custom_models: bool
) -> None:
    async with build_runtime(settings(tmp_path, **environ), metrics=metrics()) as built:
        assert (built.data_log.enabled, built.data_log.custom_models) == (enabled, custom_models)


async def test_the_client_is_closed_with_the_runtime(tmp_path: Path) -> None:
    soon = Deadlines(connect=Seconds(5), first_byte=Seconds(5), idle=Seconds(5), total=None)

    async with build_runtime(settings(tmp_path), metrics=metrics()) as built:
        http = built.http

    with pytest.raises(HttpUnreachable, match="the client is closed"):
        await http.send("GET", "http://127.0.0.1:1/", headers=[], deadlines=soon)


async def test_a_hash_key_that_is_not_the_one_of_the_stored_keys_stops_the_start(tmp_path: Path) -> None:
    await asyncio.to_thread(prepare_first_start, settings(tmp_path), terminal=False)

    with pytest.raises(SettingInvalid, match="AIGW_CLIENTS__HASH_KEY"):
        async with build_runtime(settings(tmp_path, AIGW_CLIENTS__HASH_KEY="another" * 8), metrics=metrics()):
            pytest.fail("it started")
