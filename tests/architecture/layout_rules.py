"""House rules about where a file is: tests mirror the source."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import PurePosixPath

# tests/unit/<folder> mirrors <base>/<folder>: the products, the fakes, then scripts and bench.
BASES = ("src", "tests", "")


def mirrors_nothing(test: str, *, files: Collection[str]) -> bool:
    """Tell whether a test under tests/unit names no module.

    `tests/unit/a/test_b.py` and `test_b_in_case_c.py` are about `a/b.py` or the package
    `a/b`; `test_a_...` in the folder `a` is about all of it.
    """
    path = PurePosixPath(test).relative_to("tests/unit")
    subject = path.stem.removeprefix("test_")
    modules = {name for base in BASES for name in _modules(PurePosixPath(base) / path.parent, files)}
    return not any(subject == name or subject.startswith(f"{name}_") for name in modules)


def _modules(folder: PurePosixPath, files: Collection[str]) -> set[str]:
    """Give the names that a test in the mirror of this folder may be about."""
    # By text: this is asked of each file for each test.
    start = f"{folder}/" if folder.parts else ""
    inside = [PurePosixPath(file).relative_to(folder) for file in files if file.startswith(start)]
    names = {path.parts[0].removesuffix(".py") for path in inside if path.suffix == ".py"} - {"__init__"}
    alone = f"{folder}.py" in files
    return names | ({folder.name} if inside or alone else set())
