"""The products of this service, built from the core."""

from __future__ import annotations

from dataclasses import dataclass

from ai_gateway.code.service import CodeSuggestions
from ai_gateway.code.tokens import BpeCounter
from gateway_core.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Services:
    """What endpoints call."""

    code: CodeSuggestions


def build_services(runtime: Runtime) -> Services:
    """Put the products together."""
    return Services(
        code=CodeSuggestions(
            relay=runtime.relay,
            counter=BpeCounter(),
            metrics=runtime.metrics,
            data_log=runtime.data_log,
            clock=runtime.clock,
            stream_upstream=not runtime.settings.custom_models.disable_streaming,
        )
    )
