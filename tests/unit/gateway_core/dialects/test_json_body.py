from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.dialects.failures import WireShapeWrong
from gateway_core.dialects.json_body import (
    parse_arguments,
    parse_caller_body,
    parse_extras,
    parse_vendor_body,
    render_json,
    vendor_error,
)
from gateway_core.kernel.errors import RequestInvalid


class _Inner(msgspec.Struct):
    role: str


class _Body(msgspec.Struct):
    model: str
    messages: list[_Inner] = []
    n: int | None = None


DECODER = msgspec.json.Decoder(_Body)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{}", "model: this member is required; add it."),
        (b'{"model":1}', "model: expected `str`, got `int`; send a value of the expected kind."),
        (b'{"model":"m","messages":[{"role":"a"},{}]}', "messages[1].role: this member is required; add it."),
        (b'{"model":"m","n":"1"}', "n: expected `int | null`, got `str`; send a value of the expected kind."),
        (b"[]", "the body: expected `object`, got `array`; send a value of the expected kind."),
        (b"{", "The body is not JSON (Input data was truncated); send one JSON object in UTF-8."),
        (b'{"model":"m","x":' + b"[" * 100_000, "The body is nested too deeply; send a flatter JSON object."),
    ],
)
def test_a_wrong_body_is_refused_with_the_member_and_the_cure(body: bytes, said: str) -> None:
    with pytest.raises(RequestInvalid) as refused:
        parse_caller_body(DECODER, body)

    assert str(refused.value) == said


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff", b'{"model":"\xff"}', b'{"model":"m","x":' + b"[" * 100_000]
)
def test_a_vendors_wrong_body_is_a_wrong_wire_shape(body: bytes) -> None:
    with pytest.raises(WireShapeWrong, match="not the JSON that this wire format promises"):
        parse_vendor_body(DECODER, body)


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        (rb"\ud83d", "�"),
        (rb"a\ude00b", "a�b"),
        (rb"\ud83d\ude00", "😀"),
        (rb"\ud83d\ud83d\ude00", "�😀"),
        (rb"\\ud83d\ud83d", "\\ud83d�"),
    ],
)
def test_half_a_surrogate_pair_is_read_as_the_replacement_character(escaped: bytes, text: str) -> None:
    assert parse_vendor_body(DECODER, b'{"model":"%b"}' % escaped).model == text


def test_half_a_surrogate_pair_is_written_as_the_replacement_character() -> None:
    assert render_json({"a": ["\ud83d", 1], "\ude00": ("x",)}) == '{"a":["�",1],"�":["x"]}'.encode()


def test_extras_are_the_members_that_are_not_known() -> None:
    body = b'{"model":"m","user":"u","format":{"type":"json","n":[1,null,2.5]}}'

    assert parse_extras(body, known=frozenset({"model"})) == {
        "user": "u",
        "format": {"type": "json", "n": [1, None, 2.5]},
    }


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ('{"a": 1}', b'{"a": 1}'),
        ("", b"{}"),
        (" ", b"{}"),
        ('{"a": ', rb'{"arguments":"{\"a\": "}'),
        ("[1]", b'{"arguments":"[1]"}'),
        (r'{"a": "\ud83d"}', rb'{"a": "\ufffd"}'),
    ],
)
def test_arguments_are_sent_as_an_object_whatever_the_model_wrote(written: str, sent: bytes) -> None:
    assert bytes(parse_arguments(written)) == sent


@given(st.text())
def test_any_arguments_become_a_json_object(written: str) -> None:
    assert isinstance(msgspec.json.decode(bytes(parse_arguments(written))), dict)


@pytest.mark.parametrize("raw", [b"", b"null"])
def test_an_error_member_that_says_nothing_is_no_error(raw: bytes) -> None:
    assert vendor_error(msgspec.Raw(raw)) is None


def test_an_error_member_is_read_with_its_words() -> None:
    error = vendor_error(msgspec.Raw(b'{"message":"no","type":"server_error","code":503}'))

    assert error is not None
    assert (error.message, error.kind, error.code, error.status) == ("no", "server_error", "503", 503)
