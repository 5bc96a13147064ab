"""What the server says before it serves, and how it rests."""

from __future__ import annotations

import asyncio
import signal

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from structlog.typing import EventDict
from typing_extensions import override

from ai_gateway.server import QuietServer, _warn_of_missing_key
from gateway_core.settings.load import load_settings


@pytest.mark.parametrize(
    ("given", "warned"),
    [
        ({}, False),
        ({"AIGW_GITLAB_URL": "https://gitlab.com"}, False),
        ({"AIGW_GITLAB_URL": "https://gitlab.example"}, True),
        ({"AIGW_GITLAB_URL": "https://gitlab.example", "AIGW_SELF_SIGNED_JWT__SIGNING_KEY": "-----BEGIN"}, False),
    ],
)
def test_only_who_has_a_gitlab_and_no_signing_key_is_told(
    given: dict[str, str], logged: list[EventDict], *, warned: bool
) -> None:
    _warn_of_missing_key(load_settings({"HOME": "/home/op", **given}, env_file=None))

    assert [line["event"] for line in logged] == (["signing_key_missing"] if warned else [])


class CountedServer(QuietServer):
    """Counts how often it looks round."""

    def __init__(self) -> None:
        super().__init__(uvicorn.Config(_nothing, log_config=None))
        self.looks = 0
        self.looked = asyncio.Event()

    @override
    async def on_tick(self, counter: int) -> bool:
        self.looks += 1
        self.looked.set()
        return await super().on_tick(counter)


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    del scope, receive, send


async def test_a_server_at_rest_ends_at_once_when_a_signal_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ai_gateway.server._LOOKS_ROUND_S", 3600)
    server = CountedServer()
    serving = asyncio.create_task(server.main_loop())
    await server.looked.wait()
    server.handle_exit(signal.SIGTERM, None)
    async with asyncio.timeout(30):
        await serving

    assert server.looks == 2


async def test_the_date_of_answers_is_renewed_at_each_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ai_gateway.server._LOOKS_ROUND_S", 0.001)
    server = CountedServer()
    serving = asyncio.create_task(server.main_loop())
    dates: list[object] = []
    while len(dates) < 3:
        server.looked.clear()
        await server.looked.wait()
        dates.append(server.server_state.default_headers)
        server.server_state.default_headers = []
    server.should_exit = True
    await serving

    assert all(dates)


async def test_a_signal_before_and_after_the_serving_wakes_nobody() -> None:
    server = CountedServer()
    server.handle_exit(signal.SIGTERM, None)
    await server.main_loop()
    server.handle_exit(signal.SIGTERM, None)

    assert server.looks == 1
