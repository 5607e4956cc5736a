from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_local.metrics import (
    ReplayError,
    backlog_datapoints,
    baseline_datapoints,
    demand_datapoints,
    value_for_units,
)
from peakfleet_planner import (
    BacklogSignal,
    FleetSpec,
    Metric,
    PoolSpec,
    RateSignal,
    ReportedBaseline,
    Signal,
)

POOL = PoolSpec(name="p", group="g", units_per_capacity=1, max_capacity=100)
FACTORS = st.floats(0.01, 1000)


def metric(name: str = "M", *, statistic: str = "Average", period_seconds: int = 60) -> Metric:
    return Metric(
        namespace="N", metric_name=name, statistic=statistic, period_seconds=period_seconds
    )


def rate(expression: str, *, units_per_value: float = 1.0, **metrics: Metric) -> RateSignal:
    return RateSignal(
        name="s", metrics=metrics, expression=expression, units_per_value=units_per_value
    )


def fleet(*signals: Signal) -> FleetSpec:
    return FleetSpec(fleet="F", pools=(POOL,), signals=signals)


@given(a=FACTORS, b=FACTORS, offset=st.floats(-1000, 1000), units_per_value=FACTORS, units=FACTORS)
def test_the_published_value_makes_the_signal_ask_for_the_demand(
    a: float, b: float, offset: float, units_per_value: float, units: float
) -> None:
    signal = rate(
        f"({a!r} * m1 + FILL(m2, 0) / {b!r}) + {offset!r}",
        units_per_value=units_per_value,
        m1=metric("A"),
        m2=metric("B"),
    )

    value = value_for_units(signal, units)

    asked = signal.units({"m1": value, "m2": value}, lead_seconds=0)
    assert asked == pytest.approx(units, rel=1e-5, abs=1e-5 * units_per_value)


@given(expression=st.sampled_from(["m1 / m2", "m1 - m2", "0 * m1 + 0 * m2", "m1 / (m2 + 1)"]))
def test_an_expression_that_is_no_straight_line_is_refused_in_words(expression: str) -> None:
    signal = rate(expression, m1=metric("A"), m2=metric("B"))

    with pytest.raises(ReplayError, match="signal 's': no equal value of m1, m2"):
        value_for_units(signal, 50)


@pytest.mark.parametrize(
    ("statistic", "period_seconds", "values"),
    [
        ("Average", 60, [60.0]),
        ("Sum", 60, [60.0]),
        ("Maximum", 300, [60.0]),
        ("p99", 60, [60.0]),
        ("Sum", 300, [12.0]),
        ("Sum", 20, [60.0, 60.0, 60.0]),
    ],
)
def test_a_minute_is_published_so_that_each_period_reads_the_demand(
    statistic: str, period_seconds: int, values: list[float]
) -> None:
    signal = rate("m", m=metric(statistic=statistic, period_seconds=period_seconds))

    points = list(demand_datapoints(fleet(signal), 600, 60.0))

    assert [point.value for point in points] == values
    assert points[0].epoch_seconds == 600
    assert points[-1].epoch_seconds < 660


def test_a_metric_that_an_expression_uses_twice_is_published_once() -> None:
    signal = rate("a + b", a=metric(), b=metric(statistic="Maximum"))

    assert [point.value for point in demand_datapoints(fleet(signal), 0, 30.0)] == [15.0]


def test_a_statistic_that_counts_samples_cannot_be_published_and_says_so() -> None:
    signal = rate("m", m=metric(statistic="SampleCount"))

    with pytest.raises(ReplayError, match=r"metric 'N/M'.*got statistic SampleCount"):
        list(demand_datapoints(fleet(signal), 0, 30.0))


def test_a_queue_reports_what_waits_and_what_is_worked_on() -> None:
    jobs = BacklogSignal(
        name="jobs",
        metrics={"waiting": metric("Waiting"), "in_flight": metric("InFlight")},
        seconds_per_item=90,
        drain_within_seconds=600,
    )

    points = backlog_datapoints(fleet(jobs), 60, {"waiting": 40, "in_flight": 7})

    assert {point.metric.metric_name: point.value for point in points} == {
        "Waiting": 40,
        "InFlight": 7,
    }


def test_a_reporting_baseline_says_that_all_is_well() -> None:
    spec = FleetSpec(
        fleet="F",
        pools=(POOL,),
        signals=(rate("m", m=metric()),),
        baseline=ReportedBaseline(metric=metric("Healthy"), declared_units=400),
    )

    (point,) = baseline_datapoints(spec, 60)

    assert (point.metric.metric_name, point.value) == ("Healthy", 400)
