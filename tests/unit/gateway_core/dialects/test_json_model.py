from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.dialects.json_model import count_models, find_model

MANY = b",".join([b'{"model":"x"}'] * 3_000)


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (b"{}", 0),
        (b'{"a":{"model":1},"b":["model"]}', 0),
        (b'{"model":null}', 1),
        (b'{"model":"a","a":{"model":"b"}}', 1),
        (b'{"model":"a","model":"a"}', 2),
        (b'{"model":"a","\\u006dodel":[]}', 2),
        (b'{"model":"a","b":"\\ud83d"}', 1),
        (b'{"a":[' + MANY + b'],"model":"a","b":[' + MANY + b"]}", 1),
    ],
)
def test_only_the_outermost_object_counts_as_having_a_model(body: bytes, count: int) -> None:
    assert count_models(body) == count


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"m!"}',
        b'{ "model"\t:\n "m!" }',
        b'{"model":"m!","a":{"model":"m!"}}',
        b'{"a":[' + MANY + b'],"model":"m!"}',
        b'{"model":"m!","a":[' + MANY + b"]}",
        b'{"a":[' + MANY + b'],"model":"m!","b":[' + MANY + b"]}",
        b'{"a":[' + MANY.replace(b"model", b"mode\\u006C") + b'],"mod\\u0065l":"m!","b":[' + MANY + b"]}",
        b'{"a":"\\"model\\":","b\\"model":1,"model":"m!","c":{"model":"x"}}',
        b'{"a":{"model":"\\ud83d"},"model":"m!"}',
    ],
)
def test_the_outermost_model_is_found_among_any_number_of_others(body: bytes) -> None:
    place = find_model(body)

    assert place is not None
    assert body[slice(*place)] == b'"m!"'
    assert json.loads(body[: place[0]] + b'"new!"' + body[place[1] :])["model"] == "new!"


@pytest.mark.parametrize("body", [b"{}", b'{"model":1}', b'{"a":{"model":"x"},"model":{"model":"x"}}'])
def test_a_model_that_is_no_text_has_no_place(body: bytes) -> None:
    assert find_model(body) is None


def test_a_piece_is_searched_with_what_makes_it_whole() -> None:
    piece = b'{"model":"x"}],"model":"m!","b":{"model":"x"'

    place = find_model(piece, before=b'{"":[', behind=b"}}")

    assert place is not None
    assert piece[slice(*place)] == b'"m!"'


spellings = st.sampled_from([b'"model"', b'"\\u006dodel"', b'"mod\\u0065l"', b'"model" '])
nested = st.lists(spellings.map(lambda name: b"{" + name + b':"x"}'), max_size=4).map(b",".join)


@given(before=nested, name=spellings, after=nested)
def test_every_spelling_of_the_name_is_known(before: bytes, name: bytes, after: bytes) -> None:
    body = b'{"a":[' + before + b"]," + name + b':"m!","z":[' + after + b"]}"

    place = find_model(body)

    assert place is not None
    assert body[slice(*place)] == b'"m!"'
    assert count_models(body) == 1
