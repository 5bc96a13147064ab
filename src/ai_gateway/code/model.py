"""A request for code, and the suggestion that answers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gateway_core.inference.events import Usage
from gateway_core.inference.request import Json, Message
from gateway_core.inference.wish import ModelWish

GENERATIONS_PROMPT = "code_suggestions/generations"
COMPLETIONS_PROMPT = "code_suggestions/completions"


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """What an editor wants: code at a cursor.

    `prompt` is a ready-made prompt that replaces ours; `instruction` is what the user
    asked for in words; `context` holds contents of other files, the most useful first.
    """

    kind: Literal["completion", "generation"]
    wish: ModelWish
    file_name: str
    prefix: str
    suffix: str
    language_identifier: str = ""
    prompt: tuple[Message, ...] = ()
    instruction: str = ""
    enhancer: Mapping[str, Json] = field(default_factory=dict)
    context: tuple[str, ...] = ()
    stream: bool = False


@dataclass(frozen=True, slots=True)
class AnsweredBy:
    """The model behind a suggestion, as clients are told of it."""

    engine: str
    name: str
    lang: str


@dataclass(frozen=True, slots=True)
class TokensSpent:
    """What a suggestion cost, in tokens; `context_*` count other files' contents, offered and used."""

    usage: Usage
    context_sent: int
    context_used: int


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The code to insert; empty text means that there is nothing to suggest."""

    text: str
    model: AnsweredBy
    tokens: TokensSpent | None = None
