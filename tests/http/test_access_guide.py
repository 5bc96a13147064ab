"""The guide to who may use the gateway: its examples work as they are written, in their order."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from fakes.gateway import COMMAND, RunningGateway, clean_environment, run_gateway

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "access.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# A key that was added just now is known within two seconds; a person takes longer to the next line.
CURL = 'curl() { command curl --silent --show-error --fail --retry 5 --retry-all-errors --max-time 10 "$@"; echo; }'
BY_CURL = pytest.mark.skipif(shutil.which("curl") is None, reason="the examples of the guide call curl")


def blocks() -> list[str]:
    return BLOCK.findall(GUIDE.read_text())


def run_examples(gateway: RunningGateway, examples: list[str]) -> subprocess.CompletedProcess[str]:
    """Run examples in one shell, as a person would, where the gateway runs."""
    script = "\n".join([CURL, *examples]).replace("http://127.0.0.1:5052", gateway.url)
    settings = {**gateway.settings, "AIGW_LOGGING__TO_FILE": str(gateway.folder / "command.log")}
    environment = clean_environment(gateway.folder, settings)
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env={**environment, "PATH": f"{COMMAND.parent}:{environment['PATH']}"},
        cwd=gateway.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@BY_CURL
def test_the_examples_of_the_guide_work_in_their_order(tmp_path: Path) -> None:
    [over] = [block for block in blocks() if "start-over" in block]
    others = [block for block in blocks() if block != over]
    assert len(others) == 3

    with run_gateway(tmp_path, warm=True) as gateway:
        ended = run_examples(gateway, others)
        assert ended.returncode == 0, ended
        assert '"name":"build"' in ended.stdout
        assert "client_revoked" in ended.stdout

        assert run_examples(gateway, [over]).returncode == 0
