"""What every engine hands over: a prompt, and how its answer is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from gateway_core.inference.request import Completion, Conversation, Sampling


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to a model; `fenced` says that the answer may come in Markdown fences."""

    prompt: Conversation | Completion
    sampling: Sampling
    fenced: bool = False
