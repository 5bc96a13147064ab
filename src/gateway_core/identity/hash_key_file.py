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


def open_hash_key(given: Secret | None, data_dir: Path) -> Secret:
    """Give the hash key: the one of the settings, else that of the file, made when there is none.

    Processes that start together agree on one. Raises SettingInvalid naming the file that does not do.
    """
    key = given or _of_file(PrivateFile(data_dir / FILE_NAME, "client hash key"))
    redactor.learn(key.reveal())
    return key


def _of_file(file: PrivateFile) -> Secret:
    key = file.read()
    if key is None:
        file.make(Secret(secrets.token_urlsafe(_SHORTEST)))
        # Another process may have been first: what counts is what is in the file.
        key = file.read()
    if key is None or len(key.reveal()) < _SHORTEST:
        message = (
            f"The client hash key file {str(file.path)!r} holds no key of {_SHORTEST} characters or more; "
            "put the earlier one back, or remove the file when no client was added yet."
        )
        raise SettingInvalid(message)
    return key
