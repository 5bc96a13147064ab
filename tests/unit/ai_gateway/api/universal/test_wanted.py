from __future__ import annotations

import json
from dataclasses import dataclass

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_gateway.api.universal.wanted import (
    Wanted,
    WantedFromChat,
    WantedFromCompletions,
    WantedFromEmbeddings,
    WantedFromMessages,
    WantedFromResponses,
    read_wanted,
    replace_model,
)
from gateway_core.kernel.errors import RequestInvalid

CHAT: msgspec.json.Decoder[Wanted] = msgspec.json.Decoder(WantedFromChat)

keys = st.sampled_from(["model", "messages", "a", 'mo"del', "x\\", "{", "]"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["model", '"model": "x"', "}{", "\\", "\u2028"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


@given(
    before=st.dictionaries(keys.filter(lambda key: key != "model"), values, max_size=3),
    after=st.dictionaries(st.sampled_from(["z", "zz"]), values, max_size=2),
    told=st.text(max_size=8),
    name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8),
    indent=st.sampled_from([None, 1]),
)
def test_only_the_models_name_changes_wherever_it_stands(
    before: dict[str, object], after: dict[str, object], *, told: str, name: str, indent: int | None
) -> None:
    wanted = {**before, "model": told, **after}
    body = json.dumps(wanted, indent=indent).encode()

    changed = replace_model(body, told=told, model=name)

    assert json.loads(changed) == {**wanted, "model": name}
    if told != name:
        quoted = msgspec.json.encode(name)
        at = changed.rindex(quoted) if changed.count(quoted) == 1 else None
        if at is not None:
            assert len(changed) - len(quoted) == len(body) - len(json.dumps(told))


def test_the_same_name_leaves_every_byte() -> None:
    body = b'{ "model" :"m" , "x":1.0}'

    assert replace_model(body, told="m", model="m") is body


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        (b'{"model":"m"}', b'{"model":"new"}'),
        (
            b' {"a":[1.50, 2E3],\n"model" : "m" ,"b":"\xc3\xa9"} ',
            b' {"a":[1.50, 2E3],\n"model" : "new" ,"b":"\xc3\xa9"} ',
        ),
        (b'{"tools":[{"model":"x"}],"model":"m"}', b'{"tools":[{"model":"x"}],"model":"new"}'),
        (b'{"role":"model","model":"m"}', b'{"role":"model","model":"new"}'),
        (b'{"a":"\\"model\\":","model":"m"}', b'{"a":"\\"model\\":","model":"new"}'),
    ],
)
def test_every_other_byte_stays(body: bytes, changed: bytes) -> None:
    assert replace_model(body, told="m", model="new") == changed


def test_a_name_written_with_escapes_is_found_all_the_same() -> None:
    body = rb'{"mod\u0065l":"m","x":[1.0]}'

    assert read_wanted(body, CHAT).model == "m"
    assert json.loads(replace_model(body, told="m", model="new")) == {"model": "new", "x": [1.0]}


@pytest.mark.parametrize(
    "body",
    [
        rb'{"say \"model":"x","\u006dodel":"m"}',
        rb'{"a":"\"model\":\"m\"","\u006dodel":"m"}',
        rb'{"x":{"model":"m"},"\u006dodel":"m","y":{"model":"m"}}',
        rb'{"x":["model","m"],"model":"m","model ":"m"}',
    ],
)
def test_what_only_looks_like_the_member_is_left_alone(body: bytes) -> None:
    assert read_wanted(body, CHAT).model == "m"
    assert json.loads(replace_model(body, told="m", model="new")) == {**json.loads(body), "model": "new"}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "the body"),
        (b"null", "the body"),
        (b"{}", "model"),
        (b'{"model":null}', "model"),
        (b'{"model":["a"]}', "model"),
        (b'{"model":""}', "model"),
        (b'{"model":"m","stream":"yes"}', "stream"),
        (b'{"model":"m","messages":5}', "messages"),
        (b'{"model":"m","messages":null}', "messages"),
        (b'{"model":"m","temperature":"hot"}', "temperature"),
        (b'{"model":"m","temperature":1e999}', "temperature|range"),
        (b'{"model":"m","temperature":NaN}', "not JSON"),
        (b'{"model":"m","max_tokens":"many"}', "max_tokens"),
        (b'{"model":"m","max_tokens":1.5}', "max_tokens"),
        (b'{"model":"a","model":"b"}', "model.*twice"),
        (b'{"model":"a","x":{"y":[{}]},"model":"a"}', "model.*twice"),
        (b'{"model":"a","\\u006dodel":"b"}', "model.*twice"),
        (b'{"\\u006dodel":"b","model":"a"}', "model.*twice"),
        (b'{"model":"m","x":"\xff"}', "UTF-8"),
        (b'{"model":"m","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested"),
    ],
)
def test_what_is_wrong_is_named(body: bytes, named: str) -> None:
    with pytest.raises(RequestInvalid, match=named):
        read_wanted(body, CHAT)


def test_a_model_named_twice_at_different_depths_is_no_fault() -> None:
    body = b'{"tools":[{"model":"x"},{"model":"y"}],"model":"m","metadata":{"model":"z"}}'

    assert read_wanted(body, CHAT).model == "m"


@given(st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        wanted = read_wanted(body, CHAT)
    except RequestInvalid:
        return
    assert replace_model(body, told=wanted.model, model="new")


# Members so long that a second model is looked for beside them only.

LONG: dict[str, msgspec.json.Decoder[Wanted]] = {
    "messages": CHAT,
    "input": msgspec.json.Decoder(WantedFromResponses),
    "prompt": msgspec.json.Decoder(WantedFromCompletions),
}
OTHER_LONG: dict[str, msgspec.json.Decoder[Wanted]] = {
    "messages": msgspec.json.Decoder(WantedFromMessages),
    "input": msgspec.json.Decoder(WantedFromEmbeddings),
    "prompt": LONG["prompt"],
}
# Around the length from which on a value is looked at without; what stands in it has models of its own.
WITHIN = (
    '[{"role":"user","model":"in","content":"say \\"model\\":\\"x\\" and \\\\","y":{"model":{"model":1}}},"%s"]',
    '[{"messages":[{"model":"in"}],"input":"model","prompt":{"model":"a","mod\\u0065l":"b"}}, "%s" ]',
)
lengths = st.sampled_from([0, 3_900, 4_000, 4_096, 4_200, 9_000])
names = st.sampled_from(["model", "mod\\u0065l", "\\u006dodel", "\\u006D\\u006Fd\\u0065\\u006c", "m\\u006fdel"])
colons = st.sampled_from([":", " : ", "\n:\t", ": "])
neighbours = st.sampled_from(
    ['"stream":true', '"x":["model","\\"model\\":1"]', '"model ":"m"', '"Model":"m"', '"y":"\\\\"', '"z":{"model":"m"}']
)


@dataclass(frozen=True)
class Body:
    """A body, and how often its outermost object has the model: as another parser sees it."""

    text: str
    long: str

    @property
    def models(self) -> int:
        members: list[tuple[str, object]] = []

        def take(pairs: list[tuple[str, object]]) -> None:
            # The outermost object is the last that ends.
            members[:] = pairs

        json.loads(self.text, object_pairs_hook=take)
        return sum(name == "model" for name, _ in members)


@st.composite
def bodies(draw: st.DrawFn) -> Body:
    long = draw(st.sampled_from(sorted(LONG)))
    shape = (
        '"\\"model\\":\\"x\\" \\\\%s"' if long != "messages" and draw(st.booleans()) else draw(st.sampled_from(WITHIN))
    )
    value = shape % ("é" * draw(st.sampled_from([0, 1])) + "w" * draw(lengths))
    colon = draw(colons)
    decoys = (
        f'"d":{{"{long}"{colon}{value}}}',
        f'"d":[{{"model":"in","{long}"{colon}{value},"model":"in"}}]',
        f'"d":{{"{long}":{value[:-1]} {value[-1]}}}',
        f'"d":"\\"{long}\\":["',
        f'"d\\\\":{{"{long}":[]}}',
        f'"d":["{long}"]',
        f'"{long}"{colon}{value}',
        f'"{long}":["other",{{"model":"in"}}]',
    )
    spelled = draw(st.sampled_from([long, f"\\u{ord(long[0]):04x}{long[1:]}"]))
    members = [f'"{spelled}"{colon}{value}', f'"{draw(names)}"{draw(colons)}"m"']
    members += [f'"{name}"{draw(colons)}"m"' for name in draw(st.lists(names, max_size=2))]
    members += draw(st.lists(st.sampled_from(decoys), max_size=2)) + draw(st.lists(neighbours, max_size=2, unique=True))
    comma = draw(st.sampled_from([",", " ,\n"]))
    return Body("{" + comma.join(draw(st.permutations(members))) + "}", long)


@settings(max_examples=300)
@given(bodies())
def test_a_second_model_beside_a_long_member_is_refused_wherever_they_stand_and_none_within_it(body: Body) -> None:
    text = body.text.encode()
    for decoder in (LONG[body.long], OTHER_LONG[body.long]):
        if body.models > 1:
            with pytest.raises(RequestInvalid, match="model: this member stands there twice"):
                read_wanted(text, decoder)
        else:
            assert read_wanted(text, decoder).model == "m"
            assert json.loads(replace_model(text, told="m", model="new"))["model"] == "new"


MESSAGES = json.dumps([{"role": "user", "content": '"model":"x"' + "w" * 5_000, "model": "in"}])


@pytest.mark.parametrize(
    "text",
    [
        f'{{"model":"a","model":"b","messages":{MESSAGES}}}',
        f'{{"messages":{MESSAGES},"model":"a","model":"b"}}',
        f'{{"model":"a","messages":{MESSAGES},"model":"b"}}',
        f'{{"model":"a","messages":{MESSAGES},"\\u006dodel":"b"}}',
        f'{{"mod\\u0065l":"a","messages":{MESSAGES},"mod\\u0065l":"b"}}',
        f'{{"x":{{"messages":{MESSAGES}}},"model":"a","messages":{MESSAGES},"model":"b"}}',
        f'{{"model":"a","messages":{MESSAGES},"messages":{MESSAGES},"model":"b"}}',
        f'{{"model":"a","messages":[],"model":"b","messages":{MESSAGES}}}',
        f'{{"mess\\u0061ges":{MESSAGES},"model":"a","x":{{"messages":{MESSAGES}}},"model":"b"}}',
        f'{{"mess\\u0061ges":{MESSAGES},"model":"a","model":"b"}}',
        f'{{"x":"\\"messages\\":{MESSAGES[0]}","model":"a","messages":{MESSAGES},"model":"b"}}',
    ],
)
def test_two_models_beside_long_messages_are_refused(text: str) -> None:
    with pytest.raises(RequestInvalid, match="model: this member stands there twice"):
        read_wanted(text.encode(), CHAT)


@pytest.mark.parametrize(
    "text",
    [
        f'{{"model":"m","messages":{MESSAGES}}}',
        f'{{"messages":{MESSAGES},"model":"m"}}',
        f'{{"tools":[{{"model":"a"}},{{"model":"b"}}],"messages":{MESSAGES},"model":"m","x":{{"messages":{MESSAGES}}}}}',
        f'{{"model":"m","mess\\u0061ges":{MESSAGES},"x":[{{"messages":{MESSAGES},"model":"a"}}]}}',
        f'{{"model":"m","messages":{MESSAGES},"x":"\\ud83d","y":{{"model":"a"}}}}',
    ],
)
def test_models_within_and_around_long_messages_are_none_of_the_body(text: str) -> None:
    assert read_wanted(text.encode(), CHAT).model == "m"
