"""A provider's two ends: the server it calls and the client it calls with."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator

import pytest

from fakes.upstream import MockUpstream
from gateway_core.http_client import HttpClient


@pytest.fixture
def upstream() -> Iterator[MockUpstream]:
    with MockUpstream() as running:
        yield running


@pytest.fixture
async def client() -> AsyncGenerator[HttpClient]:
    """Give a client; whatever the test did with it, no connection may still be in use."""
    client = HttpClient()
    yield client
    assert client.open_connections == client.idle_connections
    await client.close()
