"""What is noted is counted: once, in time, and before anybody reads it."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from typing_extensions import override

from gateway_core.telemetry import metrics as m
from gateway_core.telemetry.metrics import Metrics
from gateway_core.telemetry.tally import EndedCall, Level, Tally

NOTES = 4_000
MODEL = {"model_engine": "acme", "model_name": "m1"}


class SecondsMeter:
    """Counts the seconds of calls that ended."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter

    def count(self, calls: Sequence[EndedCall]) -> None:
        self._counter.inc(sum(took for took, _ in calls))


@dataclass
class Bench:
    """A tally and one of each kind that it counts.

    `asking` is the registry that asks the tally first; `behind` shows only what was counted already.
    """

    asking: CollectorRegistry = field(default_factory=CollectorRegistry)
    behind: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        self.tally = Tally(self.asking)
        self.counter = Counter("calls", "Calls.", registry=None)
        self.meter = SecondsMeter(self.counter)
        self.histogram = Histogram("took", "Seconds.", buckets=(1, 5), registry=None)
        self.gauge = Gauge("now", "Now.", registry=None)
        for registry in (self.asking, self.behind):
            for metric in (self.counter, self.histogram, self.gauge):
                registry.register(metric)
        self.level = Level(self.gauge)

    def note(self) -> None:
        """Note one of each."""
        self.tally.end_call(self.meter, (1, None))
        self.tally.observe(self.histogram, 3)
        self.tally.change(self.level, 1)


def shown(registry: CollectorRegistry) -> dict[str, float | None]:
    """Read the metrics once."""
    samples = {sample.name: sample.value for family in registry.collect() for sample in family.samples}
    return {name: samples[name] for name in ("calls_total", "took_count", "took_sum", "now")}


ONE = {"calls_total": 1, "took_count": 1, "took_sum": 3, "now": 1}
NONE = dict.fromkeys(ONE, 0)


def test_without_a_loop_what_is_noted_is_counted_at_once() -> None:
    bench = Bench()

    bench.note()

    assert shown(bench.behind) == ONE


async def test_in_a_loop_it_is_counted_in_the_next_turn() -> None:
    bench = Bench()

    for turn in range(3):
        bench.note()
        assert shown(bench.behind) == {name: turn * value for name, value in ONE.items()}
        await asyncio.sleep(0)
        assert shown(bench.behind) == {name: (turn + 1) * value for name, value in ONE.items()}


@pytest.mark.parametrize("kind", ["call", "observe", "change"])
async def test_each_kind_of_note_has_itself_counted(kind: str) -> None:
    bench = Bench()
    match kind:
        case "call":
            bench.tally.end_call(bench.meter, (7, None))
        case "observe":
            bench.tally.observe(bench.histogram, 7)
        case _:
            bench.tally.change(bench.level, 7)
    assert shown(bench.behind) == NONE

    await asyncio.sleep(0)

    assert 7 in shown(bench.behind).values()


async def test_who_reads_in_between_sees_it_and_it_is_not_counted_again() -> None:
    bench = Bench()
    bench.note()

    assert shown(bench.asking) == shown(bench.asking) == ONE
    await asyncio.sleep(0)

    assert shown(bench.asking) == ONE


def test_notes_of_a_loop_that_ended_before_its_next_turn_are_not_lost() -> None:
    bench = Bench()
    loop = asyncio.new_event_loop()

    async def note_and_stop() -> None:
        bench.note()
        loop.stop()
        await asyncio.Event().wait()

    task = loop.create_task(note_and_stop())
    loop.run_forever()
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()
    bench.note()

    assert shown(bench.asking) == {name: 2 * value for name, value in ONE.items()}


notes = st.tuples(st.sampled_from(["call", "observe", "change", "read", "turn"]), st.integers(0, 9))


@given(st.lists(notes, max_size=30))
async def test_whatever_was_noted_is_right_whenever_it_is_read(script: list[tuple[str, int]]) -> None:
    bench = Bench()
    expected: dict[str, float | None] = dict(NONE)
    calls = values = total = level = 0
    for kind, number in script:
        match kind:
            case "call":
                bench.tally.end_call(bench.meter, (number, None))
                calls += number
            case "observe":
                bench.tally.observe(bench.histogram, number)
                values, total = values + 1, total + number
            case "change":
                bench.tally.change(bench.level, number - 5)
                level += number - 5
            case "turn":
                await asyncio.sleep(0)
            case _:
                assert shown(bench.asking) == expected
        expected = {"calls_total": calls, "took_count": values, "took_sum": total, "now": level}

    assert shown(bench.asking) == shown(bench.behind) == expected


@pytest.fixture
def _restless_threads() -> Iterator[None]:
    """Let threads change as often as the interpreter can, for faults that need an unlucky moment."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_restless_threads")
async def test_two_who_read_while_one_notes_lose_and_double_nothing() -> None:
    bench = Bench()
    all_began, done = threading.Barrier(3), threading.Event()

    def read_on() -> list[float]:
        seen: list[float] = []
        all_began.wait(20)
        while not done.is_set():
            seen.append(shown(bench.asking)["calls_total"] or 0)
        return seen

    readers = [asyncio.create_task(asyncio.to_thread(read_on)) for _ in range(2)]
    await asyncio.to_thread(all_began.wait, 20)
    try:
        for number in range(NOTES):
            bench.note()
            if number % 50 == 0:
                await asyncio.sleep(0)
    finally:
        done.set()
    seen = await asyncio.gather(*readers)

    assert shown(bench.asking) == {name: NOTES * value for name, value in ONE.items()}
    for values in seen:
        assert values
        assert values == sorted(values)


class Gate:
    """Holds up the first who comes by, until the test lets them on."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.released = threading.Event()

    def pass_by(self) -> None:
        if not self.reached.is_set():
            self.reached.set()
            assert self.released.wait(20)


class HeldGauge(Gauge):
    """A gauge that is slow to take its first value."""

    gate = Gate()

    @override
    def set(self, value: float) -> None:
        self.gate.pass_by()
        super().set(value)


async def test_who_is_slow_to_write_a_level_does_not_write_an_old_one_over_a_new() -> None:
    registry = CollectorRegistry()
    tally = Tally(registry)
    gauge = HeldGauge("now", "Now.", registry=registry)
    gauge.gate = gate = Gate()
    level = Level(gauge)
    tally.change(level, 1)
    slow = threading.Thread(target=tally.settle)
    slow.start()
    assert gate.reached.wait(20)

    tally.change(level, 1)
    other = threading.Thread(target=tally.settle)
    other.start()
    # Where nothing holds it up it ends here; else it waits for the slow one, which is right.
    other.join(0.05)
    gate.released.set()
    slow.join()
    other.join()

    assert registry.get_sample_value("now") == 2


async def test_a_level_shows_its_last_value_however_often_it_changed() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    level = metrics.running("acme", "m1")
    name = "model_inferences_in_flight"

    for by in (1, 1, -1, 1, -1):
        metrics.tally.change(level, by)

    assert registry.get_sample_value(name, MODEL) == 1
    metrics.tally.change(level, -1)
    assert registry.get_sample_value(name, MODEL) == 0


async def test_what_a_meter_counts_of_calls_is_there_for_who_reads() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    labels = tuple(f"v{number}" for number in range(len(m.DETAIL)))
    named = dict(zip(m.DETAIL, labels, strict=True))
    meter = metrics.call_meter(labels)
    assert metrics.call_meter(labels) is meter
    assert registry.get_sample_value("inference_input_tokens_total", named) is None

    read = registry.get_sample_value
    metrics.tally.end_call(meter, (2.0, None))
    assert read("model_inferences_total", named) == 1
    assert read("inference_input_tokens_total", named) is None
    for _ in range(2):
        metrics.tally.end_call(meter, (1.5, (10, 5)))

    assert read("model_inferences_total", named) == read("inference_request_duration_seconds_count", named) == 3
    assert read("inference_request_duration_seconds_sum", named) == 5
    tokens = [read(f"inference_{kind}_tokens_total", named) for kind in ("input", "output", "total")]
    assert tokens == [20, 10, 30]
