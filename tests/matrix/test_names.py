"""What a caller reads of a limit is what they wrote, where they wrote it."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from gateway_core.dialects.callers import CallersWords
from gateway_core.inference.losses import Losses
from gateway_core.inference.request import Json
from matrix.cells import Cell, cells
from matrix.named import leads_somewhere
from matrix.vendors import Name

CALLERS: tuple[Name, ...] = ("openai_chat", "openai_responses", "anthropic_messages", "gemini")
LIMITED = [cell for caller in CALLERS for cell in cells(caller) if cell.limit is not None]


@pytest.mark.parametrize("cell", LIMITED, ids=lambda cell: cell.id)
def test_every_limit_is_named_by_what_the_caller_wrote(cell: Cell) -> None:
    body: Json = cell.feature.bodies[cell.source.name]
    wire = msgspec.json.encode(body)
    request = cell.source.parse_request(wire, model=cell.source.model, stream=cell.feature.stream)
    losses = Losses(cell.target.title, drop=True, words=CallersWords(cell.source.name, lambda: wire))

    cell.target.render(replace(request, model=cell.target.model), losses)

    assert [name for name in losses.dropped if not leads_somewhere(name, body)] == []
