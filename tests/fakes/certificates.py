"""A certificate authority for one test, and what it signs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PASSPHRASE = " a passphrase, with blanks "
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class ClientFiles:
    """PEM files of a client: its authority, its certificate, its key in the clear and under PASSPHRASE."""

    authority: Path
    certificate: Path
    key: Path
    encrypted_key: Path


def make_client_files(folder: Path, *, name: str = "the gateway") -> ClientFiles:
    """Make an authority and a client certificate that it signed."""
    folder.mkdir(parents=True, exist_ok=True)
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _sign("test authority", authority_key, issuer="test authority", by=authority_key)
    certificate = _sign(name, key, issuer="test authority", by=authority_key)
    files = ClientFiles(*(folder / f"{word}.pem" for word in ("authority", "certificate", "key", "encrypted_key")))
    files.authority.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(_pem(key, serialization.NoEncryption()))
    files.encrypted_key.write_bytes(_pem(key, serialization.BestAvailableEncryption(PASSPHRASE.encode())))
    return files


def _sign(
    name: str, key: ec.EllipticCurvePrivateKey, *, issuer: str, by: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    own = by is key
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        issuer_name=_name(issuer),
        subject_name=_name(name),
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - _DAY,
        not_valid_after=now + _DAY,
    ).add_extension(x509.BasicConstraints(ca=own, path_length=None), critical=True)
    if not own:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    return builder.sign(by, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(key: ec.EllipticCurvePrivateKey, encryption: serialization.KeySerializationEncryption) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
