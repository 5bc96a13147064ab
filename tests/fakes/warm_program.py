"""A process that has imported the gateway and becomes one at each order: what most of a start costs is paid once.

An order is one message: JSON with the command's words, its folder and its environment, and with it the descriptors of
its three streams and of the pipe that wants to know its end. The answer is the number of the new process.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import sys
import threading

import ai_gateway.command_line
import ai_gateway.server
import gateway_core.storage.migrations.run
from ai_gateway.main import run

_MAX_ORDER = 1 << 18
_WARM = (ai_gateway.command_line, ai_gateway.server, gateway_core.storage.migrations.run)


def take_orders(control: socket.socket) -> bool:
    """Start a gateway for each order; returns True in each of them, and False in the end."""
    ends: dict[int, int] = {}
    awake, wake = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(awake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    while True:
        ready, _, _ = select.select([control.fileno(), awake], [], [])
        if awake in ready:
            os.read(awake, 1024)
            _tell_ends(ends)
        if control.fileno() not in ready:
            continue
        order, streams, _, _ = socket.recv_fds(control, _MAX_ORDER, 4)
        if not order:
            return False
        child = os.fork()
        if not child:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for descriptor in (control.detach(), awake, wake, streams[3], *ends.values()):
                os.close(descriptor)
            _become(json.loads(order), streams)
            return True
        for stream in streams[:3]:
            os.close(stream)
        ends[child] = streams[3]
        control.send(str(child).encode())


def _tell_ends(ends: dict[int, int]) -> None:
    """Write the exit code of each process that has ended into its pipe."""
    while ends:
        child, status = os.waitpid(-1, os.WNOHANG)
        if not child:
            return
        end = ends.pop(child)
        os.write(end, str(os.waitstatus_to_exitcode(status)).encode())
        os.close(end)


def _become(order: dict[str, object], streams: list[int]) -> None:
    """Take over what a new process would have been given."""
    for number, stream in enumerate(streams[:3]):
        os.dup2(stream, number)
        os.close(stream)
    folder, words, environment = order["folder"], order["words"], order["environment"]
    assert isinstance(folder, str)
    assert isinstance(words, list)
    assert isinstance(environment, dict)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = words


if __name__ == "__main__":
    assert threading.active_count() == 1, "what is copied must have one thread"
    # What is imported stays; without this each copy would touch, and so copy, all of it.
    gc.freeze()
    if take_orders(socket.socket(fileno=int(sys.argv[1]))):
        run()
