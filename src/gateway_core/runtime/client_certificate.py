"""The certificate that we show of ourselves, and its key."""

from __future__ import annotations

import ssl
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes, PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway_core.kernel.errors import SettingInvalid
from gateway_core.settings.model_providers import Mtls
from gateway_core.telemetry.logs import redactor


def load_client_certificate(context: ssl.SSLContext, mtls: Mtls) -> None:
    """Show the certificate of these settings to whoever asks for one; raises SettingInvalid."""
    cert_file, key_file = mtls.cert_file, mtls.key_file
    if cert_file is None or key_file is None:
        name = "CERT_FILE" if cert_file is None else "KEY_FILE"
        raise SettingInvalid(
            f"AIGW_MTLS__{name} is not set, but AIGW_MTLS__ENABLED is true; give the path of a PEM file."
        )
    password = mtls.key_password.get_secret_value() if mtls.key_password else ""
    if password:
        redactor.learn(password)
    # Each file alone first: the TLS library says for all of their faults no more than "PEM lib".
    certified = _read_certificate(cert_file)
    if _read_private_key(key_file, password=password.encode()).public_key() != certified:
        raise SettingInvalid(
            f"AIGW_MTLS__KEY_FILE={str(key_file)!r} is not the key of the certificate in "
            f"AIGW_MTLS__CERT_FILE={str(cert_file)!r}; give a certificate and its own key."
        )
    try:
        # Never without a password: the library would ask for one at the terminal.
        context.load_cert_chain(cert_file, key_file, password=lambda: password)
    except (OSError, ValueError) as error:
        message = f"AIGW_MTLS__CERT_FILE={str(cert_file)!r} and AIGW_MTLS__KEY_FILE={str(key_file)!r} cannot be used: {error}."
        raise SettingInvalid(message) from error


def _read_certificate(file: Path) -> CertificatePublicKeyTypes:
    """Give the public key of the first certificate, which is the one that is shown as ours."""
    try:
        return x509.load_pem_x509_certificates(file.read_bytes())[0].public_key()
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        reason = error.strerror if isinstance(error, OSError) else "there is none in PEM form that we can read"
        message = f"The certificate in AIGW_MTLS__CERT_FILE={str(file)!r} cannot be used: {reason}."
        raise SettingInvalid(message) from error


def _read_private_key(file: Path, *, password: bytes) -> PrivateKeyTypes:
    where = f"The private key in AIGW_MTLS__KEY_FILE={str(file)!r}"
    try:
        content = file.read_bytes()
    except OSError as error:
        raise SettingInvalid(f"{where} cannot be used: {error.strerror}.") from error
    try:
        return load_pem_private_key(content, password=None)
    except TypeError:
        # It is encrypted, and only then is the password looked at: one too many does no harm.
        return _decrypt(content, password, where=where)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SettingInvalid(f"{where} cannot be used: there is none in PEM form that we can read.") from error


def _decrypt(content: bytes, password: bytes, *, where: str) -> PrivateKeyTypes:
    if not password:
        raise SettingInvalid(f"{where} is encrypted; give its passphrase in AIGW_MTLS__KEY_PASSWORD.")
    try:
        return load_pem_private_key(content, password=password)
    except (ValueError, UnsupportedAlgorithm):
        # Not chained: nothing that has seen the passphrase belongs in a log.
        raise SettingInvalid(f"{where} does not open with AIGW_MTLS__KEY_PASSWORD; give its own passphrase.") from None
