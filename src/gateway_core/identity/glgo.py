"""A token for Amazon Q, from the service that GitLab calls glgo, in exchange for our caller's."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import msgspec
from typing_extensions import override

from gateway_core.http_client import Deadlines, HttpClient, HttpFailure, HttpResponse
from gateway_core.identity.ports import TokenExchange
from gateway_core.kernel.clock import Clock
from gateway_core.kernel.errors import SigningFailed, TokenExchangeFailed
from gateway_core.kernel.secret import Secret
from gateway_core.kernel.units import Seconds

if TYPE_CHECKING:
    # For a type alone, and a twentieth of the time that a start takes.
    from joserfc.jwk import RSAKey

_ISSUER = "https://cloud.gitlab.com"
_AUDIENCE = "glgo"
_PATH = "/cc/token"
_LIFETIME_S = 3600
_PATIENCE = Seconds(30)
_LARGEST_ANSWER = 64 * 1024
_ADDRESS = "AIGW_GLGO_BASE_URL"
_KEY = "AIGW_SELF_SIGNED_JWT__SIGNING_KEY"


class ClaimSigner(Protocol):
    """Whoever signs with our key."""

    @property
    def public_key(self) -> RSAKey | None:
        """The half that others verify with; None when nothing can be signed."""
        ...

    def sign(self, claims: Mapping[str, object], *, header: Mapping[str, str]) -> Secret:
        """Give the signed token, by RS256; raises SigningFailed."""
        ...


class GlgoExchange(TokenExchange):
    """Vouch for the caller with a token of our own, and get one of glgo's.

    Nothing is kept: every call asks anew.
    """

    def __init__(
        self,
        http: HttpClient,
        base_url: str,
        *,
        signer: ClaimSigner,
        clock: Clock,
        patience: Seconds = _PATIENCE,
    ) -> None:
        self._http = http
        self._url = base_url.rstrip("/") + _PATH
        self._signer = signer
        key = signer.public_key
        # Without a key there is nothing to name, and signing says why.
        self._kid = "" if key is None else thumbprint(key)
        self._clock = clock
        self._deadlines = Deadlines(connect=patience, first_byte=patience, idle=patience, total=patience)

    @override
    async def exchange(self, *, user_id: str, credential: Secret) -> Secret:
        """Give glgo's token for this user; the reason of a TokenExchangeFailed names cause and cure."""
        proof = self._prove(user_id, credential)
        headers = (
            ("authorization", f"Bearer {proof.reveal()}"),
            ("content-type", "application/json"),
            ("accept", "application/json"),
        )
        body = msgspec.json.encode({"user_id": user_id})
        try:
            answer = await self._http.send("POST", self._url, headers=headers, body=body, deadlines=self._deadlines)
            return await self._token(answer)
        except HttpFailure as error:
            reason = f"glgo cannot be asked: {error}; is {_ADDRESS} right, and may the gateway reach it?"
            raise TokenExchangeFailed(reason=reason) from error
        except ValueError:
            # Not quoted and not chained: an address may hold a password.
            reason = f"glgo cannot be asked: {_ADDRESS} is no address that can be called; set it to a http(s) URL"
            raise TokenExchangeFailed(reason=reason) from None

    def _prove(self, user_id: str, credential: Secret) -> Secret:
        now = int(self._clock.now().timestamp())
        claims: dict[str, object] = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "exp": now + _LIFETIME_S,
            "nbf": now,
            "iat": now,
            "jti": str(uuid.uuid4()),
            "cct": credential.reveal(),
            "uid": user_id,
        }
        try:
            return self._signer.sign(claims, header={"typ": "JWT", "kid": self._kid})
        except SigningFailed as error:
            reason = f"our token for glgo cannot be signed: {error.reason}"
            raise TokenExchangeFailed(reason=reason) from error

    async def _token(self, answer: HttpResponse) -> Secret:
        try:
            if answer.status != 200:
                raise TokenExchangeFailed(reason=self._refusal(answer.status))
            return _parse_token(await answer.read(limit=_LARGEST_ANSWER))
        finally:
            answer.close()

    def _refusal(self, status: int) -> str:
        """Say why there is no token, by the status alone: a body may hold what we sent, and that is secret."""
        match status:
            case 400 | 422:
                cure = "it does not know this user, or its version does not fit ours"
            case 401 | 403:
                cure = f"it must know our signing key, kid {self._kid!r} ({_KEY}), and our clock must be right"
            case 404 | 405 | 301 | 302 | 307 | 308:
                cure = f"is {_ADDRESS} the address of glgo, without {_PATH}?"
            case 429:
                cure = "it is asked too often; try again later"
            case _:
                cure = "it is broken, or something stands in between; try again later"
        return f"glgo answered with status {status}: {cure}"


def thumbprint(key: RSAKey) -> str:
    """Name a public key by what it is: the same key always has the same name.

    Source: RFC 7638, section 3; SHA-256 in unpadded base64url.
    """
    return key.thumbprint()


class _Answer(msgspec.Struct):
    token: str


def _parse_token(body: bytes) -> Secret:
    try:
        token = msgspec.json.decode(body, type=_Answer).token
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        token = ""
    if not token.strip():
        # Not chained: the parser's error may quote what it read.
        reason = f"glgo answered without a token: is {_ADDRESS} the address of glgo?"
        raise TokenExchangeFailed(reason=reason) from None
    return Secret(token)
