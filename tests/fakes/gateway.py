"""The gateway as users run it: a process of its own, reached over sockets."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TextIO, TypeVar

from fakes.warm_start import may_start_warm, run_warm, start_warm

T = TypeVar("T")

COMMAND = Path(sys.executable).with_name("ai-gateway")
NO_ISSUERS = {"AIGW_GITLAB_URL": "http://127.0.0.1:9", "AIGW_CUSTOMER_PORTAL_URL": "http://127.0.0.1:9"}
"""Nothing listens there: without these a gateway would ask for the keys of gitlab.com."""
_STARTS_WITHIN_S = 30.0
_STOPS_WITHIN_S = 40.0
# What the machine needs and the gateway must not be told by the tests' own environment.
_KEPT = ("PATH", "LANG", "LD_LIBRARY_PATH", "COVERAGE_PROCESS_START")
_CLIENT_KEY = re.compile(r"gw-[A-Za-z0-9_-]{43}")


def clean_environment(folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Build an environment with free ports and a data folder below `folder`, and nothing of the tester's."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {
        **kept,
        **NO_ISSUERS,
        "HOME": str(folder),
        "AIGW_DATA_DIR": str(folder / "data"),
        "AIGW_FASTAPI__API_PORT": "0",
        "AIGW_FASTAPI__METRICS_PORT": "0",
        "AIGW_LOGGING__TO_FILE": str(folder / "gateway.log"),
        # All tests call from one address, and refusals are what many of them are about.
        "AIGW_AUTH__FAILURES_PER_MINUTE": "100000",
        **settings,
    }


class Process(Protocol):
    """What tests ask of a gateway's process."""

    pid: int

    def poll(self) -> int | None:
        """Give the exit code, or None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and give the exit code."""

    def send_signal(self, number: int, /) -> None:
        """Send a signal, unless it has ended."""

    def terminate(self) -> None:
        """Ask it to stop."""

    def kill(self) -> None:
        """Stop it by force."""


@dataclass
class RunningGateway:
    """A gateway that answers; `banner` is what it printed when it started."""

    process: Process
    folder: Path
    banner: str
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def url(self) -> str:
        """Where the API listens."""
        return self._address("listening")

    @property
    def port(self) -> int:
        """The port of the API."""
        return int(self.url.rpartition(":")[2])

    @property
    def metrics_url(self) -> str:
        """Where the metrics are read."""
        return self._address("metrics")

    @property
    def key(self) -> str:
        """The key of the first admin, which the gateway made."""
        return (self.folder / "data" / "admin-key").read_text().strip()

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command of the program beside this gateway, with its settings and in its folder."""
        # What the command logs is its own: the tests count lines of the gateway.
        own_log = {"AIGW_LOGGING__TO_FILE": str(self.folder / "command.log")}
        return run_to_end(self.folder, {**self.settings, **own_log}, *arguments, warm=True)

    def add_client(self, name: str, *options: str) -> str:
        """Add a client by the command line and give its key."""
        ended = self.command("clients", "add", name, *options)
        assert ended.returncode == 0, ended
        return key_in(ended.stdout)

    def log_text(self) -> str:
        """Everything logged so far."""
        return (self.folder / "gateway.log").read_text()

    def log_lines(self) -> list[dict[str, object]]:
        """Every whole line logged so far."""
        return [json.loads(line) for line in self.log_text().splitlines() if line.endswith("}")]

    def access_line(self, request_id: str) -> dict[str, object]:
        """Wait for the access line of the request with this X-Request-ID."""

        def find() -> dict[str, object] | None:
            for line in self.log_lines():
                if line["logger"] == "api.access" and line["correlation_id"] == request_id:
                    return line
            return None

        return wait_for(find, what=f"the access line of {request_id}")

    def metrics(self) -> dict[str, float]:
        """Read all samples: `name{label="value",…}` → value."""
        with urllib.request.urlopen(self.metrics_url, timeout=_STARTS_WITHIN_S) as answer:
            text = answer.read().decode()
        samples = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in samples}

    def stop(self, *, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait; gives the exit code."""
        self.process.send_signal(number)
        return self.process.wait(_STOPS_WITHIN_S)

    def _address(self, what: str) -> str:
        found = re.search(rf"^  {what}\s+(\S+)$", self.banner, re.MULTILINE)
        assert found, f"the banner does not say {what}: {self.banner!r}"
        return found.group(1)


@contextmanager
def run_gateway(
    folder: Path, settings: Mapping[str, str] | None = None, *, terminal: bool = False, warm: bool = False
) -> Iterator[RunningGateway]:
    """Start a gateway with these settings, on a terminal of its own if wanted; it is stopped at the end of the block.

    A warm one is a copy of a process that has imported all modules already: where the start is not what a test is
    about, that saves a second of CPU.
    """
    folder.mkdir(parents=True, exist_ok=True)
    process, output = _start(folder, settings or {}, terminal=terminal, warm=warm)
    try:
        gateway = RunningGateway(process, folder, _read_banner(process, output, folder=folder), settings or {})
        _wait_until_it_answers(gateway)
        yield gateway
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(_STOPS_WITHIN_S)
        finally:
            process.kill()
            process.wait()
            output.close()


def _start(folder: Path, settings: Mapping[str, str], *, terminal: bool, warm: bool) -> tuple[Process, TextIO]:
    """Start the process; gives it with what it prints."""
    ours, theirs = os.openpty() if terminal else os.pipe()
    words, environment = [str(COMMAND), "serve"], clean_environment(folder, settings)
    with (folder / "stderr.txt").open("w") as stderr, Path(os.devnull).open() as nothing:
        stdin = theirs if terminal else nothing.fileno()
        process: Process
        if warm and may_start_warm(settings):
            streams = (stdin, theirs, stderr.fileno())
            process = start_warm(words, environment=environment, folder=folder, streams=streams)
        else:
            process = subprocess.Popen(
                words, env=environment, cwd=folder, stdin=stdin, stdout=theirs, stderr=stderr, text=True
            )
    os.close(theirs)
    return process, os.fdopen(ours)


def key_in(text: str) -> str:
    """Find the one client key in what was printed."""
    [key] = set(_CLIENT_KEY.findall(text))
    assert isinstance(key, str)
    return key


def run_to_end(
    folder: Path, settings: Mapping[str, str], *arguments: str, warm: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run the command until it ends by itself, as `serve` does when it cannot start; for `warm` see `run_gateway`."""
    folder.mkdir(parents=True, exist_ok=True)
    words, environment = [str(COMMAND), *(arguments or ("serve",))], clean_environment(folder, settings)
    if warm and may_start_warm(settings):
        return run_warm(words, environment=environment, folder=folder, within_s=_STARTS_WITHIN_S)
    return subprocess.run(
        words,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_STARTS_WITHIN_S,
        check=False,
    )


def wait_for(look: Callable[[], T | None], *, what: str, within_s: float = 10.0, every_s: float = 0.02) -> T:
    """Look again and again until there is something; fails by name when there is not in time."""
    due = time.monotonic() + within_s
    while time.monotonic() < due:
        found = look()
        if found is not None:
            return found
        time.sleep(every_s)
    raise AssertionError(f"waited {within_s} s in vain for {what}")


def _read_banner(process: Process, output: TextIO, *, folder: Path) -> str:
    lines: list[str] = []
    for line in _lines_of(output):
        lines.append(line)
        if line.startswith("    -d "):
            return "".join(lines)
    said = (folder / "stderr.txt").read_text()
    raise AssertionError(f"the gateway ended with {process.wait()} before it listened: {said}")


def _lines_of(output: TextIO) -> Iterator[str]:
    # At its end a terminal fails where a pipe only ends.
    with suppress(OSError):
        yield from output


def _wait_until_it_answers(gateway: RunningGateway) -> None:
    with urllib.request.urlopen(f"{gateway.url}/monitoring/healthz", timeout=_STARTS_WITHIN_S) as answer:
        assert answer.status == 200
