"""Check commit messages against commitlint.config.js: a range of commits, or one message in a file."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NODE = Path(sys.executable).parent / "node"
COMMITLINT = ROOT / "node_modules" / "@commitlint" / "cli" / "cli.js"
TRUNK = "origin/main"


class RangeUnknown(Exception):
    """The commit to begin from is not in this clone."""


def ask_git(*words: str) -> str | None:
    """Give git's answer, or None when it refuses."""
    asked = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return asked.stdout.strip() if asked.returncode == 0 else None


def find_range(since: str) -> tuple[str | None, str]:
    """Give the commit to begin after, and that range in words.

    None is the root: a clone without `origin/main`, or one too shallow to hold the place
    where this branch left it, has every commit checked that it holds.
    """
    if since:
        commit = ask_git("rev-parse", "--verify", "--quiet", f"{since}^{{commit}}")
        if commit is None:
            message = f"FROM={since!r} is not a commit in this clone; fetch it or name another."
            raise RangeUnknown(message)
        return commit, f"since {since}"
    commit = ask_git("merge-base", TRUNK, "HEAD")
    return (None, "in this clone") if commit is None else (commit, f"since {TRUNK}")


def run_commitlint(*words: str) -> int:
    """Run commitlint and give its exit code."""
    return subprocess.run([NODE, COMMITLINT, *words], cwd=ROOT, check=False).returncode


def check_range(since: str) -> int:
    """Check each message of the range; an empty one passes, and says so."""
    if ask_git("rev-parse", "--verify", "--quiet", "HEAD") is None:
        print("lint-commit: nothing to check, this is no git checkout or it has no commit yet")
        return 0
    try:
        begin, words = find_range(since)
    except RangeUnknown as unknown:
        print(f"lint-commit: {unknown}", file=sys.stderr)
        return 2
    count = ask_git("rev-list", "--count", "--no-merges", f"{begin}..HEAD" if begin else "HEAD")
    if count == "0":
        print(f"lint-commit: nothing to check, no commit {words}")
        return 0
    code = run_commitlint("--to", "HEAD", *(["--from", begin] if begin else []))
    if code == 0:
        print(f"lint-commit: {count} checked {words}, all good")
    return code


def run(arguments: list[str]) -> int:
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(prog="check_commits", description=__doc__)
    parser.add_argument("--since", default="", metavar="COMMIT", help="last commit to leave out")
    parser.add_argument("--message", default="", metavar="FILE", help="check this one message instead")
    asked = parser.parse_args(arguments)
    return run_commitlint("--edit", asked.message) if asked.message else check_range(asked.since)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
