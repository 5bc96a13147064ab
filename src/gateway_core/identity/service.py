"""A request's credential → its caller, or the refusal that clients know how to read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway_core.identity.model import CLIENT_KEY_PREFIX, Caller, Claims
from gateway_core.identity.ports import ClientKeys, TokenVerifier
from gateway_core.kernel.errors import CredentialRefused

HeaderGet = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Bypass:
    """Ways around authentication, for tests and development."""

    external: bool = False
    external_with_header: bool = False


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Decide who calls. `header` looks a header up by its lower-case name."""

    service_name: str
    client_keys: ClientKeys
    tokens: TokenVerifier | None
    bypass: Bypass = Bypass()

    def authenticate(self, header: HeaderGet) -> Caller:
        """Give the caller; raises CredentialRefused with the text of the first check that failed."""
        if self.bypass.external:
            return Caller("debug")
        if self.bypass.external_with_header and header("bypass-auth") == "true":
            return Caller("debug")
        credential = _bearer(header("authorization"))
        if credential.startswith(CLIENT_KEY_PREFIX):
            caller = self.client_keys.verify(credential)
            if caller is None:
                raise CredentialRefused("Forbidden by auth provider")
            return caller
        if header("x-gitlab-authentication-type") != "oidc":
            raise CredentialRefused("Invalid authentication token type - only OIDC is supported")
        claims = self.tokens.verify(credential) if self.tokens else None
        if claims is None:
            raise CredentialRefused("Forbidden by auth provider")
        self._cross_check(claims, header)
        return Caller("token", claims)

    def _cross_check(self, claims: Claims, header: HeaderGet) -> None:
        if claims.realm and claims.realm != header("x-gitlab-realm"):
            raise CredentialRefused("Header mismatch 'X-Gitlab-Realm'")
        if claims.instance_id and claims.instance_id != header("x-gitlab-instance-id"):
            raise CredentialRefused("Header mismatch 'X-Gitlab-Instance-Id'")
        if not claims.subject:
            return
        own = claims.issuer == self.service_name
        name = "X-Gitlab-Global-User-Id" if own else "X-Gitlab-Instance-Id"
        if claims.subject != header(name.lower()):
            raise CredentialRefused(f"Header mismatch '{name}'")


def _bearer(authorization: str | None) -> str:
    if authorization is None:
        raise CredentialRefused("No authorization header presented")
    word, _, credential = authorization.strip().partition(" ")
    if word.lower() != "bearer" or not credential.strip():
        raise CredentialRefused("Invalid authorization header")
    return credential.strip()
