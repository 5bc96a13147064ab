"""What makes one provider different from another: data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from gateway_core.dialects.sse import ServerSentEvent
from gateway_core.inference.events import StreamEvent
from gateway_core.inference.request import InferenceRequest
from gateway_core.inference.wish import Feature
from gateway_core.kernel.secret import Secret

PromptKind = Literal["conversation", "completion"]
AuthHeaders = Callable[[Secret | None], list[tuple[str, str]]]


class EventParserPort(Protocol):
    """The state of one streamed answer."""

    @property
    def finished(self) -> bool:
        """Whether the provider said that its answer is whole."""
        ...

    def feed(self, event: ServerSentEvent) -> list[StreamEvent]:
        """Take one event of the wire."""
        ...

    def close(self) -> list[StreamEvent]:
        """Take the end of the wire."""
        ...


class Dialect(Protocol):
    """What a module in `dialects` offers to a provider."""

    @property
    def EventParser(self) -> Callable[[], EventParserPort]:  # noqa: N802 - the class of that name in the module
        """Make the parser of one stream."""
        ...

    def render_request(self, request: InferenceRequest) -> bytes:
        """Write the request's body."""
        ...

    def parse_answer(self, body: bytes) -> list[StreamEvent]:
        """Read a whole answer."""
        ...


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path under the provider's address, and the module of the dialect spoken there."""

    path: str
    dialect: Dialect


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """One provider. `base_url` None: each lease brings its own; `models` are its defaults by feature."""

    name: str
    base_url: str | None
    auth: AuthHeaders
    endpoints: Mapping[PromptKind, Endpoint]
    models: Mapping[Feature, str]
