"""What routing knows: the models at hand, and those it chose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gateway_core.inference.profile import ModelProfile
from gateway_core.inference.wish import Feature
from gateway_core.keys.ports import Keys

Unsupported = Literal["refuse", "drop"]
"""What becomes of a request with something that the model's provider cannot be told."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One place that can answer: `engine` and `name` are what clients and metrics see of it."""

    provider: str
    model: str
    keys: Keys
    engine: str
    name: str
    profile: ModelProfile
    unsupported: Unsupported = "refuse"


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model of a configured provider; without a profile its name tells."""

    provider: str
    model: str
    profile: ModelProfile | None = None
    unsupported: Unsupported = "refuse"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What this installation has.

    `keys` has an entry for each provider that is configured; `defaults` names the
    model of each feature; `known` maps names that GitLab sends to what they mean here.
    `scripted` answers everything from a script (mock mode). `custom_hosts` are patterns of the hosts
    at which a caller's own model may be; empty: any.

    At the universal door, `models` are the names that callers may ask for, each with the
    models that answer for it, in order: one, or those of a route. `prefixes` tells by how a
    name begins which provider has it, and `open` are providers any of whose models may be
    named; a provider in neither answers only for the names in `models`.
    """

    keys: Mapping[str, Keys]
    defaults: Mapping[Feature, ModelRef]
    known: Mapping[str, ModelRef] = field(default_factory=dict)
    custom_models: bool = False
    custom_headers: Mapping[str, str] = field(default_factory=dict)
    custom_hosts: tuple[str, ...] = ()
    scripted: bool = False
    models: Mapping[str, tuple[ModelRef, ...]] = field(default_factory=dict)
    prefixes: tuple[tuple[str, str], ...] = ()
    open: tuple[str, ...] = ()
