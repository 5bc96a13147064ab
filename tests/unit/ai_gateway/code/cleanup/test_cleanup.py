"""The repairs of an answer, one by one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.code.cleanup.drop_blank import drop_blank
from ai_gateway.code.cleanup.prepend_newline import prepend_newline
from ai_gateway.code.cleanup.strip_fences import strip_fences
from ai_gateway.code.cleanup.unescape_underscores import unescape_underscores

answers = st.lists(
    st.sampled_from(["```", "```py\n", "```\n", "`", "\n", " ", "\t", "x", "\\_", "\\", "_", "\u00a0", "\u6f22"])
).map("".join)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("```python\nx = 1\n```", "x = 1\n"),
        ("```\nx = 1\n```\n", "x = 1\n"),
        ("```c++\nx\n```\ntext\n```js\ny\n```", "x\ntext\ny\n"),
        ("x = 1", "x = 1"),
        ("`x`", "`x"),
        ("x = `a` + 1", "x = `a` + 1"),
        ("  ```\nx", "  ```\nx"),
        ("``` python\nx", "``` python\nx"),
        ("s = '''```'''\n", "s = '''```'''\n"),
        ("```", ""),
        ("", ""),
    ],
)
def test_fences_go_and_code_stays(answer: str, code: str) -> None:
    assert strip_fences(answer) == code


@given(answers)
def test_no_fence_line_is_left_and_no_back_tick_at_the_end(answer: str) -> None:
    code = strip_fences(answer)

    assert not code.endswith("`")
    assert re.findall(r"^```\S*\n", code, re.MULTILINE) == []


@given(answers)
def test_a_second_look_for_fences_finds_none(answer: str) -> None:
    code = strip_fences(answer)

    assert strip_fences(code) == code


@given(st.lists(st.sampled_from(["```py\n", "```\n", "x = 1\n", "\n", "  y\n"])))
def test_fence_lines_go_and_every_other_line_stays_in_its_place(lines: list[str]) -> None:
    assert strip_fences("".join(lines)) == "".join(line for line in lines if not line.startswith("```"))


@given(answers.filter(lambda text: "`" not in text))
def test_an_answer_without_back_ticks_has_no_fences(answer: str) -> None:
    assert strip_fences(answer) == answer


@pytest.mark.parametrize(
    ("text", "above", "prepended"),
    [
        ("x", "# write x", "\nx"),
        ("x", "", "\nx"),
        ("x", "# write x\n", "x"),
        ("x", "# write x\n  ", "\nx"),
        ("\nx", "# write x", "\nx"),
        ("", "# write x", ""),
    ],
)
def test_a_generation_starts_on_a_line_of_its_own(text: str, above: str, prepended: str) -> None:
    assert prepend_newline(text, above=above) == prepended


@given(answers, answers)
def test_a_second_line_break_is_never_prepended(text: str, above: str) -> None:
    once = prepend_newline(text, above=above)

    assert prepend_newline(once, above=above) == once
    assert once.removeprefix("\n") == text.removeprefix("\n")
    assert not once or (above + once).endswith(text)


@given(answers)
def test_a_text_is_kept_as_it_is_unless_it_is_blank(text: str) -> None:
    kept = drop_blank(text)

    assert kept == ("" if text.isspace() else text)
    assert drop_blank(kept) == kept


@pytest.mark.parametrize("blank", ["", " ", "\n\n", "\t \r\n", "\u00a0", "\u2003"])
def test_blanks_of_any_kind_are_no_suggestion(blank: str) -> None:
    assert drop_blank(blank) == ""


@given(answers)
def test_every_escaped_underscore_becomes_a_plain_one(text: str) -> None:
    assert "".join(unescape_underscores(text).split("_")) == "".join("".join(text.split("\\_")).split("_"))


@pytest.mark.parametrize(
    ("text", "code"), [("my\\_name", "my_name"), ("a_b", "a_b"), ("\\\\_x", "\\_x"), ("\\n\\_", "\\n_"), ("", "")]
)
def test_only_the_escape_of_an_underscore_is_undone(text: str, code: str) -> None:
    assert unescape_underscores(text) == code
