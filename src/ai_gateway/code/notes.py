"""What is logged and counted of a suggestion, never its text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ai_gateway.code.language import language_of, suffix_of
from ai_gateway.code.model import CodeRequest
from gateway_core.kernel.errors import UpstreamFailure
from gateway_core.relay.model import AnsweringModel
from gateway_core.telemetry import metrics as m
from gateway_core.telemetry.context import current_facts
from gateway_core.telemetry.metrics import Metrics


def note(**fields: object) -> None:
    """Put fields on the request's access line."""
    facts = current_facts()
    if facts is not None:
        facts.access.update(fields)


def note_request(request: CodeRequest, metrics: Metrics) -> str:
    """Count and note what was asked for; gives the language."""
    lang = language_of(request.file_name, request.language_identifier)
    whole = len(request.prefix) + len(request.suffix)
    stripped = len(request.prefix.strip()) + len(request.suffix.strip())
    note(
        lang=lang,
        editor_lang=request.language_identifier or None,
        prompt_length=whole,
        prompt_length_stripped=stripped,
    )
    admit = metrics.guard.admit
    extension = admit("extension", suffix_of(request.file_name))
    labels = (lang or m.UNKNOWN, extension, admit("editor_lang", request.language_identifier))
    metrics.add(m.PROMPT_LANGUAGE, labels)
    return lang


def note_model(model: AnsweringModel) -> None:
    """Note who answers."""
    note(model_engine=model.engine, model_name=model.name)


@contextmanager
def upstream_failures_noted() -> Iterator[None]:
    """Note why a model failed, and let the failure pass."""
    try:
        yield
    except UpstreamFailure as failure:
        note(model_exception_message=str(failure), model_exception_status_code=failure.upstream_status)
        raise
