"""What the server says before it serves."""

from __future__ import annotations

import pytest
from structlog.typing import EventDict

from ai_gateway.server import _warn_of_missing_key
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
