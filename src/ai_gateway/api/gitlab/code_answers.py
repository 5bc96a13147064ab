"""What the answers of all versions of code suggestions have in common."""

from __future__ import annotations

from ai_gateway.code.model import Suggestion
from gateway_core.inference.wish import ModelWish
from gateway_core.kernel.errors import RequestInvalid

CATEGORY = "code_suggestions"
"""The feature category of these endpoints, for logs and metrics."""

AMAZON_Q = "amazon_q"


def choices_of(suggestion: Suggestion) -> list[dict[str, object]]:
    """Give the one choice, or none when there is nothing to suggest; index and reason are always the same."""
    if not suggestion.text:
        return []
    return [{"text": suggestion.text, "index": 0, "finish_reason": "length"}]


def refuse_amazon_q(wish: ModelWish) -> None:
    """Refuse what only Amazon Q could answer."""
    if wish.provider == AMAZON_Q:
        raise RequestInvalid("Amazon Q cannot be called by this gateway; choose another model_provider.")
