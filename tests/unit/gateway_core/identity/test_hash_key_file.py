from __future__ import annotations

import re
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway_core.identity.hash_key_file import FILE_NAME, make_hash_key, read_hash_key
from gateway_core.kernel.errors import SettingInvalid
from gateway_core.kernel.secret import Secret
from gateway_core.telemetry.logs import redactor

SRC = Path(__file__).parents[4] / "src"
OPENS_ON_WORD = """
import sys
from pathlib import Path
from gateway_core.identity.hash_key_file import make_hash_key
print("ready", flush=True)
sys.stdin.readline()
print(make_hash_key(Path(sys.argv[1])).reveal())
"""


def test_the_key_of_the_settings_wins_and_no_file_is_made(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("of the file " * 4)

    assert read_hash_key(Secret("s" * 32), tmp_path) == Secret("s" * 32)
    assert read_hash_key(Secret("s" * 32), tmp_path / "data") == Secret("s" * 32)
    assert not (tmp_path / "data").exists()


def test_the_first_start_makes_a_key_and_later_ones_find_it(tmp_path: Path) -> None:
    assert read_hash_key(None, tmp_path / "data") is None
    assert not (tmp_path / "data").exists()

    made = make_hash_key(tmp_path / "data")

    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", made.reveal())
    assert [read_hash_key(None, tmp_path / "data"), make_hash_key(tmp_path / "data")] == [made] * 2
    assert (tmp_path / "data" / "client-hash-key").read_text() == f"{made.reveal()}\n"


def test_no_two_installations_have_the_same_key(tmp_path: Path) -> None:
    assert make_hash_key(tmp_path / "a") != make_hash_key(tmp_path / "b")


def test_the_key_is_masked_from_now_on(tmp_path: Path) -> None:
    for given in (None, Secret("of the settings, 32 characters..")):
        key = (read_hash_key(given, tmp_path) or make_hash_key(tmp_path)).reveal()
        assert key.encode() not in redactor.mask_text(f"the key is {key}".encode())


@pytest.mark.parametrize("content", ["", "\n", "too short", "x" * 31])
def test_a_file_without_a_whole_key_is_refused_and_left_as_it_is(tmp_path: Path, content: str) -> None:
    file = tmp_path / FILE_NAME
    file.write_text(content)

    with pytest.raises(SettingInvalid) as refused:
        read_hash_key(None, tmp_path)

    assert str(file) in str(refused.value)
    assert "put the earlier one back" in str(refused.value)
    assert not content.strip() or content not in str(refused.value)
    assert file.read_text() == content


def test_a_file_that_others_may_read_is_closed(tmp_path: Path) -> None:
    file = tmp_path / FILE_NAME
    file.write_text("x" * 32)
    file.chmod(0o640)

    assert read_hash_key(None, tmp_path) == Secret("x" * 32)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_threads_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    together = threading.Barrier(8)

    def start(_number: int) -> str:
        together.wait(20)
        return make_hash_key(tmp_path / "data").reveal()

    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(start, range(8)))

    assert keys == {(tmp_path / "data" / FILE_NAME).read_text().strip()}
    assert [path.name for path in (tmp_path / "data").iterdir()] == [FILE_NAME]


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OPENS_ON_WORD, str(tmp_path / "data")]
    started = [
        subprocess.Popen(
            command, env={"PYTHONPATH": str(SRC)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    try:
        for process in started:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        for process in started:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        keys = {process.communicate(timeout=20)[0].strip() for process in started}
    finally:
        for process in started:
            process.kill()
            process.communicate()

    assert keys == {(tmp_path / "data" / FILE_NAME).read_text().strip()}
