"""Keep every test on this machine, and none of them in a hurry: sockets reach loopback or a Unix path only."""

from __future__ import annotations

import hypothesis
from pytest_socket import socket_allow_hosts

# A slow machine is no counterexample.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

LOOPBACK = ["127.0.0.1", "::1"]


def pytest_runtest_setup() -> None:
    """Close the network before each test; pytest-socket opens it again after."""
    socket_allow_hosts(LOOPBACK, allow_unix_socket=True)
