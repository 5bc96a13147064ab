from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway_core.identity.key_file import open_key_file
from gateway_core.identity.model import Caller
from gateway_core.kernel.errors import SettingInvalid

SRC = Path(__file__).parents[4] / "src"
OPENS_ON_WORD = """
import sys
from pathlib import Path
from gateway_core.identity.key_file import open_key_file
print("ready", flush=True)
sys.stdin.readline()
print(open_key_file(Path(sys.argv[1])).key.reveal())
"""


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def test_the_first_start_makes_a_key_that_only_its_owner_may_read(tmp_path: Path, umask: None) -> None:
    made = open_key_file(tmp_path / "deep" / "data")

    assert re.fullmatch(r"gw-[A-Za-z0-9_-]{43}", made.key.reveal())
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.path.parent.stat().st_mode) == 0o700
    assert made.path == tmp_path / "deep" / "data" / "client-key"


def test_later_starts_find_the_same_key(tmp_path: Path) -> None:
    first = open_key_file(tmp_path)
    before = first.path.stat()

    assert [open_key_file(tmp_path).key for _ in range(3)] == [first.key] * 3
    assert first.path.stat().st_mtime_ns == before.st_mtime_ns


def test_no_two_installations_have_the_same_key(tmp_path: Path) -> None:
    assert open_key_file(tmp_path / "a").key != open_key_file(tmp_path / "b").key


def test_nothing_but_the_key_is_left_in_the_folder(tmp_path: Path) -> None:
    open_key_file(tmp_path)
    open_key_file(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["client-key"]


def test_a_key_that_an_operator_wrote_is_taken_without_its_white_space(tmp_path: Path) -> None:
    (tmp_path / "client-key").write_text("\n gw-made-by-the-operator-1 \n")

    assert open_key_file(tmp_path).key.reveal() == "gw-made-by-the-operator-1"


def test_threads_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    together = threading.Barrier(8)

    def start(_number: int) -> str:
        together.wait(20)
        return open_key_file(tmp_path / "data").key.reveal()

    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(start, range(8)))

    assert keys == {(tmp_path / "data" / "client-key").read_text().strip()}
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["client-key"]


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

    assert keys == {(tmp_path / "data" / "client-key").read_text().strip()}
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["client-key"]


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"hello", b"gw-short", b"sk-ant-REPLACED-0123456789-0123456789", b"GW-0123456789012345678901"],
)
def test_a_file_that_holds_no_key_is_refused_with_the_cure_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "client-key"
    file.write_bytes(content)

    with pytest.raises(SettingInvalid) as refused:
        open_key_file(tmp_path)

    assert str(refused.value) == (
        f"The client key file {str(file)!r} holds no key; remove it and a new one is made at the next start."
    )
    assert file.read_bytes() == content


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "client-key").write_bytes(b"gw-\xff\xfe\x00")

    with pytest.raises(SettingInvalid, match=r"cannot be used: it is not text; make it ours, or set AIGW_DATA_DIR\."):
        open_key_file(tmp_path)


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "client-key").mkdir()

    with pytest.raises(SettingInvalid, match=r"client-key' cannot be used: Is a directory; "):
        open_key_file(tmp_path)


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")

    with pytest.raises(SettingInvalid, match=r"cannot be used: .*; make it ours, or set AIGW_DATA_DIR\."):
        open_key_file(tmp_path / "data")


def test_who_holds_the_key_is_a_client_and_nobody_else(tmp_path: Path) -> None:
    keys = open_key_file(tmp_path)
    key = keys.key.reveal()

    assert keys.verify(key) == Caller("client")
    for other in ("", "gw-", key[:-1], f"{key}x", key.upper(), f" {key}", "gw-ключ"):
        assert keys.verify(other) is None


def test_the_key_does_not_show_itself(tmp_path: Path) -> None:
    keys = open_key_file(tmp_path)

    assert keys.key.reveal() not in repr(keys)
