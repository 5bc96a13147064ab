"""What the tests of the HTTP service share."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import structlog
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp
from structlog.testing import capture_logs
from structlog.typing import EventDict

from ai_gateway.app import create_app
from fakes.gateway import NO_ISSUERS
from fakes.provider import FakeProvider
from gateway_core.runtime import build_runtime
from gateway_core.settings.load import load_settings
from gateway_core.settings.model import Settings
from gateway_core.telemetry.metrics import Metrics
from unit.ai_gateway.run_app import ReadSettings, RunApp


@pytest.fixture
def logged() -> Iterator[list[EventDict]]:
    """Keep every log line of the test as its fields; whatever was configured before comes back."""
    configured, before = structlog.is_configured(), structlog.get_config()
    structlog.reset_defaults()
    with capture_logs() as lines:
        yield lines
    if configured:
        structlog.configure(**before)


@pytest.fixture
def settings_of(tmp_path: Path) -> ReadSettings:
    """Read settings of a gateway whose data is in a folder of this test."""

    def read(**given: str) -> Settings:
        home = {"HOME": str(tmp_path), "AIGW_DATA_DIR": str(tmp_path / "data")}
        return load_settings(home | NO_ISSUERS | given, env_file=None)

    return read


@pytest.fixture
def running(settings_of: ReadSettings, logged: list[EventDict]) -> RunApp:
    """Build the application; a provider of the test may answer for Anthropic."""
    assert logged == []

    @asynccontextmanager
    async def run(provider: FakeProvider | None = None, /, **given: str) -> AsyncGenerator[ASGIApp]:
        providers = {"anthropic": provider} if provider else None
        metrics = Metrics(registry=CollectorRegistry())
        async with (
            build_runtime(settings_of(**given), metrics=metrics, providers=providers) as runtime,
            AsyncExitStack() as stack,
        ):
            yield create_app(runtime, stack).door

    return run
