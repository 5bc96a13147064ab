"""Rounds become rows: medians, and each target beside nginx and the model in the same round."""

from __future__ import annotations

from bench.measure import Sample
from bench.native import Spread
from bench.report import Row, build_rows


def sample(
    target: str, round_number: int, *, cpu_us: float | None, p50_us: float = 100.0, foreign_cores: float = 0.0
) -> Sample:
    return Sample(
        target=target,
        scenario="chat",
        load="saturated",
        round_number=round_number,
        units_per_s=1000.0,
        cpu_us_per_unit=cpu_us,
        wait_us=Spread(p50=p50_us, p99=2 * p50_us),
        delay_us=None,
        target_cores=None,
        load_cores=0.1,
        foreign_cores=foreign_cores,
        answered=1000,
        failures=0,
    )


def row_of(target: str, samples: list[Sample]) -> Row:
    (row,) = [row for row in build_rows(samples) if row.target == target]
    return row


def test_a_target_is_compared_with_nginx_in_the_same_round() -> None:
    samples = [
        sample("nginx", 1, cpu_us=20.0),
        sample("nginx", 2, cpu_us=40.0),
        sample("nginx", 3, cpu_us=30.0),
        sample("gateway", 1, cpu_us=100.0),
        sample("gateway", 2, cpu_us=120.0),
        sample("gateway", 3, cpu_us=120.0),
    ]

    assert row_of("gateway", samples).cpu_to_nginx == 4.0  # of 5, 3 and 4
    assert row_of("nginx", samples).cpu_to_nginx is None


def test_without_nginx_there_is_no_ratio() -> None:
    assert (
        row_of("gateway", [sample("direct", 1, cpu_us=None), sample("gateway", 1, cpu_us=100.0)]).cpu_to_nginx is None
    )


def test_added_latency_is_counted_from_the_model_in_the_same_round() -> None:
    samples = [
        sample("direct", 1, cpu_us=None, p50_us=100.0),
        sample("direct", 2, cpu_us=None, p50_us=500.0),
        sample("gateway", 1, cpu_us=100.0, p50_us=400.0),
        sample("gateway", 2, cpu_us=100.0, p50_us=800.0),
    ]

    assert row_of("gateway", samples).wait_added_p50_us == 300.0
    assert row_of("direct", samples).wait_added_p50_us is None


def test_a_round_in_which_others_were_busy_is_left_out_while_two_quiet_ones_remain() -> None:
    quiet = [sample("gateway", 1, cpu_us=100.0), sample("gateway", 2, cpu_us=120.0)]
    disturbed = sample("gateway", 3, cpu_us=900.0, foreign_cores=0.9)

    assert row_of("gateway", [*quiet, disturbed]).cpu_us == 110.0
    assert row_of("gateway", [*quiet, disturbed]).rounds_left_out == 1
    assert row_of("gateway", [quiet[0], disturbed]).rounds_left_out == 0
