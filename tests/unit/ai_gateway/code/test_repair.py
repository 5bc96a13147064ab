"""Which repairs an answer gets, by what was asked and who answered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.code.repair import repair
from unit.ai_gateway.code.code_parts import Kind, a_model, a_request
from unit.ai_gateway.code.engine_cases import CASES, RepairCase, each

FENCED = "```py\nmy\\_name\n```"


@each(CASES.repair_generation)
def test_a_generation_is_repaired_as_the_specification_says(case: RepairCase) -> None:
    request = a_request(kind="generation", prefix=case.above)

    assert repair(case.answer, request, model=a_model("gpt", engine=case.engine), fenced=True) == case.text


@pytest.mark.parametrize(
    ("kind", "engine", "model", "fenced", "text"),
    [
        # What Claude generates is trusted, whatever it looks like.
        ("generation", "anthropic", "claude", True, FENCED),
        ("completion", "anthropic", "claude", True, "my\\_name\n"),
        ("generation", "litellm", "gpt", True, "\nmy\\_name\n"),
        ("completion", "litellm", "gpt", True, "my\\_name\n"),
        # Only Mixtral escapes underscores, and they are mended first.
        ("generation", "litellm", "mixtral", True, "\nmy_name\n"),
        ("completion", "litellm", "mixtral", True, "my_name\n"),
        ("generation", "anthropic", "mixtral", True, "```py\nmy_name\n```"),
        # A model that fills a gap writes no Markdown: what looks like it is code.
        ("completion", "litellm", "qwen2.5-coder", False, FENCED),
    ],
)
def test_the_repairs_are_those_of_the_engine_and_the_family(
    kind: Kind, engine: str, model: str, *, fenced: bool, text: str
) -> None:
    request = a_request(kind=kind, prefix="# name")

    assert repair(FENCED, request, model=a_model(model, engine=engine), fenced=fenced) == text


@pytest.mark.parametrize("answer", ["", " \n", "```py\n```", "```\n \n```", "`"])
@pytest.mark.parametrize("kind", ["completion", "generation"])
def test_nothing_is_suggested_when_nothing_is_left_of_an_answer(kind: Kind, answer: str) -> None:
    assert repair(answer, a_request(kind=kind, prefix="# x"), model=a_model("gpt"), fenced=True) == ""


@given(st.text(), st.text(max_size=5), st.sampled_from(["completion", "generation"]), st.booleans())
def test_a_suggestion_is_empty_or_holds_something(text: str, prefix: str, kind: Kind, fenced: bool) -> None:  # noqa: FBT001 - drawn, not called
    repaired = repair(text, a_request(kind=kind, prefix=prefix), model=a_model("gpt"), fenced=fenced)

    assert repaired == "" or repaired.strip()
