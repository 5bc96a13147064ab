"""Which model a caller would like: every member may be left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway_core.kernel.secret import Secret

Feature = Literal["code_completions", "code_generations"]


@dataclass(frozen=True, slots=True)
class ModelWish:
    """A feature, and what the caller said about the model for it.

    `provider` and `model` are GitLab's words (`litellm`, `codestral`); `endpoint`,
    `api_key` and `identifier` (`<provider>/<model>`) describe a model that the
    caller's own organisation hosts. `ready_made` says that the caller wrote the prompt.
    `allowed` names the only models that may answer this caller; empty: any.
    """

    feature: Feature
    provider: str = ""
    model: str = ""
    endpoint: str = ""
    api_key: Secret | None = None
    identifier: str = ""
    ready_made: bool = False
    allowed: frozenset[str] = frozenset()

    @property
    def self_hosted(self) -> bool:
        """Whether the caller brought the model along."""
        return bool(self.endpoint or self.api_key or self.identifier)
