"""v3 and v4 code suggestions: one body, told apart by how they stream."""

from __future__ import annotations

import time

import msgspec
from packaging.version import InvalidVersion, Version
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from ai_gateway.api.gitlab.brought_models import check_may_bring
from ai_gateway.api.gitlab.code_answers import AMAZON_Q, CATEGORY, choices_of, refuse_amazon_q
from ai_gateway.api.gitlab.code_schema import messages_of
from ai_gateway.api.gitlab.code_streams import event_stream, plain_stream
from ai_gateway.api.gitlab.components_schema import (
    CompletionComponent,
    CompletionPayload,
    ComponentsBody,
    GenerationPayload,
)
from ai_gateway.api.gitlab.model_metadata import wish_from_metadata
from ai_gateway.code.model import GENERATIONS_PROMPT, AnsweredBy, CodeRequest
from ai_gateway.edge.deps import require, services_of, while_connected, with_allowed_models
from ai_gateway.edge.scope import Exchange, exchange_of
from gateway_core.inference.wish import Feature, ModelWish
from gateway_core.kernel.errors import NotFound

_REFUSAL = "Unauthorized to access code suggestions"
_AGENT = ("agent", "Code Generations Agent")

# Older language servers send context that they did not mean to be used.
_LONGEST_VERSION = 64
_FIRST_WITH_CONTEXT = Version("7.17.1")


async def code_completions_v3(body: ComponentsBody, request: Request) -> ASGIApp:
    """Complete or generate; a stream is raw text."""
    code, by_agent = _read(body, request)
    if code.stream:
        return await plain_stream(code, request)
    return await _whole(code, request, by_agent=by_agent)


async def code_suggestions_v4(body: ComponentsBody, request: Request) -> ASGIApp:
    """Complete or generate; a stream is server-sent events."""
    code, by_agent = _read(body, request)
    if not code.stream:
        return await _whole(code, request, by_agent=by_agent)
    start: dict[str, object] = {}
    if by_agent:
        start["model"] = {"engine": _AGENT[0], "name": _AGENT[1]}
    start["enabled_feature_flags"] = exchange_of(request.scope).facts.flags
    return await event_stream(code, request, start=start)


def _read(body: ComponentsBody, request: Request) -> tuple[CodeRequest, bool]:
    """Give what is asked, and whether our own generation prompt asks it."""
    exchange = exchange_of(request.scope)
    exchange.facts.access["code_suggestion_type"] = body.driver.type
    driver = body.driver
    is_completion = isinstance(driver, CompletionComponent)
    feature: Feature = "code_completions" if is_completion else "code_generations"
    wish = wish_from_metadata(exchange.body, feature) or ModelWish(
        feature, driver.payload.model_provider or "", driver.payload.model_name or ""
    )
    wish = with_allowed_models(request, wish)
    amazon_q = wish.provider == AMAZON_Q
    needed = "complete_code" if is_completion else "generate_code"
    require(
        request,
        "amazon_q_integration" if amazon_q else needed,
        refusal=_REFUSAL,
        self_issued=False,
        category=CATEGORY,
    )
    refuse_amazon_q(wish)
    check_may_bring(request, wish)
    context = body.context if _supports_context(exchange) else ()
    if isinstance(driver, CompletionComponent):
        return _completion(driver.payload, wish=wish, context=context), False
    return _generation(driver.payload, wish=wish, context=context)


def _completion(payload: CompletionPayload, *, wish: ModelWish, context: tuple[str, ...]) -> CodeRequest:
    given = wish.provider == "anthropic" and isinstance(payload.prompt, list)
    return CodeRequest(
        kind="completion",
        wish=wish,
        file_name=payload.file_name,
        prefix=payload.content_above_cursor,
        suffix=payload.content_below_cursor,
        language_identifier=payload.language_identifier or "",
        prompt=messages_of(payload.prompt) if given else (),
        context=context,
        stream=payload.stream,
    )


def _generation(payload: GenerationPayload, *, wish: ModelWish, context: tuple[str, ...]) -> tuple[CodeRequest, bool]:
    if payload.prompt_id is not None and payload.prompt_id != GENERATIONS_PROMPT:
        raise NotFound(f"Prompt '{payload.prompt_id[:255]}' not found")
    given = payload.prompt_id is None and isinstance(payload.prompt, list)
    code = CodeRequest(
        kind="generation",
        wish=wish,
        file_name=payload.file_name,
        prefix=payload.content_above_cursor,
        suffix=payload.content_below_cursor,
        language_identifier=payload.language_identifier or "",
        prompt=messages_of(payload.prompt) if given else (),
        instruction=payload.prompt if isinstance(payload.prompt, str) else "",
        enhancer=payload.prompt_enhancer or {},
        context=context,
        stream=payload.stream,
    )
    return code, not given


def _supports_context(exchange: Exchange) -> bool:
    said = exchange.headers.get("x-gitlab-language-server-version", "")
    if len(said) > _LONGEST_VERSION:
        return False
    try:
        return Version(said) >= _FIRST_WITH_CONTEXT
    except InvalidVersion:
        return False


async def _whole(code: CodeRequest, request: Request, *, by_agent: bool) -> ASGIApp:
    suggestion = await while_connected(request, services_of(request).code.suggest(code))
    model = _shown(suggestion.model, by_agent=by_agent)
    flags = exchange_of(request.scope).facts.flags
    answer = {
        "choices": choices_of(suggestion),
        "metadata": {
            "model": model,
            "timestamp": int(time.time()),
            "enabled_feature_flags": flags,
            "region": None,
        },
        "model": model,
    }
    return Response(msgspec.json.encode(answer), media_type="application/json")


def _shown(model: AnsweredBy, *, by_agent: bool) -> dict[str, str]:
    engine, name = _AGENT if by_agent else (model.engine, model.name)
    return {"engine": engine, "name": name, "lang": model.lang}
