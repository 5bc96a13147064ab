"""The quick way to cut recorded bytes leaves out no place around the end of a line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fakes.cuts import places_to_cut

wires = st.text("a\r\n", max_size=60).map(str.encode)


@given(wires, st.integers(1, 20))
def test_every_place_is_inside_and_both_ends_of_each_line_end_are_among_them(wire: bytes, stride: int) -> None:
    places = places_to_cut(wire, stride)

    assert places == sorted(set(places))
    assert all(0 < place < len(wire) for place in places)
    for place in range(1, len(wire)):
        if {wire[place - 1 : place], wire[place : place + 1]} & {b"\r", b"\n"}:
            assert place in places


@given(wires)
def test_with_a_stride_of_one_it_is_every_place(wire: bytes) -> None:
    assert places_to_cut(wire, 1) == list(range(1, len(wire)))
