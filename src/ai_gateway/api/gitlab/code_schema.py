"""Bodies of the code suggestion endpoints, with their limits.

Unknown members are ignored: clients are newer or older than we are.
Source: HTTP specification, sections 1.5.1 and 1.6.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from gateway_core.inference.request import Message, Text

Short = Annotated[str, StringConstraints(max_length=255, strip_whitespace=True)]
Content = Annotated[str, Field(max_length=100_000)]
Label = Annotated[str, Field(max_length=50)]

V2Provider = Literal["anthropic", "vertex-ai", "litellm", "codestral", "fireworks_ai", "amazon_q", "gitlab"]

_FAMILIES = frozenset(
    {"codegemma", "codellama", "codestral", "deepseekcoder", "mistral", "mixtral", "claude_3", "gpt", "llama3"}
)
_CODESTRAL_DATED = frozenset({"codestral-2501", "codestral-2508"})
_SONNETS = frozenset({"claude-sonnet-4-20250514", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5@20250929"})
_OLD_CLAUDES = frozenset({"claude-3-5-sonnet-20240620", "claude-2.1"})
_COMPLETION_FAMILIES = _FAMILIES | _CODESTRAL_DATED | {"qwen2p5-coder-7b"}
_GITLAB = frozenset(
    {
        "",
        "codestral_2501_fireworks",
        "codestral_2508_fireworks",
        "codestral_2501_vertex",
        "codestral_2508_vertex",
        "claude_sonnet_4_20250514",
        "claude_sonnet_4_20250514_vertex",
        "claude_sonnet_4_5_20250929",
        "claude_sonnet_4_5_20250929_vertex",
    }
)

COMPLETION_MODELS: dict[str, frozenset[str]] = {
    "anthropic": _SONNETS | _OLD_CLAUDES,
    "vertex-ai": frozenset({"code-gecko@002"}) | _CODESTRAL_DATED,
    "litellm": _COMPLETION_FAMILIES,
    "codestral": _COMPLETION_FAMILIES,
    "fireworks_ai": _COMPLETION_FAMILIES,
    "gitlab": _GITLAB,
    "amazon_q": frozenset({"amazon_q"}),
}
"""Names that each provider may be asked for, in completions."""

GENERATION_MODELS: dict[str, frozenset[str]] = {
    "anthropic": _SONNETS
    | frozenset(
        {
            "claude-2.0",
            "claude-2.1",
            "claude-3-opus-20240229",
            "claude-3-sonnet-20240229",
            "claude-3-haiku-20240307",
            "claude-3-5-sonnet-20240620",
            "claude-3-5-sonnet-20241022",
            "claude-3-5-haiku-20241022",
        }
    ),
    "vertex-ai": frozenset({"code-bison@002", "gemini-2.5-flash"}),
    "litellm": _FAMILIES | {"claude_3.5"},
    "codestral": _FAMILIES | {"claude_3.5"},
    "fireworks_ai": _FAMILIES | {"claude_3.5"},
    "gitlab": _GITLAB,
    "amazon_q": frozenset({"amazon_q"}),
}
"""Names that each provider may be asked for, in generations."""


class _Schema(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=())


class CurrentFile(_Schema):
    """The file under the cursor."""

    file_name: Short
    language_identifier: Annotated[str, Field(max_length=255)] | None = None
    content_above_cursor: Content
    content_below_cursor: Content


class Experiment(_Schema):
    """An experiment that a client took part in."""

    name: str
    variant: int


class Telemetry(_Schema):
    """What became of earlier suggestions; checked, not used."""

    model_engine: Label | None = None
    model_name: Label | None = None
    lang: Label | None = None
    requests: int
    accepts: int
    errors: int
    experiments: list[Experiment] | None = None


class ContextItem(_Schema):
    """Part of another file."""

    type: Annotated[str, Field(max_length=1_024)]
    name: Annotated[str, Field(max_length=1_024)]
    content: Annotated[str, Field(max_length=500_000)]


class PromptMessage(_Schema):
    """One turn of a ready-made prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


Prompt = str | list[PromptMessage]


def messages_of(prompt: Prompt | None) -> tuple[Message, ...]:
    """Turn a ready-made prompt into messages; a plain text is one of the user's."""
    if not prompt:
        return ()
    if isinstance(prompt, str):
        return (Message("user", (Text(prompt),)),)
    return tuple(Message(turn.role, (Text(turn.content),)) for turn in prompt)


class V2Body(_Schema):
    """What completions and generations of v2 share."""

    prompt_version: Literal[1, 2, 3] = 1
    project_path: Short | None = None
    project_id: int | None = None
    current_file: CurrentFile
    model_provider: V2Provider | None = None
    model_name: Annotated[str, StringConstraints(max_length=50, strip_whitespace=True)] | None = None
    model_endpoint: Annotated[str, Field(max_length=255)] | None = None
    model_api_key: Annotated[str, Field(max_length=2_000)] | None = None
    model_identifier: Annotated[str, Field(max_length=1_000)] | None = None
    telemetry: Annotated[list[Telemetry], Field(max_length=10)] = []
    stream: bool = False
    choices_count: int = 0
    context: Annotated[list[ContextItem], Field(max_length=100)] = []
    prompt_id: str | None = None
    role_arn: str | None = None
    prompt: Prompt | None = None

    @model_validator(mode="after")
    def _prompt_fits_version(self) -> Self:
        if self.prompt is None:
            return self
        if self.prompt_version == 2 and not isinstance(self.prompt, str):
            raise PydanticCustomError("prompt_form", "prompt must be a text in prompt_version 2")
        if self.prompt_version == 3 and isinstance(self.prompt, str):
            raise PydanticCustomError("prompt_form", "prompt must be a list of messages in prompt_version 3")
        return self


def _check_model(body: V2Body, allowed: dict[str, frozenset[str]], use_case: str) -> None:
    provider, name = body.model_provider, body.model_name
    if provider is None or name is None or name in allowed[provider]:
        return
    message = "model {name} is not supported by use case {use_case} and provider {provider}"
    facts: dict[str, str] = {"name": name, "use_case": use_case, "provider": provider}
    raise PydanticCustomError("model_name", message, facts)


class CompletionBody(V2Body):
    """A request for a completion."""

    @model_validator(mode="after")
    def _model_is_allowed(self) -> Self:
        _check_model(self, COMPLETION_MODELS, "code completions")
        return self


class GenerationBody(V2Body):
    """A request for a generation; versions 2 and 3 bring their prompt."""

    @model_validator(mode="after")
    def _model_is_allowed(self) -> Self:
        _check_model(self, GENERATION_MODELS, "code generations")
        return self

    @model_validator(mode="after")
    def _prompt_is_there(self) -> Self:
        if self.prompt_version > 1 and self.prompt is None:
            raise PydanticCustomError("prompt_missing", "prompt is required in prompt_version 2 and 3")
        return self
