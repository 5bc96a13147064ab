"""Run every asynchronous test here on both event loops: the standard library's and the one in production."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping

import pytest
import uvloop

from gateway_core.http_client import HttpClient


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Name the loops, for pytest-asyncio."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def client() -> AsyncGenerator[HttpClient]:
    client = HttpClient()
    yield client
    await client.close()
