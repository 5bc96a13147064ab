"""What a provider must do for the rest of the product."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gateway_core.inference.events import StreamEvent
from gateway_core.inference.request import InferenceRequest
from gateway_core.kernel.secret import Secret


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to make one call: where it goes and with which key.

    `base_url` None means the provider's own.
    """

    base_url: str | None = None
    secret: Secret | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Provider(Protocol):
    """A company's endpoint."""

    @property
    def name(self) -> str:
        """The provider's name in configuration, labels and logs."""
        ...

    def stream(self, request: InferenceRequest, lease: Lease) -> AsyncGenerator[StreamEvent]:
        """Make one call and report it as it runs; raises `UpstreamFailure`.

        A request that does not stream is one whole answer upstream, reported by the same events.
        """
        ...
