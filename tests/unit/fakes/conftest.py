"""The fake upstream, running."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fakes.upstream import MockUpstream


@pytest.fixture
def upstream() -> Iterator[MockUpstream]:
    with MockUpstream() as running:
        yield running
