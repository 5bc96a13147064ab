"""Keys from a real server process, fetched by the real client in real time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from joserfc import jwt

from fakes.issuer import DISCOVERY, FIRST_KID, KEYS, UNKNOWN_JWK, Issuer, run_issuer, weak_jwk
from gateway_core.http_client import HttpClient
from gateway_core.identity.discovery import fetch_key_set
from gateway_core.identity.disk import KeyFolder
from gateway_core.identity.issuers import IssuerKeys, IssuerSource
from gateway_core.kernel.clock import SystemClock
from gateway_core.kernel.units import Seconds
from unit.gateway_core.identity.issuer_keys import Log, events, kids

REFRESH = Seconds(3600)
WEEK = Seconds(7 * 24 * 3600)
# More than any step here takes by itself, less than the deadline of a fetch.
SOON_S = 5.0


@pytest.fixture
def gitlab() -> Iterator[Issuer]:
    with run_issuer() as running:
        yield running


@pytest.fixture
def portal() -> Iterator[Issuer]:
    with run_issuer() as running:
        yield running


@asynccontextmanager
async def follow(
    folder: Path, issuers: Mapping[str, Issuer], *, refresh: Seconds = REFRESH
) -> AsyncGenerator[IssuerKeys]:
    http = HttpClient()
    clock = SystemClock()
    keys = IssuerKeys(
        (),
        [IssuerSource(name, issuer.url, f"{name.upper()}_URL", check_issuer=False) for name, issuer in issuers.items()],
        fetch=partial(fetch_key_set, http),
        disk=KeyFolder(folder, clock, WEEK),
        clock=clock,
        refresh=refresh,
        stale_for=WEEK,
        algorithms=("RS256",),
    )
    try:
        async with keys:
            yield keys
    finally:
        await http.close()


async def come_true(condition: Callable[[], bool]) -> None:
    """Wait for what happens in another process."""
    async with asyncio.timeout(SOON_S):
        # The other process lives in real time, and has no event that we could wait for.
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_token_opens_with_the_key_that_its_issuer_publishes(tmp_path: Path, gitlab: Issuer) -> None:
    async with follow(tmp_path, {"gitlab": gitlab}) as keys:
        await come_true(lambda: kids(keys) == [f"gitlab/{FIRST_KID}"])
        (trusted,) = keys.keys()

    token = jwt.decode(gitlab.sign({"sub": "1234"}), trusted.key, algorithms=["RS256"])

    assert token.claims == {"sub": "1234"}


async def test_a_key_that_was_rotated_in_is_found_by_the_first_request_that_needs_it(
    tmp_path: Path, gitlab: Issuer
) -> None:
    async with follow(tmp_path, {"gitlab": gitlab}) as keys:
        await come_true(lambda: bool(keys.keys()))
        new = gitlab.rotate()

        assert await keys.look_again()
        assert kids(keys) == [f"gitlab/{new}", f"gitlab/{FIRST_KID}"]
        # Case 19 of the specification: the discovery document is fetched once a process.
        assert (gitlab.hits(DISCOVERY), gitlab.hits(KEYS)) == (1, 2)


async def test_a_key_that_was_rotated_out_is_gone_with_the_next_refresh(tmp_path: Path, gitlab: Issuer) -> None:
    async with follow(tmp_path, {"gitlab": gitlab}, refresh=Seconds(0.2)) as keys:
        await come_true(lambda: bool(keys.keys()))
        new = gitlab.rotate(keep_old=False)

        await come_true(lambda: kids(keys) == [f"gitlab/{new}"])


async def test_issuers_that_accept_and_never_answer_hold_up_nothing(
    tmp_path: Path, gitlab: Issuer, portal: Issuer
) -> None:
    gitlab.behave("stall")
    portal.behave("stall")
    began = time.monotonic()

    async with follow(tmp_path, {"gitlab": gitlab, "portal": portal}) as keys:
        started = time.monotonic() - began
        looks = await asyncio.gather(*(keys.look_again() for _ in range(20)))
        looked = time.monotonic() - began
        held = keys.keys()
    closed = time.monotonic() - began

    assert started < 0.5
    assert not any(looks)
    assert 0.9 < looked < 2
    assert held == ()
    assert closed - looked < 0.5


async def test_an_issuer_that_stalls_does_not_hold_up_another(tmp_path: Path, gitlab: Issuer, portal: Issuer) -> None:
    gitlab.behave("stall")

    async with follow(tmp_path, {"gitlab": gitlab, "portal": portal}) as keys:
        await come_true(lambda: kids(keys) == [f"portal/{FIRST_KID}"])
        assert keys.trouble() == "gitlab: it has not answered yet"


async def test_a_request_at_the_start_waits_for_the_first_answer(tmp_path: Path, gitlab: Issuer) -> None:
    gitlab.behave("slow:0.2", at=KEYS)

    async with follow(tmp_path, {"gitlab": gitlab}) as keys:
        assert await keys.look_again()
        assert kids(keys) == [f"gitlab/{FIRST_KID}"]


async def test_without_any_network_the_start_is_at_once_and_the_log_stays_small(
    tmp_path: Path, gitlab: Issuer, issuer_log: Log
) -> None:
    gitlab.go_away()
    began = time.monotonic()

    async with follow(tmp_path, {"gitlab": gitlab, "portal": gitlab}) as keys:
        looks = [await keys.look_again() for _ in range(100)]

        assert time.monotonic() - began < 2
        assert not any(looks)
        assert "GITLAB_URL: 127.0.0.1:" in keys.trouble()
    assert events(issuer_log()) == ["JWKS not refreshed"]


@pytest.mark.parametrize("how", ["html", "empty", "half"])
async def test_an_issuer_that_comes_to_its_senses_is_found_again_in_seconds(
    tmp_path: Path, gitlab: Issuer, how: str
) -> None:
    gitlab.behave(how)

    async with follow(tmp_path, {"gitlab": gitlab}) as keys:
        await come_true(lambda: "GITLAB_URL: " in keys.trouble())
        assert keys.keys() == ()
        gitlab.behave("well")

        await come_true(lambda: kids(keys) == [f"gitlab/{FIRST_KID}"])
        assert keys.trouble() == ""


async def test_keys_survive_their_issuer_and_a_restart_without_it(tmp_path: Path, gitlab: Issuer) -> None:
    async with follow(tmp_path, {"gitlab": gitlab}) as keys:
        await come_true(lambda: any(tmp_path.iterdir()))
        gitlab.go_away()
        assert not await keys.look_again()
        assert kids(keys) == [f"gitlab/{FIRST_KID}"]

    async with follow(tmp_path, {"gitlab": gitlab}) as restarted:
        assert kids(restarted) == [f"gitlab/{FIRST_KID}"]
        await come_true(lambda: "cannot connect" in restarted.trouble())
        gitlab.come_back()
        new = gitlab.rotate()

        await come_true(lambda: kids(restarted) == [f"gitlab/{new}", f"gitlab/{FIRST_KID}"])


async def test_keys_that_cannot_be_used_are_left_out_by_name(tmp_path: Path, gitlab: Issuer, issuer_log: Log) -> None:
    gitlab.publish(FIRST_KID, extra=[weak_jwk("feeble"), UNKNOWN_JWK])

    async with follow(tmp_path, {"gitlab": gitlab}) as keys:
        await come_true(lambda: bool(keys.keys()))

    assert kids(keys) == [f"gitlab/{FIRST_KID}"]
    skipped = [line["kid"] for line in issuer_log() if line["message"] == "key_skipped"]
    assert skipped == ["feeble", "of-the-future"]


async def test_processes_that_share_a_folder_do_not_disturb_each_other(tmp_path: Path, gitlab: Issuer) -> None:
    async with follow(tmp_path, {"gitlab": gitlab}) as one, follow(tmp_path, {"gitlab": gitlab}) as two:
        await come_true(lambda: bool(one.keys() and two.keys()))
        await come_true(lambda: [file.suffix for file in tmp_path.iterdir()] == [".json"])


async def test_an_issuer_below_a_path_is_followed(tmp_path: Path) -> None:
    with run_issuer(path="/gitlab") as relative:
        async with follow(tmp_path, {"gitlab": relative}) as keys:
            await come_true(lambda: kids(keys) == [f"gitlab/{FIRST_KID}"])
