from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.certificates import PASSPHRASE, ClientFiles, make_client_files
from fakes.issuer import DISCOVERY, run_issuer
from fakes.raw_server import CERTIFICATE, always, reply, serve
from gateway_core.http_client import Deadlines, HttpClient, HttpFailure, HttpUnreachable
from gateway_core.kernel.errors import SettingInvalid
from gateway_core.kernel.units import Seconds
from gateway_core.runtime import trust
from gateway_core.runtime.trust import build_trust
from gateway_core.settings.load import load_settings
from gateway_core.settings.model import Settings
from gateway_core.telemetry.logs import get_log, redactor

PATIENT = Deadlines(connect=Seconds(10), first_byte=Seconds(10), idle=Seconds(10), total=None)
Log = Callable[[], list[dict[str, object]]]
BUNDLES = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"]


@pytest.fixture
def files(tmp_path: Path) -> ClientFiles:
    return make_client_files(tmp_path / "client")


@pytest.fixture
def said(json_log: Log, monkeypatch: pytest.MonkeyPatch) -> Log:
    """Read what was said about trust."""
    # The module's own logger may be bound to the output of an earlier test.
    monkeypatch.setattr(trust, "log", get_log("runtime"))
    return lambda: [line for line in json_log() if line["logger"] == "runtime"]


def settings(**environ: str) -> Settings:
    return load_settings({"HOME": "/home/op", **environ}, env_file=None)


def with_client(files: ClientFiles, **environ: str) -> Settings:
    named = {"ENABLED": "true", "CERT_FILE": str(files.certificate), "KEY_FILE": str(files.key), **environ}
    return settings(**{f"AIGW_MTLS__{name}": value for name, value in named.items()})


async def ask(context: ssl.SSLContext | None, url: str) -> int:
    client = HttpClient(ssl_context=context)
    try:
        response = await client.send("GET", url, headers=[], deadlines=PATIENT)
        await response.read(limit=100_000)
        return response.status
    finally:
        await client.close()


def refusal(build: Callable[[], object]) -> str:
    with pytest.raises(SettingInvalid) as refused:
        build()
    assert PASSPHRASE not in str(refused.value)
    return str(refused.value)


# The trust set.


def test_without_a_trust_set_of_ones_own_the_machines_is_used() -> None:
    assert build_trust(settings()) is None


@pytest.mark.parametrize("name", BUNDLES)
def test_a_trust_set_of_ones_own_is_trusted_alone(name: str) -> None:
    context = build_trust(settings(**{name: str(CERTIFICATE)}))

    assert context
    assert len(context.get_ca_certs()) == 1
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.mark.parametrize("name", BUNDLES)
@pytest.mark.parametrize("content", ["", "nonsense", None], ids=["empty", "nonsense", "missing"])
def test_a_trust_set_that_cannot_be_read_is_refused(tmp_path: Path, name: str, content: str | None) -> None:
    file = tmp_path / "trust.pem"
    if content is not None:
        file.write_text(content)

    said = refusal(lambda: build_trust(settings(**{name: str(file)})))

    assert "trust.pem" in said
    assert name in said


# The client certificate.


async def test_a_server_that_demands_a_client_certificate_gets_ours(files: ClientFiles) -> None:
    with run_issuer(tls=True, client_ca=files.authority) as issuer:
        assert await ask(build_trust(with_client(files, CA_BUNDLE=str(CERTIFICATE))), issuer.url + DISCOVERY) == 200


async def test_without_a_client_certificate_that_server_does_not_answer(files: ClientFiles) -> None:
    with run_issuer(tls=True, client_ca=files.authority) as issuer:
        with pytest.raises(HttpFailure):
            await ask(build_trust(settings(SSL_CERT_FILE=str(CERTIFICATE))), issuer.url + DISCOVERY)

        assert issuer.hits(issuer.discovery_path) == 0


async def test_a_client_certificate_of_another_authority_gets_nothing(tmp_path: Path, files: ClientFiles) -> None:
    other = make_client_files(tmp_path / "other")
    with run_issuer(tls=True, client_ca=files.authority) as issuer:
        with pytest.raises(HttpFailure):
            await ask(build_trust(with_client(other, CA_BUNDLE=str(CERTIFICATE))), issuer.url + DISCOVERY)

        assert issuer.hits(issuer.discovery_path) == 0


async def test_a_server_that_asks_for_no_certificate_is_reached_as_before(files: ClientFiles) -> None:
    async with serve(always(reply()), tls=True) as server:
        assert await ask(build_trust(with_client(files, CA_BUNDLE=str(CERTIFICATE))), server.url) == 200


def test_an_encrypted_key_opens_with_its_passphrase_to_the_last_blank(files: ClientFiles) -> None:
    build_trust(with_client(files, KEY_FILE=str(files.encrypted_key), KEY_PASSWORD=PASSPHRASE))

    assert PASSPHRASE.strip().encode() not in redactor.mask_text(f"it is {PASSPHRASE}".encode())


def test_a_passphrase_for_a_key_in_the_clear_does_no_harm(files: ClientFiles) -> None:
    assert build_trust(with_client(files, KEY_PASSWORD=PASSPHRASE))


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"KEY_PASSWORD": PASSPHRASE + "!"}, "does not open with AIGW_MTLS__KEY_PASSWORD"),
        ({"KEY_PASSWORD": PASSPHRASE.strip()}, "does not open with AIGW_MTLS__KEY_PASSWORD"),
        ({}, "is encrypted; give its passphrase in AIGW_MTLS__KEY_PASSWORD"),
    ],
    ids=["wrong", "stripped", "none"],
)
def test_a_passphrase_that_does_not_fit_is_refused(files: ClientFiles, environ: dict[str, str], said: str) -> None:
    assert said in refusal(lambda: build_trust(with_client(files, KEY_FILE=str(files.encrypted_key), **environ)))


def test_a_key_of_another_certificate_is_refused(tmp_path: Path, files: ClientFiles) -> None:
    other = make_client_files(tmp_path / "other")

    said = refusal(lambda: build_trust(with_client(files, KEY_FILE=str(other.key))))

    assert said == (
        f"AIGW_MTLS__KEY_FILE={str(other.key)!r} is not the key of the certificate in "
        f"AIGW_MTLS__CERT_FILE={str(files.certificate)!r}; give a certificate and its own key."
    )


@pytest.mark.parametrize("name", ["CERT_FILE", "KEY_FILE", "CA_BUNDLE"])
@pytest.mark.parametrize("content", ["", "nonsense"], ids=["empty", "nonsense"])
def test_a_file_that_holds_no_pem_is_refused_by_its_setting(
    tmp_path: Path, files: ClientFiles, name: str, content: str
) -> None:
    file = tmp_path / "wrong.pem"
    file.write_text(content)

    said = refusal(lambda: build_trust(with_client(files, **{name: str(file)})))

    assert f"AIGW_MTLS__{name}" in said
    assert "wrong.pem" in said


@pytest.mark.parametrize("name", ["cert_file", "key_file"])
def test_a_file_that_is_gone_since_the_settings_were_read_is_refused(files: ClientFiles, name: str) -> None:
    read = with_client(files)
    {"cert_file": files.certificate, "key_file": files.key}[name].unlink()

    assert f"AIGW_MTLS__{name.upper()}" in refusal(lambda: build_trust(read))


@pytest.mark.parametrize("name", ["cert_file", "key_file"])
def test_settings_made_without_a_file_are_refused_too(files: ClientFiles, name: str) -> None:
    read = with_client(files)
    without = read.model_copy(update={"mtls": read.mtls.model_copy(update={name: None})})

    assert refusal(lambda: build_trust(without)).startswith(f"AIGW_MTLS__{name.upper()} is not set")


def test_while_mtls_is_off_none_of_its_settings_counts(files: ClientFiles) -> None:
    assert build_trust(with_client(files, ENABLED="false", VERIFY="false", KEY_FILE="/nowhere")) is None


def test_the_bundle_of_mtls_replaces_the_other_one(files: ClientFiles) -> None:
    environ = {"SSL_CERT_FILE": str(files.authority), "AIGW_MTLS__ENABLED": "true"}
    mtls = {"AIGW_MTLS__CERT_FILE": str(files.certificate), "AIGW_MTLS__KEY_FILE": str(files.key)}
    own, other = (
        build_trust(settings(**environ, **mtls, **more)) for more in ({"AIGW_MTLS__CA_BUNDLE": str(CERTIFICATE)}, {})
    )

    assert own
    assert other
    assert own.get_ca_certs()[0]["subject"] == ((("commonName", "loopback test server"),),)
    assert other.get_ca_certs()[0]["subject"] == ((("commonName", "test authority"),),)


# Verification.


async def test_verification_that_is_off_takes_any_certificate_and_says_so(files: ClientFiles, said: Log) -> None:
    context = build_trust(with_client(files, VERIFY="false"))
    (line,) = said()

    async with serve(always(reply()), tls=True) as server:
        assert await ask(context, f"https://127.1:{server.port}/") == 200
    assert (line["level"], line["message"], line["setting"]) == ("critical", "tls_not_verified", "AIGW_MTLS__VERIFY")


async def test_where_it_counts_certificates_are_verified_all_the_same(files: ClientFiles, said: Log) -> None:
    context = build_trust(with_client(files, VERIFY="false"), always_verify=True)

    async with serve(always(reply()), tls=True) as server:
        with pytest.raises(HttpUnreachable, match=r"(?i)certificate.verify.failed"):
            await ask(context, server.url)
    assert said() == []


@pytest.mark.parametrize("variable", BUNDLES)
def test_a_bundle_is_loaded_once_and_again_when_it_has_changed(variable: str, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(CERTIFICATE.read_bytes())
    given = settings(**{variable: str(bundle)})
    first, second = build_trust(given), build_trust(given, always_verify=True)
    bundle.write_bytes(CERTIFICATE.read_bytes() * 2)

    assert first is not None
    assert first is second
    assert build_trust(given) is not first


@pytest.mark.parametrize("variable", [*BUNDLES, "AIGW_MTLS__CA_BUNDLE"])
def test_what_is_set_for_calls_with_a_client_certificate_is_set_for_no_others(
    variable: str, files: ClientFiles
) -> None:
    plain = build_trust(settings(SSL_CERT_FILE=str(CERTIFICATE)))
    shown = build_trust(
        settings(
            **{variable: str(CERTIFICATE)},
            AIGW_MTLS__ENABLED="true",
            AIGW_MTLS__CERT_FILE=str(files.certificate),
            AIGW_MTLS__KEY_FILE=str(files.key),
            AIGW_MTLS__VERIFY="false",
        )
    )

    assert plain is not None
    assert shown is not plain
    assert plain.verify_mode is ssl.CERT_REQUIRED
