"""What a product learns of the model behind its call."""

from __future__ import annotations

from dataclasses import dataclass

from gateway_core.inference.profile import ModelProfile


@dataclass(frozen=True, slots=True)
class AnsweringModel:
    """The model that was chosen: `engine` and `name` for people, `upstream` is what the provider calls it."""

    engine: str
    name: str
    upstream: str
    profile: ModelProfile
