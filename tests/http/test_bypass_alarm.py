"""A gateway whose authentication can be bypassed says so, without filling its log."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.gateway import RunningGateway, run_gateway
from fakes.gitlab import complete, gitlab_headers

BYPASSES = ("AIGW_AUTH__BYPASS_EXTERNAL", "AIGW_AUTH__BYPASS_EXTERNAL_WITH_HEADER", "AIGW_AUTH__BYPASS_JWT_SIGNATURE")


def critical(gateway: RunningGateway, message: str) -> list[object]:
    lines = [line for line in gateway.log_lines() if line["level"] == "critical" and line["message"] == message]
    return [line["setting"] for line in lines]


@pytest.mark.parametrize("setting", BYPASSES)
def test_a_bypass_is_told_at_the_start_and_once_while_it_is_used(setting: str, tmp_path: Path) -> None:
    with run_gateway(tmp_path, {setting: "true"}, warm=True) as gateway:
        assert critical(gateway, "authentication_bypassed") == [setting]
        assert critical(gateway, "authentication_bypass_used") == []

        for _ in range(10):
            assert complete(gateway, {**gitlab_headers("complete_code"), "Bypass-Auth": "true"})[0] == 200

        assert critical(gateway, "authentication_bypass_used") == [setting]


def test_a_bypass_that_is_off_is_told_never(closed_gateway: RunningGateway) -> None:
    complete(closed_gateway, {"Bypass-Auth": "true"})

    assert critical(closed_gateway, "authentication_bypassed") == []
    assert critical(closed_gateway, "authentication_bypass_used") == []
