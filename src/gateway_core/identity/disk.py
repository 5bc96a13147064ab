"""Issuers' key sets, kept on disk for a start while an issuer is down. Public keys only."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from gateway_core.identity.ports import TrustedKey
from gateway_core.kernel.clock import Clock
from gateway_core.kernel.units import Seconds
from gateway_core.telemetry.logs import get_log

log = get_log("identity")

FOLDER = "key-sets"
"""Folder for them, in the data folder."""

_LARGEST = 1024 * 1024
_PUBLIC = frozenset({"kty", "n", "e", "crv", "x", "y"})
# Clocks of machines that share a folder differ a little; a file from further ahead would never grow old.
_AHEAD = timedelta(minutes=5)


class KeptKeys(msgspec.Struct, frozen=True):
    """A key set as it is kept; `keys` are JWKs, with public members only."""

    url: str
    issuer_name: str
    jwks_uri: str
    fetched_at: datetime
    keys: tuple[dict[str, str], ...]

    def document(self) -> bytes:
        """Give the key set as an issuer would publish it."""
        return msgspec.json.encode({"keys": self.keys})


def render_keys(keys: Sequence[TrustedKey]) -> tuple[dict[str, str], ...]:
    """Write keys as JWKs, without any private member."""
    rendered = []
    for trusted in keys:
        public = trusted.key.as_dict(private=False)
        named = {"kid": trusted.kid} if trusted.kid is not None else {}
        members = {name: str(value) for name, value in public.items() if name in _PUBLIC}
        rendered.append({**members, **named, "alg": trusted.algorithm, "use": "sig"})
    return tuple(rendered)


@dataclass(frozen=True, slots=True)
class KeyFolder:
    """One file for each issuer's address; several processes may use one folder."""

    folder: Path
    clock: Clock
    stale_for: Seconds

    async def read(self, url: str) -> KeptKeys | None:
        """Give the keys of this issuer, unless there are none, or none that still count."""
        path = self._path(url)
        kept = await asyncio.to_thread(_read, path)
        if kept is None:
            return None
        reason = self._doubt(kept, url=url)
        if reason:
            log.warning("kept_keys_ignored", path=str(path), reason=reason)
            return None
        return kept

    async def write(self, kept: KeptKeys) -> None:
        """Keep them in place of those before; when that fails it is logged, for they can be fetched again."""
        path = self._path(kept.url)
        try:
            await asyncio.to_thread(_write, path, content=msgspec.json.encode(kept))
        except OSError as error:
            log.warning(
                "keys_not_kept", path=str(path), reason=error.strerror, cure="mend the folder, or AIGW_DATA_DIR"
            )

    def _path(self, url: str) -> Path:
        return self.folder / f"{hashlib.sha256(url.encode()).hexdigest()}.json"

    def _doubt(self, kept: KeptKeys, *, url: str) -> str:
        age = self.clock.now() - kept.fetched_at
        if kept.url != url:
            return "they are of another address"
        if age < -_AHEAD:
            return f"they were fetched in the future ({kept.fetched_at}): is this machine's clock right?"
        if age.total_seconds() > self.stale_for:
            return f"they were fetched {age.days} days ago; see AIGW_AUTH__KEYS_STALE_FOR"
        return ""


def _read(path: Path) -> KeptKeys | None:
    try:
        with path.open("rb") as file:
            if _others_may_write(os.fstat(file.fileno())) or _others_may_write(path.parent.stat()):
                log.warning("kept_keys_ignored", path=str(path), reason="others may write to this file or its folder")
                return None
            content = file.read(_LARGEST)
        kept = msgspec.json.decode(content, type=KeptKeys)
    except FileNotFoundError:
        return None
    except OSError as error:
        log.warning("kept_keys_ignored", path=str(path), reason=error.strerror)
        return None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        log.warning("kept_keys_ignored", path=str(path), reason="the file is damaged; it is replaced by the next one")
        return None
    if kept.fetched_at.tzinfo is None:
        log.warning("kept_keys_ignored", path=str(path), reason="the file does not say in which time zone it was made")
        return None
    return kept


def _others_may_write(found: os.stat_result) -> bool:
    return bool(found.st_mode & 0o022) or found.st_uid not in {os.geteuid(), 0}


def _write(path: Path, *, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Whole before it is seen: who reads while we write gets the file before, or this one.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        draft.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
