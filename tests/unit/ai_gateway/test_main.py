"""The program: what a start loads, and what the command line says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).parents[3] / "src"

SERVE = """
import atexit, sys
heavy = ("alembic", "cryptography", "fastapi", "joserfc", "opentelemetry", "rich", "sqlalchemy", "typer", "yaml")
atexit.register(lambda: print([name for name in heavy if name in sys.modules]))
sys.argv = ["ai-gateway", "serve"]
import ai_gateway.main as program
program.run()
"""


def run(script: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(SRC), **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_start_loads_nothing_that_the_first_request_can_do_without(tmp_path: Path) -> None:
    # Found after everything is loaded.
    nobody = '{"code_completions": ["nobody/model"]}'
    done = run(SERVE, HOME=str(tmp_path), OPENAI_API_KEY="sk", AIGW_MODEL_SELECTION__DEFAULT_MODELS=nobody)

    assert (done.returncode, done.stdout) == (2, "[]\n")
    assert done.stderr.startswith("ai-gateway: AIGW_MODEL_SELECTION__DEFAULT_MODELS names 'nobody/model'")


@pytest.mark.parametrize("words", [["serve", "--help"], ["--help"]])
def test_every_command_is_explained(words: list[str]) -> None:
    done = run(f"import sys; sys.argv = ['ai-gateway', *{words!r}]; from ai_gateway.main import run; run()")

    assert done.returncode == 0
    assert "Start the gateway" in done.stdout


def test_serving_takes_no_further_words() -> None:
    done = run("import sys; sys.argv = ['ai-gateway', 'serve', 'now']; from ai_gateway.main import run; run()")

    assert done.returncode == 2
    assert "now" in done.stderr
