from __future__ import annotations

import re

from gateway_core.kernel.ids import new_request_id


def test_a_request_id_is_32_hexadecimal_digits() -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", new_request_id())


def test_no_two_request_ids_are_the_same() -> None:
    assert len({new_request_id() for _ in range(1_000)}) == 1_000
