"""The way of a request through the universal door, in one straight line.

These paths carry the load of a gateway, so they are plain ASGI and stand before the layers of
GitLab's door; what those do for every request is done here by the same functions.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial

from starlette.types import ASGIApp, Receive, Scope, Send

from ai_gateway.api.universal.access import models_allowed
from ai_gateway.api.universal.answer import JSON, Answer
from ai_gateway.api.universal.counting import estimate_tokens
from ai_gateway.api.universal.endpoints import GEMINI, Endpoint, Found, find_endpoint
from ai_gateway.api.universal.large import LARGE, LargeBodies, LargeBody
from ai_gateway.api.universal.models import ModelsEndpoint
from ai_gateway.api.universal.refusals import CRASH, refusal_of
from ai_gateway.api.universal.wanted import Wanted, read_wanted, replace_model
from ai_gateway.edge.access_log import note_exception, start_timing, write_access_line
from ai_gateway.edge.admission import Admission
from ai_gateway.edge.body import BodyReader
from ai_gateway.edge.disconnect import ClientLeft
from ai_gateway.edge.errors import report_crash
from ai_gateway.edge.middleware import PUBLIC_PREFIX, name_request
from ai_gateway.edge.presence import WhilePresent
from ai_gateway.edge.scope import GOOGLE_KEY, Exchange, begin_exchange
from gateway_core.dialects.json_body import render_json
from gateway_core.dialects.sse import escape_separators
from gateway_core.inference.collect import Collector
from gateway_core.inference.request import InferenceRequest
from gateway_core.kernel.errors import GatewayFailure, OperationMissing, UpstreamFailure, UpstreamKeyRefused
from gateway_core.relay.model import Ask
from gateway_core.relay.passthrough import Passed
from gateway_core.relay.service import Collected, OpenCall, Relay
from gateway_core.telemetry import metrics as m
from gateway_core.telemetry.context import use_facts
from gateway_core.telemetry.metrics import Metrics

Whole = tuple[int, bytes, Sequence[tuple[bytes, bytes]]]

_UNSUPPORTED = "x-gateway-unsupported"
_CLIENT_LEFT = 499


@dataclass(frozen=True, slots=True)
class UniversalDoor:
    """Serve the vendors' own APIs, and hand every other request on."""

    app: ASGIApp
    relay: Relay
    admission: Admission
    body: BodyReader
    metrics: Metrics
    models: ModelsEndpoint
    large: LargeBodies = field(default_factory=LargeBodies)

    # Gives what is awaited, and does not await it itself: each frame between the server and the relay costs.
    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request."""
        if scope["type"] == "http":
            path: str = scope["path"]
            if path.startswith(PUBLIC_PREFIX + "/"):
                path = path[len(PUBLIC_PREFIX) :]
            found = find_endpoint(path) if scope["method"] == "POST" else None
            if found is not None:
                scope["path"] = path
                return self._serve(found, scope, receive=receive, send=send)
            if self.models.serves(scope["method"], path):
                scope["path"] = path
                return self.models(scope, receive, send)
        return self.app(scope, receive, send)

    async def _serve(self, found: Found, scope: Scope, *, receive: Receive, send: Send) -> None:
        timing = start_timing()
        exchange = begin_exchange(scope)
        name_request(exchange)
        if found.endpoint.words is GEMINI and GOOGLE_KEY in exchange.headers:
            exchange.headers.setdefault("x-api-key", exchange.headers[GOOGLE_KEY])
        use_facts(exchange.facts)
        answer = Answer(exchange, send, timing, old=scope.get("http_version") == "1.0")
        endpoint = found.endpoint
        try:
            await self._answer(found, exchange, scope=scope, receive=receive, answer=answer)
        except ClientLeft:
            exchange.facts.access["client_left"] = True
            timing.status = timing.status if answer.started else _CLIENT_LEFT
        except GatewayFailure as failure:
            note_exception(exchange, failure)
            await _refuse(failure, endpoint, answer)
        # This is the middleware of this door: what nobody foresaw becomes a 500 in the caller's dialect.
        except Exception as error:  # noqa: BLE001
            report_crash(exchange, error)
            await answer.refuse(CRASH, endpoint.words)
        finally:
            write_access_line(scope, exchange, timing)
            labels = (found.route, "POST", f"{timing.status // 100}xx")
            self.metrics.observe(m.HTTP_DURATION, labels, timing.response_start or 0.0)

    async def _answer(
        self, found: Found, exchange: Exchange, *, scope: Scope, receive: Receive, answer: Answer
    ) -> None:
        allowed = models_allowed(await self.admission.admit(scope))
        body = await self.body.read(exchange, receive)
        decoder = found.endpoint.decoder
        large = await self.large.read(body, decoder) if decoder is not None and len(body) > LARGE else None
        reading = Reading(found, body, large=large, bodies=self.large)
        ask = _build_ask(reading, exchange, scope=scope, allowed=allowed)
        call: Passed | OpenCall | Collected | None = None
        try:
            async with WhilePresent(scope, receive):
                try:
                    call = await self.relay.ask(ask)
                except OperationMissing:
                    if found.endpoint.counting is None:
                        raise
                    whole: Whole | None = await _estimate(reading, answer)
                else:
                    answer.name_model(call.model.engine, call.model.upstream)
                    whole = await _take(call, reading, answer)
            if whole is None:
                await answer.end_stream()
            else:
                await answer.send_whole(*whole)
        finally:
            # Settled when the caller has the answer, not before.
            if isinstance(call, Passed):
                call.close()


class Reading:
    """A caller's body: read as far as it must be, and whole only when it is translated, once."""

    __slots__ = ("_bodies", "_large", "_parsed", "body", "found", "model", "stream")

    def __init__(self, found: Found, body: bytes, *, large: LargeBody[Wanted] | None, bodies: LargeBodies) -> None:
        self.found = found
        self._bodies = bodies
        self._large = large
        self.body = body
        self._parsed: InferenceRequest | None = None
        decoder = found.endpoint.decoder
        if decoder is None:
            self.model, self.stream = found.model, found.stream
        else:
            wanted = read_wanted(body, decoder) if large is None else large.wanted
            self.model, self.stream = wanted.model, bool(wanted.stream)

    def body_for(self, model: str) -> bytes:
        """Give the body with the provider's name of the model in it, if that is where the name stands."""
        if self.found.endpoint.decoder is None:
            return self.body
        if self._large is not None:
            return self._large.with_model(model)
        return replace_model(self.body, told=self.model, model=model)

    async def parse(self) -> InferenceRequest:
        """Give all of it in our own words, read where nobody waits for a large one; raises RequestInvalid."""
        if self._parsed is None:
            endpoint = self.found.endpoint
            parse = endpoint.counting if endpoint.translation is None else endpoint.translation.parse_request
            if parse is None:
                message = f"{endpoint.operation} can only be passed through"
                raise TypeError(message)
            outline = None if self._large is None else self._large.outline
            work = partial(parse, self.body, model=self.model, stream=self.stream)
            self._parsed = await self._bodies.translate(self.body, work, outline=outline)
        return self._parsed


def _build_ask(reading: Reading, exchange: Exchange, *, scope: Scope, allowed: frozenset[str]) -> Ask:
    endpoint = reading.found.endpoint
    return Ask(
        operation=endpoint.operation,
        model=reading.model,
        stream=reading.stream,
        body_for=reading.body_for,
        parse=None if endpoint.translation is None else reading.parse,
        headers=[
            (name.decode(), value.decode("latin-1")) for name, value in scope["headers"] if name in endpoint.headers
        ],
        allowed=allowed,
        drop=exchange.headers.get(_UNSUPPORTED, "").strip().lower() == "drop",
    )


async def _estimate(reading: Reading, answer: Answer) -> Whole:
    """Count the tokens of a request ourselves, for a provider that cannot."""
    endpoint = reading.found.endpoint
    count = await estimate_tokens(await reading.parse())
    answer.headers.append((b"x-gateway-estimated", b"true"))
    member = "totalTokens" if endpoint.operation == "gemini_count_tokens" else "input_tokens"
    return 200, render_json({member: count}), (JSON,)


async def _take(call: Passed | OpenCall | Collected, reading: Reading, answer: Answer) -> Whole | None:
    """Give the whole answer, or None when it has been streamed, up to its end."""
    if isinstance(call, Passed):
        return await _pass_on(call, answer)
    request, translation = await reading.parse(), reading.found.endpoint.translation
    if translation is None:
        message = "what was translated has a translation"
        raise TypeError(message)
    answer.name_dropped(call.dropped)
    created = int(time.time())
    if isinstance(call, Collected):
        collector = Collector()
        for event in call.events:
            collector.add(event)
        told = collector.answer(model=reading.model)
        return 200, translation.render_answer(told, request, created=created), (JSON,)
    renderer = translation.renderer(request, created=created, model=reading.model)
    async with aclosing(call):
        await answer.start_stream(200)
        async for event in call:
            if piece := renderer.render(event):
                await answer.send_piece(escape_separators(piece))
        await answer.send_piece(escape_separators(renderer.close()))
    return None


async def _pass_on(passed: Passed, answer: Answer) -> Whole | None:
    if passed.is_complete:
        return passed.status, await passed.next(), passed.headers
    await answer.start_stream(passed.status, passed.headers)
    try:
        await _pump(passed, answer)
    except UpstreamFailure:
        if passed.is_within_event:
            # The error event that follows must not become a part of this one.
            await answer.send_piece(b"\n\n")
        raise
    return None


async def _pump(passed: Passed, answer: Answer) -> None:
    """Pass a stream on: from connection to connection where both are ours, else piece by piece."""
    pipe = answer.pipe
    if pipe is None:
        while piece := await passed.next():
            await answer.send_piece(piece)
        return
    first = await passed.next()
    if first:
        await answer.send_piece(first)
        await passed.pump(pipe.pass_on, ready=pipe.drained)


async def _refuse(failure: GatewayFailure, endpoint: Endpoint, answer: Answer) -> None:
    """Say what failed: in the vendor's own words where the caller speaks its dialect, else in ours."""
    if answer.can_only_be_cut:
        raise failure
    words = failure.words if isinstance(failure, UpstreamFailure) else None
    if isinstance(failure, UpstreamKeyRefused):
        # What the vendor says of our key is about the operator's account.
        words = None
    # A page of some server in between is in nobody's dialect.
    if words is not None and not any(
        name == b"content-type" and value.startswith(b"application/json") for name, value in words.headers
    ):
        words = None
    if words is not None and words.operation == endpoint.operation and not answer.started:
        await answer.pass_on(words)
        return
    await answer.refuse(refusal_of(failure, overloaded=endpoint.words.overloaded), endpoint.words)
