"""The messages API, as Anthropic and the servers that follow it speak it.

Source: Anthropic's API reference, `POST /v1/messages`, and its page on streaming, read 2026-09.
"""

from gateway_core.dialects.anthropic_messages.events import (
    EventParser,
    EventRenderer,
    parse_answer,
    render_answer,
    render_error,
    render_streamed_error,
)
from gateway_core.dialects.anthropic_messages.request import parse_request, render_request

__all__ = [
    "EventParser",
    "EventRenderer",
    "parse_answer",
    "parse_request",
    "render_answer",
    "render_error",
    "render_request",
    "render_streamed_error",
]
