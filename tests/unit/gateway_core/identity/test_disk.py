from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import ECKey, RSAKey

from fakes.clock import FakeClock
from fakes.issuer import private_key, public_jwk
from gateway_core.identity import disk
from gateway_core.identity.disk import KeptKeys, KeyFolder, render_keys
from gateway_core.identity.key_set import parse_key_set
from gateway_core.identity.ports import TrustedKey
from gateway_core.kernel.units import Seconds
from gateway_core.telemetry.logs import get_log

URL = "https://gitlab.example.com/"
DAY = Seconds(24 * 3600)
PUBLIC = {"kty", "n", "e", "kid", "alg", "use"}
Log = Callable[[], list[dict[str, object]]]


def rsa_key(kid: str | None = "one") -> TrustedKey:
    """Give a key that still holds its private half: it must not reach the disk."""
    key = private_key(1, "one")
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return TrustedKey("Gitlab", kid, "RS256", RSAKey.import_key(pem))


def ec_key(kid: str) -> TrustedKey:
    public = public_jwk(private_key(1, kid, "ES256"))
    return TrustedKey("Gitlab", kid, "ES256", ECKey.import_key({name: str(value) for name, value in public.items()}))


def kept(clock: FakeClock, *, url: str = URL, keys: tuple[dict[str, str], ...] | None = None) -> KeptKeys:
    shown = render_keys([rsa_key()]) if keys is None else keys
    return KeptKeys(url, "https://gitlab.example.com", f"{url}oauth/discovery/keys", clock.now(), shown)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def folder(tmp_path: Path, clock: FakeClock) -> KeyFolder:
    return KeyFolder(tmp_path / "data" / "key-sets", clock, DAY)


@pytest.fixture
def said(json_log: Log, monkeypatch: pytest.MonkeyPatch) -> Log:
    """Read what was said about kept keys."""
    # The module's own logger may be bound to the output of an earlier test.
    monkeypatch.setattr(disk, "log", get_log("identity"))
    return lambda: [line for line in json_log() if line["logger"] == "identity"]


def only_file(folder: KeyFolder) -> Path:
    (file,) = folder.folder.iterdir()
    return file


async def test_what_was_kept_is_read_again(folder: KeyFolder, clock: FakeClock) -> None:
    await folder.write(kept(clock))
    clock.advance(DAY)

    assert await folder.read(URL) == kept(FakeClock())


async def test_the_document_of_kept_keys_reads_like_that_of_the_issuer(folder: KeyFolder, clock: FakeClock) -> None:
    await folder.write(kept(clock, keys=render_keys([rsa_key(), rsa_key(None), ec_key("curve")])))
    read = await folder.read(URL)

    assert read
    parsed = parse_key_set(read.document(), source="Gitlab", algorithms=("RS256", "ES256"))
    assert [(key.kid, key.algorithm) for key in parsed.keys] == [("one", "RS256"), (None, "RS256"), ("curve", "ES256")]
    assert parsed.keys[0].key.thumbprint() == rsa_key().key.thumbprint()
    assert parsed.skipped == ()


async def test_only_public_members_reach_the_disk(folder: KeyFolder, clock: FakeClock) -> None:
    assert rsa_key().key.is_private

    await folder.write(kept(clock))

    content = json.loads(only_file(folder).read_text())
    assert set(content) == {"url", "issuer_name", "jwks_uri", "fetched_at", "keys"}
    assert [set(key) for key in content["keys"]] == [PUBLIC]


async def test_whatever_else_a_key_carries_stays_out(folder: KeyFolder, clock: FakeClock) -> None:
    more = RSAKey.import_key({**render_keys([rsa_key()])[0], "x5t": "AAAA", "key_ops": ["verify"]})

    (written,) = render_keys([TrustedKey("Gitlab", "one", "RS256", more)])

    assert set(written) == PUBLIC


async def test_the_files_are_our_own(folder: KeyFolder, clock: FakeClock) -> None:
    await folder.write(kept(clock))

    assert stat.S_IMODE(only_file(folder).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.folder.stat().st_mode) == 0o700


async def test_each_address_has_its_own_file(folder: KeyFolder, clock: FakeClock) -> None:
    other = "https://id.example.com/"
    await folder.write(kept(clock))
    await folder.write(kept(clock, url=other, keys=()))

    read = [await folder.read(url) for url in (URL, other, "https://nobody.example.com")]

    assert [found and len(found.keys) for found in read] == [1, 0, None]


async def test_what_was_never_kept_is_nothing_to_speak_of(folder: KeyFolder, said: Log) -> None:
    assert await folder.read(URL) is None
    assert said() == []


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda text: text[:-1], "damaged"),
        (lambda text: "", "damaged"),
        (lambda text: "[" * 100_000, "damaged"),
        (lambda text: "\udcff", "damaged"),
        (lambda text: text.replace('"keys":', '"kyes":'), "damaged"),
        (lambda text: text.replace('"kty"', '"kty":1,"kty"').replace('"RSA"', "7"), "damaged"),
        (lambda text: text.replace("+00:00", "").replace("Z", ""), "in which time zone"),
        (lambda text: text.replace("gitlab.example", "gitlab.elsewhere"), "another address"),
    ],
    ids=["cut", "empty", "deep", "no text", "no keys", "a number", "no zone", "another address"],
)
async def test_a_damaged_file_is_ignored_and_said(
    folder: KeyFolder, clock: FakeClock, said: Log, damage: Callable[[str], str], reason: str
) -> None:
    await folder.write(kept(clock))
    file = only_file(folder)
    file.write_text(damage(file.read_text()), errors="surrogateescape")

    assert await folder.read(URL) is None
    (line,) = said()
    assert (line["message"], line["path"]) == ("kept_keys_ignored", str(file))
    assert reason in str(line["reason"])


@pytest.mark.parametrize(
    ("moved", "reason"),
    [(DAY + 1, "AIGW_AUTH__KEYS_STALE_FOR"), (-3600, "fetched in the future")],
)
async def test_keys_of_another_time_are_ignored(
    folder: KeyFolder, clock: FakeClock, said: Log, moved: float, reason: str
) -> None:
    await folder.write(kept(clock))
    clock.advance(moved)

    assert await folder.read(URL) is None
    (line,) = said()
    assert reason in str(line["reason"])


async def test_a_clock_that_is_a_little_behind_does_no_harm(folder: KeyFolder, clock: FakeClock) -> None:
    await folder.write(kept(clock))
    clock.advance(-timedelta(minutes=4).total_seconds())

    assert await folder.read(URL)


@pytest.mark.parametrize("mode", [0o606, 0o660])
async def test_a_file_that_others_may_write_is_not_believed(
    folder: KeyFolder, clock: FakeClock, said: Log, *, mode: int
) -> None:
    await folder.write(kept(clock))
    only_file(folder).chmod(mode)

    assert await folder.read(URL) is None
    (line,) = said()
    assert line["reason"] == "others may write to this file or its folder"


@pytest.mark.parametrize("mode", [0o770, 0o707])
async def test_a_folder_that_others_may_write_to_is_not_believed(
    folder: KeyFolder, clock: FakeClock, said: Log, *, mode: int
) -> None:
    await folder.write(kept(clock))
    only_file(folder).parent.chmod(mode)

    assert await folder.read(URL) is None
    assert len(said()) == 1


async def test_a_folder_that_cannot_be_used_is_said_and_does_no_harm(
    tmp_path: Path, clock: FakeClock, said: Log
) -> None:
    (tmp_path / "file").write_text("")
    folder = KeyFolder(tmp_path / "file", clock, DAY)

    await folder.write(kept(clock))
    assert await folder.read(URL) is None

    written, read = said()
    assert (written["message"], read["message"]) == ("keys_not_kept", "kept_keys_ignored")
    assert "AIGW_DATA_DIR" in str(written["cure"])


async def test_writers_at_once_leave_one_whole_file(folder: KeyFolder, clock: FakeClock, said: Log) -> None:
    many = [kept(clock, keys=render_keys([rsa_key(f"{number}-{'x' * 5000}")])) for number in range(40)]

    with ThreadPoolExecutor(16) as pool:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(pool)
        seen = await asyncio.gather(*(write_and_read(folder, keys) for keys in many))

    assert all(found in many for found in seen)
    assert said() == []
    assert len(list(folder.folder.iterdir())) == 1


async def write_and_read(folder: KeyFolder, keys: KeptKeys) -> KeptKeys | None:
    await folder.write(keys)
    return await folder.read(URL)


async def test_a_write_that_breaks_off_leaves_the_file_before(
    folder: KeyFolder, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await folder.write(kept(clock))

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    await folder.write(kept(clock, keys=()))

    assert await folder.read(URL) == kept(clock)
    assert only_file(folder).suffix == ".json"
