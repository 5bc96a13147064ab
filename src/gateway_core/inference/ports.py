"""What a provider must do for the rest of the product."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gateway_core.inference.events import StreamEvent
from gateway_core.inference.losses import Losses
from gateway_core.inference.request import InferenceRequest, Operation
from gateway_core.kernel.secret import Secret


class Signer(Protocol):
    """Proves who calls, request by request: for clouds whose credentials expire or sign the body."""

    async def sign(self, method: str, url: str, *, body: bytes) -> list[tuple[str, str]]:
        """Give the headers to add to this request; raises `UpstreamKeyRefused` when there are none to be had."""
        ...


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to make one call: where it goes and with which key.

    `base_url` None means the provider's own. A `signer` stands in for a key. `variables` fill the
    places of the provider's paths other than the model, such as a project or a deployment.
    """

    base_url: str | None = None
    secret: Secret | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    signer: Signer | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


# Not frozen: there is one for each call, and a frozen one takes several times as long to make.
@dataclass(slots=True)
class RawCall:
    """A call in the vendor's own words, which are not looked at.

    `model` is the provider's name of it. `headers` are those of the caller's that the vendor reads.
    `path` is below the provider's address, for a call that says it; empty: the operation's own.
    """

    operation: Operation
    model: str
    body: bytes
    stream: bool
    headers: Sequence[tuple[str, str]] = ()
    path: str = ""


class RawAnswer(Protocol):
    """An answer in the vendor's own words; its head has arrived. Read it once, and close it."""

    @property
    def status(self) -> int:
        """The vendor's status."""
        ...

    @property
    def headers(self) -> Sequence[tuple[bytes, bytes]]:
        """The headers as they came, names in lower case."""
        ...

    async def next(self) -> bytes:
        """Give what has arrived of the body, at least one byte; empty at its end. Raises `UpstreamFailure`."""
        ...

    async def pump(self, sink: Callable[[bytes], bool], *, ready: Callable[[], Awaitable[None]]) -> None:
        """Hand what is left to the sink as it arrives, which tells whether it takes more at once.

        Where it does not, the vendor is kept waiting until `ready` returns. Raises `UpstreamFailure`.
        """
        ...

    async def read(self, *, limit: int) -> bytes:
        """Give the whole body, of `limit` bytes at most; raises `UpstreamFailure`."""
        ...

    def close(self) -> None:
        """Drop what is unread, and end the call upstream; safe twice, never awaits."""
        ...


class Provider(Protocol):
    """A company's endpoint."""

    @property
    def name(self) -> str:
        """The provider's name in configuration, labels and logs."""
        ...

    def speaks(self, operation: Operation) -> bool:
        """Tell whether `forward` takes this."""
        ...

    def stream(
        self, request: InferenceRequest, lease: Lease, *, losses: Losses | None = None
    ) -> AsyncGenerator[StreamEvent]:
        """Make one call and report it as it runs; raises `UpstreamFailure`.

        A request that does not stream is one whole answer upstream, reported by the same events.
        What the provider cannot be told goes to the losses, or raises `FeatureUnsupported`.
        """
        ...

    async def answer(
        self, request: InferenceRequest, lease: Lease, *, losses: Losses | None = None
    ) -> Sequence[StreamEvent]:
        """Make one call that does not stream, and report it when it is whole; otherwise as `stream`."""
        ...

    async def forward(self, call: RawCall, lease: Lease) -> RawAnswer:
        """Make one call in the vendor's own words, whatever its status; raises `UpstreamFailure` without one."""
        ...
