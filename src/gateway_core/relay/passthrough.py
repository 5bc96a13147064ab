"""An answer in the dialect that the caller speaks: passed on byte for byte, with a tap on its cost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from typing import NoReturn

from gateway_core.dialects.failures import classify, classify_streamed
from gateway_core.inference.ports import RawAnswer, RawCall
from gateway_core.inference.request import Operation
from gateway_core.kernel.errors import (
    UpstreamBusy,
    UpstreamCut,
    UpstreamFailure,
    UpstreamGarbled,
    VendorWords,
)
from gateway_core.kernel.secret import Secret
from gateway_core.relay.model import AnsweringModel
from gateway_core.relay.tap import HOLD, Tap
from gateway_core.relay.watch import Outcome

_LARGEST_ERROR = 256 * 1024
_REFUSED = 400

# What a caller may use of a vendor's answer. The rest describes the connection, or the account behind our key.
_PASSED = frozenset({b"content-type", b"retry-after", b"retry-after-ms", b"x-should-retry", b"request-id"})
_PASSED_PREFIXES = (
    b"anthropic-ratelimit-",
    b"x-ratelimit-",
    b"anthropic-beta",
    b"openai-processing",
    b"openai-version",
)
_OWN_ID = b"x-request-id"
_UPSTREAM_ID = b"x-upstream-request-id"


def passed_headers(headers: Sequence[tuple[bytes, bytes]], secret: Secret | None) -> list[tuple[bytes, bytes]]:
    """Choose the headers that go on to the caller; the vendor's own request id gets a name beside ours."""
    chosen = [(known, value) for name, value in headers if (known := _passed_name(name))]
    if secret is None or not secret.may_be_in(b"\n".join([value for _, value in chosen])):
        return chosen
    return [(name, secret.hide_in(value)) for name, value in chosen]


@lru_cache(maxsize=512)
def _passed_name(name: bytes) -> bytes:
    """Tell under which name a header goes on; empty: it does not."""
    if name == _OWN_ID:
        return _UPSTREAM_ID
    return name if name in _PASSED or name.startswith(_PASSED_PREFIXES) else b""


class Passed:
    """An answer whose first bytes have arrived; read it by `next`, and close it.

    `length` is that of the body when it is known.
    """

    __slots__ = (
        "_ended",
        "_first",
        "_raw",
        "_secret",
        "_settle",
        "_tap",
        "_verbatim",
        "headers",
        "length",
        "model",
        "outcome",
        "status",
        "streaming",
    )

    def __init__(
        self,
        raw: RawAnswer,
        *,
        model: AnsweringModel,
        operation: Operation,
        secret: Secret | None = None,
        verbatim: bool = False,
    ) -> None:
        self._raw = raw
        self._secret = secret
        self._verbatim = verbatim
        self._ended = False
        self._settle: Callable[[Outcome], None] | None = None
        self._first = b""
        self.model = model
        self.outcome = Outcome()
        self.status = raw.status
        self.headers = passed_headers(raw.headers, secret)
        self.streaming = False
        self.length: int | None = None
        self._read_head()
        self._tap = Tap(operation, streaming=self.streaming)

    @property
    def is_complete(self) -> bool:
        """Whether all of the answer is here, to be had by one `next`."""
        return self._ended and not self.streaming

    async def begin(self, *, limit: int) -> None:
        """Wait for the first bytes; a short whole answer is read to its end, of `limit` bytes at most."""
        if not self.streaming:
            if self.length is None or self.length > HOLD:
                await self._begin_long()
            else:
                self._first = await self._raw.read(limit=limit)
                self._end_whole()
            return
        self._first = await self.next()
        error = self._tap.error
        if error is not None and not self._tap.began and not self._verbatim:
            # An error before anything else: the caller can still be given its status.
            provider = self.model.engine
            raise classify_streamed(error, provider=provider, model=self.model.upstream)

    async def _begin_long(self) -> None:
        """Read an answer that is not streamed to its end, unless it is too long to hold."""
        if self.length is not None:
            self._first = await self.next()
            return
        parts: list[bytes] = []
        size = 0
        while size <= HOLD and (chunk := await self._raw.next()):
            parts.append(chunk)
            size += len(chunk)
        self._first = b"".join(parts)
        if size <= HOLD:
            self._end_whole()

    def _end_whole(self) -> None:
        readable = self._tap.read_whole(self._first)
        if not readable and not self._verbatim:
            raise UpstreamGarbled("its answer is not JSON", provider=self.model.engine, model=self.model.upstream)
        self._end(None)

    @property
    def is_within_event(self) -> bool:
        """Whether the last piece ended within an event that is too long to be held back."""
        return self._tap.overflowing

    async def next(self) -> bytes:
        """Give the next piece, empty at the end; raises `UpstreamFailure` when the answer was cut."""
        if self._first:
            first, self._first = self._first, b""
            return first
        if self._ended:
            return b""
        try:
            return await self._pull()
        # Kept only for the settlement, and raised again: a cancelled call counts as failed too.
        except BaseException as failure:
            self._end(failure)
            raise

    async def pump(self, sink: Callable[[bytes], bool], *, ready: Callable[[], Awaitable[None]]) -> None:
        """Hand what is left to the sink as it arrives, up to the end of the answer; raises as `next` does.

        The sink tells whether it takes more at once; where it does not, `ready` is awaited.
        """
        if self._first and not sink(await self.next()):
            await ready()
        if self._ended:
            return

        def take(chunk: bytes) -> bool:
            piece = self._pass(chunk)
            return sink(piece) if piece else True

        try:
            try:
                await self._raw.pump(take, ready=ready)
            except UpstreamFailure:
                # As in `_pull`.
                if self._tap.error is None:
                    raise
            if rest := self._last():
                sink(rest)
        # As above.
        except BaseException as failure:
            self._end(failure)
            raise

    def settle_with(self, settle: Callable[[Outcome], None]) -> None:
        """Have `settle` called once, at the end of the answer; for one that is complete already, when it is closed.

        So a caller who waits for a complete answer is served first.
        """
        self._settle = settle

    def close(self) -> None:
        """End the call, upstream too, and settle it if it is not. Safe twice, never awaits."""
        self._raw.close()
        if not self._ended:
            self._end(UpstreamCut("the caller left", provider=self.model.engine, model=self.model.upstream))
        self._report()

    def _report(self) -> None:
        settle, self._settle = self._settle, None
        if settle is not None:
            settle(self.outcome)

    async def _pull(self) -> bytes:
        while True:
            try:
                chunk = await self._raw.next()
            except UpstreamFailure:
                if self._tap.error is None:
                    raise
                # The vendor has said that it failed; that it then hangs up tells nothing more.
                chunk = b""
            if not chunk:
                return self._last()
            if piece := self._pass(chunk):
                return piece

    def _pass(self, chunk: bytes) -> bytes:
        """Give what of it may go on."""
        if not self.streaming:
            return chunk
        was_within = self._tap.overflowing
        piece = self._tap.take(chunk)
        # An event too long to be held back may turn out to be an error.
        return self._hidden(piece) if was_within or self._tap.overflowing or self._tap.error is not None else piece

    def _hidden(self, piece: bytes) -> bytes:
        """Take our key out of what a vendor said."""
        return piece if self._secret is None else self._secret.hide_in(piece)

    def _last(self) -> bytes:
        rest = self._tap.rest()
        if self.streaming and (rest is None or not self._tap.is_whole):
            raise UpstreamCut(
                "the stream ended before the answer did", provider=self.model.engine, model=self.model.upstream
            )
        self._end(None)
        return self._hidden(rest) if rest and self._tap.error is not None else rest or b""

    def _end(self, failure: BaseException | None) -> None:
        if self._ended:
            return
        self._ended = True
        outcome, error = self.outcome, self._tap.error
        outcome.usage, outcome.finished = self._tap.usage, self._tap.finished
        if failure is None and error is not None:
            failure = classify_streamed(error, provider=self.model.engine, model=self.model.upstream)
        outcome.failure = failure
        self._report()

    def _read_head(self) -> None:
        for name, value in self._raw.headers:
            if name == b"content-type":
                kind = value.partition(b";")[0].strip().lower()
                self.streaming = kind == b"text/event-stream"
                if kind == b"text/html":
                    message = "it answered a web page; is the address right?"
                    raise UpstreamGarbled(message, provider=self.model.engine, model=self.model.upstream)
            elif name == b"content-length" and value.isdigit():
                self.length = int(value)


async def raise_refusal(raw: RawAnswer, call: RawCall, *, secret: Secret | None, provider: str) -> NoReturn:
    """Raise the failure that a vendor's refusal stands for; it keeps the vendor's words, without our key."""
    try:
        body = await raw.read(limit=_LARGEST_ERROR)
    except UpstreamFailure:
        # The status says enough; what was meant to explain it did not arrive.
        body = b""
    if secret is not None:
        body = secret.hide_in(body)
    headers = dict(raw.headers)

    def header(name: str) -> str | None:
        value = headers.get(name.encode())
        return None if value is None else value.decode("latin-1")

    failure = classify(raw.status, header, body, provider=provider, model=call.model)
    if raw.status >= _REFUSED and body:
        passed = passed_headers(raw.headers, secret)
        if isinstance(failure, UpstreamBusy) and failure.retry_after and not header("retry-after"):
            # Said in the vendor's own way, which not every client of its dialect reads.
            passed.append((b"retry-after", failure.retry_after.encode("latin-1")))
        failure.words = VendorWords(call.operation, raw.status, passed, body)
    raise failure
