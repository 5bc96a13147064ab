from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.dialects.json_pieces import LONGEST_MEMBER, Outline, Sizes, read_outline
from gateway_core.kernel.errors import RequestInvalid

NAMES = ("model", "stream", "messages", "temperature")
# So small that everything is cut everywhere, and so large that a member which is asked for is read whole.
SMALL = 512


def outline_of(body: bytes, *, step: int = 1 << 16, waiting: int = 1 << 16, wide: int = 0) -> Outline:
    """Read all steps."""
    steps = read_outline(body, NAMES, Sizes(step, waiting, wide))
    while True:
        try:
            next(steps)
        except StopIteration as read:
            outline: Outline = read.value
            return outline


def is_json_object(body: bytes) -> bool:
    """Ask a reader that we did not write; it takes some words that JSON has not."""

    def refuse(_: str) -> object:
        raise ValueError

    try:
        return isinstance(json.loads(body.decode(), parse_constant=refuse), dict)
    except (ValueError, RecursionError):
        return False


texts = st.text() | st.sampled_from(["model", '"model": "x"', "}{", "\\", "\u2028", "😀", '\\"', ',"model":"q",'])
names = st.sampled_from(["model", "messages", "stream", "a", 'mo"del', "x\\", "{", "]", "~", ""])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
long_texts = st.builds(
    lambda piece, times: piece * times,
    st.sampled_from(["a", "é", "😀", '"', "\\", '\\"', "\n", "ab\u2028", " ", "{[,"]),
    st.integers(1, 900),
)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Write an object, with long texts and white space here and there."""
    members = draw(st.dictionaries(names, values | long_texts, max_size=5))
    members |= draw(st.dictionaries(long_texts, values, max_size=1))
    indent = draw(st.sampled_from([None, 0, 3, "\t" * 40, " " * 700]))
    return json.dumps(members, indent=indent, ensure_ascii=draw(st.booleans())).encode(errors="surrogatepass")


damage = st.sampled_from(
    [b'"', b"\\", b",", b"{", b"}", b"[", b"]", b":", b" ", b"1", b"\xff", b"\xc3", b"null", b"\0", b"e", b".", b'"":0']
)


@given(body=bodies(), step=st.integers(1, 80), waiting=st.integers(SMALL, 2 * SMALL))
def test_the_members_are_those_of_the_whole_body_however_it_is_cut(body: bytes, step: int, waiting: int) -> None:
    try:
        outline = outline_of(body, step=step, waiting=waiting)
    except RequestInvalid:
        # Half a surrogate pair that was written raw is no UTF-8.
        assert not is_json_object(body)
        return

    whole = json.loads(body)
    assert set(outline.members) == set(NAMES) & set(whole)
    for name, written in outline.members.items():
        read = json.loads(written)
        if name in outline.shortened:
            assert type(read) is type(whole[name]) or isinstance(whole[name], (int, float))
        elif not isinstance(whole[name], (list, dict)):
            assert read == whole[name]
    assert outline.models == ("model" in whole)


@given(
    body=bodies(),
    places=st.lists(st.tuples(st.floats(0, 1), damage, st.booleans()), min_size=1, max_size=2),
    step=st.integers(1, 80),
)
def test_what_is_not_json_is_refused_however_it_is_cut(
    body: bytes, places: list[tuple[float, bytes, bool]], step: int
) -> None:
    for share, inserted, replaces in places:
        at = int(share * len(body))
        body = body[:at] + inserted + body[at + replaces :]

    try:
        outline_of(body, step=step, waiting=SMALL)
        taken = True
    except RequestInvalid:
        taken = False

    # What the decoder takes beyond JSON's own reader, and the other way round, is settled by its own tests.
    assert taken == is_json_object(body)


@given(members=st.dictionaries(names, values, max_size=4), told=st.text(max_size=9), step=st.integers(1, 80))
def test_the_models_place_is_found_however_it_is_cut(members: dict[str, object], told: str, step: int) -> None:
    body = json.dumps({**members, "model": told}).encode()

    place = outline_of(body, step=step).model_at

    assert place is not None
    assert json.loads(body[: place[0]] + b'"new!"' + body[place[1] :]) == {**members, "model": "new!"}


def test_the_models_place_is_found_behind_white_space_that_was_left_out() -> None:
    long = b'{"a":{"b":"' + b"x" * 700 + b'"}' + b" " * 1_600
    body = long + b',"model":"m!","x":[{"model":"x"}]}'

    place = outline_of(body, step=1_024, waiting=SMALL).model_at

    assert place is not None
    assert body[slice(*place)] == b'"m!"'


@pytest.mark.parametrize("step", [1, 7, 64, 1 << 16])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'"' + b"a" * 2_000 + b'"',
        b"{} {}",
        b"{},{}",
        b"{}" + b" " * 2_000 + b"x",
        b'{"a":1]',
        b'{"a":[1}',
        b'{"a":[,1]}',
        b'{"a":[1,]}',
        b'{"a":1,}',
        b'{"a" 1}',
        b'{"a":"' + b"x" * 2_000,
        b'{"a":"' + b"\\u12" * 500 + b'"}',
        b'{"a":"' + b"x" * 2_000 + b'\n"}',
        b'{"' + b"x" * 2_000 + b'"}',
        b'{"a":' + b'"b":' * 2_000 + b"}",
        b'{"a":' + b"1 " * 2_000 + b"}",
        b"[" * 5_000,
        b'{"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        b'{"a":' + b"]" * 2_000 + b"}",
        b'{"a":NaN}',
        b'{"a":"\xff"}',
        b'{"a":"' + "é".encode() * 2_000 + b'\xc3"}',
        b"\xef\xbb\xbf{}",
    ],
)
def test_these_are_refused_at_every_size_of_step(body: bytes, step: int) -> None:
    with pytest.raises(RequestInvalid):
        outline_of(body, step=step, waiting=SMALL)


@pytest.mark.parametrize("number", [b"9" * 2_000, b"0." + b"3" * 2_000, b"-1e" + b"1" * 2_000])
def test_a_number_of_more_digits_than_may_wait_is_refused(number: bytes) -> None:
    with pytest.raises(RequestInvalid, match="more than 512 digits"):
        outline_of(b'{"a":' + number + b"}", step=64, waiting=SMALL)


@pytest.mark.parametrize("step", [1, 7, 64, 1 << 16])
@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"m","a":"' + b"\\ud83d" * 400 + b'"}',
        b'{"model":"m","a":"' + b"\\ud83d\\ude00" * 400 + b'"}',
        b'{"model":"m","' + b"k\\n" * 900 + b'":1}',
        b'{"' + b"model" * 400 + b'":1,"model":"m"}',
        b" " * 3_000 + b'{"model"' + b"\t" * 900 + b':"m"' + b"\n" * 900 + b"}" + b" " * 3_000,
        b'{"model":"m","a":' + b"[" * 400 + b"]" * 400 + b"}",
        b'{"model":"m","a":' + (b'{"' + b"k" * 300 + b'":') * 40 + b"0" + b"}" * 40 + b"}",
        b'{"model":"m","a":[' + b"1," * 900 + b"1]}",
        b'{"model":"m","a":"' + b"x" * 2_000 + b'","b":["' + b"y" * 2_000 + b'"]}',
    ],
)
def test_these_are_read_at_every_size_of_step(body: bytes, step: int) -> None:
    outline = outline_of(body, step=step, waiting=SMALL)

    assert outline.members["model"] == b'"m"'
    assert outline.models == 1


def test_a_member_that_stands_there_twice_counts_as_its_last() -> None:
    outline = outline_of(b'{"stream":true,"model":"a","x":[1,2,3],"stream":false,"model":"b"}', step=5)

    assert outline.members == {"stream": b"false", "model": b'"b"'}
    assert outline.models == 2
    assert outline.model_at is None


def test_of_a_long_member_only_its_kind_is_kept() -> None:
    long = b"a" * (LONGEST_MEMBER + 1)

    outline = outline_of(b'{"model":"' + long + b'","messages":["' + long + b'"],"temperature":1}', step=1 << 20)

    assert outline.members == {"model": b'""', "messages": b"[]", "temperature": b"1"}
    assert outline.shortened == {"model", "messages"}


def test_a_member_that_was_cut_is_a_long_one_however_short_it_is_decoded() -> None:
    body = b'{"model":"' + b"\\ud83d\\ude00" * 42 + b'"}'

    assert outline_of(body, step=1, waiting=500).shortened == {"model"}
    assert outline_of(body, step=1, waiting=600).shortened == set()


@pytest.mark.parametrize("step", [3, 50, 1 << 16])
def test_what_reading_all_would_cost_is_counted(step: int) -> None:
    body = b'{"a":[1,2,{"b":"\\n\\t"}],"c":{},"d":[[],[]]}'

    outline = outline_of(body, step=step)

    # There are ten; an empty list or object counts twice.
    assert outline.values == 13
    assert outline.escapes == 2


@pytest.mark.parametrize("before", range(0, 100, 9))
def test_a_wide_letter_right_behind_a_long_text_does_not_make_that_wide(before: int) -> None:
    assert wide_in(b'{"a":"' + b"a" * (20_000 + before) + '","b":"é"}'.encode()) < 2_000


@pytest.mark.parametrize("step", [3, 50, 1 << 16])
def test_what_is_outside_of_texts_is_counted_whether_it_is_left_out_or_not(step: int) -> None:
    body = b'{"a":"' + b"x" * 900 + b'","b":[' + b" " * 2_000 + b"1," + b"\n" * 2_000 + b"2],  " + b'"c":"d"}'

    bare = outline_of(body, step=step, waiting=SMALL).bare

    assert 4_010 <= bare <= 4_030


def wide_in(body: bytes) -> int:
    return outline_of(body, step=100, waiting=SMALL).wide


def test_one_wide_letter_makes_a_whole_text_wide_and_no_other() -> None:
    plain = b'"' + b"a" * 20_000 + b'"'

    assert wide_in(b'{"a":' + plain + b',"b":' + plain + b"}") == 0
    assert wide_in(b'{"a":' + plain + ',"b":"é"}'.encode()) < 2_000
    assert 20_000 <= wide_in(b'{"a":' + plain[:-1] + 'é","b":'.encode() + plain + b"}") < 22_000
    assert 20_000 <= wide_in(b'{"a":"\\u00e9' + plain[1:] + b',"b":' + plain + b"}") < 22_000


def test_of_a_small_body_no_wide_text_is_counted() -> None:
    assert outline_of('{"a":"é"}'.encode(), wide=100).wide == 0
