from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.commands.times import parse_duration, parse_end

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "long"),
    [
        ("0", timedelta()),
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("24h", timedelta(days=1)),
        ("30d", timedelta(days=30)),
        ("2w", timedelta(days=14)),
    ],
)
def test_a_duration_is_a_number_and_its_unit(text: str, long: timedelta) -> None:
    assert parse_duration(text) == long


@pytest.mark.parametrize("text", ["", "24", "h", "-1h", "1.5h", "24 h", "24H", "1y", "1234567s", "1h30m", "\u0663h"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration; give a whole number with s, m, h, d or w"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("30d", NOON + timedelta(days=30)),
        ("2026-12-31", datetime(2026, 12, 31, tzinfo=UTC)),
        ("2026-12-31T23:59", datetime(2026, 12, 31, 23, 59, tzinfo=UTC)),
        ("2026-12-31T00:30+01:00", datetime(2026, 12, 30, 23, 30, tzinfo=UTC)),
        ("2026-12-31T00:30Z", datetime(2026, 12, 31, 0, 30, tzinfo=UTC)),
    ],
)
def test_an_end_is_so_far_from_now_or_at_a_time(text: str, end: datetime) -> None:
    assert parse_end(text, now=NOON) == end
    assert parse_end(text, now=NOON).tzinfo is UTC


@given(st.text() | st.from_regex(r"\d{1,6}[smhdw]|\d{4}-\d\d-\d\dT\d\d:\d\d[+-]\d\d:\d\d", fullmatch=True))
def test_anything_is_a_time_or_refused_in_our_words(text: str) -> None:
    said, end = "", NOON
    try:
        end = parse_end(text, now=NOON)
    except ValueError as error:
        said = str(error)
    assert end.tzinfo is UTC
    assert not said or "is no time; give 30d, or a day such as 2026-12-31" in said
