"""The two C programs: build them, run the mock model, and put load on a port."""

import http.client
import json
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.scenarios import CADENCE_US, CHUNKS

HERE = Path(__file__).resolve().parent
BUILD = HERE / "build"
LOOPBACK = "127.0.0.1"


class BenchFailed(Exception):
    """Something that the bench needs does not work; the message says what to do."""


@dataclass(frozen=True)
class Spread:
    """A distribution, in microseconds."""

    p50: float
    p99: float


@dataclass(frozen=True)
class LoadReport:
    """What the load generator saw. Answered means: status 200, whole, with all its marks."""

    answered: int
    refused: int
    broken: int
    incomplete: int
    first_status: int
    excerpt: str
    requests_per_s: float
    chunks_per_s: float
    latency_us: Spread | None
    first_chunk_us: Spread | None
    chunk_delay_us: Spread | None
    cpu_s: float

    @property
    def failures(self) -> int:
        """Give the number of requests without a good answer."""
        return self.refused + self.broken + self.incomplete


@dataclass(frozen=True)
class ModelCounts:
    """What the mock model has seen since its start."""

    requests: int
    chunks: int
    aborted: int
    cpu_s: float


def build_tools() -> None:
    """Compile what is older than its source."""
    BUILD.mkdir(exist_ok=True)
    for name in ("upstream", "loadgen"):
        source, binary = HERE / f"{name}.c", BUILD / name
        if binary.exists() and binary.stat().st_mtime >= source.stat().st_mtime:
            continue
        command = ["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(binary), str(source)]
        try:
            subprocess.run(command, check=True, timeout=120)
        except (OSError, subprocess.SubprocessError) as error:
            message = f"{source.name!r} could not be built: install gcc and the C library's headers"
            raise BenchFailed(message) from error


def http_get(port: int, path: str, *, limit_s: float = 5.0) -> tuple[int, bytes]:
    """Ask a loopback port; a refused or broken connection raises OSError or HTTPException."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=limit_s)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def http_post(
    port: int, path: str, *, headers: dict[str, str], body: bytes, limit_s: float = 30.0
) -> tuple[int, bytes]:
    """Send a body to a loopback port and read the whole answer; errors as in `http_get`."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=limit_s)
    try:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


class Upstream:
    """The running mock model."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.root = f"http://{LOOPBACK}:{port}"
        self.url = f"{self.root}/v1"

    def counts(self) -> ModelCounts:
        """Read its counters."""
        seen = json.loads(http_get(self.port, "/__counts")[1])
        return ModelCounts(
            requests=seen["requests"],
            chunks=seen["chunks"],
            aborted=seen["aborted"],
            cpu_s=seen["cpu_s"],
        )


@contextmanager
def running_upstream() -> Generator[Upstream]:
    """Run the mock model on a port that the kernel chooses."""
    with subprocess.Popen([str(BUILD / "upstream"), "0"], stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                message = "the mock model did not start: see its message above"
                raise BenchFailed(message)
            upstream = Upstream(int(line))
            http_get(upstream.port, f"/__pace?chunks={CHUNKS}&cadence_us={CADENCE_US}")
            yield upstream
        finally:
            process.terminate()


def run_load(options: Sequence[str], *, request: Path, port: int, limit_s: float) -> LoadReport:
    """Put load on a port and read the report."""
    command = [str(BUILD / "loadgen"), "-p", str(port), "-f", str(request), *options]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s, check=True)
    except subprocess.SubprocessError as error:
        message = f"the load generator failed on port {port}: {error}"
        raise BenchFailed(message) from error
    seen = json.loads(done.stdout)
    return LoadReport(
        answered=seen["answered"],
        refused=seen["refused"],
        broken=seen["broken"],
        incomplete=seen["incomplete"],
        first_status=seen["first_status"],
        excerpt=seen["excerpt"].strip(),
        requests_per_s=seen["requests_per_s"],
        chunks_per_s=seen["chunks_per_s"],
        latency_us=_parse_spread(seen["latency_us"]),
        first_chunk_us=_parse_spread(seen["first_chunk_us"]),
        chunk_delay_us=_parse_spread(seen["chunk_delay_us"]),
        cpu_s=seen["cpu_s"],
    )


def _parse_spread(seen: dict[str, float] | None) -> Spread | None:
    return Spread(p50=seen["p50"], p99=seen["p99"]) if seen else None
