"""Take the figures: one load on one target, and all of them in turns."""

import http.client
import time
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.native import LoadReport, ModelCounts, Spread, Upstream, http_post, run_load
from bench.program import busy_core_seconds
from bench.scenarios import COMPLETIONS, SATURATED, Load, Scenario
from bench.targets import Running

# The load generator waits so long for what is under way; a bit more before we give it up.
DRAIN_LIMIT_S = 40.0
SOAK_QUARTER_LIMIT_S = 300.0


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    rounds: int
    seconds: float
    warm_up_s: float
    soak_requests: int
    cold_starts: int


@dataclass(frozen=True)
class Sample:
    """One load on one target in one round.

    Units are requests where answers come whole and chunks where they are streamed. `wait_us` is the time to the whole
    answer or to the first chunk; `delay_us` is the way of each chunk from the model to the caller. CPU is that of the
    target's whole session, and None where we did not start it. `foreign_cores` is what others on the machine used.
    """

    target: str
    scenario: str
    load: str
    round_number: int
    units_per_s: float
    cpu_us_per_unit: float | None
    wait_us: Spread | None
    delay_us: Spread | None
    target_cores: float | None
    load_cores: float
    foreign_cores: float
    answered: int
    failures: int


@dataclass(frozen=True)
class Memory:
    """Resident memory of a target in MiB: after its start, after all rounds, and at each quarter of the soak."""

    target: str
    idle_mib: float
    loaded_mib: float
    soak_mib: tuple[float, ...] = ()


@dataclass
class Bench:
    """What the measurements share: the model, a folder for request files, and the remarks and failures so far."""

    upstream: Upstream
    folder: Path
    effort: Effort
    remarks: list[str] = field(default_factory=list)
    failures: int = 0

    def check(self, running: Running, scenario: Scenario) -> bool:
        """Ask once, and tell whether the answer is whole; if not, say what came instead."""
        target = running.target
        request = scenario.build_request(target.door, model_url=self.upstream.url)
        try:
            status, body = http_post(
                target.port, request.path, headers=request.render_headers(), body=request.render_body()
            )
        except (OSError, http.client.HTTPException) as error:
            status, body = 0, repr(error).encode()
        if status == 200 and body.count(b"@T") == scenario.marks:
            return True
        self._fail(1, f"{target.name} {scenario.name}: not measured, the first answer was {status} {body[:300]!r}")
        return False

    def measure(self, running: Running, scenario: Scenario, *, load: Load, round_number: int) -> Sample:
        """Put one load on one target and say what it cost."""
        program, settings = running.program, _load_options(scenario, load=load, effort=self.effort)
        if program:
            program.settle()
        begin, busy_before, model_before = time.monotonic(), busy_core_seconds(), self.upstream.counts()
        our_cpu_before = time.process_time()
        cpu_before = program.cpu_s() if program else 0.0
        report = self._run(running, scenario, options=settings)
        if program:
            program.settle()  # what is written down after the answers belongs to them
        cpu_s = program.cpu_s() - cpu_before if program else 0.0
        model = _since(model_before, self.upstream.counts())
        elapsed = time.monotonic() - begin
        load_cpu_s = model.cpu_s + report.cpu_s
        ours_s = cpu_s + load_cpu_s + time.process_time() - our_cpu_before
        self._judge(running, scenario, load=load, report=report, model=model)
        units = model.chunks if scenario.streamed else model.requests
        return Sample(
            target=running.target.name,
            scenario=scenario.name,
            load=load.name,
            round_number=round_number,
            units_per_s=report.chunks_per_s if scenario.streamed else report.requests_per_s,
            cpu_us_per_unit=1e6 * cpu_s / units if program and units else None,
            wait_us=report.first_chunk_us if scenario.streamed else report.latency_us,
            delay_us=report.chunk_delay_us,
            target_cores=cpu_s / elapsed if program else None,
            load_cores=load_cpu_s / elapsed,
            foreign_cores=max(0.0, (busy_core_seconds() - busy_before - ours_s) / elapsed),
            answered=report.answered,
            failures=report.failures,
        )

    def soak(self, running: Running) -> tuple[float, ...]:
        """Send many completions and give the memory, in MiB, at each quarter; empty without a soak or a program."""
        quarter = self.effort.soak_requests // 4
        if not quarter or not running.program or not self.check(running, COMPLETIONS):
            return ()
        options = ["-c", str(SATURATED.connections), "-n", str(quarter), "-w", "0", "-d", str(SOAK_QUARTER_LIMIT_S)]
        marks: list[float] = []
        for _ in range(4):
            report = self._run(running, COMPLETIONS, options=[*options, "-k", str(COMPLETIONS.marks)])
            self._report_failures(f"{running.target.name} soak", report)
            running.program.settle()
            marks.append(running.program.rss_mib())
            if report.answered < quarter:
                self._remark(f"{running.target.name} soak: {report.answered} of {quarter} requests in a quarter")
        return tuple(marks)

    def _run(self, running: Running, scenario: Scenario, *, options: Sequence[str]) -> LoadReport:
        target = running.target
        file = self.folder / f"{target.name}.{scenario.name}.request"
        file.write_bytes(scenario.build_request(target.door, model_url=self.upstream.url).render(port=target.port))
        limit_s = float(options[options.index("-d") + 1]) + self.effort.warm_up_s + DRAIN_LIMIT_S
        return run_load(options, request=file, port=target.port, limit_s=limit_s)

    def _judge(
        self, running: Running, scenario: Scenario, *, load: Load, report: LoadReport, model: ModelCounts
    ) -> None:
        place = f"{running.target.name} {scenario.name} {load.name}"
        self._report_failures(place, report)
        if not report.failures and model.requests != report.answered:
            self._remark(f"{place}: {report.answered} answers, but the model saw {model.requests} requests")
        if not report.failures and model.aborted:
            self._remark(f"{place}: {model.aborted} streams were cut off before the model had finished")

    def _report_failures(self, place: str, report: LoadReport) -> None:
        if not report.failures:
            return
        first = f"; the first was {report.first_status}: {report.excerpt!r}" if report.refused else ""
        self._fail(
            report.failures,
            f"{place}: {report.refused} answers with another status than 200, {report.broken} broken off, "
            f"{report.incomplete} without all of the model's text{first}",
        )

    def _fail(self, count: int, text: str) -> None:
        self.failures += count
        self._remark(text)

    def _remark(self, text: str) -> None:
        if text not in self.remarks:
            self.remarks.append(text)


def run_rounds(bench: Bench, targets: Sequence[Running], scenarios: Iterable[Scenario]) -> Generator[Sample]:
    """Measure everything in turns; the order of the targets rotates, so that none is always the first."""
    able = {scenario.name: [t for t in targets if bench.check(t, scenario)] for scenario in scenarios}
    for number in range(bench.effort.rounds):
        for scenario in scenarios:
            ready = able[scenario.name]
            shift = number % len(ready) if ready else 0
            for load in scenario.loads:
                for running in ready[shift:] + ready[:shift]:
                    yield bench.measure(running, scenario, load=load, round_number=number + 1)


def _load_options(scenario: Scenario, *, load: Load, effort: Effort) -> list[str]:
    options = ["-c", str(load.connections), "-d", str(effort.seconds), "-w", str(effort.warm_up_s)]
    options += ["-k", str(scenario.marks)]
    return [*options, "-r", str(load.rate)] if load.rate else options


def _since(before: ModelCounts, after: ModelCounts) -> ModelCounts:
    return ModelCounts(
        requests=after.requests - before.requests,
        chunks=after.chunks - before.chunks,
        aborted=after.aborted - before.aborted,
        cpu_s=after.cpu_s - before.cpu_s,
    )
