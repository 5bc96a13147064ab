from __future__ import annotations

import importlib
import pkgutil

import pytest

from gateway_core import providers
from gateway_core.providers.registry import find_specs
from gateway_core.providers.spec import ProviderSpec


def declared() -> list[ProviderSpec]:
    """Give every spec that any module of the folder declares under any name, each as often as it is declared."""
    modules = [
        importlib.import_module(f"{providers.__name__}.{found.name}")
        for found in pkgutil.iter_modules(providers.__path__)
    ]
    values = [value for module in modules for value in vars(module).values()]
    rows = [row for value in values if isinstance(value, tuple) for row in value if isinstance(row, ProviderSpec)]
    return [value for value in values if isinstance(value, ProviderSpec)] + rows


def test_each_provider_that_is_declared_is_found_once_under_its_name() -> None:
    specs = find_specs()

    assert sorted(spec.name for spec in declared()) == sorted(specs)
    assert {name: spec.name for name, spec in specs.items()} == {name: name for name in specs}


def test_the_providers_of_this_release_are_here() -> None:
    assert set(find_specs()) == {"anthropic", "openai", "compatible", "fireworks_ai"}


@pytest.mark.parametrize("spec", find_specs().values(), ids=lambda spec: spec.name)
def test_a_provider_with_an_address_has_a_model_for_each_feature_and_can_converse(spec: ProviderSpec) -> None:
    assert "conversation" in spec.endpoints
    assert all(endpoint.path.startswith("/") for endpoint in spec.endpoints.values())
    if spec.base_url is None:
        assert spec.models == {}
    else:
        assert spec.base_url.startswith("https://")
        assert not spec.base_url.endswith("/")
        assert set(spec.models) == {"code_completions", "code_generations"}
