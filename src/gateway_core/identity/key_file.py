"""The first client key: made at first start, kept in the data folder."""

from __future__ import annotations

import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from gateway_core.identity.model import CLIENT_KEY_PREFIX, Caller
from gateway_core.kernel.errors import SettingInvalid
from gateway_core.kernel.secret import Secret
from gateway_core.telemetry.logs import get_log

log = get_log("identity")

FILE_NAME = "client-key"
_SHORTEST = 24


@dataclass(frozen=True, slots=True)
class KeyFile:
    """One key, in one file that only its owner may read."""

    path: Path
    key: Secret

    def verify(self, key: str) -> Caller | None:
        """Give the caller who holds this key, or None; the comparison takes the same time either way."""
        if hmac.compare_digest(key.encode(), self.key.reveal().encode()):
            return Caller("client")
        return None


def open_key_file(data_dir: Path) -> KeyFile:
    """Read the key, or make one; raises SettingInvalid naming the file that cannot be used."""
    path = data_dir / FILE_NAME
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make_if_missing(path)
        key = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        message = f"The client key file {str(path)!r} cannot be used: {reason}; make it ours, or set AIGW_DATA_DIR."
        raise SettingInvalid(message) from error
    if not key.startswith(CLIENT_KEY_PREFIX) or len(key) < _SHORTEST:
        message = f"The client key file {str(path)!r} holds no key; remove it and a new one is made at the next start."
        raise SettingInvalid(message)
    _keep_to_ourselves(path)
    return KeyFile(path, Secret(key))


def _keep_to_ourselves(path: Path) -> None:
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
        log.warning("client_key_file_was_open", path=str(path), cure="others could read it; its mode is 0600 now")


def _make_if_missing(path: Path) -> None:
    if path.exists():
        return
    # Whole before it is seen: another process that starts now finds no file, or a full one.
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{CLIENT_KEY_PREFIX}{secrets.token_urlsafe(32)}\n")
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return
        except OSError:
            # A file system without links; the move is as whole, it only cannot tell who was first.
            draft.replace(path)
            return
    finally:
        draft.unlink(missing_ok=True)
