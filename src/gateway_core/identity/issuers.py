"""The public keys of all issuers: fetched in the background, refreshed ahead of time, kept while one is down."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Collection, Sequence
from contextvars import Context
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import Literal, Protocol, Self

from gateway_core.identity.discovery import Discovered, DiscoveryFailed, Fetched
from gateway_core.identity.disk import KeptKeys, KeyFolder, render_keys
from gateway_core.identity.key_set import KeySetUnreadable, ParsedKeySet, parse_key_set
from gateway_core.identity.ports import TrustedKey
from gateway_core.kernel.clock import Clock
from gateway_core.kernel.errors import SettingInvalid
from gateway_core.kernel.units import Seconds
from gateway_core.telemetry.logs import get_log

log = get_log("cloud_connector")

LOOK_PAUSE = Seconds(30)
"""How often at most an issuer is asked because a token names a key that nobody knows."""

LOOK_PATIENCE = Seconds(1)
"""How long a request waits for such a look; the look itself goes on."""

LONGEST_RETRY = Seconds(60)
"""How long at most we wait until an issuer that failed is asked again."""

DISCOVERY_HOLDS = Seconds(24 * 3600)
"""How long a discovery document is taken as known."""

_SAY_AGAIN = Seconds(600)
_RESTART = Seconds(1)
_MOST_NOTED = 1000
# The name of our own keys, which alone may sign for ourselves.
_LOCAL = "local"
_FIRST = "it has not answered yet"

Outcome = Literal["whole", "partial", "failed"]


class FetchKeySet(Protocol):
    """How a key set is fetched; see `discovery.fetch_key_set`."""

    async def __call__(self, url: str, *, setting: str, known: Discovered | None) -> Fetched:
        """Fetch it; raises DiscoveryFailed."""
        ...


@dataclass(frozen=True, slots=True)
class IssuerSource:
    """One issuer as it was configured; `setting` is the name of the setting that holds its address.

    With `check_issuer` its keys hold for tokens that name it as their issuer, and for no others.
    """

    name: str
    url: str
    setting: str
    check_issuer: bool


@dataclass(slots=True, eq=False)
class _State:
    """What is known of one issuer. Times are monotonic; `reason` is empty when its last answer was good."""

    source: IssuerSource
    due: float
    keys: tuple[TrustedKey, ...] = ()
    issuer_name: str = ""
    answered_at: float = 0.0
    discovered: Discovered | None = None
    discovered_at: float = 0.0
    looked_at: float = float("-inf")
    misses: int = 0
    reason: str = _FIRST
    said: tuple[str, float] = ("", 0.0)
    noted: set[str] = field(default_factory=set)
    task: asyncio.Task[None] | None = None


def next_wait(outcome: Outcome, *, misses: int, refresh: Seconds, jitter: float) -> Seconds:
    """Tell after which time an issuer is asked again; `misses` counts answers in a row that were not whole.

    One that published a key that we cannot use may always do so, for another purpose: it is
    asked ever less often, down to the pace of all others.
    """
    backed_off = 2.0 ** min(misses - 1, 30)
    match outcome:
        case "whole":
            return Seconds(refresh * jitter)
        case "partial":
            return Seconds(min(backed_off, refresh))
        case "failed":
            return Seconds(min(backed_off, LONGEST_RETRY))


def find_impostors(named: Sequence[tuple[IssuerSource, str]]) -> set[IssuerSource]:
    """Find the checked issuers that call themselves by what belongs to another one.

    Each comes with what it calls itself. An address belongs to who was configured with it, any
    other name to the first in order. Else one issuer could sign in the name of every other.
    """
    owners: dict[str, IssuerSource] = {}
    for source, _ in named:
        owners.setdefault(source.url.rstrip("/"), source)
    for source, called in named:
        owners.setdefault(called.rstrip("/"), source)
    return {
        source
        for source, called in named
        if called and source.check_issuer and owners[called.rstrip("/")] is not source
    }


class IssuerKeys:
    """Follow all issuers while the block is open; implements `KeySets`.

    Keys come in the order: our own, then the sources' as they are given. Of two sources with one
    address the first counts. Raises SettingInvalid for a source that is called like our own keys.
    """

    def __init__(
        self,
        local: Sequence[TrustedKey],
        sources: Sequence[IssuerSource],
        *,
        fetch: FetchKeySet,
        disk: KeyFolder,
        clock: Clock,
        refresh: Seconds,
        stale_for: Seconds,
        algorithms: Collection[str],
    ) -> None:
        for source in sources:
            if source.name == _LOCAL:
                raise SettingInvalid(f"{source.setting} calls an issuer {_LOCAL!r}, as our own keys are; rename it.")
        self._local = tuple(local)
        self._fetch = fetch
        self._disk = disk
        self._clock = clock
        self._refresh = refresh
        self._stale_for = stale_for
        self._algorithms = algorithms
        once = {source.url.rstrip("/"): source for source in reversed(sources)}
        counted = [source for source in sources if once[source.url.rstrip("/")] is source]
        self._states = [_State(source, due=clock.monotonic()) for source in counted]
        self._keys = self._local
        self._generation = 0
        self._impostors: set[IssuerSource] = set()
        self._jitter = partial(random.SystemRandom().uniform, 0.9, 1.1)
        self._woken = asyncio.Event()
        self._following: asyncio.Task[None] | None = None
        self._writing: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def generation(self) -> int:
        """A number that changes with every change of the keys."""
        return self._generation

    def keys(self) -> Sequence[TrustedKey]:
        """List every key that holds now."""
        return self._keys

    def trouble(self) -> str:
        """Say in one line why keys may be missing, for the log; empty when every issuer answered."""
        return "; ".join(f"{state.source.name}: {reason}" for state in self._states if (reason := self._reason(state)))

    async def look_again(self) -> bool:
        """Ask the issuers once more, at most every 30 s and for at most 1 s; tells whether the keys changed."""
        before = self._generation
        now = self._clock.monotonic()
        for state in self._states:
            if state.task is None and not self._closed and now - state.looked_at >= LOOK_PAUSE:
                state.looked_at = now
                self._start(state)
        running = [state.task for state in self._states if state.task is not None]
        if running:
            # Leaves them running: at the end of its patience, and when who waits is cancelled.
            await self._wait_for_change(running, before=before)
        return self._generation != before

    async def _wait_for_change(self, running: list[asyncio.Task[None]], *, before: int) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + LOOK_PATIENCE
        while running and self._generation == before and (left := due - loop.time()) > 0:
            _, still = await asyncio.wait(running, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            running = list(still)

    async def __aenter__(self) -> Self:
        """Take up the keys kept on disk, and begin to fetch; waits for no issuer."""
        for state in self._states:
            await self._recall(state)
        self.start_due()
        self._keep_following()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop following, and break off what is under way."""
        self._closed = True
        tasks = [task for task in (self._following, *(state.task for state in self._states)) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *self._writing, return_exceptions=True)

    def start_due(self) -> list[asyncio.Task[None]]:
        """Start every fetch that is due now, and give those that were started."""
        now = self._clock.monotonic()
        return [self._start(state) for state in self._states if state.task is None and state.due <= now]

    # The background.

    def _keep_following(self) -> None:
        if not self._closed:
            self._following = asyncio.create_task(self._follow())
            self._following.add_done_callback(self._followed)

    async def _follow(self) -> None:
        while True:
            self.start_due()
            self._woken.clear()
            dues = [state.due for state in self._states if state.task is None]
            wait = max(min(dues) - self._clock.monotonic(), 0) if dues else None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._woken.wait()

    def _followed(self, task: asyncio.Task[None]) -> None:
        """Begin anew after a fault of ours: keys that nobody refreshes would end every access in days."""
        if not task.cancelled():
            log.critical("key_refresh_crashed", exc_info=task.exception())
            asyncio.get_running_loop().call_later(_RESTART, self._keep_following)

    def _start(self, state: _State) -> asyncio.Task[None]:
        # A context of its own: a fetch that a request has started serves all, and is no part of that one's log.
        state.task = asyncio.create_task(self._attempt_alone(state), context=Context())
        state.task.add_done_callback(partial(self._attempted, state))
        return state.task

    def _attempted(self, state: _State, task: asyncio.Task[None]) -> None:
        if state.task is task:
            # It was cancelled before its first step.
            state.task = None
        self._woken.set()
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.critical("key_fetch_crashed", provider=state.source.name, exc_info=error)
            self._failed(state, f"the gateway itself failed ({type(error).__name__}); its log says more")

    # One issuer.

    async def _recall(self, state: _State) -> None:
        kept = await self._disk.read(state.source.url)
        if kept is None:
            return
        try:
            parsed = self._parse(state.source, issuer_name=kept.issuer_name, document=kept.document())
        except (DiscoveryFailed, KeySetUnreadable) as error:
            log.warning("kept_keys_ignored", provider=state.source.name, reason=str(error))
            return
        age = max(self._clock.now() - kept.fetched_at, timedelta()).total_seconds()
        state.answered_at = self._clock.monotonic() - age
        state.keys, state.issuer_name = parsed.keys, kept.issuer_name
        log.info("kept_keys_used", provider=state.source.name, kids=_kids(parsed.keys), age_s=round(age))
        self._rebuild()

    async def _attempt_alone(self, state: _State) -> None:
        try:
            await self._attempt(state)
        finally:
            # With the last step, not after it: a look must never take what is over for what is under way.
            state.task = None

    async def _attempt(self, state: _State) -> None:
        source = state.source
        began = self._clock.monotonic()
        known = state.discovered if began - state.discovered_at < DISCOVERY_HOLDS else None
        try:
            fetched = await self._fetch(source.url, setting=source.setting, known=known)
            found = fetched.discovered
            _check_place(source, found)
            parsed = self._parse(source, issuer_name=found.issuer_name, document=fetched.document)
        except DiscoveryFailed as error:
            self._failed(state, error.reason)
            return
        except KeySetUnreadable as error:
            # Perhaps the keys have moved; the next fetch looks where they are.
            state.discovered = None
            self._failed(state, f"{source.setting}: what it publishes as its keys cannot be read: {error}")
            return
        if found is not known:
            state.discovered, state.discovered_at = found, began
        self._note(state, parsed)
        if not parsed.keys:
            self._failed(state, f"{source.setting}: none of the keys that it publishes can be used")
            return
        self._succeeded(state, parsed, issuer_name=found.issuer_name)
        kept = KeptKeys(source.url, found.issuer_name, found.jwks_uri, self._clock.now(), render_keys(parsed.keys))
        # Beside the fetch: who waits for keys has them now.
        writing = asyncio.create_task(self._disk.write(kept))
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)

    def _parse(self, source: IssuerSource, *, issuer_name: str, document: bytes) -> ParsedKeySet:
        if source.check_issuer and not issuer_name:
            raise DiscoveryFailed(f"{source.setting}: its discovery document does not say what the issuer is called")
        issuer = issuer_name if source.check_issuer else None
        return parse_key_set(document, source=source.name, algorithms=self._algorithms, issuer=issuer)

    def _succeeded(self, state: _State, parsed: ParsedKeySet, *, issuer_name: str) -> None:
        now = self._clock.monotonic()
        outcome: Outcome = "partial" if parsed.skipped else "whole"
        state.misses = state.misses + 1 if parsed.skipped else 0
        state.due = now + next_wait(outcome, misses=state.misses, refresh=self._refresh, jitter=self._jitter())
        state.keys, state.issuer_name, state.answered_at = parsed.keys, issuer_name, now
        state.reason, state.said = "", ("", 0.0)
        self._rebuild()
        log.info("JWKS refreshed", kids=_kids(parsed.keys), provider=state.source.name)

    def _failed(self, state: _State, reason: str) -> None:
        now = self._clock.monotonic()
        state.misses += 1
        state.due = now + next_wait("failed", misses=state.misses, refresh=self._refresh, jitter=1.0)
        state.reason = reason
        before, at = state.said
        # An instance without internet fails for ever; its log must not be full of it.
        if reason != before or now - at >= _SAY_AGAIN:
            state.said = (reason, now)
            log.warning("JWKS not refreshed", oidc_provider=state.source.name, reason=reason, kids=_kids(state.keys))
        if state.keys and now - state.answered_at > self._stale_for:
            cure = f"it gave no keys for {now - state.answered_at:.0f} s (AIGW_AUTH__KEYS_STALE_FOR): {reason}"
            log.error("stale_keys_dropped", oidc_provider=state.source.name, kids=_kids(state.keys), reason=cure)
            state.keys = ()
            self._rebuild()

    def _note(self, state: _State, parsed: ParsedKeySet) -> None:
        """Log each key that is wrong once."""
        if len(state.noted) > _MOST_NOTED:
            state.noted.clear()
        for key in parsed.skipped:
            if f"{key.kid} {key.reason}" not in state.noted:
                state.noted.add(f"{key.kid} {key.reason}")
                log.warning("key_skipped", kid=key.kid, reason=key.reason, provider=state.source.name)

    # All of them.

    def _reason(self, state: _State) -> str:
        if state.source in self._impostors:
            return f"{state.source.setting}: it calls itself {state.issuer_name!r}, as another issuer does"
        return state.reason

    def _rebuild(self) -> None:
        impostors = find_impostors([(state.source, state.issuer_name) for state in self._states])
        new, self._impostors = impostors - self._impostors, impostors
        keys = self._local
        for state in self._states:
            if state.source in new:
                log.error("issuer_refused", oidc_provider=state.source.name, reason=self._reason(state))
            if state.source not in impostors:
                keys += state.keys if state.source.check_issuer else self._barred(state.keys)
        if list(map(_mark, keys)) != list(map(_mark, self._keys)):
            self._keys = keys
            self._generation += 1

    def _barred(self, keys: Sequence[TrustedKey]) -> tuple[TrustedKey, ...]:
        """Keep keys of an issuer that is not checked from signing in the name of one that is."""
        checked = [state for state in self._states if state.source.check_issuer]
        # What an impostor calls itself is another one's name, and stays that one's.
        called = [state.issuer_name for state in checked if state.source not in self._impostors]
        names = {name.rstrip("/") for name in (*called, *(state.source.url for state in checked)) if name}
        return tuple(replace(key, barred=frozenset(names)) for key in keys) if names else tuple(keys)


def _check_place(source: IssuerSource, found: Discovered) -> None:
    """Refuse what the root of the host says in the name of a checked issuer below it: another one may live there."""
    if source.check_issuer and found.at_root and found.issuer_name.rstrip("/") != source.url.rstrip("/"):
        raise DiscoveryFailed(f"{source.setting}: it has no discovery document; that of its host is another issuer's")


def _kids(keys: Sequence[TrustedKey]) -> list[str | None]:
    return [key.kid for key in keys]


def _mark(key: TrustedKey) -> tuple[str | None, ...]:
    """Give what tells two keys apart; key objects of one key are not equal."""
    return (key.source, key.kid, key.algorithm, key.issuer, " ".join(sorted(key.barred)), key.key.thumbprint())
