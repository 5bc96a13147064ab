"""Settings and metrics for a runtime of one test."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import CollectorRegistry

from fakes.gateway import NO_ISSUERS
from gateway_core.settings.load import load_settings
from gateway_core.settings.model import Settings
from gateway_core.telemetry.metrics import Metrics


def settings(folder: Path | str = "/home/op", **environ: str) -> Settings:
    """Read settings with a data folder below this one, and nobody to ask for keys."""
    known = {"HOME": str(folder), "AIGW_DATA_DIR": f"{folder}/data", **NO_ISSUERS}
    return load_settings({**known, **environ}, env_file=None)


def metrics() -> Metrics:
    """Make metrics that nobody else counts in."""
    return Metrics(CollectorRegistry())
