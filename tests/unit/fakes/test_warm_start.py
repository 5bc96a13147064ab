"""A warm gateway is a process like any other, only earlier."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.gateway import RunningGateway, run_gateway, run_to_end, wait_for
from fakes.warm_start import WarmProcess, may_start_warm

MOCKED = {"AIGW_MOCK_MODEL_RESPONSES": "true"}


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[RunningGateway]:
    with run_gateway(tmp_path, MOCKED, warm=True) as running:
        assert isinstance(running.process, WarmProcess)
        yield running


def test_it_runs_in_its_folder_and_ends_with_zero_when_it_is_asked_to(gateway: RunningGateway) -> None:
    assert Path(f"/proc/{gateway.process.pid}/cwd").readlink() == gateway.folder
    assert gateway.process.poll() is None

    assert gateway.stop() == 0
    assert gateway.process.poll() == 0


def test_who_is_killed_ends_with_the_signal_and_hears_no_other(gateway: RunningGateway) -> None:
    gateway.process.kill()

    assert gateway.process.wait(10) == -signal.SIGKILL
    gateway.process.terminate()


def test_waiting_has_an_end(gateway: RunningGateway) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        gateway.process.wait(0.01)


def test_it_keeps_no_descriptor_of_its_maker(tmp_path: Path, gateway: RunningGateway) -> None:
    def open_in(running: RunningGateway) -> list[str]:
        links = (link.readlink() for link in Path(f"/proc/{running.process.pid}/fd").iterdir())
        return sorted(str(link).partition("[")[0].rpartition("/")[2] for link in links)

    with run_gateway(tmp_path / "cold", MOCKED) as cold, run_gateway(tmp_path / "later", MOCKED, warm=True) as later:
        # What a gateway opens a moment after it answers is awaited; what it was given too much would stay.
        wait_for(lambda: open_in(gateway) == open_in(cold) == open_in(later) or None, what="the same descriptors")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"AIGW_FASTAPI__API_PORT": "none"}, ("serve",)),
        ({"OPENAI_API_KEY": "sk-1\n2"}, ("clients", "list")),
        ({}, ("clients", "revoke")),
    ],
)
def test_a_command_ends_and_says_the_same_as_any_other(
    tmp_path: Path, settings: dict[str, str], words: tuple[str, ...]
) -> None:
    warm, cold = (run_to_end(tmp_path, settings, *words, warm=warm) for warm in (True, False))

    assert (warm.returncode, warm.stdout, warm.stderr) == (cold.returncode, cold.stdout, cold.stderr)


def test_what_is_chosen_at_an_import_is_not_started_warm(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not may_start_warm({"WEB_CONCURRENCY": "2"})
    assert not may_start_warm({"PROMETHEUS_MULTIPROC_DIR": "metrics"})
    if "COVERAGE_PROCESS_START" not in os.environ:
        assert may_start_warm(MOCKED)
    monkeypatch.setenv("COVERAGE_PROCESS_START", "pyproject.toml")
    assert not may_start_warm(MOCKED)
