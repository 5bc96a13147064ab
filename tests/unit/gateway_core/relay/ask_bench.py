"""A relay over two providers for calls that came in a vendor's dialect, with its counters in the test's hand."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import CollectorRegistry

from fakes.clock import FakeClock
from fakes.provider import FakeProvider, FakeRawAnswer
from gateway_core.inference.collect import Collector
from gateway_core.inference.ports import Lease
from gateway_core.inference.request import InferenceRequest, Operation, conversation_of
from gateway_core.kernel.secret import Secret
from gateway_core.keys.ports import Keys
from gateway_core.keys.service import KeyRing
from gateway_core.relay.model import Ask
from gateway_core.relay.passthrough import Passed
from gateway_core.relay.service import OpenCall, Relay
from gateway_core.relay.watch import Watcher
from gateway_core.routing.model import Catalogue, ModelRef
from gateway_core.telemetry.metrics import Metrics

WIRE = Path(__file__).parents[3] / "wire"
STREAM = (WIRE / "openai" / "chat_stream.response.sse").read_bytes()
WHOLE = (WIRE / "openai" / "chat_whole.response.json").read_bytes()
JSON_HEADERS = ((b"content-type", b"application/json"),)
BODY = b'{"model":"m","messages":[]}'


@dataclass
class Bench:
    """Providers `one` and `two`; the first speaks chat and has two keys, the second speaks nothing."""

    one: FakeProvider = field(default_factory=lambda: FakeProvider(name="one", dialects=frozenset({"openai_chat"})))
    two: FakeProvider = field(default_factory=lambda: FakeProvider(name="two"))
    clock: FakeClock = field(default_factory=FakeClock)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        one, two = ModelRef("one", "upstream-1"), ModelRef("two", "upstream-2")
        keys: dict[str, Keys] = {
            "one": KeyRing(
                (Lease(secret=Secret("first-key-000111")), Lease(secret=Secret("second-key-000111"))), self.clock
            ),
            "two": KeyRing((Lease(),), self.clock),
        }
        catalogue = Catalogue(keys, {}, models={"m": (one,), "route": (one, two), "t": (two,)})
        watcher = Watcher(Metrics(self.registry), self.clock)
        self.relay = Relay(catalogue, {"one": self.one, "two": self.two}, watcher)

    def in_flight(self) -> float:
        samples = [s for family in self.registry.collect() for s in family.samples]
        return sum(s.value for s in samples if s.name == "model_inferences_in_flight")

    def counted(self, **labels: str) -> float:
        samples = [s for family in self.registry.collect() for s in family.samples]
        return sum(
            s.value for s in samples if s.name == "model_inferences_total" and labels.items() <= s.labels.items()
        )

    async def passed(self, ask: Ask) -> Passed:
        answer = await self.relay.ask(ask)
        assert isinstance(answer, Passed)
        return answer


def make_ask(model: str = "m", *, operation: Operation = "openai_chat", stream: bool = True) -> Ask:
    async def parse() -> InferenceRequest:
        return InferenceRequest(model, conversation_of(system="", user="hi"), stream=stream)

    return Ask(
        operation,
        model,
        stream,
        body_for=lambda name: BODY.replace(b'"m"', f'"{name}"'.encode()),
        parse=parse,
        headers=[("openai-beta", "x")],
    )


def refusal(status: int, body: bytes = b'{"error":{"message":"no","type":"t","code":null}}') -> FakeRawAnswer:
    return FakeRawAnswer([body], status, (*JSON_HEADERS, (b"retry-after", b"9"), (b"set-cookie", b"a=b")))


async def text_of(call: OpenCall) -> str:
    collector = Collector()
    async with aclosing(call):
        async for event in call:
            collector.add(event)
    return collector.answer().text


async def read(passed: Passed) -> bytes:
    pieces = b""
    while piece := await passed.next():
        pieces += piece
    return pieces
