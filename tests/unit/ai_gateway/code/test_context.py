"""What fits a model's window: the end of the prefix, the start of the suffix, and what is left for other files."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from typing_extensions import override

from ai_gateway.code.context import Fitted, Room, fit_counted, fit_whole
from gateway_core.kernel.units import Tokens
from unit.ai_gateway.code.code_parts import LetterCounter
from unit.ai_gateway.code.engine_cases import CASES, FitCase, each

COUNTER = LetterCounter()

characters = st.sampled_from("ab \n\u00e9\u6f22\U0001f600")
texts = st.text(characters, max_size=60)
contexts = st.lists(st.text(characters, max_size=30), max_size=3).map(tuple)
shares = st.floats(0, 1)
rooms = st.builds(Room, st.integers(0, 120).map(Tokens), shares, shares)


@each(CASES.fit)
def test_parts_are_cut_as_the_specification_says(case: FitCase) -> None:
    room = Room(Tokens(case.tokens), case.suffix_share, case.context_share)

    fitted = fit_counted(case.prefix, case.suffix, context=case.context, room=room, counter=COUNTER)

    cut = case.fitted
    assert fitted == Fitted(cut.prefix, cut.suffix, cut.context_sent, cut.context_used)


@each(CASES.fit)
def test_the_quick_way_gives_the_same_or_leaves_it_to_the_tokenizer(case: FitCase) -> None:
    room = Room(Tokens(case.tokens), case.suffix_share, case.context_share)

    fitted = fit_whole(case.prefix, case.suffix, context=case.context, room=room)

    assert fitted is None or (fitted.prefix, fitted.suffix) == (case.fitted.prefix, case.fitted.suffix)


@given(texts, texts, contexts, rooms)
def test_what_fits_never_exceeds_the_room(prefix: str, suffix: str, context: tuple[str, ...], room: Room) -> None:
    fitted = fit_counted(prefix, suffix, context=context, room=room, counter=COUNTER)

    # The line break between other files and the prefix is the only token beyond.
    joint = 1 if fitted.context_used else 0
    assert len(fitted.prefix) + len(fitted.suffix) <= room.tokens + joint
    assert fitted.context_used <= room.tokens * room.context_share
    assert fitted.context_used <= fitted.context_sent == len("\n".join(context))


@given(texts, texts, rooms)
def test_the_text_at_the_cursor_is_what_stays(prefix: str, suffix: str, room: Room) -> None:
    fitted = fit_counted(prefix, suffix, context=(), room=room, counter=COUNTER)

    assert prefix.endswith(fitted.prefix)
    assert suffix.startswith(fitted.suffix)
    assert len(fitted.prefix) == min(len(prefix), room.for_prefix)
    assert len(fitted.suffix) == min(len(suffix), room.for_suffix)


@given(texts, texts, contexts, rooms)
def test_other_files_stand_before_the_prefix_the_most_useful_first(
    prefix: str, suffix: str, context: tuple[str, ...], room: Room
) -> None:
    fitted = fit_counted(prefix, suffix, context=context, room=room, counter=COUNTER)
    alone = fit_counted(prefix, suffix, context=(), room=room, counter=COUNTER)

    used = "\n".join(context)[: fitted.context_used]
    assert fitted.prefix == (f"{used}\n{alone.prefix}" if used else alone.prefix)
    assert fitted.suffix == alone.suffix


@given(texts, texts, contexts, rooms)
def test_the_quick_way_agrees_with_counting_whenever_it_answers(
    prefix: str, suffix: str, context: tuple[str, ...], room: Room
) -> None:
    quick = fit_whole(prefix, suffix, context=context, room=room)
    assume(quick is not None)

    assert quick is not None
    counted = fit_counted(prefix, suffix, context=context, room=room, counter=COUNTER)
    assert (quick.prefix, quick.suffix) == (counted.prefix, counted.suffix)
    assert quick.context_sent == quick.context_used
    assert counted.context_sent == counted.context_used


@given(st.integers(0, 10_000).map(Tokens), shares)
def test_prefix_and_suffix_share_the_whole_room(tokens: Tokens, share: float) -> None:
    room = Room(tokens, suffix_share=share)

    assert room.for_prefix + room.for_suffix == tokens
    assert 0 <= room.for_suffix <= tokens


@pytest.mark.parametrize(
    ("text", "answers"), [("e" * 93, True), ("e" * 94, False), ("\u00e9" * 46, True), ("\u00e9" * 47, False)]
)
def test_the_quick_way_takes_a_byte_for_a_token(text: str, answers: bool) -> None:  # noqa: FBT001 - a table's column
    assert (fit_whole(text, "", context=(), room=Room(Tokens(100))) is not None) is answers


def test_the_quick_way_keeps_half_a_character_that_an_editor_sent() -> None:
    fitted = fit_whole("\ud83d", "", context=(), room=Room(Tokens(100)))

    assert fitted == Fitted("\ud83d", "")


def test_the_quick_way_estimates_other_files_at_four_bytes_a_token() -> None:
    fitted = fit_whole("p", "s", context=("12345", "678"), room=Room(Tokens(100)))

    assert fitted == Fitted("12345\n678\np", "s", context_sent=3, context_used=3)


def test_a_very_long_offer_is_estimated_and_not_counted() -> None:
    class Watched(LetterCounter):
        """Remembers the longest text that it had to count."""

        longest = 0

        @override
        def count(self, text: str) -> int:
            self.longest = max(self.longest, len(text))
            return super().count(text)

    counter = Watched()
    fitted = fit_counted("p", "s", context=["x" * 2_000_000], room=Room(Tokens(1_000)), counter=counter)

    assert (fitted.context_sent, fitted.context_used) == (500_000, 300)
    assert counter.longest <= 1_000
