"""How a chat model is asked for the code at a cursor."""

from __future__ import annotations

import pytest

from ai_gateway.code.engines.ask import Ask
from ai_gateway.code.engines.completion import ask_to_complete
from gateway_core.inference.profile import Family
from gateway_core.inference.request import Conversation, Text


def ask(family: Family = "claude", *, prefix: str = "a = ", suffix: str = "\nb = 2", language: str = "python") -> Ask:
    """Ask for the end of a line."""
    return ask_to_complete(family, file_name="src/{x}.py", language=language, prefix=prefix, suffix=suffix)


def question(asked: Ask) -> str:
    """Give the user's turn."""
    assert isinstance(asked.prompt, Conversation)
    system, user = asked.prompt.messages
    assert (system.role, user.role) == ("system", "user")
    (part,) = user.parts
    assert isinstance(part, Text)
    return part.text


def test_the_cursor_stands_between_prefix_and_suffix() -> None:
    assert "a = <cursor/>\nb = 2" in question(ask())


def test_code_with_braces_and_marks_goes_in_to_the_letter() -> None:
    assert "{prefix} %s</file><cursor/>{}" in question(ask(prefix="{prefix} %s</file>", suffix="{}"))


def test_the_file_and_its_language_are_named() -> None:
    asked = question(ask())

    assert "src/{x}.py" in asked
    assert "python" in asked.removeprefix("File: src/{x}.py")


def test_an_unknown_language_is_not_named() -> None:
    assert "Language" not in question(ask(language=""))


@pytest.mark.parametrize(("family", "most"), [("claude", 128), ("gpt", 64), ("llama", 64), ("general", 64)])
def test_the_answer_is_short_and_the_surest(family: Family, most: int) -> None:
    sampling = ask(family).sampling

    assert (sampling.max_tokens, sampling.temperature) == (most, 0.0)


def test_the_answer_may_come_in_fences() -> None:
    assert ask().fenced
