from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.api.universal.large import (
    LARGE,
    MOST_BARE,
    MOST_ESCAPES,
    MOST_VALUES,
    MOST_WIDE,
    LargeBodies,
    LargeBody,
    check_outline,
)
from ai_gateway.api.universal.wanted import (
    Wanted,
    WantedFromChat,
    WantedFromResponses,
    choose_wanted,
    names_in,
    read_wanted,
)
from gateway_core.dialects.json_pieces import Outline, Sizes, read_outline
from gateway_core.kernel.errors import RequestInvalid

CHAT: msgspec.json.Decoder[Wanted] = msgspec.json.Decoder(WantedFromChat)
RESPONSES: msgspec.json.Decoder[Wanted] = msgspec.json.Decoder(WantedFromResponses)


def read(body: bytes, decoder: msgspec.json.Decoder[Wanted] = CHAT) -> LargeBody[Wanted]:
    return asyncio.run(LargeBodies().read(body, decoder))


def chat(**members: object) -> bytes:
    """Write a large body."""
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": "x" * LARGE}], **members}).encode()


def in_steps(body: bytes, step: int) -> Wanted:
    steps = read_outline(body, names_in(CHAT), Sizes(step))
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return choose_wanted(done.value, CHAT)


scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text(max_size=5)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["model", "a"]), inner, max_size=2),
    max_leaves=6,
)
members = st.fixed_dictionaries(
    {},
    optional={
        "model": st.text(max_size=6) | values,
        "stream": st.booleans() | values,
        "messages": st.lists(values, max_size=3) | values,
        "temperature": st.floats() | values,
        "max_tokens": values,
        "a": values,
    },
)
bodies = st.lists(members, min_size=1, max_size=2).map(
    lambda several: ("{" + ",".join(json.dumps(one)[1:-1] for one in several if one) + "}").encode()
)


@given(body=bodies, step=st.integers(1, 40))
def test_in_steps_and_at_once_the_same_is_read_or_refused(body: bytes, step: int) -> None:
    def told(read: Callable[[], Wanted]) -> tuple[object, ...] | None:
        try:
            wanted = read()
        except RequestInvalid:
            return None
        assert isinstance(wanted, WantedFromChat)
        return wanted.model, wanted.stream, wanted.temperature, wanted.max_tokens

    assert told(lambda: in_steps(body, step)) == told(lambda: read_wanted(body, CHAT))


def test_a_large_body_is_read_and_given_another_model() -> None:
    body = chat(stream=True, temperature=1, tools=[{"model": "x"}])

    large = read(body)

    assert (large.wanted.model, large.wanted.stream) == ("m", True)
    assert large.with_model("m") is body
    assert large.with_model("other") == body.replace(b'"model": "m"', b'"model": "other"', 1)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (chat(model=""), "model: it is empty"),
        (chat(model=5), "model: expected `str`"),
        (chat(model=["m"]), "model: expected `str`"),
        (chat(model=None), "model: expected `str`"),
        (chat(model="m" * 40_000), "model: it is over 32768 bytes"),
        (chat(stream="yes"), "stream: expected"),
        (chat(temperature="hot"), "temperature: expected"),
        (chat(max_tokens={"a": [1]}), "max_tokens: expected"),
        (chat(messages="x" * LARGE), "messages: it is something else than a list; send a list."),
        (chat()[:-1] + b',"model":"m"}', "model: .*twice"),
        (chat()[:-1] + b',"\\u006dodel":"n"}', "model: .*twice"),
        (chat().replace(b'"model": "m", ', b""), "model: this member is required"),
        (chat()[:-1], "not JSON"),
        (chat().replace(b"xxx", b"x\xffx", 1), "not UTF-8"),
        (b"[" + chat() + b"]", "the body: expected `object`, got `array`"),
        (b'"' + b"x" * LARGE + b'"', "the body: expected `object`, got `str`"),
        (b'{"model":"m","messages":' + b"[" * LARGE, "nested too deeply"),
    ],
)
def test_what_is_wrong_is_named(body: bytes, named: str) -> None:
    with pytest.raises(RequestInvalid, match=named):
        read(body)


def test_a_long_text_may_be_the_input() -> None:
    body = json.dumps({"model": "m", "input": "x" * LARGE}).encode()

    assert read(body, RESPONSES).wanted.model == "m"


def test_a_model_that_is_lost_in_white_space_cannot_be_replaced() -> None:
    large = read(b'{"model":' + b" " * LARGE + b'"m"}')

    with pytest.raises(RequestInvalid, match="less white space"):
        large.with_model("other")


async def test_the_essence_of_a_large_body_is_small_and_that_of_a_small_one_itself() -> None:
    small = b'{ "model":"m","x":1}'

    assert await LargeBodies().essence(small, ("model",)) is small
    assert await LargeBodies().essence(chat(stream=True, x=1), ("stream", "model")) == b'{"model":"m","stream":true}'


@pytest.mark.parametrize("number", [1, 3])
async def test_others_get_their_turn_at_every_step_of_any_body(number: int) -> None:
    bodies, turns = LargeBodies(), 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await asyncio.gather(*(bodies.read(chat(), CHAT) for _ in range(number)))
    counting.cancel()

    assert turns >= number * LARGE // Sizes().step


async def test_bodies_that_come_at_once_take_turns() -> None:
    bodies, order = LargeBodies(), []

    async def one(number: int, body: bytes) -> None:
        await bodies.read(body, CHAT)
        order.append(number)

    await asyncio.gather(one(1, chat(a="y" * 4 * LARGE)), one(2, chat()), one(3, chat()))

    assert order == [2, 3, 1]


async def test_a_client_that_leaves_does_not_hold_up_the_others() -> None:
    bodies = LargeBodies()
    leaving = [asyncio.create_task(bodies.read(chat(), CHAT)) for _ in range(3)]
    await asyncio.sleep(0)
    for task in leaving:
        task.cancel()

    assert (await bodies.read(chat(), CHAT)).wanted.model == "m"


@pytest.mark.parametrize(
    ("outline", "named"),
    [
        (Outline(values=MOST_VALUES + 1), "over 100000 JSON values"),
        (Outline(escapes=MOST_ESCAPES + 1), "over 2000000 escaped letters"),
        (Outline(bare=MOST_BARE + 1), "over 8388608 bytes of numbers and white space"),
        (Outline(wide=MOST_WIDE + 1), "over 8388608 bytes of text beyond ASCII"),
    ],
)
def test_what_would_take_too_long_to_translate_is_refused(outline: Outline, named: str) -> None:
    check_outline(Outline(values=MOST_VALUES, escapes=MOST_ESCAPES, bare=MOST_BARE, wide=MOST_WIDE))
    with pytest.raises(RequestInvalid, match=named):
        check_outline(outline)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":[' + b",".join([b"1"] * (MOST_VALUES + 1)) + b"]" + b" " * LARGE + b"}",
        b'{"a":"' + b"\\n" * (MOST_ESCAPES + 1) + b'"}',
        b'{"a":' + b" " * (MOST_BARE + LARGE) + b"1}",
        b'{"a":[' + b",".join([b"9" * 60_000] * 150) + b"]}",
        b'{"a":"' + b"x" * MOST_WIDE + 'é"}'.encode(),
    ],
)
async def test_a_body_of_which_nothing_is_known_is_looked_at_before_it_is_translated(body: bytes) -> None:
    worked: list[str] = []

    with pytest.raises(RequestInvalid, match="speaks another dialect"):
        await LargeBodies().translate(body, lambda: worked.append("yes"))

    assert not worked


@pytest.mark.parametrize(
    ("body", "apart"),
    [
        (b'{"model":"m","messages":[{}]}', False),
        (b'{"a":"' + b"x" * 500_000 + b'"}', False),
        (b'{"a":[' + b",".join([b"{}"] * 1_001) + b"]}", True),
        (b'{"a":{' + b",".join([b'"abcd":0'] * 20_001) + b"}}", True),
        (chat(), True),
        (chat(a=[1] * 6_000), True),
    ],
)
async def test_only_what_takes_long_is_translated_apart(body: bytes, *, apart: bool) -> None:
    thread = await LargeBodies().translate(body, threading.current_thread)

    assert (thread is not threading.current_thread()) is apart


async def test_what_is_known_of_a_body_is_not_looked_for_again() -> None:
    assert await LargeBodies().translate(b"[" * (LARGE + 1), lambda: 7, outline=Outline()) == 7
