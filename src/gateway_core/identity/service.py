"""A request's credential → its caller, or the refusal that clients know how to read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway_core.identity.model import Caller, Claims
from gateway_core.identity.ports import CredentialVerifier, KeyVerifier
from gateway_core.kernel.clock import Clock
from gateway_core.kernel.errors import CredentialRefused
from gateway_core.kernel.units import Seconds
from gateway_core.telemetry.logs import get_log

log = get_log("identity")

HeaderGet = Callable[[str], str | None]

_ALARM_EVERY = Seconds(60)
# Those of HTTP (RFC 9110, section 5.6.3), and no blanks of Unicode: there is one spelling of each credential.
_BLANKS = " \t"
_SEATS_MISSING = "Header is missing: 'X-Gitlab-Duo-Seat-Count'"
_SEATS_MISMATCH = "Header mismatch 'X-Gitlab-Duo-Seat-Count'"


@dataclass(frozen=True, slots=True)
class Bypass:
    """Ways around authentication, for tests and development."""

    external: bool = False
    external_with_header: bool = False
    signature: bool = False


@dataclass(slots=True)
class BypassAlarm:
    """Say that authentication is bypassed: once a minute, for as long as somebody uses it."""

    clock: Clock
    _rang: dict[str, Seconds] = field(default_factory=dict)
    _used: dict[str, int] = field(default_factory=dict)

    def ring(self, setting: str) -> None:
        """Count one use, and log when a minute has passed since the last line."""
        self._used[setting] = self._used.get(setting, 0) + 1
        now = self.clock.monotonic()
        if setting in self._rang and now - self._rang[setting] < _ALARM_EVERY:
            return
        self._rang[setting] = now
        log.critical(
            "authentication_bypass_used",
            setting=setting,
            requests=self._used.pop(setting),
            cure="unset it in production",
        )


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Decide who calls. `header` looks a header up by its lower-case name.

    A header that came twice must be given with both values and a comma between, as HTTP
    joins them: then no check can see one value and another part of the service the other.
    """

    service_name: str
    client_keys: KeyVerifier
    tokens: CredentialVerifier
    alarm: BypassAlarm
    bypass: Bypass = Bypass()

    async def authenticate(self, header: HeaderGet) -> Caller:
        """Give the caller; raises CredentialRefused with the text of the first check that failed."""
        return self.authenticate_key(header) or await self.authenticate_token(header)

    def authenticate_key(self, header: HeaderGet) -> Caller | None:
        """Give the caller who needs no token: one with a client's key, or let in by a bypass; raises CredentialRefused.

        This is all of `authenticate` that takes no waiting.
        """
        if self.bypass.external:
            self.alarm.ring("AIGW_AUTH__BYPASS_EXTERNAL")
            return Caller("debug")
        if self.bypass.external_with_header and header("bypass-auth") == "true":
            self.alarm.ring("AIGW_AUTH__BYPASS_EXTERNAL_WITH_HEADER")
            return Caller("debug")
        credential, from_api_key = _credential(header)
        if from_api_key or self.client_keys.recognises(credential):
            return self.client_keys.holder(credential)
        return None

    async def authenticate_token(self, header: HeaderGet) -> Caller:
        """Give the caller whom `authenticate_key` does not know, by a signed token; raises CredentialRefused."""
        credential, _ = _credential(header)
        if header("x-gitlab-authentication-type") != "oidc":
            raise CredentialRefused("Invalid authentication token type - only OIDC is supported")
        caller = await self.tokens.verify(credential)
        if self.bypass.signature:
            self.alarm.ring("AIGW_AUTH__BYPASS_JWT_SIGNATURE")
        if caller.claims is not None:
            self._cross_check(caller.claims, header)
        return caller

    async def authenticate_operator(self, header: HeaderGet) -> Caller:
        """Give the caller at the operator's door, where only keys of clients count and nothing is bypassed."""
        credential, _ = _credential(header)
        if not self.client_keys.recognises(credential):
            raise CredentialRefused(
                "The operator's door takes keys of clients; make one with: ai-gateway clients add NAME --role viewer",
                counts=True,
            )
        return self.client_keys.holder(credential)

    def _cross_check(self, claims: Claims, header: HeaderGet) -> None:
        if claims.realm and claims.realm != header("x-gitlab-realm"):
            _refuse("X-Gitlab-Realm", claim="gitlab_realm")
        if claims.instance_id and claims.instance_id != header("x-gitlab-instance-id"):
            _refuse("X-Gitlab-Instance-Id", claim="gitlab_instance_id")
        if claims.subject:
            own = claims.issuer == self.service_name
            name = "X-Gitlab-Global-User-Id" if own else "X-Gitlab-Instance-Id"
            if claims.subject != header(name.lower()):
                _refuse(name, claim="sub")
        if claims.duo_seat_count.strip():
            said = header("x-gitlab-duo-seat-count")
            if said is None:
                log.warning(_SEATS_MISSING)
            elif said != claims.duo_seat_count:
                log.warning(_SEATS_MISMATCH)


def _credential(header: HeaderGet) -> tuple[str, bool]:
    """Give the credential, and whether it came as `x-api-key`, where only keys of clients are taken."""
    authorization = header("authorization")
    if authorization is None:
        api_key = header("x-api-key")
        if api_key is None:
            raise CredentialRefused("No authorization header presented")
        return api_key, True
    word, _, credential = authorization.strip(_BLANKS).partition(" ")
    credential = credential.strip(_BLANKS)
    if word.lower() != "bearer" or not credential:
        raise CredentialRefused("Invalid authorization header")
    if "," in credential or " " in credential:
        reason = "the Authorization header came twice, or holds more than one credential: send one"
        raise CredentialRefused("Invalid authorization header", reason=reason)
    return credential, False


def _refuse(name: str, *, claim: str) -> None:
    reason = (
        f"the token's claim {claim!r} and the header {name} differ: GitLab must send the header that fits its token"
    )
    raise CredentialRefused(f"Header mismatch '{name}'", reason=reason, counts=True)
