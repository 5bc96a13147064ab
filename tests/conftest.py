"""Keep every test on this machine, and none of them in a hurry: sockets reach loopback or a Unix path only."""

from __future__ import annotations

import hypothesis
from pytest_socket import socket_allow_hosts

# A slow machine is no counterexample. `make test-slow` chooses the other one.
hypothesis.settings.register_profile("brisk", deadline=None, max_examples=25)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=100)
hypothesis.settings.load_profile("brisk")

LOOPBACK = ["127.0.0.1", "::1"]


def pytest_runtest_setup() -> None:
    """Close the network before each test; pytest-socket opens it again after."""
    socket_allow_hosts(LOOPBACK, allow_unix_socket=True)
