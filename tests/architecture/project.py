"""The project as the house rules see it: its root, its files, its Python sources."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
TESTS = ROOT / "tests"
PYTHON_FOLDERS = ("src", "tests", "scripts", "bench")
# What a tree without git may hold beside the project: environments, packages, what the tools leave behind.
NOT_OURS = frozenset({".git", ".venv", "node_modules", "__pycache__", "build", "dist", "out", "htmlcov"})


@cache
def project_files() -> tuple[Path, ...]:
    """Give each file that is or may become tracked, in order.

    In an unpacked archive git cannot tell; then every file counts, hidden caches excepted.
    """
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    asked = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if asked.returncode == 0 and (ROOT / ".git").exists():
        found = [ROOT / name for name in asked.stdout.split("\0") if name]
    else:
        found = [path for path in ROOT.rglob("*") if _may_be_ours(path.relative_to(ROOT))]
    return tuple(sorted(path for path in found if path.is_file()))


def _may_be_ours(path: Path) -> bool:
    cached = any(part.endswith(("_cache", ".egg-info")) or part == ".hypothesis" for part in path.parts)
    return not cached and NOT_OURS.isdisjoint(path.parts)


@cache
def python_files(*folders: str) -> tuple[Path, ...]:
    """Give the Python sources of these folders, of all four when none is named."""
    wanted = set(folders or PYTHON_FOLDERS)
    return tuple(path for path in project_files() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in wanted)


@cache
def read(path: Path) -> str:
    """Read a file as text; a byte that is no UTF-8 becomes a mark."""
    return path.read_text(encoding="utf-8", errors="replace")


def name_of(path: Path) -> str:
    """Name a file as a person would, from the root."""
    return path.relative_to(ROOT).as_posix()
