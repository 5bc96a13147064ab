"""What routing knows: the models at hand, and the one it chose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway_core.inference.ports import Lease
from gateway_core.inference.profile import ModelProfile
from gateway_core.inference.wish import Feature


@dataclass(frozen=True, slots=True)
class Candidate:
    """One place that can answer: `engine` and `name` are what clients and metrics see of it."""

    provider: str
    model: str
    lease: Lease
    engine: str
    name: str
    profile: ModelProfile


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model of a configured provider."""

    provider: str
    model: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What this installation has.

    `leases` has an entry for each provider that is configured; `defaults` names the
    model of each feature; `known` maps names that GitLab sends to what they mean here.
    `scripted` answers everything from a script (mock mode).
    """

    leases: Mapping[str, Lease]
    defaults: Mapping[Feature, ModelRef]
    known: Mapping[str, ModelRef] = field(default_factory=dict)
    custom_models: bool = False
    custom_headers: Mapping[str, str] = field(default_factory=dict)
    scripted: bool = False
