"""The import contracts know every room, and hooks and pipeline run only what a person can run."""

from __future__ import annotations

import re
from configparser import ConfigParser

import pytest

from architecture.project import ROOT, SRC, read

PACKAGES = sorted(path.parent.name for path in SRC.glob("*/__init__.py"))


def contracts() -> ConfigParser:
    """Read the import contracts."""
    parser = ConfigParser()
    parser.read_string(read(ROOT / ".importlinter"))
    return parser


def words(text: str) -> set[str]:
    """Give the module names of a setting: one a line, or several between bars."""
    return set(re.findall(r"[\w.]+", text))


def targets() -> set[str]:
    """Give the Makefile's targets that `make help` lists."""
    return set(re.findall(r"^([a-z-]+):.*## ", read(ROOT / "Makefile"), flags=re.MULTILINE))


def test_each_package_is_under_contract() -> None:
    assert words(contracts()["importlinter"]["root_packages"]) == set(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_each_room_has_its_layer(package: str) -> None:
    sections = [section for section in contracts().values() if section.get("containers") == package]
    rooms = {path.stem for path in (SRC / package).iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}

    assert len(sections) == 1
    assert sections[0]["exhaustive"] == "True"
    assert rooms - {"__init__"} <= words(sections[0]["layers"])


def test_each_phony_target_is_listed_with_its_meaning() -> None:
    phony = re.search(r"^\.PHONY: ((?:.*\\\n)*.*)$", read(ROOT / "Makefile"), flags=re.MULTILINE)

    assert phony is not None
    assert set(phony[1].replace("\\\n", " ").split()) == targets()


def test_the_hooks_call_make_and_nothing_else() -> None:
    commands = re.findall(r"^\s+run: (.*)$", read(ROOT / "lefthook.yml"), flags=re.MULTILINE)

    assert len(commands) == 3
    for command in commands:
        program, *called = command.split()
        assert program == "make"
        assert {word for word in called if "=" not in word} <= targets()


def test_the_gate_calls_make_check_and_nothing_that_is_not_a_target() -> None:
    called = re.findall(r"^make (.*?)(?: <.*)?$", read(ROOT / ".ci" / "run"), flags=re.MULTILINE)

    assert len(called) == 1
    assert "check" in called[0].split()
    assert set(called[0].split()) <= targets()
