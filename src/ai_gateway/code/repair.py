"""The repairs of an answer, in their order."""

from __future__ import annotations

from ai_gateway.code.cleanup.drop_blank import drop_blank
from ai_gateway.code.cleanup.prepend_newline import prepend_newline
from ai_gateway.code.cleanup.strip_fences import strip_fences
from ai_gateway.code.cleanup.unescape_underscores import unescape_underscores
from ai_gateway.code.model import CodeRequest
from gateway_core.relay.model import AnsweringModel


def repair(text: str, request: CodeRequest, *, model: AnsweringModel, fenced: bool) -> str:
    """Make an answer fit to be inserted; an empty text means that nothing is worth it.

    `fenced` says that the model was asked in a way that may be answered in Markdown.
    """
    if model.profile.family == "mixtral":
        text = unescape_underscores(text)
    if request.kind == "generation" and model.engine == "anthropic":
        return drop_blank(text)
    if fenced:
        text = strip_fences(text)
    if request.kind == "generation":
        text = prepend_newline(text, above=request.prefix)
    return drop_blank(text)
