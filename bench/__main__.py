"""Measure the gateway beside nginx and the bare model: `python -m bench`."""

import argparse
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from bench.machine import ROOT, describe_machine
from bench.measure import Bench, Effort, Memory, Sample, run_rounds
from bench.native import HERE, BenchFailed, Upstream, build_tools, running_upstream
from bench.program import Cores, choose_cores, pinned
from bench.report import ColdStart, Results, render_report, write_json
from bench.scenarios import SCENARIOS, Scenario
from bench.targets import Running, Target, build_direct, build_gateway, build_nginx, find_nginx, start_target

OUT = HERE / "out"
TARGETS = ("direct", "nginx", "gateway")
LOG_TAIL_BYTES = 65_536
GATEWAY = ROOT / ".venv/bin/ai-gateway"
THOROUGH = Effort(rounds=3, seconds=2.0, warm_up_s=1.0, soak_requests=20_000, cold_starts=3)
QUICK = Effort(rounds=1, seconds=1.0, warm_up_s=0.3, soak_requests=2_000, cold_starts=1)


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line."""

    scenarios: tuple[Scenario, ...]
    targets: tuple[str, ...]
    effort: Effort
    gateway: Path
    json: Path


def main() -> int:
    """Run the bench; 0: all requests were answered, 1: some were not, 2: it could not run."""
    options = parse_options(sys.argv[1:])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # by way of `finally`, so that what we started is ended
        signal.signal(number, lambda number, _frame: sys.exit(128 + number))
    try:
        build_tools()
        results = run(options)
    except BenchFailed as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    write_json(results, options.json)
    print(f"{render_report(results)}\n", flush=True)
    if "gateway" in options.targets:
        measure_authentication(options)
    print(f"\neverything: {options.json}")
    return 1 if results.failures else 0


def parse_options(arguments: list[str]) -> Options:
    """Read the command line; what it does not say depends on --quick."""
    given = _build_parser().parse_args(arguments)
    ours = QUICK if given.quick else THOROUGH
    return Options(
        scenarios=tuple(SCENARIOS[name] for name in given.scenarios),
        targets=tuple(given.targets),
        effort=replace(
            ours,
            rounds=given.rounds or ours.rounds,
            seconds=given.seconds or ours.seconds,
            soak_requests=ours.soak_requests if given.soak is None else given.soak,
        ),
        gateway=given.gateway,
        json=given.json or OUT / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json",
    )


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    add = parser.add_argument
    add("--scenarios", type=_some_of(SCENARIOS), default=",".join(SCENARIOS), help="comma-separated (%(default)s)")
    add("--targets", type=_some_of(TARGETS), default=",".join(TARGETS), help="comma-separated (%(default)s)")
    add("--rounds", type=int, help="turns of each target under each load (3; quick: 1)")
    add("--seconds", type=float, help="measured time of one load (2; quick: 1)")
    add("--soak", type=int, help="completions for the memory curve, 0 for none (20000; quick: 2000)")
    add("--quick", action="store_true", help="about a minute: says whether it works, and roughly how fast")
    add("--json", type=Path, metavar="FILE", help="where everything is written (a new file in bench/out)")
    add("--gateway", type=Path, default=GATEWAY, metavar="FILE", help="executable, started with `serve`")
    return parser


def _some_of(known: Iterable[str]) -> Callable[[str], list[str]]:
    """Build the type of an option that names some of what is known; the order is ours."""

    def parse(text: str) -> list[str]:
        named = text.split(",")
        if unknown := sorted(set(named) - set(known)):
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: known are {', '.join(known)}")
        return [name for name in known if name in named]

    return parse


def run(options: Options) -> Results:
    """Start the model and the targets, measure in turns, and end them all."""
    when, cores = datetime.now(UTC).isoformat(timespec="seconds"), choose_cores()
    with ExitStack() as stack:
        stack.enter_context(pinned(cores.load))  # the model, the load and we ourselves
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        upstream = stack.enter_context(running_upstream())
        bench = Bench(upstream, folder, effort=options.effort)
        if cores.load is None:
            bench.remarks.append("one core only: the load takes its share of the target's core")
        running = [
            _start(target, bench, cores=cores, stack=stack) for target in _build_targets(options, upstream, bench=bench)
        ]
        idle = {one.target.name: one.program.rss_mib() for one in running if one.program}
        samples: list[Sample] = []
        for sample in run_rounds(bench, running, options.scenarios):
            samples.append(sample)
            _show_progress(sample)
        memory = [_weigh(bench, one, idle_mib=idle[one.target.name]) for one in running if one.program]
        if bench.failures:
            _keep_log_tails(folder)
        return Results(
            when=when,
            machine=describe_machine(nginx=find_nginx()),
            effort=options.effort,
            samples=samples,
            cold_starts=[ColdStart(one.target.name, one.cold_starts_s) for one in running if one.program],
            memory=memory,
            remarks=bench.remarks,
            failures=bench.failures,
        )


def measure_authentication(options: Options) -> None:
    """Show what it costs the gateway to tell who calls, by the Python that the gateway itself runs on."""
    python = options.gateway.absolute().with_name("python")
    figures = options.json.with_name(f"{options.json.stem}-auth.json")
    words = ["-m", "bench.auth", "--rounds", str(3 * options.effort.rounds), "--json", str(figures)]
    try:
        # Its exit code only repeats the word MISSED in its table.
        subprocess.run([str(python), *words], cwd=ROOT, check=False)
    except OSError as error:
        print(f"! authentication was not measured: {python} cannot be started: {error.strerror}")


def _build_targets(options: Options, upstream: Upstream, *, bench: Bench) -> list[Target]:
    targets: list[Target] = []
    nginx = find_nginx()
    for name in options.targets:
        if name == "direct":
            targets.append(build_direct(upstream))
        elif name == "gateway":
            if not options.gateway.exists():
                raise BenchFailed(
                    f"there is no {str(options.gateway)!r}: install the project, or name one with --gateway"
                )
            targets.append(build_gateway(upstream, executable=options.gateway.absolute(), folder=bench.folder))
        elif nginx:
            targets.append(build_nginx(upstream, executable=nginx, folder=bench.folder))
        else:
            bench.remarks.append("nginx is not on the PATH and was skipped")
    return targets


def _start(target: Target, bench: Bench, *, cores: Cores, stack: ExitStack) -> Running:
    running = start_target(target, folder=bench.folder, core=cores.gateway, starts=bench.effort.cold_starts)
    if running.program:
        stack.callback(running.program.stop)
        running.program.settle()
    return running


def _weigh(bench: Bench, running: Running, *, idle_mib: float) -> Memory:
    program = running.program
    loaded = program.rss_mib() if program else 0.0
    soak = bench.soak(running) if running.target.name == "gateway" else ()
    return Memory(running.target.name, idle_mib=idle_mib, loaded_mib=loaded, soak_mib=soak)


def _show_progress(sample: Sample) -> None:
    place = f"round {sample.round_number}: {sample.target} {sample.scenario} {sample.load}"
    failed = f", {sample.failures} FAILED" if sample.failures else ""
    print(f"{place}: {sample.units_per_s:,.0f}/s{failed}", file=sys.stderr, flush=True)


def _keep_log_tails(folder: Path) -> None:
    OUT.mkdir(exist_ok=True)
    for log in folder.glob("*.log"):
        (OUT / log.name).write_bytes(log.read_bytes()[-LOG_TAIL_BYTES:])


if __name__ == "__main__":
    sys.exit(main())
