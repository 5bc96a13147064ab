from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from fakes.clock import FakeClock
from fakes.google_token_server import GoogleTokenServer, run_google
from fakes.raw_server import reply
from gateway_core.http_client import HttpClient
from gateway_core.identity.google import KEY_SETTING, GoogleCredentials
from gateway_core.kernel.errors import TokenExchangeFailed
from gateway_core.kernel.units import Seconds

PATIENT = Seconds(30)


@pytest.fixture
async def http() -> AsyncGenerator[HttpClient]:
    client = HttpClient()
    yield client
    await client.close()


@pytest.fixture
async def google() -> AsyncGenerator[GoogleTokenServer]:
    async with run_google() as google:
        yield google


async def refusal(credentials: GoogleCredentials) -> str:
    with pytest.raises(TokenExchangeFailed) as caught:
        await credentials.access_token()
    return caught.value.reason


async def test_without_a_key_the_file_that_the_machine_names_counts(
    http: HttpClient, google: GoogleTokenServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "account.json"
    path.write_text(google.key_text(), encoding="utf-8")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))

    token = await GoogleCredentials(http, FakeClock(), patience=PATIENT).access_token()

    assert token.value.reveal() == "access-1"


@pytest.mark.parametrize("content", [None, "folder", "not json", "{}", '{"type": "service_account"}'])
async def test_a_file_of_the_machine_that_holds_no_key_is_a_failure_that_says_what_to_set(
    http: HttpClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    path = tmp_path / "account.json"
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_text(content, encoding="utf-8")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))

    reason = await refusal(GoogleCredentials(http, FakeClock()))

    assert reason.startswith("this machine has no credentials for Google")
    assert KEY_SETTING in reason


async def test_a_file_of_the_machine_that_is_not_there_is_named(
    http: HttpClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "gone.json"))

    assert "gone.json" in await refusal(GoogleCredentials(http, FakeClock()))


async def test_a_metadata_server_that_answers_nonsense_is_a_failure_and_nothing_worse(
    google: GoogleTokenServer, tmp_path: Path
) -> None:
    where = google.url.removeprefix("http://")
    google.answer = reply(b'{"email": 7}', headers=("metadata-flavor: Google",))

    reason = await ask_in_a_process(tmp_path, GCE_METADATA_HOST=where, GCE_METADATA_IP=where)

    assert "KeyError content-type" in reason


# google-auth reads where its metadata server is when it is imported, so these need a process of their own.
ASK = """
import asyncio
from fakes.clock import FakeClock
from gateway_core.http_client import HttpClient
from gateway_core.identity.google import GoogleCredentials
from gateway_core.kernel.errors import TokenExchangeFailed

async def ask():
    http = HttpClient()
    try:
        return (await GoogleCredentials(http, FakeClock()).access_token()).value.reveal()
    except TokenExchangeFailed as failed:
        return failed.reason
    finally:
        await http.close()

print(asyncio.run(ask()))
"""
ROOT = Path(__file__).parents[4]
PATHS = f"{ROOT / 'src'}:{ROOT / 'tests'}"


async def ask_in_a_process(tmp_path: Path, **environment: str) -> str:
    run = [sys.executable, "-c", ASK]
    alone = {"CLOUDSDK_CONFIG": str(tmp_path), "PATH": str(tmp_path), "PYTHONPATH": PATHS}
    done = await asyncio.to_thread(
        subprocess.run, run, env=alone | environment, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


async def test_without_any_file_the_metadata_server_is_asked(google: GoogleTokenServer, tmp_path: Path) -> None:
    where = google.url.removeprefix("http://")

    assert await ask_in_a_process(tmp_path, GCE_METADATA_HOST=where, GCE_METADATA_IP=where) == "access-1"
    # By our client: that of google-auth says who it is.
    assert not any("user-agent" in request.headers for request in google.requests)


async def test_a_machine_without_credentials_is_told_which_setting_to_make(tmp_path: Path) -> None:
    reason = await ask_in_a_process(tmp_path, NO_GCE_CHECK="true")

    assert reason.startswith("this machine has no credentials for Google")
    assert KEY_SETTING in reason
