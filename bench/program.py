"""Start a program with all its children on one core, read what it costs, and end it."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cores:
    """Where the gateway runs and where everything else does; None where there is only one core."""

    gateway: int | None
    load: int | None


def choose_cores() -> Cores:
    """Take the first core that we may use for the gateway and the second for the load."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        return Cores(gateway=None, load=None)
    return Cores(gateway=allowed[0], load=allowed[1])


@contextmanager
def pinned(core: int | None) -> Generator[None]:
    """Keep this process, and every child started meanwhile, on one core."""
    before = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Program:
    """A running program and its children: one POSIX session, found by its number."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @classmethod
    def start(
        cls, command: Sequence[str], *, environment: Mapping[str, str], folder: Path, log: Path, core: int | None
    ) -> "Program":
        """Start a command in a session of its own; both outputs go to the log."""
        with log.open("ab") as output, pinned(core):
            return cls(
                subprocess.Popen(
                    command,
                    env=dict(environment),
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
            )

    def has_ended(self) -> bool:
        """Tell whether the first process has gone."""
        return self._process.poll() is not None

    def cpu_s(self) -> float:
        """Give the CPU time used so far by the whole session, in seconds.

        The scheduler's nanoseconds know only living threads, the ticks also the ended ones: the ticks win when they
        are more by a tenth of a second.
        """
        pids = self._pids()
        exact, ticks = sum(map(_scheduled_s, pids)), sum(map(_ticked_s, pids))
        return exact if exact >= ticks - 0.1 else ticks

    def rss_mib(self) -> float:
        """Give the resident memory of the whole session, in MiB; shared pages count for each process."""
        return sum(map(_rss_kib, self._pids())) / 1024

    def settle(self, *, limit_s: float = 5.0) -> None:
        """Wait until the program has worked off what it was given: under 15 ms of CPU in 100 ms."""
        deadline, used = time.monotonic() + limit_s, self.cpu_s()
        while time.monotonic() < deadline:
            time.sleep(0.1)
            before, used = used, self.cpu_s()
            if used - before < 0.015:
                return

    def stop(self, *, limit_s: float = 5.0) -> None:
        """End the program: politely first, then by force, children included."""
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(limit_s)
        for pid in self._pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()

    def _pids(self) -> list[int]:
        numbers = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
        return [pid for pid in numbers if _session_of(pid) == self._process.pid]


def busy_core_seconds() -> float:
    """Give the seconds that all cores together were not idle since the machine started."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS_PER_S


def wait_until(ready: Callable[[], bool], *, limit_s: float, step_s: float = 0.003) -> bool:
    """Ask again and again until the answer is yes; False when the time is up."""
    deadline = time.monotonic() + limit_s
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(step_s)
    return True


def _stat(pid: int) -> list[str]:
    """Give the fields of /proc/PID/stat behind the name, from the state on; empty when the process has gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _session_of(pid: int) -> int | None:
    stat = _stat(pid)
    return int(stat[3]) if stat else None


def _ticked_s(pid: int) -> float:
    return sum(map(int, _stat(pid)[11:15])) / TICKS_PER_S


def _scheduled_s(pid: int) -> float:
    total = 0
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                total += int((thread / "schedstat").read_text().split()[0])
    return total / 1e9


def _rss_kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Rss:"))
