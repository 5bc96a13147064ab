"""What a test asks the fake upstream to answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gateway_core.inference.request import Json

DEFAULT_TEXT = "return a + b"


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One tool call of the answer; `arguments` is JSON text."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ReplyUsage:
    """Tokens that the answer reports; `input_tokens` counts the cached ones too."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SseFraming:
    """How server-sent events are laid out in bytes; every variant is legal except the last two, which real servers do.

    `pings` are the vendor's own: an event for Anthropic, a comment for OpenAI. Without `terminator`, OpenAI's
    `[DONE]` and Anthropic's `message_stop` are left out.
    """

    newline: Literal["lf", "crlf", "cr"] = "lf"
    space: bool = True
    multiline: bool = False
    comments: bool = False
    pings: bool = False
    last_blank: bool = True
    terminator: bool = True


FRAMINGS: Mapping[str, SseFraming] = {
    "lf": SseFraming(),
    "crlf": SseFraming(newline="crlf"),
    "cr": SseFraming(newline="cr"),
    "no space": SseFraming(space=False),
    "multi-line data": SseFraming(multiline=True),
    "comments": SseFraming(comments=True),
    "pings": SseFraming(pings=True),
    "no last blank line": SseFraming(last_blank=False),
    "no terminator": SseFraming(terminator=False),
}
"""Every variant once, by name, for tests that must hold over all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One scripted answer; the default is a good one.

    A chunk is a text delta or a piece of tool arguments; a whole answer is one chunk. Times are seconds. An answer
    whose `*_after` lies beyond its last chunk is a fault of the test, and leaving the `with` block says so.
    """

    # What it says.
    text: str | None = None
    """None: the default text, or no text when there are tool calls."""
    chunks: tuple[str, ...] | None = None
    """The text, already cut; goes before `text`."""
    tool_calls: tuple[ToolUse, ...] = ()
    finish_reason: str | None = None
    """The vendor's own word (finish_reason, stop_reason); None: as recorded."""
    stop_sequence: str | None = None
    """Anthropic only."""
    usage: ReplyUsage | None = None
    """None: as recorded."""
    echo: bool = False
    """The text is the body of the request, as it came."""

    # How it fails.
    status: int = 200
    """From 400 on: the vendor's recorded error body for that status."""
    error: Mapping[str, Json] = field(default_factory=dict)
    """Members that replace those of the vendor's error object, also mid-stream."""
    error_after: int | None = None
    """After this many chunks of a stream: the vendor's error event, then the end."""
    body: bytes | None = None
    """Sent as it is, instead of the vendor's JSON or events."""
    content_type: str | None = None
    truncate_json: bool = False
    """Send the first half of the body with a content-length that is right for it."""
    length_surplus: int = 0
    """Announce this many bytes more than are sent, then close."""

    # When.
    delay_head: float = 0.0
    delay_chunk: float = 0.0
    """Before each chunk but the first."""
    hang: bool = False
    """Send nothing, not even the head, until released."""
    hold_after: int | None = None
    """After this many chunks, send nothing until released; 0: after the head and what precedes the text."""

    # How it is carried.
    headers: Mapping[str, str | None] = field(default_factory=dict)
    """Added to the recorded ones, or in their place; None removes one."""
    framing: SseFraming = SseFraming()
    transfer: Literal["auto", "chunked", "length", "close"] = "auto"
    """How the body's end is marked; auto: chunked for streams, a length otherwise."""
    keep_alive: bool = True
    split_utf8: bool = False
    """Write each byte of a character outside ASCII by itself."""
    cut: Literal["close", "reset"] = "close"
    """How the connection is cut by the three below."""
    cut_before_head: bool = False
    cut_after: int | None = None
    """After this many chunks; 0: after the head and what precedes the text."""
    cut_after_bytes: int | None = None
    """After this many bytes of the body."""

    @classmethod
    def html(cls, status: int = 502) -> Reply:
        """Answer with a web page, as a proxy in between does."""
        page = f"<html><head><title>{status}</title></head><body><h1>{status}</h1><hr>nginx</body></html>\n"
        return cls(status=status, body=page.encode(), content_type="text/html; charset=utf-8")

    def text_chunks(self, request_body: bytes) -> tuple[str, ...]:
        """Give the text of the answer, cut as a stream would cut it; empty when there is none."""
        if self.chunks is not None:
            return self.chunks
        if self.echo:
            return split_text(request_body.decode())
        if self.text is not None:
            return split_text(self.text)
        return () if self.tool_calls else split_text(DEFAULT_TEXT)


def split_text(text: str) -> tuple[str, ...]:
    """Cut text before its white space, as token boundaries mostly lie; joined again it is the same text."""
    return tuple(re.findall(r"\s*\S+|\s+", text))


def split_arguments(arguments: str) -> tuple[str, ...]:
    """Cut tool arguments in pieces of eight characters."""
    return tuple(arguments[start : start + 8] for start in range(0, len(arguments), 8))
