"""The whole application in this process: what its tests set, and how they start it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from starlette.types import ASGIApp

from fakes.provider import FakeProvider
from gateway_core.settings.model import Settings

OPEN = {"AIGW_AUTH__BYPASS_EXTERNAL": "true"}
REAL = {"ANTHROPIC_API_KEY": "sk-of-nobody"}


class ReadSettings(Protocol):
    """Read settings of a gateway whose data is in a folder of the test; see the fixture `settings_of`."""

    def __call__(self, **given: str) -> Settings: ...


class RunApp(Protocol):
    """Build the application; `provider` answers for Anthropic; see the fixture `running`."""

    def __call__(
        self, provider: FakeProvider | None = None, /, **given: str
    ) -> AbstractAsyncContextManager[ASGIApp]: ...
