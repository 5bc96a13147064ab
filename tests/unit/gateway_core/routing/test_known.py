from __future__ import annotations

import pytest

from gateway_core.providers.registry import find_specs
from gateway_core.routing.known import KNOWN_MODELS


def test_each_known_model_is_of_a_provider_that_can_be_configured() -> None:
    providers = {name for name, spec in find_specs().items() if spec.base_url}

    assert {ref.provider for ref in KNOWN_MODELS.values()} <= providers


@pytest.mark.parametrize("name", ["claude_sonnet_4_20250514", "claude_sonnet_4_5_20250929"])
def test_a_model_means_the_same_on_every_platform(name: str) -> None:
    assert KNOWN_MODELS[name] == KNOWN_MODELS[f"{name}_vertex"]
