"""Find every provider of this folder; called when the service is put together, not at import."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from gateway_core.providers.spec import ProviderSpec


def find_specs() -> dict[str, ProviderSpec]:
    """Give all specs by name: `PROVIDER`, or the rows of `PROVIDERS`, of each module here."""
    specs: dict[str, ProviderSpec] = {}
    package = __name__.rpartition(".")[0]
    for found in pkgutil.iter_modules([str(Path(__file__).parent)]):
        module = importlib.import_module(f"{package}.{found.name}")
        rows: tuple[ProviderSpec, ...] = getattr(module, "PROVIDERS", ())
        if hasattr(module, "PROVIDER"):
            rows = (module.PROVIDER,)
        specs |= {spec.name: spec for spec in rows}
    return specs
