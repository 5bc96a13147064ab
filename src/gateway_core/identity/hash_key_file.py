"""The secret with which keys of clients are hashed: a setting, or a file made at first start."""

from __future__ import annotations

import secrets
from pathlib import Path

from gateway_core.identity.private_file import PrivateFile
from gateway_core.kernel.errors import SettingInvalid
from gateway_core.kernel.secret import Secret
from gateway_core.telemetry.logs import redactor

FILE_NAME = "client-hash-key"

_SHORTEST = 32


def read_hash_key(given: Secret | None, data_dir: Path) -> Secret | None:
    """Give the hash key: the one of the settings, else that of the file; None when there is no file.

    Raises SettingInvalid naming the file that does not do.
    """
    key = given or _of_file(_file(data_dir))
    if key is not None:
        redactor.learn(key.reveal())
    return key


def make_hash_key(data_dir: Path) -> Secret:
    """Make the file with a new hash key; processes that start together agree on one. Raises SettingInvalid."""
    file = _file(data_dir)
    file.make(Secret(secrets.token_urlsafe(_SHORTEST)))
    # Another process may have been first: what counts is what is in the file.
    key = read_hash_key(None, data_dir)
    if key is None:
        raise file.unusable("it was removed just now")
    return key


def _file(data_dir: Path) -> PrivateFile:
    return PrivateFile(data_dir / FILE_NAME, "client hash key")


def _of_file(file: PrivateFile) -> Secret | None:
    key = file.read()
    if key is not None and len(key.reveal()) < _SHORTEST:
        message = (
            f"The client hash key file {str(file.path)!r} holds no key of {_SHORTEST} characters or more; "
            "put the earlier one back, or remove the file: the next start makes one, or says what is missing."
        )
        raise SettingInvalid(message)
    return key
