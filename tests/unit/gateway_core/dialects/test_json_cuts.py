from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.dialects.json_cuts import (
    close_all,
    count_values,
    cut_text,
    find_cut,
    follow,
    is_name,
    open_again,
    split_texts,
    squeeze,
)


@given(st.dictionaries(st.text(), st.text() | st.lists(st.text(), max_size=3), max_size=4))
def test_texts_and_what_is_around_them_take_turns(value: dict[str, object]) -> None:
    written = json.dumps(value).encode()

    parts = split_texts(written)

    assert len(b'"'.join(parts)) == len(written)
    assert set(b"".join(parts[::2])) <= set(b"{}[],: ")


@pytest.mark.parametrize(
    ("piece", "inside", "behind", "outside"),
    [
        (b'{"a":1,"b', False, 2, b"{:1,"),
        (b'{"a,":[', False, 0, b"{:["),
        (b'a,b","c":{"d', True, 2, b",:{"),
        (b'"a","b":"c', False, 6, b","),
    ],
)
def test_a_cut_is_behind_the_last_token_outside_of_texts(
    piece: bytes, *, inside: bool, behind: int, outside: bytes
) -> None:
    assert find_cut(split_texts(piece), first=int(inside)) == (behind, outside)


@pytest.mark.parametrize(("piece", "inside"), [(b"", False), (b"12", False), (b'a,b":1}', True), (b'"a":"b,[{', False)])
def test_without_a_token_there_is_no_cut(piece: bytes, *, inside: bool) -> None:
    assert find_cut(split_texts(piece), first=int(inside)) is None


@given(st.text("[{"), st.integers(0, 40))
def test_what_is_opened_is_closed_in_turn(opened: str, kept: int) -> None:
    brackets = opened.encode()

    assert follow(b"", brackets + close_all(brackets)) == b""
    assert follow(brackets[:kept], brackets[kept:] + b"[1,{}]{[]}") == brackets


def test_what_was_not_open_does_not_close() -> None:
    assert follow(b"[", b"]]") is None


def test_what_is_open_is_opened_again() -> None:
    assert open_again(b"{[{", b'"":0,') == b'{"":[{"":0,'
    assert open_again(b"", b"") == b""


def test_values_are_counted_by_commas_and_brackets() -> None:
    assert count_values(b"[,{:,:}") == 4


def test_white_space_is_squeezed_outside_of_texts_alone() -> None:
    piece = b'"a  b"  :\n\n "c  '

    assert squeeze(piece, split_texts(piece), first=0) == b'"a  b" : "c  '


@pytest.mark.parametrize(
    ("piece", "opened", "named"),
    [
        (b'"a', b"{", True),
        (b'"k" : "a', b"{", False),
        (b'"a', b"[", False),
        (b'"a', b"", False),
        (b'1, "a', b"{", True),
    ],
)
def test_a_text_in_an_object_is_a_name_unless_a_colon_is_before_it(piece: bytes, opened: bytes, *, named: bool) -> None:
    assert is_name(piece, piece.rindex(b'"'), opened=opened) is named


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (b"abc", b"abc"),
        (b"abc\\", b"abc"),
        (b"abc\\n", b"abc\\n"),
        (b"abc\\u00", b"abc"),
        (b"abc\\ud83d\\ude0", b"abc"),
        (b"abc\\ud83d\\ude00", b"abc\\ud83d\\ude00"),
        (b"abc\\\\ud83d", b"abc\\\\ud83d"),
        ("abcé".encode()[:-1], b"abc"),
        ("ab\\n😀".encode()[:-1], b"ab\\n"),
    ],
)
def test_a_text_is_not_cut_inside_of_a_letter(text: bytes, kept: bytes) -> None:
    at = cut_text(text, 0)

    assert at is not None
    assert text[:at] == kept


def test_what_is_no_text_is_not_cut() -> None:
    assert cut_text(b"a\\uZZZZ and so on", 0) is None
