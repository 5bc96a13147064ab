"""What can be known to be wrong before anything is promised: each raises SettingInvalid with one line."""

from __future__ import annotations

import logging.config
import ssl
from collections.abc import Mapping
from copy import deepcopy

from ai_gateway.edge.scope import EXEMPT_PATHS
from gateway_core.kernel.errors import SettingInvalid
from gateway_core.settings.model_server import FastApi, ServerTls

_OWN_PATHS = ("/v1/", "/v2/", "/v3/", "/v4/", "/monitoring/", "/admin/", "/ai/")


def check_tls(tls: ServerTls) -> None:
    """Refuse certificates, keys and ciphers that cannot serve HTTPS."""
    if not tls.enabled or tls.cert_file is None:
        return
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # A passphrase cannot be given; without this the library would ask for it on the terminal.
        context.load_cert_chain(tls.cert_file, tls.key_file, password=_no_passphrase)
    except (OSError, ValueError) as error:
        message = (
            f"AIGW_FASTAPI__TLS__CERT_FILE={str(tls.cert_file)!r} and AIGW_FASTAPI__TLS__KEY_FILE="
            f"{str(tls.key_file)!r} cannot serve HTTPS; give a certificate and its own key, "
            "in PEM form and without a passphrase."
        )
        raise SettingInvalid(message) from error
    try:
        context.set_ciphers(tls.ssl_ciphers)
    except ssl.SSLError as error:
        message = (
            f"AIGW_FASTAPI__TLS__SSL_CIPHERS={tls.ssl_ciphers!r} names no cipher; give a list as OpenSSL takes it."
        )
        raise SettingInvalid(message) from error


def _no_passphrase() -> str:
    message = "the key needs a passphrase"
    raise ValueError(message)


def check_pages(pages: FastApi) -> None:
    """Refuse pages that would show nothing, or stand in the way of an endpoint."""
    named = {
        "AIGW_FASTAPI__DOCS_URL": pages.docs_url,
        "AIGW_FASTAPI__REDOC_URL": pages.redoc_url,
        "AIGW_FASTAPI__OPENAPI_URL": pages.openapi_url,
    }
    given = {name: path for name, path in named.items() if path is not None}
    for name, path in given.items():
        if path in EXEMPT_PATHS or path.startswith(_OWN_PATHS):
            message = f"{name}={path!r} is a path of the API itself; choose another such as '/docs'."
            raise SettingInvalid(message)
    if given and pages.openapi_url is None:
        message = (
            f"{next(iter(given))} needs the OpenAPI document; set AIGW_FASTAPI__OPENAPI_URL too, as '/openapi.json'."
        )
        raise SettingInvalid(message)
    if len(set(given.values())) < len(given):
        message = f"{' and '.join(given)} name one path for several pages; give each its own."
        raise SettingInvalid(message)


def check_server_logging(configuration: Mapping[str, object]) -> None:
    """Refuse a logging configuration that cannot be applied."""
    try:
        logging.config.dictConfig(deepcopy(dict(configuration)))
    except (ValueError, TypeError, AttributeError, ImportError) as error:
        message = f"AIGW_FASTAPI__UVICORN_LOGGER cannot be applied: {error}; give what Python's dictConfig takes."
        raise SettingInvalid(message) from error
