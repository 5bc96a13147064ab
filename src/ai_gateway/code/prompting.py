"""Write the request to a model: cut to its window, in the form of its family."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ai_gateway.code.context import Fitted, Room, fit_counted, fit_whole
from ai_gateway.code.engines.ask import Ask
from ai_gateway.code.engines.completion import ask_to_complete
from ai_gateway.code.engines.fill_in_middle import FORMATS, ask_to_fill
from ai_gateway.code.engines.generation import ask_as_given, ask_to_generate
from ai_gateway.code.language import language_of
from ai_gateway.code.model import COMPLETIONS_PROMPT, GENERATIONS_PROMPT, CodeRequest
from ai_gateway.code.tokens import TokenCounter
from gateway_core.inference.request import InferenceRequest
from gateway_core.kernel.units import Tokens
from gateway_core.relay.model import AnsweringModel

# What our own prompt says around the code, with room for what a generation is told besides.
_AROUND_COMPLETION = 512
_AROUND_GENERATION = 4_096
_GENERATION_SUFFIX_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Written:
    """A request, and what went into it."""

    request: InferenceRequest
    fitted: Fitted
    ask: Ask


async def write_request(request: CodeRequest, model: AnsweringModel, *, counter: TokenCounter, stream: bool) -> Written:
    """Write what this model is asked; counts tokens off the event loop, and only when it must."""
    if request.prompt:
        ask, prompt_id = ask_as_given(request.prompt), ""
        return Written(
            _sent(ask, model, prompt_id=prompt_id, stream=stream), Fitted(request.prefix, request.suffix), ask
        )
    fitted = await _fit(request, _room(request, model), counter)
    if request.kind == "completion":
        ask, prompt_id = _ask_completion(request, fitted, model), COMPLETIONS_PROMPT
    else:
        ask, prompt_id = _ask_generation(request, fitted), GENERATIONS_PROMPT
    return Written(_sent(ask, model, prompt_id=prompt_id, stream=stream), fitted, ask)


def _room(request: CodeRequest, model: AnsweringModel) -> Room:
    window = model.profile.window
    if request.kind == "completion":
        return Room(Tokens(window - min(_AROUND_COMPLETION, window // 4)))
    return Room(Tokens(window - min(_AROUND_GENERATION, window // 4)), suffix_share=_GENERATION_SUFFIX_SHARE)


async def _fit(request: CodeRequest, room: Room, counter: TokenCounter) -> Fitted:
    fitted = fit_whole(request.prefix, request.suffix, context=request.context, room=room)
    if fitted is not None:
        return fitted
    return await asyncio.to_thread(
        fit_counted, request.prefix, request.suffix, context=request.context, room=room, counter=counter
    )


def _ask_completion(request: CodeRequest, fitted: Fitted, model: AnsweringModel) -> Ask:
    form = FORMATS.get(model.profile.family)
    if form is not None:
        return ask_to_fill(form, prefix=fitted.prefix, suffix=fitted.suffix)
    return ask_to_complete(
        model.profile.family,
        file_name=request.file_name,
        language=language_of(request.file_name, request.language_identifier),
        prefix=fitted.prefix,
        suffix=fitted.suffix,
    )


def _ask_generation(request: CodeRequest, fitted: Fitted) -> Ask:
    return ask_to_generate(
        request.enhancer,
        file_name=request.file_name,
        language=language_of(request.file_name, request.language_identifier),
        prefix=fitted.prefix,
        suffix=fitted.suffix,
        instruction=request.instruction,
    )


def _sent(ask: Ask, model: AnsweringModel, *, prompt_id: str, stream: bool) -> InferenceRequest:
    return InferenceRequest(model.upstream, ask.prompt, ask.sampling, stream=stream, prompt_id=prompt_id)
