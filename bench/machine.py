"""Say on what machine and with which versions the figures were taken."""

import importlib.metadata
import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = ("uvicorn", "uvloop", "httptools", "fastapi", "starlette", "pydantic", "msgspec")


@dataclass(frozen=True)
class Machine:
    """The place of a run."""

    cpu: str
    cores: int
    memory_mib: int
    kernel: str
    python: str
    versions: dict[str, str]


def describe_machine(*, nginx: str | None) -> Machine:
    """Read the machine's facts; what is not there is called unknown."""
    versions = {name: _library_version(name) for name in LIBRARIES}
    versions["gcc"] = _first_line("gcc", "-dumpfullversion")
    versions["nginx"] = _first_line(nginx, "-v").rpartition("/")[2] if nginx else "not installed"
    versions["commit"] = _first_line("git", "-C", str(ROOT), "rev-parse", "HEAD")
    return Machine(
        cpu=_proc_value("cpuinfo", "model name"),
        cores=os.cpu_count() or 1,
        memory_mib=int((_proc_value("meminfo", "MemTotal").split() or ["0"])[0]) // 1024,
        kernel=platform.release(),
        python=platform.python_version(),
        versions=versions,
    )


def _library_version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _first_line(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    # nginx writes its version to stderr
    return ((done.stdout or done.stderr).splitlines() or ["unknown"])[0]


def _proc_value(file: str, name: str) -> str:
    for line in Path("/proc", file).read_text().splitlines():
        label, _, value = line.partition(":")
        if label.strip() == name:
            return value.strip()
    return ""
