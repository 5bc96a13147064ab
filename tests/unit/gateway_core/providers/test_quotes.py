"""A prompt that a provider quotes does not reach the log."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway_core.inference.request import Completion, InferenceRequest, conversation_of
from gateway_core.providers.quotes import LEFT_OUT, without_quotes


def about(text: str) -> InferenceRequest:
    return InferenceRequest("m", conversation_of(system="be brief", user=text))


def test_what_the_prompt_says_is_left_out_of_the_message() -> None:
    request = about("def secret_formula(x):\n    return x * 42")

    said = without_quotes("invalid content: 'def secret_formula(x):\\n    return x' at 3", request)

    assert said == "invalid content: '…' at 3"


def test_a_message_that_quotes_nothing_stays_as_it_is() -> None:
    message = "Your credit balance is too low to access the API."

    assert without_quotes(message, about("def f(): pass")) == message


def test_the_suffix_of_a_gap_is_part_of_the_prompt() -> None:
    request = InferenceRequest("m", Completion("before the gap, long enough", "after the gap, long enough"))

    assert without_quotes("bad: after the gap, long", request) == "bad: …"


@given(st.text(min_size=12, max_size=200), st.text(max_size=20), st.text(max_size=20))
def test_no_dozen_characters_of_a_prompt_survive(prompt: str, before: str, after: str) -> None:
    said = without_quotes(before + prompt + after, about(prompt))

    runs = {prompt[at : at + 12] for at in range(len(prompt) - 11)}
    assert not any(run in said for run in runs if "…" not in run)


def test_a_prompt_too_large_to_search_costs_the_message_and_no_time() -> None:
    assert without_quotes("whatever it says", about("x" * 1_000_000)) == LEFT_OUT
