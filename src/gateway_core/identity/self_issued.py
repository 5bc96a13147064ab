"""Tokens that we issue ourselves, and the keys they are signed with."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from gateway_core.identity.compact import LONGEST_TOKEN
from gateway_core.identity.model import Caller, Claims
from gateway_core.identity.ports import TrustedKey
from gateway_core.kernel.errors import PermissionMissing, SigningFailed
from gateway_core.kernel.secret import Secret
from gateway_core.telemetry.logs import get_log

if TYPE_CHECKING:
    # For a type alone, and a twentieth of the time that a start takes; what uses them is imported where it is used.
    from joserfc.jwk import RSAKey

log = get_log("identity")

USER_TOKEN_SCOPES = ("complete_code", "ai_gateway_model_provider_proxy")
"""What the holder of a user token may do, as far as the caller it was issued to may do it."""

USER_TOKEN_SECONDS = 3600
"""How long a user token holds."""

_SETTINGS = "AIGW_SELF_SIGNED_JWT__"
_ALGORITHM = "RS256"
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class UserTokenRequest:
    """What the headers of a request for a user token say, each as it came.

    Realm and instance count only for a caller without claims, whom a bypass let in; the
    ids of project and namespaces only in the realm `saas`.
    """

    user_id: str | None
    realm: str | None = None
    instance_id: str | None = None
    project_id: str | None = None
    namespace_id: str | None = None
    root_namespace_id: str | None = None


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token of ours, and the second since 1970 at which it ends."""

    token: Secret
    expires_at: int


def local_keys(
    signing: Secret | None, validation: Secret | None, *, service_name: str, settings: str = _SETTINGS
) -> tuple[TrustedKey, ...]:
    """Give the public halves of our own keys, the signing key first; one that cannot be used is left out and logged.

    `settings` is what the names of the two settings begin with.
    """
    keys = []
    for pem, name in ((signing, "signing_key"), (validation, "validation_key")):
        public = _load_or_tell(pem, setting=f"{settings}{name.upper()}")
        if public is not None:
            keys.append(TrustedKey("local", f"{service_name}_{name}", _ALGORITHM, public, issuer=service_name))
    return tuple(keys)


class TokenSigner:
    """Sign tokens in the name of this service; without a usable key each attempt fails and says why."""

    def __init__(self, signing: Secret | None, *, service_name: str, settings: str = _SETTINGS) -> None:
        self._service_name = service_name
        self._key: RSAKey | None = None
        self._trouble = f"{settings}SIGNING_KEY is not set; make a key with: ai-gateway keys new"
        if signing is None:
            return
        # Imported here: see above.
        from gateway_core.identity.rsa_pem import KeyUnusable, load_private  # noqa: PLC0415

        try:
            self._key = load_private(signing)
        except KeyUnusable as unusable:
            self._trouble = f"{settings}SIGNING_KEY {unusable}"

    @property
    def public_key(self) -> RSAKey | None:
        """The half that verifies what is signed here; None when nothing can be signed."""
        if self._key is None:
            return None
        # Imported here: see above.
        from gateway_core.identity.rsa_pem import public_half  # noqa: PLC0415

        return public_half(self._key)

    def sign(self, claims: Mapping[str, object], *, header: Mapping[str, str] | None = None) -> Secret:
        """Give these claims as a signed token (RS256, typ JWT, and what `header` adds); raises SigningFailed."""
        if self._key is None:
            raise SigningFailed(reason=self._trouble)
        # Imported here: see above.
        from joserfc.errors import JoseError  # noqa: PLC0415
        from joserfc.jws import serialize_compact  # noqa: PLC0415

        head = {"alg": _ALGORITHM, "typ": "JWT", **(header or {})}
        try:
            payload = msgspec.json.encode(dict(claims))
            token = serialize_compact(head, payload, self._key, algorithms=(_ALGORITHM,))
        except (JoseError, ValueError, TypeError, OverflowError, msgspec.MsgspecError) as error:
            raise SigningFailed(reason=f"the claims cannot be signed: {type(error).__name__}") from error
        if len(token) > LONGEST_TOKEN:
            raise SigningFailed(reason=f"the token would have {len(token)} characters, {LONGEST_TOKEN} are taken")
        return Secret(token)

    def issue_user_token(self, caller: Caller, request: UserTokenRequest, *, now: datetime) -> IssuedToken:
        """Issue the token with which a user's editor speaks to us itself; raises SigningFailed.

        Holders of client keys get none (PermissionMissing): the token would outlive the
        key, and be free of the client's limits.
        """
        if caller.kind == "client":
            raise PermissionMissing("Unauthorized to create user access token")
        issued_at = int(now.timestamp())
        expires_at = issued_at + USER_TOKEN_SECONDS
        held = caller.claims or Claims(realm=request.realm or "", instance_id=request.instance_id or "")
        named: dict[str, object] = {
            "iss": self._service_name,
            "sub": request.user_id,
            "aud": self._service_name,
            "exp": expires_at,
            "nbf": issued_at,
            "iat": issued_at,
            "jti": str(uuid.uuid4()),
            "gitlab_realm": held.realm or None,
            "gitlab_instance_id": held.instance_id or None,
            "scopes": [scope for scope in USER_TOKEN_SCOPES if caller.can(scope)],
        }
        if held.duo_seat_count.strip():
            named["duo_seat_count"] = held.duo_seat_count
        # In this order: nothing that the caller's token brought overrides what we say.
        claims = {**held.extra, **named, **_claims_of_realm(held, request)}
        return IssuedToken(self.sign(claims), expires_at)


def _claims_of_realm(held: Claims, request: UserTokenRequest) -> dict[str, object]:
    if held.realm == "saas":
        claimed = _positive(held.extra.get("gitlab_root_namespace_id"))
        return {
            "gitlab_project_id": request.project_id,
            "gitlab_namespace_id": request.namespace_id,
            "gitlab_root_namespace_id": claimed or _positive(request.root_namespace_id),
        }
    if held.realm == "self-managed":
        return {"gitlab_instance_uid": held.instance_uid or None}
    return {}


def _positive(value: object) -> int | None:
    """Read an id: a positive integer, or one in decimal digits."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= len(str(_LARGEST_ID)):
        value = int(value)
    # By its very type: True is an integer too.
    if type(value) is not int:
        return None
    return value if 0 < value <= _LARGEST_ID else None


def _load_or_tell(pem: Secret | None, *, setting: str) -> RSAKey | None:
    """Give the public half; None when there is no key, or when the log says what is wrong with it."""
    if pem is None:
        log.debug("local_key_not_set", setting=setting)
        return None
    # Imported here: see above.
    from gateway_core.identity.rsa_pem import KeyUnusable, load_public  # noqa: PLC0415

    try:
        return load_public(pem)
    except KeyUnusable as unusable:
        reason = f"{setting} {unusable}"
    log.error("local_key_skipped", setting=setting, reason=reason)
    return None
