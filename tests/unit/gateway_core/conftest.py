"""Logging as the product sets it up, undone after the test."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator

import pytest
import structlog

from gateway_core.telemetry.logs import configure_logging

_REWIRED = ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio")


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Give logging back as it was found."""
    root, hook = logging.getLogger(), sys.excepthook
    configured, config = structlog.is_configured(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    rewired = [logging.getLogger(name) for name in _REWIRED]
    before = [(logger.handlers[:], logger.propagate, logger.disabled) for logger in rewired]
    yield
    sys.excepthook = hook
    root.handlers[:] = handlers
    root.setLevel(level)
    for logger, (own, propagate, disabled) in zip(rewired, before, strict=True):
        logger.handlers[:], logger.propagate, logger.disabled = own, propagate, disabled
    if configured:
        structlog.configure(**config)
    else:
        structlog.reset_defaults()


@pytest.fixture
def json_log(own_logging: None, capsysbinary: pytest.CaptureFixture[bytes]) -> Callable[[], list[dict[str, object]]]:
    """Log JSON of every level; the answer gives the lines logged since it was last asked."""
    configure_logging(level="DEBUG", as_json=True, to_file=None)

    def read() -> list[dict[str, object]]:
        return [json.loads(line) for line in capsysbinary.readouterr().err.splitlines()]

    return read
