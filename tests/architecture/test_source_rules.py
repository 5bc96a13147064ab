"""Each rule about a source finds a planted fault and leaves its lawful neighbour alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from architecture import source_rules as rules


def test_a_file_of_401_lines_is_too_long_and_one_of_400_is_not() -> None:
    assert rules.too_long_a_file("x = 1\n" * 401)
    assert not rules.too_long_a_file("x = 1\n" * 400)


@given(st.integers(min_value=1, max_value=80))
def test_a_function_is_too_long_from_41_lines_on(statements: int) -> None:
    source = "async def f():\n" + "    x = 1\n" * statements

    assert bool(rules.too_long_functions(source)) == (statements + 1 > 40)


def test_a_method_is_measured_without_its_class() -> None:
    method = "    def f(self):\n" + "        x = 1\n" * 30

    assert not rules.too_long_functions("class A:\n" + method + method.replace("def f", "def g"))


@pytest.mark.parametrize("path", ["src/a/utils.py", "src/common/x.py", "src/a/key_manager.py", "tests/Helpers/x.py"])
def test_a_name_that_says_nothing_is_found(path: str) -> None:
    assert rules.forbidden_names(path)


@pytest.mark.parametrize("path", ["src/a/baseline.py", "src/utility_bills/x.py", "src/a/manager_of_x.py"])
def test_a_name_that_only_looks_like_it_is_left_alone(path: str) -> None:
    assert not rules.forbidden_names(path)


@pytest.mark.parametrize(
    "handler",
    ["except:", "except Exception:", "except (ValueError, BaseException) as e:", "except builtins.Exception:"],
)
def test_a_handler_that_catches_everything_is_found(handler: str) -> None:
    assert rules.broad_excepts(f"try:\n    f()\n{handler}\n    pass\n")


@pytest.mark.parametrize("body", ["raise Other from e", "if e.args:\n        return\n    raise", "raise\n    f()"])
def test_a_handler_that_does_not_always_raise_what_it_caught_is_found(body: str) -> None:
    assert rules.broad_excepts(f"def g():\n  try:\n    f()\n  except Exception as e:\n    {body}\n")


def test_a_handler_that_only_looks_at_what_passes_is_left_alone() -> None:
    assert not rules.broad_excepts("try:\n    f()\nexcept BaseException as e:\n    seen = e\n    raise\n")


def test_suppressing_everything_is_found() -> None:
    assert rules.broad_excepts("with contextlib.suppress(OSError, Exception):\n    f()\n")


def test_a_narrow_handler_is_left_alone() -> None:
    assert not rules.broad_excepts("try:\n    f()\nexcept (OSError, ExceptionGroup):\n    pass\n")


@pytest.mark.parametrize(
    "source",
    ["import os\nx = os.environ['A']", "import os\nx = os.getenv('A')", "from os import environ as e"],
)
def test_a_read_of_the_environment_is_found(source: str) -> None:
    assert rules.environment_reads(source)


def test_other_parts_of_os_are_left_alone() -> None:
    assert not rules.environment_reads("import os\nx = os.getpid()\ny = settings.environ\nfrom os import path")


@pytest.mark.parametrize("source", ["", "x = 1", '"""Say."""\nfrom a import b'])
def test_an_init_that_is_not_one_docstring_is_found(source: str) -> None:
    assert rules.more_than_a_docstring(source)


def test_an_init_of_one_docstring_is_left_alone() -> None:
    assert not rules.more_than_a_docstring('"""Say."""\n')


@pytest.mark.parametrize("code", ["from a.c import d", "from .c import d", "import a.b.c", "x = 1", "__all__ = f()"])
def test_a_face_that_shows_more_than_its_own_is_found(code: str) -> None:
    assert rules.more_than_a_face(f'"""Say."""\n{code}\n', package="a.b")


def test_a_face_that_shows_its_own_names_is_left_alone() -> None:
    face = '"""Say."""\nfrom __future__ import annotations\nfrom a.b.c import d\n__all__ = ["d"]\n'

    assert not rules.more_than_a_face(face, package="a.b")


@pytest.mark.parametrize(
    "source",
    [
        "x = f()  # type: ignore[misc]",
        "x = f()  # noqa: BLE001",
        "x = f()  # noqa: BLE001, ASYNC100 - yes",
        "# ruff: noqa: E501",
        "x = f()  # pragma: no cover",
        "x: Any = 1",
        "def f(\n    a: int,\n    b: dict[str, Any],\n) -> None: ...",
        "x: typing.Any = 1",
        "x = cast(int, y)",
        "x = typing.cast('int', y)",
        "@pytest.mark.skip\ndef test(): ...",
        "@pytest.mark.skip(reason='')\ndef test(): ...",
        "@pytest.mark.xfail(strict=True)\ndef test(): ...",
        "@pytest.mark.skipif(windows)\ndef test(): ...",
        "def test():\n    pytest.skip()",
        "# Nothing is known about this.\n\nx: Any = 1",
    ],
)
def test_a_suppression_without_its_reason_is_found(source: str) -> None:
    assert len(rules.unexplained(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "# The stub forgets the third argument.\nx = f()  # type: ignore[call-arg]",
        "x = f()  # type: ignore[misc]  # the stub is wrong here",
        "x = f()  # noqa: BLE001 - the last line of defence",
        "# Decoded JSON may be whatever the\n# caller sent.\nx: Any = 1",
        "# Decoded JSON may be whatever.\ndef f(\n    a: int,\n    b: Any,\n) -> None: ...",
        "# Decoded JSON may be whatever.\n@decorated\ndef f(a: Any) -> Any: ...",
        "class A:\n    # Decoded JSON may be whatever.\n    a: Any\n    b: Any",
        "from typing import Any, cast",
        "@pytest.mark.skip(reason='needs a browser')\ndef test(): ...",
        "@pytest.mark.skipif(windows, reason='needs fork')\ndef test(): ...",
        "def test():\n    pytest.skip('needs a browser')",
        "x = 'y: Any = 1  # noqa'",
    ],
)
def test_a_suppression_with_its_reason_is_left_alone(source: str) -> None:
    assert not rules.unexplained(source)


def test_a_reason_does_not_reach_over_a_gap() -> None:
    source = "# Decoded JSON may be whatever.\na: Any = 1\nb = 2\nc: Any = 3\n"

    assert [fault.line for fault in rules.unexplained(source)] == [4]
