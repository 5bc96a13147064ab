"""Our own RSA keys, from their PEM text."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from joserfc.jwk import RSAKey

from gateway_core.identity.key_set import LARGEST_RSA, SMALLEST_RSA
from gateway_core.kernel.secret import Secret


class KeyUnusable(Exception):
    """The PEM text is no key for us; the message says why, in words that fit after the setting's name."""


def load_private(pem: Secret) -> RSAKey:
    """Give the key that signs; raises KeyUnusable."""
    key = _load(pem)
    if isinstance(key, RSAPublicKey):
        raise KeyUnusable("is a public key, and only a private one signs")
    return RSAKey.import_key(key)


def load_public(pem: Secret) -> RSAKey:
    """Give the half that verifies, of either half; raises KeyUnusable."""
    return _render_public(_load(pem))


def public_half(key: RSAKey) -> RSAKey | None:
    """Give the half that verifies what this key signs; None for a key that signs nothing."""
    return None if key.private_key is None else _render_public(key.private_key)


def _load(pem: Secret) -> RSAPrivateKey | RSAPublicKey:
    """Read an RSA key in PEM form (PKCS#8, PKCS#1, or the public half alone); raises KeyUnusable."""
    text = pem.reveal().strip()
    try:
        raw = text.encode()
        # Looking for its factors anew takes 50 ms a key, at each start of each worker; the trial below takes one.
        key = (
            load_pem_public_key(raw)
            if "PUBLIC KEY-----" in text
            else load_pem_private_key(raw, password=None, unsafe_skip_rsa_key_validation=True)
        )
    # Not chained: what the parser has to say may quote what it read.
    except TypeError:
        raise KeyUnusable("is protected by a passphrase; give it without") from None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyUnusable("is not a key in PEM form; make one with: ai-gateway keys new") from None
    if not isinstance(key, RSAPrivateKey | RSAPublicKey):
        raise KeyUnusable("is not an RSA key; make one with: ai-gateway keys new")
    if not SMALLEST_RSA <= key.key_size <= LARGEST_RSA:
        raise KeyUnusable(
            f"has {key.key_size} bits, from {SMALLEST_RSA} to {LARGEST_RSA} are taken; "
            "make one with: ai-gateway keys new"
        )
    if isinstance(key, RSAPrivateKey):
        _try_out(key)
    return key


def _try_out(key: RSAPrivateKey) -> None:
    trial = b"does what one half signs hold for the other?"
    try:
        key.public_key().verify(key.sign(trial, PKCS1v15(), SHA256()), trial, PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        raise KeyUnusable("is damaged: its two halves do not fit") from None


def _render_public(key: RSAPrivateKey | RSAPublicKey) -> RSAKey:
    public = key.public_key() if isinstance(key, RSAPrivateKey) else key
    half = RSAKey.import_key(public)
    # Rendered once here, not in the first request that needs it.
    _ = half.dict_value
    return half
