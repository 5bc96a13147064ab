"""v2 code suggestions: `/v2/completions`, `/v2/code/completions`, `/v2/code/generations`."""

from __future__ import annotations

import time

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from ai_gateway.api.gitlab.brought_models import check_may_bring
from ai_gateway.api.gitlab.code_answers import AMAZON_Q, CATEGORY, choices_of, refuse_amazon_q
from ai_gateway.api.gitlab.code_schema import CompletionBody, GenerationBody, V2Body, messages_of
from ai_gateway.api.gitlab.code_streams import plain_stream
from ai_gateway.api.gitlab.model_metadata import wish_from_metadata
from ai_gateway.code.model import GENERATIONS_PROMPT, CodeRequest, Suggestion
from ai_gateway.edge.deps import require, services_of, while_connected, with_allowed_models
from ai_gateway.edge.scope import exchange_of
from gateway_core.inference.wish import Feature, ModelWish
from gateway_core.kernel.errors import NotFound
from gateway_core.kernel.secret import Secret


async def code_completions(body: CompletionBody, request: Request) -> ASGIApp:
    """Complete the code at the cursor."""
    amazon_q = body.model_provider == AMAZON_Q
    require(
        request,
        "amazon_q_integration" if amazon_q else "complete_code",
        refusal="Unauthorized to access code completions",
        self_issued=not amazon_q,
        category=CATEGORY,
    )
    given = messages_of(body.prompt) if body.model_provider == "anthropic" and body.prompt_version == 3 else ()
    wish = _wish(body, request, "code_completions")
    code = CodeRequest(
        kind="completion",
        wish=wish,
        file_name=body.current_file.file_name,
        prefix=body.current_file.content_above_cursor,
        suffix=body.current_file.content_below_cursor,
        language_identifier=body.current_file.language_identifier or "",
        prompt=given,
        context=() if wish.provider == "anthropic" else tuple(item.content for item in body.context),
        stream=body.stream,
    )
    return await _answer(code, request)


async def code_generations(body: GenerationBody, request: Request) -> ASGIApp:
    """Write the code that the user described."""
    amazon_q = body.model_provider == AMAZON_Q
    require(
        request,
        "amazon_q_integration" if amazon_q else "generate_code",
        refusal="Unauthorized to access code generations",
        self_issued=False,
        category=CATEGORY,
    )
    if body.prompt_id is not None and body.prompt_id != GENERATIONS_PROMPT:
        raise NotFound(f"Prompt '{body.prompt_id[:255]}' not found")
    ours = body.prompt_id is not None
    instruction = body.prompt if ours and isinstance(body.prompt, str) else ""
    code = CodeRequest(
        kind="generation",
        wish=_wish(body, request, "code_generations"),
        file_name=body.current_file.file_name,
        prefix=body.current_file.content_above_cursor,
        suffix=body.current_file.content_below_cursor,
        language_identifier=body.current_file.language_identifier or "",
        prompt=() if ours else messages_of(body.prompt),
        instruction=instruction,
        context=tuple(item.content for item in body.context),
        stream=body.stream,
    )
    return await _answer(code, request)


def _wish(body: V2Body, request: Request, feature: Feature) -> ModelWish:
    wish = _asked_for(body, request, feature)
    check_may_bring(request, wish)
    return with_allowed_models(request, wish)


def _asked_for(body: V2Body, request: Request, feature: Feature) -> ModelWish:
    refuse_amazon_q(ModelWish(feature, body.model_provider or ""))
    brought = body.model_endpoint or body.model_api_key or body.model_identifier
    if not brought:
        wish = wish_from_metadata(exchange_of(request.scope).body, feature)
        if wish is not None:
            return wish
    return ModelWish(
        feature,
        body.model_provider or "",
        body.model_name or "",
        endpoint=body.model_endpoint or "",
        api_key=Secret(body.model_api_key) if body.model_api_key else None,
        identifier=body.model_identifier or "",
    )


async def _answer(code: CodeRequest, request: Request) -> ASGIApp:
    services = services_of(request)
    if code.stream:
        return await plain_stream(code, request)
    suggestion = await while_connected(request, services.code.suggest(code))
    content = msgspec.json.encode(_answer_body(suggestion, exchange_of(request.scope).facts.flags))
    return Response(content, media_type="application/json")


def _answer_body(suggestion: Suggestion, flags: tuple[str, ...]) -> dict[str, object]:
    model = suggestion.model
    return {
        "id": "id",
        "model": {
            "engine": model.engine,
            "name": model.name,
            "lang": model.lang,
            "tokens_consumption_metadata": _tokens(suggestion),
            "region": None,
        },
        "experiments": [],
        "object": "text_completion",
        "created": int(time.time()),
        "choices": choices_of(suggestion),
        "metadata": {"enabled_feature_flags": flags},
    }


def _tokens(suggestion: Suggestion) -> dict[str, int] | None:
    spent = suggestion.tokens
    if spent is None:
        return None
    return {
        "input_tokens": spent.usage.input_tokens,
        "output_tokens": spent.usage.output_tokens,
        "context_tokens_sent": spent.context_sent,
        "context_tokens_used": spent.context_used,
    }
