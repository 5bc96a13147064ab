"""A provider behind HTTP: its spec and the HTTP client make one call."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from importlib.metadata import version

from gateway_core.dialects.failures import StreamedError, WireShapeWrong, classify, classify_streamed
from gateway_core.dialects.sse import SseDecoder
from gateway_core.http_client import (
    Deadlines,
    HttpClient,
    HttpCut,
    HttpFailure,
    HttpResponse,
    HttpTimedOut,
    HttpUnreachable,
)
from gateway_core.inference.events import StreamEvent
from gateway_core.inference.ports import Lease
from gateway_core.inference.request import Completion, InferenceRequest
from gateway_core.kernel.errors import (
    NoModelConfigured,
    UpstreamCut,
    UpstreamFailure,
    UpstreamGarbled,
    UpstreamTimedOut,
    UpstreamUnreachable,
)
from gateway_core.providers.quotes import without_quotes
from gateway_core.providers.spec import Endpoint, PromptKind, ProviderSpec

_LARGEST_ERROR = 256 * 1024
# Some providers' firewalls turn away requests that do not say what sends them.
_USER_AGENT = f"ai-gateway/{version('ai-gateway')}"


@dataclass(frozen=True, slots=True)
class HttpProvider:
    """The provider of one spec. `largest_answer` bounds a whole answer, in bytes."""

    spec: ProviderSpec
    http: HttpClient
    deadlines: Deadlines
    largest_answer: int

    @property
    def name(self) -> str:
        """The provider's name."""
        return self.spec.name

    async def stream(self, request: InferenceRequest, lease: Lease) -> AsyncGenerator[StreamEvent]:
        """Make one call and report it as it runs."""
        endpoint = self._endpoint(request)
        with self._translated(request):
            response = await self._send(request, lease, endpoint)
            try:
                if response.status != 200:
                    raise await self._refusal(request, response)
                if request.stream and self._is_event_stream(request, response):
                    async with aclosing(self._events(request, response, endpoint)) as events:
                        async for event in events:
                            yield event
                else:
                    for event in endpoint.dialect.parse_answer(await response.read(limit=self.largest_answer)):
                        yield event
            finally:
                response.close()

    async def _events(
        self, request: InferenceRequest, response: HttpResponse, endpoint: Endpoint
    ) -> AsyncGenerator[StreamEvent]:
        parser = endpoint.dialect.EventParser()
        decoder = SseDecoder()
        async with aclosing(response.chunks()) as chunks:
            async for chunk in chunks:
                for sent in decoder.feed(chunk):
                    for event in parser.feed(sent):
                        yield event
        try:
            for event in [event for sent in decoder.close() for event in parser.feed(sent)] + parser.close():
                yield event
        except WireShapeWrong as half:
            raise self._cut_short(request) from half
        if not parser.finished:
            raise self._cut_short(request)

    def _cut_short(self, request: InferenceRequest) -> UpstreamCut:
        return UpstreamCut("the stream ended before the answer did", provider=self.name, model=request.model)

    @contextmanager
    def _translated(self, request: InferenceRequest) -> Iterator[None]:
        try:
            yield
        except HttpFailure as failure:
            raise self._translate(failure, request) from failure
        except WireShapeWrong as wrong:
            raise UpstreamGarbled(str(wrong), provider=self.name, model=request.model) from wrong
        except StreamedError as error:
            refusal = classify_streamed(error, provider=self.name, model=request.model)
            refusal.reword(without_quotes(refusal.detail, request))
            # Not chained: the original repeats the quotes.
            raise refusal from None

    def _endpoint(self, request: InferenceRequest) -> Endpoint:
        kind: PromptKind = "completion" if isinstance(request.prompt, Completion) else "conversation"
        endpoint = self.spec.endpoints.get(kind)
        if endpoint is None:
            raise NoModelConfigured(f"{self.name} has no endpoint for a {kind}; choose a model of another provider.")
        return endpoint

    async def _send(self, request: InferenceRequest, lease: Lease, endpoint: Endpoint) -> HttpResponse:
        base_url = lease.base_url or self.spec.base_url
        if base_url is None:
            raise NoModelConfigured(f"{self.name} was given no address to call.")
        headers = [
            ("user-agent", _USER_AGENT),
            ("content-type", "application/json"),
            ("accept", "text/event-stream" if request.stream else "application/json"),
            *self.spec.auth(lease.secret),
            *lease.headers.items(),
        ]
        body = endpoint.dialect.render_request(request)
        # Some write the address with the version, some without; both mean the same.
        url = (
            base_url.removesuffix("/v1") + endpoint.path
            if endpoint.path.startswith("/v1/")
            else base_url + endpoint.path
        )
        try:
            return await self.http.send("POST", url, headers=headers, body=body, deadlines=self.deadlines)
        except ValueError:
            # Not chained and not repeated: an address may hold a password, a header a key.
            detail = "its address, its key or an extra header cannot be sent"
            raise UpstreamUnreachable(detail, provider=self.name, model=request.model) from None

    def _is_event_stream(self, request: InferenceRequest, response: HttpResponse) -> bool:
        """Tell whether events come; some servers answer whole although a stream was asked for."""
        kind = (response.headers.get("content-type") or "").partition(";")[0].strip().lower()
        if kind == "text/html":
            message = "it answered a web page instead of events; is the address right?"
            raise UpstreamGarbled(message, provider=self.name, model=request.model, upstream_status=200)
        return kind != "application/json"

    async def _refusal(self, request: InferenceRequest, response: HttpResponse) -> UpstreamFailure:
        try:
            body = await response.read(limit=_LARGEST_ERROR)
        except HttpFailure:
            # The status says enough; what was meant to explain it did not arrive.
            body = b""
        failure = classify(response.status, response.headers.get, body, provider=self.name, model=request.model)
        failure.reword(without_quotes(failure.detail, request))
        return failure

    def _translate(self, failure: HttpFailure, request: InferenceRequest) -> UpstreamFailure:
        kinds: tuple[tuple[type[HttpFailure], type[UpstreamFailure]], ...] = (
            (HttpUnreachable, UpstreamUnreachable),
            (HttpTimedOut, UpstreamTimedOut),
            (HttpCut, UpstreamCut),
        )
        kind = next((ours for theirs, ours in kinds if isinstance(failure, theirs)), UpstreamGarbled)
        return kind(str(failure), provider=self.name, model=request.model)
