"""The tokenizer of the product: counts, cuts, and costs nothing until it is needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.code.tokens import BpeCounter

# The library opens its vocabulary the old way; Python 3.11 and 3.12 warn of it.

SRC = Path(__file__).parents[4] / "src"
COUNTER = BpeCounter()

Side = Literal["start", "end"]
sides: st.SearchStrategy[Side] = st.sampled_from(["start", "end"])
texts = st.text(st.sampled_from("ab_ \n\t{}().,'7\u00e9\u00df\u6f22\U0001f600\u200d\u0301"), max_size=60)


@given(texts, st.integers(-1, 70), sides)
def test_a_cut_text_is_an_end_of_the_text_and_within_its_tokens(text: str, most: int, keep: Side) -> None:
    cut = COUNTER.truncate(text, most=most, keep=keep)

    assert text.startswith(cut) if keep == "start" else text.endswith(cut)
    assert COUNTER.count(cut) <= max(most, 0)
    assert "\ufffd" not in cut


@given(texts, sides)
def test_a_text_that_fits_stays_as_it_is(text: str, keep: Side) -> None:
    assert COUNTER.truncate(text, most=COUNTER.count(text), keep=keep) == text


@given(texts)
def test_no_token_is_shorter_than_a_byte(text: str) -> None:
    assert COUNTER.count(text) <= len(text.encode())


@pytest.mark.parametrize(("keep", "cut"), [("start", "hello world,"), ("end", ", hello world")])
def test_a_cut_keeps_the_side_it_was_told(keep: Side, cut: str) -> None:
    assert COUNTER.truncate("hello world, hello world", most=3, keep=keep) == cut


@pytest.mark.parametrize("character", ["\u6f22", "\U0001f600", "\U0002a6b2"])
@pytest.mark.parametrize("keep", ["start", "end"])
def test_a_character_of_several_tokens_is_kept_whole_or_left_out(character: str, keep: Side) -> None:
    text = character * 5
    for most in range(COUNTER.count(text) + 1):
        cut = COUNTER.truncate(text, most=most, keep=keep)
        assert cut == character * len(cut)


@pytest.mark.parametrize("line", ["x = 1\n", "    return value_of(self, name)  # why\n", "a", " ", "\n", "\u6f22"])
def test_the_longest_text_of_a_request_is_counted_and_cut(line: str) -> None:
    text = (line * (100_000 // len(line) + 1))[:100_000]

    tokens = COUNTER.count(text)
    cut = COUNTER.truncate(text, most=tokens // 2, keep="end")

    assert 0 < COUNTER.count(cut) <= tokens // 2
    assert text.endswith(cut)


@pytest.mark.parametrize("character", ["\U0002a6b2", "\U00012000", "\u1200"])
def test_the_longest_text_of_a_request_may_be_of_characters_of_three_tokens_and_more(character: str) -> None:
    text = character * 100_000

    assert COUNTER.count(text) >= 300_000
    assert COUNTER.truncate(text, most=60, keep="end") == character * (60 // COUNTER.count(character))


def test_other_files_joined_may_be_more_than_the_library_takes_at_once() -> None:
    text = "x = 1\n" * 200_000

    cut = COUNTER.truncate(text, most=1_000, keep="start")

    assert COUNTER.count(text) > 900_000
    assert cut == "x = 1\n" * 200


@pytest.mark.parametrize("module", ["ai_gateway.app", "ai_gateway.server"])
def test_the_vocabulary_is_not_loaded_when_the_service_starts(module: str) -> None:
    script = f"import sys, {module}; print('bpe_openai' in sys.modules, '{module}' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": str(SRC)}, capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["False", "True"]


@pytest.mark.parametrize("keep", ["start", "end"])
def test_of_a_text_far_too_long_only_what_fills_the_room_is_encoded(
    keep: Literal["start", "end"], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[int] = []
    encode = BpeCounter._encode

    def watch(self: BpeCounter, text: str) -> list[int]:
        encoded.append(len(text))
        return encode(self, text)

    monkeypatch.setattr(BpeCounter, "_encode", watch)
    cut = COUNTER.truncate("x = 1\n" * 1_000_000, most=100, keep=keep)

    assert COUNTER.count(cut) <= 100
    assert encoded[0] == 3_200
