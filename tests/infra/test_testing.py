"""The fixtures that other teams use in their own unit tests."""

from __future__ import annotations

import pytest
from aws_cdk.assertions import Template
from hypothesis import given
from hypothesis import strategies as st

from peakfleet import Baseline, DemandSignal, SpecError
from peakfleet.testing import fleet_specs, plan_at, snapshot_at
from peakfleet_planner import (
    BacklogSignal,
    FleetSpec,
    Hold,
    Memory,
    Metric,
    PoolSpec,
    RateSignal,
    Reason,
    ReportedBaseline,
)
from tests.infra.fleets import burst_fleet, metric, new_stack

STREAMS = Metric(namespace="Live", metric_name="Streams")
SPEC = FleetSpec(
    fleet="Media/Live",
    pools=(PoolSpec(name="Graviton", group="g", units_per_capacity=10, max_capacity=20),),
    signals=(
        RateSignal(
            name="viewers",
            metrics={"hls": STREAMS, "dash": STREAMS},
            expression="(hls + dash) / 60 + 2",
            units_per_value=0.5,
        ),
        BacklogSignal(
            name="jobs",
            metrics={"waiting": STREAMS, "in_flight": STREAMS},
            seconds_per_item=90,
            drain_within_seconds=600,
        ),
    ),
    baseline=ReportedBaseline(metric=STREAMS, declared_units=100),
)


def test_the_fleets_of_a_template_are_found_by_name() -> None:
    stack = new_stack()
    burst_fleet(stack, "First", baseline=Baseline.fixed(400))
    burst_fleet(stack, "Second")
    specs = fleet_specs(Template.from_stack(stack))
    assert set(specs) == {"Media/First", "Media/Second"}
    plan = plan_at(specs["Media/First"], demand_units=440)
    assert plan.burst_units == 40
    assert [(pool.name, pool.desired_capacity) for pool in plan.pools] == [("Graviton", 3)]


@given(st.floats(min_value=1, max_value=1e6))
def test_every_signal_asks_for_the_demand_that_was_given(units: float) -> None:
    snapshot = snapshot_at(SPEC, demand_units=units)
    for signal in SPEC.signals:
        read = snapshot.signals[signal.name]
        newest = {metric_id: series.points[-1][1] for metric_id, series in read.items()}
        assert signal.units(newest, SPEC.lead_seconds) == pytest.approx(units)


def test_a_fleet_without_anything_to_do_stays_small() -> None:
    assert plan_at(SPEC, demand_units=99).reason is Reason.BASELINE_SUFFICES


def test_a_rise_is_followed_further_than_a_steady_demand() -> None:
    steady = plan_at(SPEC, demand_units=150)
    rising = plan_at(SPEC, demand_units=[100 + minute for minute in range(51)])
    assert rising.signals[0].units == pytest.approx(steady.signals[0].units)
    assert rising.wanted_units > steady.wanted_units


def test_a_lost_baseline_and_running_capacity_may_be_given() -> None:
    plan = plan_at(
        SPEC,
        demand_units=90,
        baseline_units=40,
        desired={"Graviton": 4},
        in_service={"Graviton": 3},
    )
    assert plan.burst_units == pytest.approx(50)
    assert plan.serving_units == 30


def test_a_hold_may_be_given() -> None:
    hold = Hold(owner="ada", reason="audit", until_epoch_seconds=2_000_000_000)
    assert plan_at(SPEC, demand_units=500, memory=Memory(hold=hold)).reason is Reason.HELD


def test_a_signal_that_no_common_value_can_satisfy_is_refused() -> None:
    stack = new_stack()
    ratio = DemandSignal.metric_math(
        "hls / dash", name="ratio", metrics={"hls": metric(), "dash": metric()}
    )
    burst_fleet(stack, signals=[ratio])
    spec = fleet_specs(Template.from_stack(stack))["Media/Live"]
    with pytest.raises(SpecError, match="signal 'ratio': no common value of its metrics"):
        plan_at(spec, demand_units=5)
