"""Code suggestions: from an editor's request to the text to insert."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from ai_gateway.code.model import AnsweredBy, CodeRequest, Suggestion, TokensSpent
from ai_gateway.code.notes import note, note_model, note_request, upstream_failures_noted
from ai_gateway.code.prompting import Written, write_request
from ai_gateway.code.repair import repair
from ai_gateway.code.tokens import TokenCounter
from gateway_core.inference.collect import Answer
from gateway_core.inference.events import TextDelta
from gateway_core.inference.request import InferenceRequest
from gateway_core.inference.wish import ModelWish
from gateway_core.kernel.clock import Clock
from gateway_core.relay.model import AnsweringModel
from gateway_core.relay.service import OpenCall, Relay
from gateway_core.telemetry import metrics as m
from gateway_core.telemetry.metrics import Metrics
from gateway_core.telemetry.request_data import RequestDataLog

_INPUT_LINE = {"completion": "code completion input:", "generation": "code creation input:"}
_OUTPUT_LINE = {"completion": "code completion suggestion:", "generation": "code creation suggestion:"}


class SuggestionStream:
    """A suggestion as it is written; iterate its texts once, and close it."""

    def __init__(self, call: OpenCall, model: AnsweredBy) -> None:
        self.model = model
        self._call = call

    async def texts(self) -> AsyncGenerator[str]:
        """Give the pieces of text as the model writes them."""
        with upstream_failures_noted():
            async with aclosing(self._call) as call:
                async for event in call:
                    if isinstance(event, TextDelta):
                        yield event.text

    async def aclose(self) -> None:
        """End the call when its texts were not, or not wholly, read."""
        await self._call.aclose()


@dataclass(frozen=True, slots=True)
class CodeSuggestions:
    """Answer requests for code. `stream_upstream` False: models are always asked for whole answers."""

    relay: Relay
    counter: TokenCounter
    metrics: Metrics
    data_log: RequestDataLog
    clock: Clock
    stream_upstream: bool = True

    async def suggest(self, request: CodeRequest) -> Suggestion:
        """Give one whole suggestion; raises what the relay raises."""
        lang = self._begin(request)
        written: list[Written] = []
        began = self.clock.monotonic()
        with upstream_failures_noted():
            model, answer = await self.relay.complete(_marked(request), self._builder(request, written, stream=False))
        note(inference_duration_s=round(self.clock.monotonic() - began, 6))
        text = self._repair(answer.text, request, model=model, written=written[-1])
        self.data_log.write(_OUTPUT_LINE[request.kind], suggestion=text, model_name=model.name)
        return Suggestion(text, AnsweredBy(model.engine, model.name, lang), _tokens(answer, written[-1]))

    async def stream(self, request: CodeRequest) -> SuggestionStream:
        """Start a suggestion that comes in pieces; its first event has arrived."""
        lang = self._begin(request)
        build = self._builder(request, [], stream=self.stream_upstream)
        with upstream_failures_noted():
            call = await self.relay.open(_marked(request), build)
        return SuggestionStream(call, AnsweredBy(call.model.engine, call.model.name, lang))

    def _begin(self, request: CodeRequest) -> str:
        self.data_log.write(
            _INPUT_LINE[request.kind],
            api_key=request.wish.api_key,
            file_name=request.file_name,
            content_above_cursor=request.prefix,
            content_below_cursor=request.suffix,
            instruction=request.instruction,
            context=request.context,
        )
        return note_request(request, self.metrics)

    def _builder(self, request: CodeRequest, written: list[Written], *, stream: bool) -> _Builder:
        return _Builder(self, request, written, stream)

    def _repair(self, raw: str, request: CodeRequest, *, model: AnsweringModel, written: Written) -> str:
        began = self.clock.monotonic()
        text = repair(raw, request, model=model, fenced=written.ask.fenced)
        took = self.clock.monotonic() - began
        admit = self.metrics.guard.admit
        labels = (admit("model_engine", model.engine), admit("model_name", model.name))
        self.metrics.observe(m.POST_PROCESSING, labels, took)
        note(
            model_output_length=len(raw),
            model_output_length_stripped=len(raw.strip()),
            post_processing_duration_s=round(took, 6),
            discarded=bool(raw) and not text,
        )
        return text


@dataclass(frozen=True, slots=True)
class _Builder:
    """Write the request for whichever model the relay chose, and remember what was written."""

    service: CodeSuggestions
    request: CodeRequest
    written: list[Written]
    stream: bool

    async def __call__(self, model: AnsweringModel) -> InferenceRequest:
        note_model(model)
        written = await write_request(self.request, model, counter=self.service.counter, stream=self.stream)
        self.written.append(written)
        return written.request


def _marked(request: CodeRequest) -> ModelWish:
    return replace(request.wish, ready_made=True) if request.prompt else request.wish


def _tokens(answer: Answer, written: Written) -> TokensSpent | None:
    if answer.usage is None:
        return None
    return TokensSpent(answer.usage, written.fitted.context_sent, written.fitted.context_used)
