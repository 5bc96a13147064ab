"""The forms in which models that fill gaps are asked."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.code.engines.fill_in_middle import FORMATS, ask_to_fill
from gateway_core.inference.profile import Family
from gateway_core.inference.request import Completion, Conversation, Text

HOSTILE = "f'{prefix}{suffix}' % {0} %s \\{ }} $x {"

families = st.sampled_from(sorted(FORMATS))
code = st.text(st.characters(codec="utf-8")) | st.sampled_from([HOSTILE, "{prefix}", "{suffix}", "<|fim_middle|>"])


def asked(family: Family, prefix: str, suffix: str) -> str:
    """Give the text in which the code goes out."""
    prompt = ask_to_fill(FORMATS[family], prefix=prefix, suffix=suffix).prompt
    if isinstance(prompt, Completion):
        return prompt.prompt
    (part,) = prompt.messages[-1].parts
    assert isinstance(part, Text)
    return part.text


@pytest.mark.parametrize(
    ("family", "prompt"),
    [
        ("codegemma", "<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>"),
        ("codellama", "<PRE> P <SUF> S <MID>"),
        ("codestral", "<s>[SUFFIX]S[PREFIX]P"),
        ("mistral", "<s>[SUFFIX]S[PREFIX]P"),
        ("mixtral", "<s>[SUFFIX]S[PREFIX]P"),
        (
            "deepseekcoder",
            "<\uff5cfim\u2581begin\uff5c>P<\uff5cfim\u2581hole\uff5c>S<\uff5cfim\u2581end\uff5c>",
        ),
        ("granite", "<fim_prefix>P<fim_suffix>S<fim_middle>"),
        ("qwen", "<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>"),
        ("starcoder", "<fim_prefix>P<fim_suffix>S<fim_middle>"),
    ],
)
def test_each_family_is_asked_in_its_own_form(family: Family, prompt: str) -> None:
    assert asked(family, "P", "S") == prompt


def test_no_form_is_left_without_a_case() -> None:
    assert set(FORMATS) == {
        "codegemma",
        "codellama",
        "codestral",
        "mistral",
        "mixtral",
        "deepseekcoder",
        "granite",
        "qwen",
        "starcoder",
    }


@given(families, code, code)
def test_code_goes_in_to_the_letter_also_with_braces_and_marks(family: Family, prefix: str, suffix: str) -> None:
    frame = asked(family, "\0", "\1")

    # Split, not replaced: the code itself may hold either placeholder.
    parts = [{"\0": prefix, "\1": suffix}.get(piece, piece) for piece in re.split("([\0\1])", frame)]
    assert asked(family, prefix, suffix) == "".join(parts)


@pytest.mark.parametrize("family", ["codestral", "mistral", "mixtral"])
def test_the_mistral_families_are_asked_by_chat_and_may_answer_in_fences(family: Family) -> None:
    ask = ask_to_fill(FORMATS[family], prefix="P", suffix="S")

    assert isinstance(ask.prompt, Conversation)
    assert [message.role for message in ask.prompt.messages] == ["system", "user"]
    assert ask.fenced


@pytest.mark.parametrize("family", ["codegemma", "codellama", "deepseekcoder", "granite", "qwen", "starcoder"])
def test_the_other_families_continue_a_text(family: Family) -> None:
    ask = ask_to_fill(FORMATS[family], prefix="P", suffix="S")

    assert isinstance(ask.prompt, Completion)
    # The suffix is in the prompt already.
    assert ask.prompt.suffix is None
    assert not ask.fenced


@pytest.mark.parametrize(
    ("family", "max_tokens", "temperature"),
    [
        ("codegemma", 128, 0.95),
        ("codellama", 128, 0.95),
        ("codestral", 64, 0.32),
        ("mistral", 64, None),
        ("mixtral", 64, None),
        ("qwen", 48, 0.95),
    ],
)
def test_answers_are_drawn_as_the_specification_says(
    family: Family, max_tokens: int, temperature: float | None
) -> None:
    sampling = ask_to_fill(FORMATS[family], prefix="P", suffix="S").sampling

    assert (sampling.max_tokens, sampling.temperature) == (max_tokens, temperature)


@pytest.mark.parametrize("family", sorted(set(FORMATS) - {"deepseekcoder"}))
def test_a_model_stops_at_its_own_marks(family: Family) -> None:
    stops = ask_to_fill(FORMATS[family], prefix="P", suffix="S").sampling.stop

    marks = asked(family, " ", " ").removeprefix("<s>").split()
    assert [mark for mark in marks if mark not in stops and not _is_made_of(mark, stops)] == []


def _is_made_of(text: str, marks: tuple[str, ...]) -> bool:
    for mark in marks:
        text = text.replace(mark, "")
    return not text
