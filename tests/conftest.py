"""Keep every test on this machine: a socket may reach loopback or a Unix path, nothing else."""

from __future__ import annotations

from pytest_socket import socket_allow_hosts

LOOPBACK = ["127.0.0.1", "::1"]


def pytest_runtest_setup() -> None:
    """Close the network before each test; pytest-socket opens it again after."""
    socket_allow_hosts(LOOPBACK, allow_unix_socket=True)
