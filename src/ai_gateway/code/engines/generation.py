"""Ask a chat model to write code that the user described."""

from __future__ import annotations

from collections.abc import Mapping

from ai_gateway.code.engines.ask import Ask
from gateway_core.inference.request import Conversation, Json, Message, Sampling, conversation_of

STOP = "</new_code>"

_SYSTEM = """\
You write code inside an editor. The user message shows a file with the position of the cursor marked <cursor/>, \
sometimes with parts of related files, and says what to write. Write the new code that belongs at the cursor.

- Answer with the code alone: no explanation before or after it, no Markdown, no fences.
- Do what was asked, completely; when the request is only a comment above the cursor, write what the comment describes.
- Use the names, libraries, style and indentation of the file. Do not repeat code that is already there.
- Put a remark that the user must read into a comment in the language of the file."""

_SAMPLING = Sampling(2_048, 0.2, stop=(STOP,))


def ask_to_generate(
    enhancer: Mapping[str, Json], *, file_name: str, language: str, prefix: str, suffix: str, instruction: str
) -> Ask:
    """Write our prompt; what the enhancer holds was gathered by the caller and goes before our own cut."""
    above = _text(enhancer.get("trimmed_content_above_cursor")) or prefix
    below = _text(enhancer.get("trimmed_content_below_cursor")) or suffix
    wanted = _text(enhancer.get("user_instruction")) or instruction
    parts = [f"File: {file_name}"]
    if language:
        parts.append(f"Language: {language}")
    parts += _section("Libraries in use", enhancer.get("libraries"))
    parts += _section("Parts of related files", enhancer.get("related_files"))
    parts += _section("Related snippets", enhancer.get("related_snippets"))
    parts += _section("Examples of the answers wanted", enhancer.get("examples_array"))
    parts.append(f"<file>\n{above}<cursor/>{below}\n</file>")
    parts.append(f"Write: {wanted}" if wanted else "Write the code that the text before the cursor asks for.")
    return Ask(conversation_of(system=_SYSTEM, user="\n\n".join(parts)), _SAMPLING, fenced=True)


def ask_as_given(messages: tuple[Message, ...]) -> Ask:
    """Take the caller's own messages, unchanged."""
    return Ask(Conversation(messages), _SAMPLING, fenced=True)


def _section(title: str, value: Json) -> list[str]:
    text = _text(value)
    return [f"{title}:\n{text}"] if text else []


def _text(value: Json) -> str:
    """Flatten what callers put there: a text, a list of texts, or a list of objects with texts."""
    match value:
        case None | bool():
            return ""
        case str():
            return value
        case list():
            return "\n".join(text for text in map(_text, value) if text)
        case dict():
            return "\n".join(f"{name}: {text}" for name, item in value.items() if (text := _text(item)))
        case _:
            return str(value)
