"""Keep a prompt out of a provider's own words about why it refused.

Some providers repeat part of what they were sent. Their message goes to the log,
where prompts must not be.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway_core.inference.request import Completion, InferenceRequest, Text, Thinking, ToolCall, ToolResult

_SHORTEST = 12
"""Fewer characters than this in common are words that both happen to use."""

_LARGEST = 128 * 1024
"""Characters of prompt up to which looking for quotes takes some milliseconds at most."""

LEFT_OUT = "its own words are left out: they may quote the prompt, which is too large to look for in them"
_GAP = "…"


def without_quotes(message: str, request: InferenceRequest) -> str:
    """Replace every run of a dozen characters or more that the message shares with the prompt."""
    texts = list(_texts(request))
    if sum(map(len, texts)) > _LARGEST:
        return LEFT_OUT
    quoted = bytearray(len(message))
    for at in range(len(message) - _SHORTEST + 1):
        run = message[at : at + _SHORTEST]
        if any(run in text for text in texts):
            quoted[at : at + _SHORTEST] = b"\x01" * _SHORTEST
    kept = [_GAP if hidden else char for char, hidden in zip(message, quoted, strict=True)]
    return "".join(char for at, char in enumerate(kept) if char != _GAP or at == 0 or kept[at - 1] != _GAP)


def _texts(request: InferenceRequest) -> Iterator[str]:
    """Give every text of the prompt, also as JSON would escape its line ends."""
    for text in _raw_texts(request):
        yield text
        if "\n" in text:
            yield text.replace("\n", "\\n")


def _raw_texts(request: InferenceRequest) -> Iterator[str]:
    if isinstance(request.prompt, Completion):
        yield request.prompt.prompt
        yield request.prompt.suffix or ""
        return
    for message in request.prompt.messages:
        for part in message.parts:
            match part:
                case Text() | Thinking():
                    yield part.text
                case ToolCall():
                    yield part.arguments
                case ToolResult():
                    yield from (inner.text for inner in part.content if isinstance(inner, Text))
                case _:
                    pass
