"""A provider behind HTTP: its spec and the HTTP client make one call."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version

from gateway_core.dialects.failures import StreamedError, WireShapeWrong, classify, classify_streamed
from gateway_core.dialects.framing import build_decoder
from gateway_core.http_client import (
    Deadlines,
    HttpClient,
    HttpCut,
    HttpDropped,
    HttpFailure,
    HttpResponse,
    HttpTimedOut,
    HttpUnreachable,
    PreparedRequest,
)
from gateway_core.inference.events import StreamEvent
from gateway_core.inference.losses import Losses
from gateway_core.inference.ports import Lease, RawAnswer, RawCall, Signer
from gateway_core.inference.request import Completion, InferenceRequest, Operation
from gateway_core.inference.weight import is_heavy
from gateway_core.kernel.apart import do_apart
from gateway_core.kernel.errors import (
    NoModelConfigured,
    UpstreamCut,
    UpstreamDropped,
    UpstreamFailure,
    UpstreamGarbled,
    UpstreamTimedOut,
    UpstreamUnreachable,
)
from gateway_core.providers.addressing import build_url
from gateway_core.providers.quirks import Variant
from gateway_core.providers.quotes import without_quotes
from gateway_core.providers.raw import HttpRawAnswer
from gateway_core.providers.spec import Endpoint, ProviderSpec

_LARGEST_ERROR = 256 * 1024
_OK = 200
_MOST_PREPARED = 2_000
# Characters of what callers say in headers; some of it may be as long as a head.
_LONGEST_REMEMBERED = 1_024
# Some providers' firewalls turn away requests that do not say what sends them.
_USER_AGENT = f"ai-gateway/{version('ai-gateway')}"


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A call but for its body; `request` None: its head has to be signed."""

    lease: Lease
    url: str
    # They hold the key.
    headers: list[tuple[str, str]] = field(repr=False)
    request: PreparedRequest | None
    variant: Variant | None


@dataclass(frozen=True, slots=True)
class HttpProvider:
    """The provider of one spec. `largest_answer` bounds a whole answer, in bytes."""

    spec: ProviderSpec
    http: HttpClient
    deadlines: Deadlines
    largest_answer: int
    allow_private: bool = True
    prepared: dict[tuple[object, ...], _Prepared] = field(default_factory=dict, compare=False, repr=False)

    @property
    def name(self) -> str:
        """The provider's name."""
        return self.spec.name

    def speaks(self, operation: Operation) -> bool:
        """Tell whether calls in these words can be passed through."""
        return operation in self.spec.endpoints or operation in self.spec.raw

    async def forward(self, call: RawCall, lease: Lease) -> RawAnswer:
        """Send the caller's own words on."""
        key = (call.operation, call.stream, call.model, call.path, id(lease), *call.headers)
        prepared = self._recall(key, lease)
        if prepared is None:
            path, said, variant = self._raw_path(call), call.headers, self._variant(call)
            prepared = self._prepare(
                key, lease, path=path, model=call.model, stream=call.stream, said=said, variant=variant
            )
        body = call.body if prepared.variant is None else prepared.variant.pass_on(call.body)
        try:
            response = await self._post(prepared, body=body, model=call.model)
        except HttpFailure as failure:
            raise self._translate(failure, call.model) from failure
        return HttpRawAnswer(response, translate=self._translate, model=call.model)

    async def stream(
        self, request: InferenceRequest, lease: Lease, *, losses: Losses | None = None
    ) -> AsyncGenerator[StreamEvent]:
        """Make one call and report it as it runs."""
        endpoint = self._endpoint(request)
        body = await _write(request, endpoint, losses)
        with self._translated(request):
            response = await self._send(request, lease, endpoint=endpoint, body=body)
            try:
                if request.stream and self._is_event_stream(request, response):
                    async with aclosing(self._events(request, response, endpoint)) as events:
                        async for event in events:
                            yield event
                else:
                    for event in endpoint.dialect.parse_answer(await response.read(limit=self.largest_answer)):
                        yield event
            finally:
                response.close()

    async def answer(
        self, request: InferenceRequest, lease: Lease, *, losses: Losses | None = None
    ) -> Sequence[StreamEvent]:
        """Make one call that does not stream, and report it when it is whole."""
        endpoint = self._endpoint(request)
        body = await _write(request, endpoint, losses)
        with self._translated(request):
            response = await self._send(request, lease, endpoint=endpoint, body=body)
            try:
                return endpoint.dialect.parse_answer(await response.read(limit=self.largest_answer))
            finally:
                response.close()

    async def _events(
        self, request: InferenceRequest, response: HttpResponse, endpoint: Endpoint
    ) -> AsyncGenerator[StreamEvent]:
        parser = endpoint.dialect.EventParser()
        decoder = build_decoder(response.headers.get("content-type") or "")
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
            raise self._translate(failure, request.model) from failure
        except WireShapeWrong as wrong:
            raise UpstreamGarbled(str(wrong), provider=self.name, model=request.model) from wrong
        except StreamedError as error:
            refusal = classify_streamed(error, provider=self.name, model=request.model)
            refusal.reword(without_quotes(refusal.detail, request))
            # Not chained: the original repeats the quotes.
            raise refusal from None

    def _endpoint(self, request: InferenceRequest) -> Endpoint:
        """Choose where a call of ours goes: the first endpoint that takes its kind of prompt."""
        plain = isinstance(request.prompt, Completion)
        for name, endpoint in self.spec.endpoints.items():
            if (name == "openai_completions") is plain:
                return endpoint
        kind = "completion" if plain else "conversation"
        raise NoModelConfigured(f"{self.name} has no endpoint for a {kind}; choose a model of another provider.")

    def _recall(self, key: tuple[object, ...], lease: Lease) -> _Prepared | None:
        """Give what was prepared before: the same callers say the same again and again."""
        known = self.prepared.get(key)
        # The lease as well: another one may have taken its place in memory.
        return known if known is not None and known.lease is lease else None

    def _prepare(
        self,
        key: tuple[object, ...],
        lease: Lease,
        *,
        path: str,
        model: str,
        stream: bool,
        said: Sequence[tuple[str, str]] = (),
        variant: Variant | None = None,
    ) -> _Prepared:
        """Write all of a call but its body, and remember it; what the caller said goes before what we say."""
        names = {name for name, _ in said}
        shared = [("content-type", "application/json"), _accept(stream=stream), ("user-agent", _USER_AGENT)]
        shared += [*self.spec.auth(lease.secret), *lease.headers.items()]
        headers = [*(pair for pair in shared if pair[0] not in names), *said]
        url = self._url(path, model, lease)
        # What a signer says is about the body too.
        request = self._write_head(url, headers, model=model) if lease.signer is None else None
        prepared = _Prepared(lease, url, headers, request, variant)
        if len(path) + sum(len(value) for _, value in said) <= _LONGEST_REMEMBERED:
            if len(self.prepared) >= _MOST_PREPARED:
                self.prepared.clear()
            self.prepared[key] = prepared
        return prepared

    def _variant(self, call: RawCall) -> Variant | None:
        """Give what this provider wants said in a body and others do not."""
        if not call.path:
            for name, endpoint in self.spec.endpoints.items():
                if name == call.operation and isinstance(endpoint.dialect, Variant):
                    return endpoint.dialect
        return None

    def _raw_path(self, call: RawCall) -> str:
        if call.path:
            return call.path
        for name, endpoint in self.spec.endpoints.items():
            if name == call.operation:
                return (call.stream and endpoint.stream_path) or endpoint.path
        for operation, path in self.spec.raw.items():
            if operation == call.operation:
                return path
        raise NoModelConfigured(f"{self.name} does not offer {call.operation}; choose a model of another provider.")

    def _url(self, path: str, model: str, lease: Lease) -> str:
        moved = (self.spec.addresses[value] for value in lease.variables.values() if value in self.spec.addresses)
        base_url = lease.base_url or next(moved, self.spec.base_url)
        if base_url is None:
            raise NoModelConfigured(f"{self.name} was given no address to call.")
        return build_url(base_url, path, model=model, variables=lease.variables)

    async def _send(self, request: InferenceRequest, lease: Lease, *, endpoint: Endpoint, body: bytes) -> HttpResponse:
        path = (request.stream and endpoint.stream_path) or endpoint.path
        key = ("", request.stream, request.model, path, id(lease))
        prepared = self._recall(key, lease)
        if prepared is None:
            prepared = self._prepare(key, lease, path=path, model=request.model, stream=request.stream)
        response = await self._post(prepared, body=body, model=request.model)
        if response.status == _OK:
            return response
        try:
            raise await self._refusal(request, response)
        finally:
            response.close()

    def _post(self, prepared: _Prepared, *, body: bytes, model: str) -> Awaitable[HttpResponse]:
        request, signer = prepared.request, prepared.lease.signer
        if request is None and signer is not None:
            return self._post_signed(prepared, signer, body=body, model=model)
        request = request or self._write_head(prepared.url, prepared.headers, model=model)
        return self.http.send_prepared(request, body=body, deadlines=self.deadlines)

    async def _post_signed(self, prepared: _Prepared, signer: Signer, *, body: bytes, model: str) -> HttpResponse:
        headers = prepared.headers + await signer.sign("POST", prepared.url, body=body)
        request = self._write_head(prepared.url, headers, model=model)
        return await self.http.send_prepared(request, body=body, deadlines=self.deadlines)

    def _write_head(self, url: str, headers: list[tuple[str, str]], *, model: str) -> PreparedRequest:
        try:
            return self.http.prepare("POST", url, headers=headers, allow_private=self.allow_private)
        except ValueError:
            # Not chained and not repeated: an address may hold a password, a header a key.
            detail = "its address, its key or an extra header cannot be sent"
            raise UpstreamUnreachable(detail, provider=self.name, model=model) from None

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

    def _translate(self, failure: HttpFailure, model: str) -> UpstreamFailure:
        kinds: tuple[tuple[type[HttpFailure], type[UpstreamFailure]], ...] = (
            (HttpUnreachable, UpstreamUnreachable),
            (HttpTimedOut, UpstreamTimedOut),
            (HttpCut, UpstreamCut),
        )
        if isinstance(failure, HttpDropped) and failure.reused:
            return UpstreamDropped(str(failure), provider=self.name, model=model)
        kind = next((ours for theirs, ours in kinds if isinstance(failure, theirs)), UpstreamGarbled)
        return kind(str(failure), provider=self.name, model=model)


async def _write(request: InferenceRequest, endpoint: Endpoint, losses: Losses | None) -> bytes:
    write = partial(endpoint.dialect.render_request, request, losses)
    return await do_apart(write) if is_heavy(request) else write()


def _accept(*, stream: bool) -> tuple[str, str]:
    return ("accept", "text/event-stream" if stream else "application/json")
