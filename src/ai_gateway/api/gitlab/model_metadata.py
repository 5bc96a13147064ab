"""The model that GitLab chose for a request: `model_metadata` at the top of its body.

Anything that does not fit is ignored, and the feature's default model answers.
Source: HTTP specification, section 5.3.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway_core.inference.wish import Feature, ModelWish
from gateway_core.kernel.secret import Secret

_SERVER_SIDE = ("gitlab", "fireworks_ai", "mistral")


class ModelMetadata(BaseModel):
    """The members that any provider may have."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    provider: Annotated[str, Field(min_length=1, max_length=255)]
    name: Annotated[str, Field(max_length=255)] | None = None
    endpoint: Annotated[str, Field(max_length=255, pattern=r"^https?://")] | None = None
    api_key: Annotated[str, Field(max_length=2_000)] | None = None
    identifier: Annotated[str, Field(max_length=1_000)] | None = None


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore")

    model_metadata: ModelMetadata | None = None


def wish_from_metadata(body: bytes, feature: Feature) -> ModelWish | None:
    """Read the wish out of a body, or None when it holds none that can be used."""
    if b"model_metadata" not in body:
        return None
    try:
        given = _Body.model_validate_json(body).model_metadata
    except ValidationError:
        return None
    if given is None:
        return None
    if given.provider in _SERVER_SIDE:
        name = given.identifier if given.provider == "gitlab" else given.name
        return ModelWish(feature, given.provider, name or "")
    return ModelWish(
        feature,
        given.provider,
        given.name or "",
        endpoint=given.endpoint or "",
        api_key=Secret(given.api_key) if given.api_key else None,
        identifier=given.identifier or "",
    )
