"""Tell requests that take long to write in any dialect from all the others."""

from __future__ import annotations

from gateway_core.inference.request import (
    Completion,
    Document,
    Image,
    InferenceRequest,
    Media,
    Part,
    ToolCall,
    ToolResult,
)

_MOST_PARTS = 500
_MOST_LETTERS = 1 << 20


def is_heavy(request: InferenceRequest) -> bool:
    """Tell whether writing a request may take more than some milliseconds."""
    prompt = request.prompt
    if isinstance(prompt, Completion):
        return len(prompt.prompt) > _MOST_LETTERS
    number = len(prompt.tools)
    for message in prompt.messages:
        number += 1 + len(message.parts)
        if number > _MOST_PARTS:
            return True
    letters = 0
    for message in prompt.messages:
        for part in message.parts:
            if isinstance(part, ToolResult):
                number += len(part.content)
                letters += sum(map(_length, part.content))
            else:
                letters += _length(part)
    return number > _MOST_PARTS or letters > _MOST_LETTERS


def _length(part: Part) -> int:
    match part:
        case Image() | Media():
            return len(part.data) + len(part.url)
        case Document():
            return len(part.data) + len(part.text)
        case ToolCall():
            return len(part.arguments)
        case ToolResult():
            return 0
        case _:
            return len(part.text)
