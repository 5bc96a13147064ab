"""Fuzz every target for a while, side by side: `PYTHONPATH=tests python -m fuzz.run`, or `make fuzz`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fuzz.engine import FOUND, TARGETS, has_atheris, load_target, say

HERE = Path(__file__).resolve().parent
CORPUS = HERE / "corpus"
"""Inputs to begin with, in a folder for each target; findings that were mended lie in `mended` below it."""

FINDINGS = HERE.parents[1] / "build/fuzz"
DEFAULT = tuple(name for name in TARGETS if name != "planted")
# Beyond its time an engine tries the last input and writes what it learnt.
_PATIENCE_S = 60
_TAIL_LINES = 40


@dataclass(frozen=True)
class Run:
    """One engine at work on one target."""

    target: str
    engine: str
    process: subprocess.Popen[str]
    log: Path
    findings: Path
    before: frozenset[Path]

    def new_findings(self) -> list[Path]:
        """List what it has found."""
        return sorted(set(self.findings.iterdir()) - self.before)


def main() -> int:
    """Fuzz; 0: nothing was found, 1: something was, or an engine broke."""
    given = _parse()
    if given.replay:
        return replay(given.replay, target=given.targets[0])
    runs = []
    try:
        runs = [start(name, given) for name in given.targets]
        end = time.monotonic() + given.seconds + _PATIENCE_S
        for run in runs:
            _wait(run.process, limit_s=end - time.monotonic())
    finally:
        for run in runs:
            run.process.kill()
    return max([report(run) for run in runs])


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz.run", description=__doc__)
    parser.add_argument("targets", nargs="*", default=DEFAULT, metavar="TARGET", help=f"{', '.join(DEFAULT)} (all)")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (%(default)s)")
    parser.add_argument("--findings", type=Path, default=FINDINGS, help="where findings are written (%(default)s)")
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="folders of inputs to begin with (%(default)s)")
    parser.add_argument("--engine", choices=["atheris", "plain"], help="atheris where it is installed, else plain")
    parser.add_argument(
        "--replay", type=Path, metavar="FILE", help="try this one input of the target and show what comes"
    )
    given = parser.parse_args()
    unknown = set(given.targets) - set(TARGETS)
    if unknown:
        parser.error(f"no such target: {', '.join(sorted(unknown))}; known are {', '.join(DEFAULT)}")
    if given.replay and len(given.targets) != 1:
        parser.error("name the one target whose input this is, as in: credentials --replay FILE")
    return given


def replay(path: Path, *, target: str) -> int:
    """Try one input; whatever it breaks is shown as it comes."""
    load_target(target).try_one(path.read_bytes())
    say(f"fuzz: {path} breaks nothing")
    return 0


def start(target: str, given: argparse.Namespace) -> Run:
    """Start an engine, in a process of its own because it counts what the product does in this one."""
    engine: str = given.engine or ("atheris" if has_atheris() else "plain")
    findings: Path = (given.findings / target).absolute()
    findings.mkdir(parents=True, exist_ok=True)
    log = findings.with_suffix(".log")
    words = [target, "--seconds", str(given.seconds), "--engine", engine]
    folders = ["--corpus", str((given.corpus / target).absolute()), "--findings", str(findings)]
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "fuzz.engine", *words, *folders],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), *_search_path()])},
        )
    return Run(target, engine, process, log, findings, frozenset(findings.iterdir()))


def _search_path() -> list[str]:
    return os.environ.get("PYTHONPATH", "").split(os.pathsep)


def _wait(process: subprocess.Popen[str], *, limit_s: float) -> None:
    try:
        process.wait(timeout=max(0.0, limit_s))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def report(run: Run) -> int:
    """Say on the terminal what came of it; gives the exit code."""
    lines = run.log.read_text(errors="replace").splitlines()
    tried = _tried(lines)
    found = run.new_findings()
    if run.process.returncode == 0 and not found and tried:
        say(f"fuzz: {run.target}: {tried:,} inputs by the engine {run.engine}, nothing found")
        return 0
    say("\n".join(lines[-_TAIL_LINES:]))
    if run.process.returncode != FOUND and not found:
        say(f"fuzz: {run.target}: the engine {run.engine} ended by {run.process.returncode}; all of it: {run.log}")
        return 1
    for path in found:
        say(f"fuzz: {run.target}: FOUND {path}")
        say(f"fuzz: again: PYTHONPATH=tests {sys.executable} -m fuzz.run {run.target} --replay {path}")
    return 1


def _tried(lines: Sequence[str]) -> int:
    counts = [line.rpartition(":")[2] for line in lines if line.startswith("stat::number_of_executed_units")]
    return int(counts[-1]) if counts else 0


if __name__ == "__main__":
    sys.exit(main())
