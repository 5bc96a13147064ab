from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey, RSAKey

from fakes.clock import FakeClock
from fakes.google_token_server import GoogleTokenServer, run_google
from fakes.raw_server import reply, until
from gateway_core.http_client import HttpClient
from gateway_core.identity.google import KEY_SETTING, GoogleCredentials
from gateway_core.kernel.errors import TokenExchangeFailed
from gateway_core.kernel.secret import Secret
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


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def credentials(http: HttpClient, google: GoogleTokenServer, clock: FakeClock) -> GoogleCredentials:
    return GoogleCredentials(http, clock, key=Secret(google.key_text()), patience=PATIENT)


async def token_of(credentials: GoogleCredentials) -> str:
    return (await credentials.access_token()).value.reveal()


async def refusal(credentials: GoogleCredentials) -> str:
    with pytest.raises(TokenExchangeFailed) as caught:
        await credentials.access_token()
    assert "PRIVATE KEY" not in caught.value.reason
    assert caught.value.__cause__ is None
    return caught.value.reason


async def test_a_service_account_gets_a_token_and_is_told_how_long_it_holds(credentials: GoogleCredentials) -> None:
    token = await credentials.access_token()

    assert token.value == Secret("access-1")
    assert 3590 < token.expires_in <= 3600


async def test_a_token_is_kept_while_it_is_fresh(
    credentials: GoogleCredentials, google: GoogleTokenServer, clock: FakeClock
) -> None:
    await credentials.access_token()
    clock.advance(3200)

    later = await credentials.access_token()

    assert later.value == Secret("access-1")
    assert 390 < later.expires_in <= 400
    assert len(google.requests) == 1


async def test_a_token_is_fetched_anew_five_minutes_before_it_ends(
    credentials: GoogleCredentials, clock: FakeClock
) -> None:
    await credentials.access_token()
    clock.advance(3301)

    assert await token_of(credentials) == "access-2"


async def test_calls_that_wait_at_once_share_one_fetch(
    credentials: GoogleCredentials, google: GoogleTokenServer
) -> None:
    tokens = await asyncio.gather(*(token_of(credentials) for _ in range(20)))

    assert set(tokens) == {"access-1"}
    assert len(google.requests) == 1


async def test_a_caller_who_leaves_does_not_take_the_fetch_along(
    credentials: GoogleCredentials, google: GoogleTokenServer
) -> None:
    google.behaviour = "waits"
    leaver = asyncio.create_task(credentials.access_token())
    await until(lambda: bool(google.requests))
    leaver.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaver
    google.proceed.set()

    assert await token_of(credentials) == "access-1"
    assert len(google.requests) == 1


async def test_a_token_that_still_holds_is_used_when_no_new_one_can_be_had(
    credentials: GoogleCredentials,
    google: GoogleTokenServer,
    clock: FakeClock,
    json_log: Callable[[], list[dict[str, object]]],
) -> None:
    await credentials.access_token()
    clock.advance(3400)
    google.behaviour = "refuses"

    assert await token_of(credentials) == "access-1"
    [line] = [line for line in json_log() if line["message"] == "google_token_kept"]
    assert "account not found" in str(line["reason"])

    google.behaviour = "well"
    clock.advance(5)
    assert await token_of(credentials) == "access-2"


async def test_after_a_failure_google_is_left_in_peace_for_five_seconds(
    credentials: GoogleCredentials, google: GoogleTokenServer, clock: FakeClock
) -> None:
    google.behaviour = "refuses"
    first = await refusal(credentials)
    google.behaviour = "well"
    clock.advance(4.5)

    assert await refusal(credentials) == first
    assert len(google.requests) == 1

    clock.advance(0.5)
    assert await token_of(credentials) == "access-1"


async def test_a_token_is_not_given_after_its_end(
    credentials: GoogleCredentials, google: GoogleTokenServer, clock: FakeClock
) -> None:
    await credentials.access_token()
    clock.advance(3600)
    google.behaviour = "refuses"

    assert "Google gave no access token" in await refusal(credentials)


async def test_a_short_token_is_given_and_not_asked_for_again_at_once(
    credentials: GoogleCredentials, google: GoogleTokenServer, clock: FakeClock
) -> None:
    google.life = 240
    await credentials.access_token()
    clock.advance(4)

    assert await token_of(credentials) == "access-1"

    clock.advance(1)
    assert await token_of(credentials) == "access-2"


async def test_a_token_shorter_than_the_rest_is_replaced_when_it_ends(
    credentials: GoogleCredentials, google: GoogleTokenServer, clock: FakeClock
) -> None:
    google.life = 2
    await credentials.access_token()
    clock.advance(2)

    assert await token_of(credentials) == "access-2"


@pytest.mark.parametrize(("life", "told"), [("3600", 3600), (None, 600), (10**7, 86_400)])
async def test_how_long_a_token_holds_is_taken_with_caution(
    credentials: GoogleCredentials, google: GoogleTokenServer, life: object, told: int
) -> None:
    google.life = life

    assert told - 10 < (await credentials.access_token()).expires_in <= told


async def test_a_token_that_ended_before_it_came_is_a_failure(
    credentials: GoogleCredentials, google: GoogleTokenServer
) -> None:
    google.life = -1

    assert "had ended already" in await refusal(credentials)


async def test_a_refused_key_is_named_by_its_setting_and_google_is_quoted(
    http: HttpClient, google: GoogleTokenServer
) -> None:
    stolen = Secret(google.key_text(key=RSAKey.generate_key(2048)))

    reason = await refusal(GoogleCredentials(http, FakeClock(), key=stolen, setting="AIGW_OTHER_KEY"))

    assert "AIGW_OTHER_KEY" in reason
    assert "Invalid JWT Signature" in reason


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "not json",
        '{"type": "service_account"}',
        '{"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}',
        "[" * 100_000,
    ],
)
async def test_a_text_that_is_no_key_is_refused_with_the_name_of_its_setting(http: HttpClient, text: str) -> None:
    reason = await refusal(GoogleCredentials(http, FakeClock(), key=Secret(text)))

    assert reason.startswith(f"{KEY_SETTING} holds no key of a service account")


@pytest.mark.parametrize(
    "private_key",
    [
        None,
        7,
        "-----BEGIN PRIVATE KEY-----\nbroken\n-----END PRIVATE KEY-----\n",
        ECKey.import_key(ec.generate_private_key(ec.SECP256R1())).as_pem(private=True).decode(),
    ],
)
async def test_a_key_that_cannot_sign_is_a_failure_that_names_the_setting(
    http: HttpClient, google: GoogleTokenServer, private_key: object
) -> None:
    text = google.key_text(private_key=private_key)

    assert KEY_SETTING in await refusal(GoogleCredentials(http, FakeClock(), key=Secret(text)))
    assert google.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        reply(b""),
        reply(b"[]"),
        reply(b"{}"),
        reply(b"<html>sign in</html>"),
        reply(b"\xff\xfe"),
        reply(b"[" * 100_000),
        reply(b'{"access_token": null, "expires_in": 3600}'),
        reply(b'{"access_token": " ", "expires_in": 3600}'),
        reply(b'{"access_token": ["a"], "expires_in": 3600}'),
        reply(b'{"access_token": "a", "expires_in": "soon"}'),
        reply(b'{"access_token": "a", "expires_in": 1e300}'),
        reply(b'{"access_token": "a", "expires_in": {}}'),
        reply(b"", status="302 Found", headers=("location: http://127.0.0.1/",)),
        reply(b"[]", status="403 Forbidden"),
        reply(b"x" * 10_000, status="403 Forbidden"),
        reply(b"x" * 2_000_000),
        b"this is not HTTP\r\n\r\n",
    ],
    ids=range(17),
)
async def test_whatever_is_answered_instead_of_a_token_is_a_failure_and_nothing_worse(
    credentials: GoogleCredentials, google: GoogleTokenServer, answer: bytes
) -> None:
    google.answer = answer

    reason = await refusal(credentials)

    assert reason.startswith("Google ")
    assert len(reason) < 600


async def test_what_we_signed_is_not_quoted_when_it_comes_back(
    credentials: GoogleCredentials, google: GoogleTokenServer
) -> None:
    google.answer = reply(b"denied: eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJnYXRld2F5In0.c2ln", status="401 Unauthorized")

    reason = await refusal(credentials)

    assert "denied" in reason
    assert "eyJ" not in reason


async def test_a_token_server_that_is_not_there_is_named(http: HttpClient) -> None:
    async with run_google() as gone:
        key = Secret(gone.key_text())

    assert gone.url.removeprefix("http://") in await refusal(GoogleCredentials(http, FakeClock(), key=key))


async def test_an_address_that_cannot_be_called_is_a_failure_like_any_other(
    http: HttpClient, google: GoogleTokenServer
) -> None:
    key = Secret(google.key_text(token_uri="gopher://google/token"))

    assert (await refusal(GoogleCredentials(http, FakeClock(), key=key))).startswith("Google cannot be asked")


async def test_nothing_is_sent_once_the_time_is_over(
    credentials: GoogleCredentials, http: HttpClient, google: GoogleTokenServer
) -> None:
    # Once in peace: the first use imports google-auth, and that takes a while.
    await credentials.access_token()
    hurried = GoogleCredentials(http, FakeClock(), key=Secret(google.key_text()), patience=Seconds(0))

    assert "time for it is over" in await refusal(hurried)
    assert len(google.requests) == 1


async def test_a_token_server_that_stalls_is_given_up(
    credentials: GoogleCredentials, http: HttpClient, google: GoogleTokenServer
) -> None:
    await credentials.access_token()
    google.behaviour = "stalls"
    hurried = GoogleCredentials(http, FakeClock(), key=Secret(google.key_text()), patience=Seconds(0.05))

    assert (await refusal(hurried)).startswith("Google cannot be asked")


async def test_the_loop_turns_while_google_thinks(credentials: GoogleCredentials, google: GoogleTokenServer) -> None:
    google.behaviour = "waits"
    waiting = asyncio.create_task(credentials.access_token())

    await until(lambda: bool(google.requests))
    assert not waiting.done()
    google.proceed.set()

    assert (await waiting).value == Secret("access-1")


def test_google_auth_is_not_imported_before_it_is_needed() -> None:
    script = (
        "import sys, gateway_core.identity.google as _; print(any(name.startswith('google.') for name in sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"


async def test_neither_key_nor_token_shows_in_a_repr(credentials: GoogleCredentials) -> None:
    token = await credentials.access_token()

    shown = f"{token!r} {vars(credentials)!r}"

    assert "access-1" not in shown
    assert "PRIVATE KEY" not in shown
