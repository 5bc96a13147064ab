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
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

COMMAND = Path(sys.executable).with_name("ai-gateway")
_STARTS_WITHIN_S = 30.0
_STOPS_WITHIN_S = 40.0
# What the machine needs and the gateway must not be told by the tests' own environment.
_KEPT = ("PATH", "LANG", "LD_LIBRARY_PATH", "COVERAGE_PROCESS_START")


def clean_environment(folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Build an environment with free ports and a data folder below `folder`, and nothing of the tester's."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {
        **kept,
        "HOME": str(folder),
        "AIGW_DATA_DIR": str(folder / "data"),
        "AIGW_FASTAPI__API_PORT": "0",
        "AIGW_FASTAPI__METRICS_PORT": "0",
        "AIGW_LOGGING__TO_FILE": str(folder / "gateway.log"),
        **settings,
    }


@dataclass
class RunningGateway:
    """A gateway that answers; `banner` is what it printed when it started."""

    process: subprocess.Popen[str]
    folder: Path
    banner: str

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
        """The client key that the gateway made."""
        return (self.folder / "data" / "client-key").read_text().strip()

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
def run_gateway(folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[RunningGateway]:
    """Start a gateway with these settings; it is stopped at the end of the block."""
    folder.mkdir(parents=True, exist_ok=True)
    stderr = (folder / "stderr.txt").open("w")
    process = subprocess.Popen(
        [COMMAND, "serve"],
        env=clean_environment(folder, settings or {}),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )
    stderr.close()
    try:
        gateway = RunningGateway(process, folder, _read_banner(process, folder))
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
            if process.stdout is not None:
                process.stdout.close()


def run_to_end(folder: Path, settings: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command until it ends by itself, as it does when it cannot start."""
    folder.mkdir(parents=True, exist_ok=True)
    return subprocess.run(
        [COMMAND, *(arguments or ("serve",))],
        env=clean_environment(folder, settings),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_STARTS_WITHIN_S,
        check=False,
    )


def wait_for(look: Callable[[], T | None], *, what: str, within_s: float = 10.0) -> T:
    """Look again and again until there is something; fails by name when there is not in time."""
    due = time.monotonic() + within_s
    while time.monotonic() < due:
        found = look()
        if found is not None:
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {within_s} s in vain for {what}")


def _read_banner(process: subprocess.Popen[str], folder: Path) -> str:
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("    -d "):
            return "".join(lines)
    said = (folder / "stderr.txt").read_text()
    raise AssertionError(f"the gateway ended with {process.wait()} before it listened: {said}")


def _wait_until_it_answers(gateway: RunningGateway) -> None:
    with urllib.request.urlopen(f"{gateway.url}/monitoring/healthz", timeout=_STARTS_WITHIN_S) as answer:
        assert answer.status == 200
