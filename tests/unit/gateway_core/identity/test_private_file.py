from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway_core.identity import private_file
from gateway_core.identity.private_file import PrivateFile
from gateway_core.kernel.errors import SettingInvalid
from gateway_core.kernel.secret import Secret
from gateway_core.telemetry.logs import get_log

JsonLog = Callable[[], list[dict[str, object]]]


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.fixture
def logged(json_log: JsonLog, monkeypatch: pytest.MonkeyPatch) -> JsonLog:
    # Made anew because a used one keeps its first configuration.
    monkeypatch.setattr(private_file, "log", get_log("identity"))
    return json_log


@pytest.fixture
def file(tmp_path: Path) -> PrivateFile:
    return PrivateFile(tmp_path / "deep" / "data" / "a-key", "test key")


def test_a_file_that_is_not_there_holds_nothing(file: PrivateFile) -> None:
    assert file.read() is None


def test_only_its_owner_may_read_what_was_made(file: PrivateFile, umask: None) -> None:
    assert file.make(Secret("s3cr3t-value"))

    assert file.read() == Secret("s3cr3t-value")
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700


def test_a_file_that_is_there_stays_as_it_is(file: PrivateFile) -> None:
    file.make(Secret("first"))

    assert not file.make(Secret("second"))
    assert file.read() == Secret("first")


def test_nothing_but_the_file_is_left_in_its_folder(file: PrivateFile) -> None:
    file.make(Secret("first"))
    file.make(Secret("second"))

    assert [path.name for path in file.path.parent.iterdir()] == ["a-key"]


def test_a_file_system_without_links_keeps_the_first_secret_too(
    file: PrivateFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    # Such file systems cannot be mounted in a test; this is how they answer.
    monkeypatch.setattr(os, "link", refuse)

    assert [file.make(Secret("first")), file.make(Secret("second"))] == [True, False]
    assert file.read() == Secret("first")
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert [path.name for path in file.path.parent.iterdir()] == ["a-key"]


def test_a_removed_file_is_gone_and_may_be_removed_again(file: PrivateFile) -> None:
    file.make(Secret("first"))
    file.remove()
    file.remove()

    assert file.read() is None


def test_white_space_around_the_secret_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "a-key").write_text("\n by-hand \n")

    assert PrivateFile(tmp_path / "a-key", "test key").read() == Secret("by-hand")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o666])
def test_a_file_that_others_may_read_is_closed_with_a_warning(tmp_path: Path, logged: JsonLog, mode: int) -> None:
    path = tmp_path / "a-key"
    path.write_text("by-hand")
    path.chmod(mode)

    assert PrivateFile(path, "test key").read() == Secret("by-hand")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    [line] = logged()
    assert (line["message"], line["level"], line["path"]) == ("key_file_was_open", "warning", str(path))
    assert "by-hand" not in str(line)


def test_a_file_that_only_its_owner_may_read_gives_no_warning(file: PrivateFile, logged: JsonLog) -> None:
    file.make(Secret("first"))
    file.read()

    assert logged() == []


def test_a_file_whose_mode_is_not_ours_to_change_is_used_with_a_warning(
    tmp_path: Path, logged: JsonLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a-key"
    path.write_text("mounted")
    path.chmod(0o644)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    # A read-only mount cannot be made in a test; this is how it answers.
    monkeypatch.setattr(os, "chmod", refuse)

    assert PrivateFile(path, "test key").read() == Secret("mounted")
    [line] = logged()
    assert (line["message"], line["reason"]) == ("key_file_is_open", "Read-only file system")


def test_a_file_that_is_no_text_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a-key"
    path.write_bytes(b"gw-\xff\xfe\x00")

    with pytest.raises(SettingInvalid) as refused:
        PrivateFile(path, "test key").read()

    assert str(refused.value) == (
        f"The test key file {str(path)!r} cannot be used: it is not text; mend it, or set AIGW_DATA_DIR."
    )


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match=r"cannot be used: Is a directory; "):
        PrivateFile(tmp_path, "test key").read()


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    file = PrivateFile(tmp_path / "data" / "a-key", "test key")

    for use in (file.read, lambda: file.make(Secret("first"))):
        with pytest.raises(SettingInvalid, match=r"The test key file '.*/data/a-key' cannot be used: "):
            use()


def test_a_secret_that_another_account_planted_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key"
    path.write_text("gw-planted")
    path.chmod(0o600)
    mine, foreign = os.geteuid(), path.stat().st_uid + 1
    monkeypatch.setattr(os, "geteuid", lambda: foreign)
    if mine == 0:
        # What root owns is believed; so this test's file must be somebody else's.
        os.chown(path, 4711, -1)

    assert PrivateFile(path, "admin key").read() == Secret("gw-planted")
    tmp_path.chmod(0o777)
    with pytest.raises(SettingInvalid, match="belongs to another account, in a folder that everybody may write to"):
        PrivateFile(path, "admin key").read()


def test_the_mode_of_what_a_link_leads_to_is_left_alone(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("gw-secret")
    target.chmod(0o644)
    link.symlink_to(target)

    assert PrivateFile(link, "admin key").read() == Secret("gw-secret")
    assert stat.S_IMODE(target.stat().st_mode) == 0o644
