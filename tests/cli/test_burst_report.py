"""`peakfleet report` says what a month's burst was bought for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from peakfleet_cli.operate.burst_report import month_report
from peakfleet_planner import Plan, PoolPlan, Reason
from peakfleet_table import Decision

BEGIN = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp())
HOUR = 3600


def decided(hours: float, usd: float | None = 2.0, **bought: float) -> Decision:
    pool = PoolPlan(name="g", desired_capacity=1, seen_capacity=1, units=10)
    parts = {name.replace("_", "-"): units for name, units in bought.items()}
    plan = Plan(pools=(pool,), reason=Reason.DEMAND, bought=parts, usd_per_hour=usd)
    return Decision(tick=BEGIN + int(hours * HOUR), plan=plan)


def test_a_decision_counts_until_the_next_one_and_within_its_month_only() -> None:
    found = month_report(
        [
            decided(-5, above_baseline=10),
            decided(2, above_baseline=10, baseline_unknown=30),
            decided(4),
        ],
        begin=BEGIN,
        end=BEGIN + 100 * HOUR,
    )
    above, unknown = found.causes["above-baseline"], found.causes["baseline-unknown"]
    assert (above.unit_hours, above.hours, above.usd) == pytest.approx((40, 4, 5))
    assert (unknown.unit_hours, unknown.hours, unknown.usd) == pytest.approx((60, 2, 3))


def test_hours_without_a_price_are_said() -> None:
    found = month_report([decided(0, None, ahead=5)], begin=BEGIN, end=BEGIN + 3 * HOUR)
    assert (found.unpriced_hours, found.causes["ahead"].usd) == (3, 0)
