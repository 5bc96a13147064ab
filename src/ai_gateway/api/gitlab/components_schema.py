"""The body of v3 and v4 code suggestions: a list of typed components.

Source: HTTP specification, section 1.6.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from ai_gateway.api.gitlab.code_schema import Content, PromptMessage, Short

PromptVersion = Literal[
    "^1.0.0",
    "1.0.0",
    "1.1.0-dev",
    "1.2.0-dev",
    "1.2.0",
    "2.0.0",
    "2.0.1",
    "2.0.2-dev",
    "3.0.2-dev",
]
"""Versions of the generation prompt that GitLab may ask for."""

Provider = Literal["vertex-ai", "anthropic", "amazon_q"]


class _Schema(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=())


class Metadata(_Schema):
    """Where a component came from."""

    source: Annotated[str, Field(max_length=255)] | None = None
    version: Annotated[str, Field(max_length=255)] | None = None


class EditorPayload(_Schema):
    """What completions and generations share."""

    file_name: Short
    content_above_cursor: Content
    content_below_cursor: Content
    language_identifier: Annotated[str, Field(max_length=255)] | None = None
    model_provider: Provider | None = None
    model_name: str | None = None
    stream: bool = False
    choices_count: int = 0
    role_arn: str | None = None


class CompletionPayload(EditorPayload):
    """Code at a cursor."""

    prompt: str | list[PromptMessage] | None = None


class GenerationPayload(EditorPayload):
    """Code that the user described."""

    prompt: Annotated[str, Field(max_length=400_000)] | list[PromptMessage] | None = None
    prompt_id: str | None = None
    prompt_version: PromptVersion = "^1.0.0"
    prompt_enhancer: dict[str, JsonValue] | None = None


class ContextPayload(_Schema):
    """Part of another file."""

    type: Annotated[str, Field(max_length=1_024)]
    name: Annotated[str, Field(max_length=1_024)]
    content: Content


class CompletionComponent(_Schema):
    """A component that asks for a completion."""

    type: Literal["code_editor_completion"]
    payload: CompletionPayload
    metadata: Metadata | None = None


class GenerationComponent(_Schema):
    """A component that asks for a generation."""

    type: Literal["code_editor_generation"]
    payload: GenerationPayload
    metadata: Metadata | None = None


class ContextComponent(_Schema):
    """A component that tells more."""

    type: Literal["code_context"]
    payload: ContextPayload
    metadata: Metadata | None = None


Component = Annotated[CompletionComponent | GenerationComponent | ContextComponent, Field(discriminator="type")]


class ComponentsBody(_Schema):
    """A request; its first component decides what is answered."""

    prompt_components: Annotated[list[Component], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _something_is_asked(self) -> Self:
        if isinstance(self.prompt_components[0], ContextComponent):
            raise PydanticCustomError(
                "first_component", "the first component must be a code_editor_completion or a code_editor_generation"
            )
        return self

    @property
    def driver(self) -> CompletionComponent | GenerationComponent:
        """The component that is answered."""
        first = self.prompt_components[0]
        if isinstance(first, ContextComponent):
            message = "checked when the body was read"
            raise TypeError(message)
        return first

    @property
    def context(self) -> tuple[str, ...]:
        """Contents of the context components, in their order."""
        return tuple(item.payload.content for item in self.prompt_components if isinstance(item, ContextComponent))
