"""Tests cannot leave this machine."""

from __future__ import annotations

import socket

import pytest

# Never given to anybody (RFC 5737, RFC 3849). A datagram socket sends nothing when it connects.
ELSEWHERE = [(socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")]


@pytest.mark.parametrize(("family", "host"), ELSEWHERE)
def test_a_socket_to_another_machine_is_refused(family: socket.AddressFamily, host: str) -> None:
    with socket.socket(family, socket.SOCK_DGRAM) as probe, pytest.raises(Warning, match=f'with host "{host}"'):
        probe.connect((host, 9))


def test_a_socket_to_loopback_is_let_through() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()[:2]) as probe:
        assert probe.getpeername() == server.getsockname()
