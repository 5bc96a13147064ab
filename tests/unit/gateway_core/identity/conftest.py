"""Issuers' keys under a test's hand, and what is logged about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway_core.identity import issuers
from gateway_core.telemetry.logs import get_log
from unit.gateway_core.identity.issuer_keys import Followed, Log


@pytest.fixture
def followed(tmp_path: Path) -> Followed:
    """Give issuers of which none answers yet."""
    return Followed(tmp_path / "key-sets")


@pytest.fixture
def issuer_log(json_log: Log, monkeypatch: pytest.MonkeyPatch) -> Log:
    """Give the lines about keys; the logger is made anew because a used one keeps its first configuration."""
    monkeypatch.setattr(issuers, "log", get_log("cloud_connector"))
    return lambda: [line for line in json_log() if line["logger"] == "cloud_connector"]
