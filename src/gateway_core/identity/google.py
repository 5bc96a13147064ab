"""Access to Google Cloud in our own name: a service account's key, or what the machine itself holds.

google-auth is imported at the first use: it takes 0.2 s, and few installations call Google.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, cast

import msgspec
from typing_extensions import override

from gateway_core.http_client import Deadlines, HttpClient, HttpFailure
from gateway_core.identity.ports import AccessToken, CloudCredentials
from gateway_core.kernel.clock import Clock
from gateway_core.kernel.errors import TokenExchangeFailed
from gateway_core.kernel.secret import Secret
from gateway_core.kernel.units import Seconds
from gateway_core.telemetry.logs import get_log, redactor

log = get_log("identity")

KEY_SETTING = "AIGW_GOOGLE_CLOUD_PLATFORM__SERVICE_ACCOUNT_JSON_KEY"
"""The setting that holds the service account's key, unless another is named."""

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_PATIENCE = Seconds(10)
# A token is fetched anew this long before it ends, so that no call sets out with one that ends on its way.
_AHEAD = Seconds(300)
# After each attempt, also a good one: Google's metadata server gives the same token again until 4 minutes before its
# end, so what is new to us may be no fresher than what we had.
_REST = Seconds(5)
_LONGEST_LIFE = timedelta(days=1)
# For a token of which we are not told; Google always tells (RFC 6749, section 5.1, only recommends it).
_UNTOLD_LIFE = timedelta(minutes=10)
_LARGEST_ANSWER = 1024 * 1024
_LONGEST_DETAIL = 200

# What google-auth lets through beside its own errors, for a key or an answer that is not what it takes for granted.
_UNEXPECTED = (
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)


class _Source(Protocol):
    """Credentials as google-auth makes them; `expiry` is in UTC, without saying so."""

    token: object
    expiry: datetime | None

    def refresh(self, request: _Transport) -> None: ...


class GoogleCredentials(CloudCredentials):
    """Hold an access token for Google Cloud and fetch it anew in time.

    `key` is a service account's JSON text, and `setting` where it comes from. Without it the machine's own
    credentials count ("application default credentials"): the file that GOOGLE_APPLICATION_CREDENTIALS
    names, those of the gcloud tool, or the metadata server of Google's machines.

    Calls that wait at once share one fetch. A fetch that fails does no harm while the token at hand
    still holds; it is tried again after 5 s, and until then all calls have the same answer.
    """

    def __init__(
        self,
        http: HttpClient,
        clock: Clock,
        *,
        key: Secret | None = None,
        setting: str = KEY_SETTING,
        patience: Seconds = _PATIENCE,
    ) -> None:
        self._http = http
        self._clock = clock
        self._key = key
        self._setting = setting
        self._patience = patience
        self._source: _Source | None = None
        self._held: _Held | None = None
        self._trouble = ""
        self._rests_until = Seconds(float("-inf"))
        self._renewing: asyncio.Task[None] | None = None

    @override
    async def access_token(self) -> AccessToken:
        """Give the token at hand when it holds for 5 minutes more, else a new one; raises TokenExchangeFailed."""
        if self._left() <= _AHEAD and not self._rests():
            if self._renewing is None:
                self._renewing = asyncio.create_task(self._renew())
            # One caller may leave; the others, and the next, still want the token.
            await asyncio.shield(self._renewing)
        left = self._left()
        if self._held is None or left <= 0:
            raise TokenExchangeFailed(reason=self._trouble)
        return AccessToken(self._held.token, left)

    def _left(self) -> Seconds:
        return Seconds(0 if self._held is None else (self._held.until - self._clock.now()).total_seconds())

    def _rests(self) -> bool:
        return self._clock.monotonic() < self._rests_until and (self._left() > 0 or bool(self._trouble))

    async def _renew(self) -> None:
        """Fetch a token, or note why there is none."""
        request = _Transport(self._http, asyncio.get_running_loop(), patience=self._patience)
        try:
            # A second more than each request has, for then the failure names the server that was asked.
            async with asyncio.timeout(self._patience + 1):
                token, life = await asyncio.to_thread(self._fetch, request)
            self._held = _Held(token, self._clock.now() + life)
            self._trouble = "" if self._left() > 0 else "Google gave an access token that had ended already; try again"
        except TimeoutError:
            self._trouble = f"Google gave no access token within {self._patience:g} s: {self._cure_of_silence()}"
        except TokenExchangeFailed as error:
            self._trouble = error.reason
        finally:
            self._rests_until = Seconds(self._clock.monotonic() + _REST)
            self._renewing = None
        if self._trouble and self._left() > 0:
            log.warning("google_token_kept", reason=self._trouble, holds_for_s=round(self._left()))

    def _fetch(self, request: _Transport) -> tuple[Secret, timedelta]:
        """Ask Google; to be run in a thread, as google-auth waits."""
        # Imported here: see the module's docstring; google-auth lets the first through beside its own.
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
        from google.auth.exceptions import GoogleAuthError, TransportError  # noqa: PLC0415

        source = self._source
        try:
            if source is None:
                source = self._source = self._open(request)
            source.refresh(request)
        # None is chained: Google's errors carry whole answers.
        except TransportError as error:
            reason = f"Google cannot be asked for an access token: {_detail(error)}; {self._cure_of_silence()}"
            raise TokenExchangeFailed(reason=reason) from None
        except (GoogleAuthError, UnsupportedAlgorithm, *_UNEXPECTED) as error:
            reason = self._cause_of_refusal(error) if source is not None else self._cause_of_lack(error)
            raise TokenExchangeFailed(reason=reason) from None
        token = source.token
        if not isinstance(token, str) or not token.strip():
            raise TokenExchangeFailed(reason=f"Google answered without an access token; {self._cure_of_silence()}")
        if source.expiry is None:
            return Secret(token), _UNTOLD_LIFE
        # google-auth counted from the machine's clock, and we count from ours.
        return Secret(token), min(source.expiry - datetime.now(UTC).replace(tzinfo=None), _LONGEST_LIFE)

    def _open(self, request: _Transport) -> _Source:
        # Imported here: see the module's docstring.
        import google.auth  # noqa: PLC0415
        from google.oauth2 import service_account  # noqa: PLC0415

        if self._key is None:
            # ignore: google-auth asks for no more of its transport than to be called as it calls.
            found, _ = google.auth.default(scopes=_SCOPES, request=request)  # type: ignore[arg-type]
            # cast: google-auth does not tell the types of its attributes.
            return cast("_Source", found)
        info = msgspec.json.decode(self._key.reveal(), type=dict[str, object])
        if info.get("type", "service_account") != "service_account":
            raise ValueError(f"it is of type {info['type']!r}")
        make = service_account.Credentials.from_service_account_info
        # cast and ignore: google-auth has no types here.
        return cast("_Source", make(info, scopes=_SCOPES))  # type: ignore[no-untyped-call]

    def _cause_of_lack(self, error: Exception) -> str:
        if self._key is not None:
            return (
                f"{self._setting} holds no key of a service account: {_detail(error)}; "
                "set it to the whole text of the JSON file that Google gave"
            )
        return (
            f"this machine has no credentials for Google: {_detail(error)}; set {self._setting} to a service "
            "account's key, or GOOGLE_APPLICATION_CREDENTIALS to the path of one"
        )

    def _cause_of_refusal(self, error: Exception) -> str:
        whose = "the machine's own credentials" if self._key is None else f"the key in {self._setting}"
        return (
            f"Google gave no access token for {whose}: {_detail(error)}; "
            "was the key removed or the account disabled, and is the machine's clock right?"
        )

    def _cure_of_silence(self) -> str:
        if self._key is None:
            return f"may the gateway reach Google? Where there is no metadata server, set {self._setting}"
        return "may the gateway reach Google, or the token_uri that the key names?"


@dataclass(frozen=True, slots=True)
class _Held:
    token: Secret
    until: datetime


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer with the attributes that google-auth reads."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class _Transport:
    """Send google-auth's requests through our client, so that its trust and its bounds hold for them too."""

    def __init__(self, http: HttpClient, loop: asyncio.AbstractEventLoop, *, patience: Seconds) -> None:
        self._http = http
        self._loop = loop
        self._due = loop.time() + patience

    def __call__(
        self,
        url: str,
        method: str = "GET",
        *,
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: object,
    ) -> _Answer:
        """Send one request from google-auth's thread and wait for its answer."""
        # Imported here: see the module's docstring.
        from google.auth.exceptions import TransportError  # noqa: PLC0415

        left = self._due - self._loop.time()
        if left <= 0:
            # ignore: google-auth has no types here.
            raise TransportError("the time for it is over")  # type: ignore[no-untyped-call]
        bound = Seconds(left if timeout is None else min(left, timeout))
        raw = body.encode() if isinstance(body, str) else body or b""
        pairs = [(name, value) for name, value in (headers or {}).items() if name.lower() != "content-length"]
        sending = self._send(method, url, pairs=pairs, body=raw, bound=bound)
        try:
            return asyncio.run_coroutine_threadsafe(sending, self._loop).result()
        except (HttpFailure, ValueError) as error:
            # ignore: google-auth has no types here.
            raise TransportError(str(error)) from error  # type: ignore[no-untyped-call]

    async def _send(
        self, method: str, url: str, *, pairs: list[tuple[str, str]], body: bytes, bound: Seconds
    ) -> _Answer:
        deadlines = Deadlines(connect=bound, first_byte=bound, idle=bound, total=bound)
        answer = await self._http.send(method, url, headers=pairs, body=body, deadlines=deadlines)
        try:
            data = await answer.read(limit=_LARGEST_ANSWER)
        finally:
            answer.close()
        return _Answer(answer.status, dict(answer.headers.items()), data)


def _detail(error: Exception) -> str:
    """Give the first words of an error alone: those after it are the answer itself."""
    words = error.args[0] if error.args and isinstance(error.args[0], str) else ""
    if not words or isinstance(error, AttributeError | LookupError | TypeError):
        # Their words alone, such as the name of a key, say nothing.
        words = f"{type(error).__name__} {words}"
    masked = redactor.mask_text(" ".join(words.split()).encode("utf-8", "backslashreplace")).decode()
    return masked if len(masked) <= _LONGEST_DETAIL else f"{masked[:_LONGEST_DETAIL]}…"
