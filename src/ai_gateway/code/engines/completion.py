"""Ask a chat model for the code at a cursor."""

from __future__ import annotations

from ai_gateway.code.engines.ask import Ask
from gateway_core.inference.profile import Family
from gateway_core.inference.request import Sampling, conversation_of

_SYSTEM = """\
You are the completion engine of a code editor. The user message shows a file with the position of the cursor \
marked <cursor/>. Write the text that belongs exactly at the cursor.

- Answer with that text alone: no explanation, no Markdown, no fences, and not the mark itself.
- Begin in the middle of a line, or of a word, when the cursor is there; never repeat what stands before the cursor.
- Stop where the text after the cursor takes over; never repeat it either.
- Keep to the file's names, types, style and indentation. Prefer the few lines that are certain to more that are not.
- When nothing belongs there, answer with nothing."""

_OUTPUT_TOKENS: dict[Family, int] = {"claude": 128}
_FEWEST_OUTPUT_TOKENS = 64


def ask_to_complete(family: Family, *, file_name: str, language: str, prefix: str, suffix: str) -> Ask:
    """Write the prompt of a family that only chats."""
    about = f"File: {file_name}\n" + (f"Language: {language}\n" if language else "")
    user = f"{about}\n<file>\n{prefix}<cursor/>{suffix}\n</file>"
    sampling = Sampling(_OUTPUT_TOKENS.get(family, _FEWEST_OUTPUT_TOKENS), 0.0)
    return Ask(conversation_of(system=_SYSTEM, user=user), sampling, fenced=True)
