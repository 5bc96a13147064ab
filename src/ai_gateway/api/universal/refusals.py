"""Failures → status, code and message for callers of the universal door, whatever their dialect."""

from __future__ import annotations

from dataclasses import dataclass

from gateway_core.kernel.errors import (
    CredentialRefused,
    GatewayFailure,
    NoModelConfigured,
    RequestInvalid,
    TooManyFailures,
    UpstreamBroken,
    UpstreamBusy,
    UpstreamCut,
    UpstreamFailure,
    UpstreamGarbled,
    UpstreamKeyRefused,
    UpstreamOverloaded,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimedOut,
    UpstreamUnreachable,
)

_KEY = "The provider does not accept the gateway's key for it; this is for the operator of the gateway to mend."
_CREDENTIAL = (
    "The credential is no key of this gateway that holds; send one as Authorization: Bearer or as x-api-key "
    "(at the paths of Google's API also as x-goog-api-key). "
    "The operator makes them with: ai-gateway clients add NAME"
)
_CRASH = "The gateway failed inside; its log says why under this request's id."

_RATE_LIMITED = "rate_limit_exceeded"
_STATUS: tuple[tuple[type[GatewayFailure], int], ...] = (
    (RequestInvalid, 400),
    (UpstreamKeyRefused, 502),
    (UpstreamTimedOut, 504),
    (UpstreamUnreachable, 502),
    (UpstreamCut, 502),
    (UpstreamGarbled, 502),
    # Asking again would not help, and clients ask again after a 503.
    (NoModelConfigured, 404),
)
_CODES: dict[type[GatewayFailure], str] = {
    CredentialRefused: "invalid_api_key",
    UpstreamRateLimited: _RATE_LIMITED,
    UpstreamOverloaded: "overloaded",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a caller is told; `retry_after` is a header's value."""

    status: int
    code: str
    message: str
    retry_after: str | None = None


CRASH = Refusal(500, "internal_error", _CRASH)


def refusal_of(failure: GatewayFailure, *, overloaded: int) -> Refusal:
    """Say a failure in the caller's terms; `overloaded` is the dialect's own status for no capacity."""
    message = failure.detail if isinstance(failure, UpstreamFailure) else str(failure)
    retry_after = None
    match failure:
        case UpstreamKeyRefused():
            message = _KEY
        case CredentialRefused():
            message = _CREDENTIAL
        case UpstreamBusy():
            retry_after = failure.retry_after
        case TooManyFailures():
            retry_after = str(failure.retry_after)
        case _:
            pass
    code = _CODES.get(type(failure), failure.code)
    return Refusal(_status_of(failure, overloaded=overloaded), code, message, retry_after)


def _status_of(failure: GatewayFailure, *, overloaded: int) -> int:
    """Give the vendor's own status where it tells the caller something, else ours for what happened."""
    match failure:
        case UpstreamOverloaded():
            return overloaded
        case UpstreamRejected(upstream_status=int(said)) if 400 <= said < 500:
            return said
        case UpstreamRejected():
            return 400
        case UpstreamBroken(upstream_status=int(said)) if 500 <= said < 600:
            return said
        case UpstreamBroken():
            return 502
        case _:
            return next((status for kind, status in _STATUS if isinstance(failure, kind)), failure.status)
