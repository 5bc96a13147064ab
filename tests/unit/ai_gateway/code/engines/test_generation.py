"""How a chat model is asked to write what the user described."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.code.engines.ask import Ask
from ai_gateway.code.engines.generation import STOP, ask_as_given, ask_to_generate
from gateway_core.inference.request import Conversation, Json, Message, Text

SECTIONS = ("libraries", "related_files", "related_snippets", "examples_array")

json_values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def ask(enhancer: Mapping[str, Json] | None = None, *, instruction: str = "") -> Ask:
    """Ask for code in a small file."""
    return ask_to_generate(
        enhancer or {},
        file_name="a.py",
        language="python",
        prefix="# above {x}\n",
        suffix="\n# below %s",
        instruction=instruction,
    )


def question(asked: Ask) -> str:
    """Give the user's turn."""
    assert isinstance(asked.prompt, Conversation)
    system, user = asked.prompt.messages
    assert (system.role, user.role) == ("system", "user")
    (part,) = user.parts
    assert isinstance(part, Text)
    return part.text


def test_the_cursor_stands_between_prefix_and_suffix() -> None:
    assert "# above {x}\n<cursor/>\n# below %s" in question(ask())


def test_the_instruction_is_said_last() -> None:
    assert question(ask(instruction="Sort it {now}.")).endswith("Sort it {now}.")


def test_without_an_instruction_the_text_above_the_cursor_is_one() -> None:
    assert question(ask()).endswith("Write the code that the text before the cursor asks for.")


def test_what_the_caller_gathered_goes_before_our_own_cut() -> None:
    enhancer: dict[str, Json] = {
        "trimmed_content_above_cursor": "ABOVE",
        "trimmed_content_below_cursor": "BELOW",
        "user_instruction": "theirs",
    }

    asked = question(ask(enhancer, instruction="ours"))

    assert "ABOVE<cursor/>BELOW" in asked
    assert asked.endswith("theirs")
    assert "# above" not in asked
    assert "ours" not in asked


@pytest.mark.parametrize("nothing", [None, "", [], {}, False, True, [None, ""], {"a": None}])
def test_what_the_caller_left_empty_is_ours_again(nothing: Json) -> None:
    enhancer: dict[str, Json] = dict.fromkeys(
        ("trimmed_content_above_cursor", "trimmed_content_below_cursor", "user_instruction", *SECTIONS), nothing
    )

    assert question(ask(enhancer, instruction="ours")) == question(ask(instruction="ours"))


@pytest.mark.parametrize("member", SECTIONS)
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("one {text}", "one {text}"),
        (["one", "two"], "one\ntwo"),
        ([{"name": "a.py", "content": "x = 1"}, {"name": "b.py"}], "name: a.py\ncontent: x = 1\nname: b.py"),
        ([[["deep"]], 7, 1.5, True, None], "deep\n7\n1.5"),
        ({"a": {"b": ["c", 0]}}, "a: b: c\n0"),
    ],
)
def test_each_form_in_which_callers_send_a_section_becomes_text(member: str, value: Json, text: str) -> None:
    assert f":\n{text}\n\n" in question(ask({member: value}))


@given(st.dictionaries(st.sampled_from([*SECTIONS, "user_instruction", "unheard_of"]), json_values))
def test_any_json_at_all_leaves_the_file_and_its_cursor_in_the_prompt(enhancer: dict[str, Json]) -> None:
    assert "<file>\n# above {x}\n<cursor/>\n# below %s\n</file>" in question(ask(enhancer))


@given(st.sampled_from(SECTIONS), st.lists(st.text(min_size=1), min_size=1, max_size=4))
def test_no_text_of_a_section_is_lost(member: str, texts: list[str]) -> None:
    nested: Json = [{"content": text} for text in texts]

    asked = question(ask({member: nested}))

    assert [text for text in texts if text not in asked] == []


def test_an_unknown_member_is_not_told() -> None:
    assert question(ask({"unheard_of": "secret"})) == question(ask())


def test_a_language_that_is_not_known_is_not_named() -> None:
    asked = ask_to_generate({}, file_name="a", language="", prefix="", suffix="", instruction="")

    assert "Language" not in question(asked)


def test_the_answer_is_long_enough_ends_at_the_mark_and_may_come_in_fences() -> None:
    asked = ask()

    assert asked.sampling.max_tokens == 2_048
    assert asked.sampling.stop == (STOP,) == ("</new_code>",)
    assert asked.fenced


def test_messages_of_the_caller_are_taken_as_they_are() -> None:
    messages = (Message("system", (Text("be {brief}"),)), Message("user", (Text("go"),)))

    asked = ask_as_given(messages)

    assert asked.prompt == Conversation(messages)
    assert asked.sampling.stop == (STOP,)
