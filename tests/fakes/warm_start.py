"""Gateways, and commands beside them, that start at once: copies of a process that has imported everything already."""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile

_PROGRAM = Path(__file__).with_name("warm_program.py")
_CHOOSES_AT_IMPORT = frozenset({"PROMETHEUS_MULTIPROC_DIR", "WEB_CONCURRENCY"})
"""Libraries look at these when they are imported."""
_KEPT = ("PATH", "LANG", "LD_LIBRARY_PATH")


class WarmProcess:
    """A process that another one started for us; the part of `subprocess.Popen` that tests use."""

    def __init__(self, pid: int, end: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._end = end

    def poll(self) -> int | None:
        """Give the exit code, or None while it runs."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and give the exit code."""
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired("ai-gateway", timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to stop."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Stop it by force."""
        self.send_signal(signal.SIGKILL)

    def _look(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._end], [], [], timeout)[0]:
            self.returncode = int(os.read(self._end, 16))
            os.close(self._end)
        return self.returncode


def may_start_warm(settings: Mapping[str, str]) -> bool:
    """Tell whether a gateway with these settings is the same when its modules were imported without them.

    When coverage is measured it is not: that begins with the interpreter.
    """
    return _CHOOSES_AT_IMPORT.isdisjoint(settings) and "COVERAGE_PROCESS_START" not in os.environ


def start_warm(
    words: Sequence[str], *, environment: Mapping[str, str], folder: Path, streams: tuple[int, int, int]
) -> WarmProcess:
    """Start a gateway in this folder with these words, this environment and these three streams."""
    ours, theirs = os.pipe()
    order = {"words": list(words), "environment": dict(environment), "folder": str(folder)}
    control = _running_program()
    socket.send_fds(control, [json.dumps(order).encode()], [*streams, theirs])
    os.close(theirs)
    return WarmProcess(int(control.recv(32)), ours)


def run_warm(
    words: Sequence[str], *, environment: Mapping[str, str], folder: Path, within_s: float
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and give what it said."""
    with TemporaryFile("w+") as out, TemporaryFile("w+") as err, Path(os.devnull).open() as nothing:
        streams = (nothing.fileno(), out.fileno(), err.fileno())
        process = start_warm(words, environment=environment, folder=folder, streams=streams)
        try:
            code = process.wait(within_s)
        finally:
            process.kill()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(list(words), code, out.read(), err.read())


@cache
def _running_program() -> socket.socket:
    """Run the program for as long as this process lives."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, _PROGRAM, str(theirs.fileno())],
            env={name: os.environ[name] for name in _KEPT if name in os.environ},
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours
