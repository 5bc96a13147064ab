"""Where recorded bytes are cut in two: everywhere when there is time, else where it may hurt."""

from __future__ import annotations

import re

import pytest

STRIDES = [pytest.param(13, id="boundaries"), pytest.param(1, id="every byte", marks=pytest.mark.slow)]
"""For a test that cuts recorded bytes: quick in the default run, complete in the slow one."""

_LINE_ENDS = re.compile(rb"[\r\n]+")


def places_to_cut(wire: bytes, stride: int) -> list[int]:
    """Give places inside the bytes, in order: each one around the ends of lines, and every so many others."""
    around = {place for found in _LINE_ENDS.finditer(wire) for place in range(found.start() - 1, found.end() + 2)}
    return sorted(around & set(range(1, len(wire))) | set(range(1, len(wire), stride)))
