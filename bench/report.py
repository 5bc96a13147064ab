"""Turn samples into rows, tables and a JSON file."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from bench.machine import Machine
from bench.measure import Effort, Memory, Sample
from bench.native import Spread
from bench.scenarios import SCENARIOS, Load, Scenario

# A round in which others used more than a quarter of a core says little about us.
MAX_FOREIGN_CORES = 0.25
BASELINE = "direct"
FLOOR = "nginx"
"""What costs are compared with: any gateway does at least its work."""


@dataclass(frozen=True)
class Row:
    """The figures of one target under one load: medians over the rounds that count, and the lowest CPU of all.

    Added values are differences to the direct run of the same round, and the ratio is to nginx in the same round.
    None: there is nothing to tell.
    """

    scenario: str
    load: str
    target: str
    rounds: int
    rounds_left_out: int
    units_per_s: float | None
    cpu_us: float | None
    cpu_us_lowest: float | None
    cpu_to_nginx: float | None
    wait_p50_us: float | None
    wait_p99_us: float | None
    wait_added_p50_us: float | None
    wait_added_p99_us: float | None
    delay_p50_us: float | None
    delay_p99_us: float | None
    delay_added_p50_us: float | None
    delay_added_p99_us: float | None
    failures: int


@dataclass(frozen=True)
class ColdStart:
    """Seconds from exec to the first 200, of each timed start."""

    target: str
    seconds: tuple[float, ...]


@dataclass(frozen=True)
class Results:
    """All that a run found out."""

    when: str
    machine: Machine
    effort: Effort
    samples: Sequence[Sample]
    cold_starts: Sequence[ColdStart]
    memory: Sequence[Memory]
    remarks: Sequence[str]
    failures: int


def build_rows(samples: Sequence[Sample]) -> list[Row]:
    """Put the rounds of each target and load together, in the order of their first appearance."""
    keys = dict.fromkeys((s.scenario, s.load, s.target) for s in samples)
    return [_build_row([s for s in samples if (s.scenario, s.load, s.target) == key], samples) for key in keys]


def _build_row(rounds: Sequence[Sample], samples: Iterable[Sample]) -> Row:
    first = rounds[0]
    quiet = [s for s in rounds if s.foreign_cores < MAX_FOREIGN_CORES]
    counted = quiet if len(quiet) >= 2 else rounds
    direct = _same_rounds(first, samples, target=BASELINE)

    def middle(read: Callable[[Sample], float | None]) -> float | None:
        return _median(map(read, counted))

    def added(read: Callable[[Sample], float | None]) -> float | None:
        pairs = [(read(s), read(direct[s.round_number])) for s in counted if s.round_number in direct]
        return _median([mine - base for mine, base in pairs if mine is not None and base is not None])

    return Row(
        scenario=first.scenario,
        load=first.load,
        target=first.target,
        rounds=len(counted),
        rounds_left_out=len(rounds) - len(counted),
        units_per_s=middle(lambda s: s.units_per_s),
        cpu_us=middle(lambda s: s.cpu_us_per_unit),
        cpu_us_lowest=min((s.cpu_us_per_unit for s in rounds if s.cpu_us_per_unit is not None), default=None),
        cpu_to_nginx=_cpu_ratio(counted, _same_rounds(first, samples, target=FLOOR)),
        wait_p50_us=middle(lambda s: _p50(s.wait_us)),
        wait_p99_us=middle(lambda s: _p99(s.wait_us)),
        wait_added_p50_us=added(lambda s: _p50(s.wait_us)),
        wait_added_p99_us=added(lambda s: _p99(s.wait_us)),
        delay_p50_us=middle(lambda s: _p50(s.delay_us)),
        delay_p99_us=middle(lambda s: _p99(s.delay_us)),
        delay_added_p50_us=added(lambda s: _p50(s.delay_us)),
        delay_added_p99_us=added(lambda s: _p99(s.delay_us)),
        failures=sum(s.failures for s in rounds),
    )


def _same_rounds(one: Sample, samples: Iterable[Sample], *, target: str) -> dict[int, Sample]:
    """Find what another target did under the same load, by the number of the round; none for the target itself."""
    wanted = (one.scenario, one.load, target)
    return {s.round_number: s for s in samples if (s.scenario, s.load, s.target) == wanted and one.target != target}


def _cpu_ratio(counted: Iterable[Sample], floor: Mapping[int, Sample]) -> float | None:
    pairs = [(s.cpu_us_per_unit, floor[s.round_number].cpu_us_per_unit) for s in counted if s.round_number in floor]
    return _median([mine / theirs for mine, theirs in pairs if mine is not None and theirs])


def render_report(results: Results) -> str:
    """Give everything as tables for the terminal."""
    rows = build_rows(results.samples)
    parts = [_render_machine(results)]
    for scenario in SCENARIOS.values():
        for load in scenario.loads:
            chosen = [row for row in rows if (row.scenario, row.load) == (scenario.name, load.name)]
            if chosen:
                parts.append(_render_load(scenario, load=load, rows=chosen))
    parts.append(_render_processes(results))
    left_out = sum(row.rounds_left_out for row in rows)
    remarks = list(results.remarks)
    if left_out:
        remarks.append(f"rounds left out of the medians because others used the cores meanwhile: {left_out}")
    noisy = sum(s.foreign_cores >= MAX_FOREIGN_CORES for s in results.samples) - left_out
    if noisy:
        remarks.append(
            f"rounds that count although others used the cores meanwhile: {noisy}; repeat on a quiet machine"
        )
    parts.append("\n".join(f"! {remark}" for remark in remarks))
    return "\n\n".join(part for part in parts if part)


def write_json(results: Results, path: Path) -> None:
    """Write everything, each round included, for later comparison."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = asdict(results) | {"rows": [asdict(row) for row in build_rows(results.samples)]}
    path.write_text(json.dumps(content, indent=1) + "\n")


def _render_machine(results: Results) -> str:
    machine = results.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    return (
        f"{results.when}  {machine.cpu}, {machine.cores} cores, {machine.memory_mib} MiB, kernel {machine.kernel}, "
        f"Python {machine.python}\n{versions}"
    )


def _render_load(scenario: Scenario, *, load: Load, rows: Sequence[Row]) -> str:
    unit, wait = ("chunk", "TTFT") if scenario.streamed else ("request", "latency")
    heads = ["target", f"{unit}s/s", f"CPU us/{unit}", "lowest", "x nginx"]
    heads += [f"{wait} P50 us", "P99", "added P50", "added P99"]
    heads += ["delay P50 us", "P99", "added P50", "added P99"] if scenario.streamed else []
    table = [[*heads, "failed"]]
    for row in rows:
        digits = 1 if scenario.streamed else 0
        cells = [row.target, _number(row.units_per_s), _number(row.cpu_us, digits), _number(row.cpu_us_lowest, digits)]
        cells.append(_number(row.cpu_to_nginx, 1))
        waits = [row.wait_p50_us, row.wait_p99_us, row.wait_added_p50_us, row.wait_added_p99_us]
        delays = [row.delay_p50_us, row.delay_p99_us, row.delay_added_p50_us, row.delay_added_p99_us]
        cells += [_number(value) for value in (waits + delays if scenario.streamed else waits)]
        table.append([*cells, str(row.failures or "")])
    return f"{scenario.name} / {load.name}: {load.meaning}\n{_render_table(table)}"


def _render_processes(results: Results) -> str:
    starts = {cold.target: cold.seconds for cold in results.cold_starts}
    table = [["target", "cold start s", "lowest", "RSS idle MiB", "after load", "soak 25 %", "50 %", "75 %", "100 %"]]
    for memory in results.memory:
        seconds = starts.get(memory.target, ())
        soak = [_number(mib, 1) for mib in memory.soak_mib] or ["-"] * 4
        cold = [_number(_median(seconds), 2), _number(min(seconds, default=None), 2)]
        table.append([memory.target, *cold, _number(memory.idle_mib, 1), _number(memory.loaded_mib, 1), *soak])
    return f"process\n{_render_table(table)}" if results.memory else ""


def _render_table(table: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for name, *cells in table:
        numbers = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        lines.append("  ".join([name.ljust(widths[0]), *numbers]).rstrip())
    return "\n".join(lines)


def _number(value: float | None, digits: int = 0) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _p50(spread: Spread | None) -> float | None:
    return spread.p50 if spread else None


def _p99(spread: Spread | None) -> float | None:
    return spread.p99 if spread else None
