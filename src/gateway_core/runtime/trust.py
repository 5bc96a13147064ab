"""Whom we trust over TLS, what we show of ourselves, and which proxies our calls pass."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from gateway_core.http_client import Proxies, Proxy, parse_proxy
from gateway_core.kernel.errors import SettingInvalid
from gateway_core.settings.model import Settings
from gateway_core.telemetry.logs import get_log, redactor

log = get_log("runtime")


def build_trust(settings: Settings, *, always_verify: bool = False) -> ssl.SSLContext | None:
    """Give the TLS context of our calls to others; None stands for the machine's own trust set and nothing else.

    The client certificate is shown to servers that ask for one, and to no others. With
    `always_verify` certificates are verified whatever AIGW_MTLS__VERIFY says: for keys that
    tokens are verified with, since who stands in between could else let anybody in.
    Raises SettingInvalid.
    """
    mtls = settings.mtls
    bundle, named = settings.ssl_cert_file or settings.requests_ca_bundle, "SSL_CERT_FILE, REQUESTS_CA_BUNDLE"
    if not mtls.enabled:
        return _trust(bundle, named, load=_load_once)
    context = (
        # Of its own: more is set on it here.
        _trust(mtls.ca_bundle, "AIGW_MTLS__CA_BUNDLE", load=_load)
        or _trust(bundle, named, load=_load)
        or ssl.create_default_context()
    )
    # Imported here: few show a certificate, and it is a twentieth of the time that a start takes.
    from gateway_core.runtime.client_certificate import load_client_certificate  # noqa: PLC0415

    load_client_certificate(context, mtls)
    if not (mtls.verify or always_verify):
        log.critical(
            "tls_not_verified",
            setting="AIGW_MTLS__VERIFY",
            cure="anybody in between can read and answer; set it to true",
        )
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def build_proxies(settings: Settings) -> Proxies | None:
    """Give the proxies of our calls to others, None without any; their passwords are kept out of every log.

    Raises SettingInvalid.
    """
    plain = _read_proxy(settings.http_proxy, "HTTP_PROXY")
    tls = _read_proxy(settings.https_proxy, "HTTPS_PROXY")
    if plain is None and tls is None:
        return None
    return Proxies(http=plain, https=tls, without=settings.no_proxy)


def _read_proxy(given: SecretStr | None, variable: str) -> Proxy | None:
    if given is None:
        return None
    try:
        proxy = parse_proxy(given.get_secret_value())
    except ValueError as error:
        # Not repeated: the URL may hold a password.
        raise SettingInvalid(f"{variable} {error}; give one such as http://proxy.example:3128.") from None
    if proxy.authorization is not None:
        password = urlsplit(given.get_secret_value()).password or ""
        for secret in {proxy.authorization.reveal().removeprefix("Basic "), password, unquote(password)} - {""}:
            redactor.learn(secret)
    return proxy


def _load(bundle: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=bundle)


def _load_once(bundle: Path) -> ssl.SSLContext:
    """Load a bundle, unless it is the one that was loaded last and did not change: each time takes 25 ms."""
    found = bundle.stat()
    return _load_version(bundle, (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns))


@lru_cache(maxsize=1)
def _load_version(bundle: Path, _version: tuple[int, ...]) -> ssl.SSLContext:
    return _load(bundle)


def _trust(bundle: Path | None, settings: str, *, load: Callable[[Path], ssl.SSLContext]) -> ssl.SSLContext | None:
    if bundle is None:
        return None
    try:
        return load(bundle)
    except OSError as error:
        reason = "there is none in PEM form" if isinstance(error, ssl.SSLError) else error.strerror
        message = f"The certificates in {str(bundle)!r} ({settings}) cannot be used: {reason}."
        raise SettingInvalid(message) from error
