"""Specification and plan as JSON documents."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from peakfleet_planner import (
    BacklogSignal,
    FleetSpec,
    Metric,
    PaceSpec,
    Plan,
    PoolSpec,
    RateSignal,
    ReportedBaseline,
    ServiceLevelSpec,
    SpecError,
    TrafficSpec,
    WhenSilent,
    decide,
)
from peakfleet_planner.spec import evaluate
from tests.planner.fleets import JOBS, REPORT, STREAMS, fleet, fleets, histories, snapshot

FULL = FleetSpec(
    fleet="Media/All",
    pools=(
        PoolSpec(name="spot", group="a", units_per_capacity=2.5, max_capacity=9, min_capacity=1),
        PoolSpec(
            name="x86", group="b", units_per_capacity=4, max_capacity=2, usd_per_capacity_hour=0.2
        ),
    ),
    signals=(
        RateSignal(
            name="streams",
            metrics={"hls": STREAMS, "dash": replace(STREAMS, metric_name="Dash")},
            expression="hls + FILL(dash, 0)",
            when_silent=WhenSilent(after_seconds=240),
            plausible_max=1e6,
        ),
        BacklogSignal(
            name="jobs",
            metrics={"waiting": JOBS},
            seconds_per_item=90,
            drain_within_seconds=600,
        ),
    ),
    baseline=ReportedBaseline(metric=REPORT, declared_units=400),
    service_level=ServiceLevelSpec(unserved_cost=50),
    pace=PaceSpec(out_units=40, in_units=10),
    traffic=TrafficSpec(
        listener_arn="l", baseline_target_group_arn="b", cloud_target_group_arn="c"
    ),
    state_table="state",
)


def _document() -> dict[str, Any]:
    return dict(json.loads(json.dumps(FULL.to_json())))


def test_a_specification_survives_json() -> None:
    assert FleetSpec.from_json(_document()) == FULL


@given(spec=fleets(), history=histories)
def test_a_plan_survives_json(spec: FleetSpec, history: list[float]) -> None:
    plan = decide(spec, snapshot(spec, history))
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "version must be 1, got 2: redeploy the stack"),
        ({"colour": "red"}, "spec: unknown field colour; known: fleet, pools"),
        ({"fleet": 7}, "spec.fleet must be a str, got 7"),
        ({"pools": {}}, "spec.pools must be a list, got {}"),
        ({"pools": []}, "at least one pool is needed, got none"),
        ({"signals": []}, "at least one signal is needed, got none"),
        ({"baseline": {"kind": "guess"}}, "spec.baseline.kind must be one of fixed, reported"),
        ({"baseline": {"kind": "fixed"}}, "spec.baseline: missing field units"),
        ({"pace": {"out_units": 1}}, "pace.out_units must be at least 4"),
        ({"service_level": {"unserved_cost": True}}, "unserved_cost must be a float, got True"),
    ],
)
def test_a_document_that_is_no_specification_is_refused_by_field(
    change: dict[str, Any], message: str
) -> None:
    with pytest.raises(SpecError) as refused:
        FleetSpec.from_json({**_document(), **change})
    assert message in str(refused.value)


def test_a_missing_field_is_named() -> None:
    document = _document()
    del document["pools"][1]["max_capacity"]
    with pytest.raises(SpecError, match=r"spec\.pools\[1\]: missing field max_capacity"):
        FleetSpec.from_json(document)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: PoolSpec(name="p", group="g", units_per_capacity=0, max_capacity=1),
            "pool 'p': units_per_capacity must be above 0, got 0",
        ),
        (
            lambda: PoolSpec(
                name="p", group="g", units_per_capacity=1, max_capacity=1, min_capacity=2
            ),
            "pool 'p': min_capacity must be at most max_capacity 1, got 2",
        ),
        (
            lambda: Metric(namespace="n", metric_name="m", period_seconds=45),
            "period_seconds must be 1, 5, 10, 20, 30 or a multiple of 60, got 45",
        ),
        (
            lambda: replace(fleet(), pools=fleet().pools * 2),
            "pool names must differ, got p0 more than once",
        ),
        (
            lambda: RateSignal(name="s", metrics={"m": STREAMS}, expression="m + cpu"),
            "names 'cpu'; its metrics are m",
        ),
        (
            lambda: RateSignal(name="s", metrics={"m": STREAMS, "n": STREAMS}, expression="m"),
            "does not use n",
        ),
        (
            lambda: RateSignal(name="s", metrics={"m": STREAMS}, expression="__import__('os')"),
            "allowed are numbers, metric ids",
        ),
        (
            lambda: RateSignal(name="s", metrics={"m": STREAMS}, expression="m +"),
            "cannot be read",
        ),
        (
            lambda: BacklogSignal(
                name="j", metrics={"depth": JOBS}, seconds_per_item=1, drain_within_seconds=60
            ),
            "metrics must be waiting and perhaps in_flight, got depth",
        ),
        (
            lambda: BacklogSignal(
                name="j",
                metrics={"waiting": JOBS},
                seconds_per_item=1,
                drain_within_seconds=5e-324,
            ),
            "drain_within_seconds must be at least 1",
        ),
        (lambda: ServiceLevelSpec(unserved_cost=0.5), "unserved_cost must be at least 1, got 0.5"),
    ],
)
def test_a_wrong_value_is_refused_where_it_is_written(build: Any, message: str) -> None:  # noqa: ANN401  any factory
    with pytest.raises(SpecError) as refused:
        build()
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a + b * 2", 7.0),
        ("(a + b) / 2", 2.0),
        ("-a + 4", 3.0),
        ("MAX(a, b, 2.5)", 3.0),
        ("MIN(a, b)", 1.0),
        ("ABS(a - b)", 2.0),
        ("a + FILL(c, 10)", 11.0),
        ("a + c", None),
        ("a / (b - 3)", None),
    ],
)
def test_metric_arithmetic_means_what_cloudwatch_means(
    expression: str, expected: float | None
) -> None:
    assert evaluate(expression, {"a": 1.0, "b": 3.0}) == expected
