"""A secret in a file that only its owner may read: made once, whole before anybody sees it."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from gateway_core.kernel.errors import SettingInvalid
from gateway_core.kernel.secret import Secret
from gateway_core.telemetry.logs import get_log

log = get_log("identity")


@dataclass(frozen=True, slots=True)
class PrivateFile:
    """One secret in one file; `what` names it in refusals, as in "client hash key"."""

    path: Path
    what: str

    def read(self) -> Secret | None:
        """Give the secret without the white space around it, None when there is no file.

        Raises SettingInvalid that names a file that cannot be read. A file that others may
        read is closed to them, with a warning.
        """
        try:
            with self.path.open(encoding="utf-8") as file:
                owner = os.fstat(file.fileno()).st_uid
                text = file.read()
            folder = self.path.parent.stat()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise self.unusable(error) from error
        if folder.st_mode & 0o002 and owner not in (os.geteuid(), 0):
            raise self.unusable("it belongs to another account, in a folder that everybody may write to")
        self._keep_to_ourselves()
        return Secret(text.strip())

    def make(self, secret: Secret) -> bool:
        """Write the secret, unless there is a file already: then False, and that file stays as it is.

        Raises SettingInvalid when it cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            return self._make(f"{secret.reveal()}\n".encode())
        except OSError as error:
            raise self.unusable(error) from error

    def remove(self) -> None:
        """Remove the file, if it is there."""
        self.path.unlink(missing_ok=True)

    def unusable(self, error: OSError | UnicodeDecodeError | str) -> SettingInvalid:
        """Put into words that this file does not do."""
        if isinstance(error, OSError):
            reason = error.strerror or type(error).__name__
        else:
            reason = error if isinstance(error, str) else "it is not text"
        path = str(self.path)
        return SettingInvalid(f"The {self.what} file {path!r} cannot be used: {reason}; mend it, or set AIGW_DATA_DIR.")

    def _make(self, content: bytes) -> bool:
        # Whole before it is seen: another process that starts now finds no file, or a full one.
        draft = self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}")
        try:
            _write_new(draft, content)
            return self._publish(draft, content)
        finally:
            draft.unlink(missing_ok=True)

    def _publish(self, draft: Path, content: bytes) -> bool:
        try:
            self.path.hardlink_to(draft)
        except FileExistsError:
            return False
        except OSError:
            # A file system without links. For a moment the file is there and empty, but never do two
            # processes each believe that theirs is the one, as they would with a move.
            try:
                _write_new(self.path, content)
            except FileExistsError:
                return False
        return True

    def _keep_to_ourselves(self) -> None:
        try:
            # Of a link it is somebody else's file whose mode this would be.
            if not self.path.stat().st_mode & 0o077 or self.path.is_symlink():
                return
            self.path.chmod(0o600)
        except OSError as error:
            # A mounted secret, for one, is not ours to change.
            cure = "others can read it, and its mode cannot be changed from here: give it mode 0600"
            log.warning("key_file_is_open", path=str(self.path), reason=error.strerror, cure=cure)
            return
        log.warning("key_file_was_open", path=str(self.path), cure="others could read it; its mode is 0600 now")


def _write_new(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        # What is stored elsewhere relies on this secret: it must not be lost to a power cut alone.
        os.fsync(file.fileno())
