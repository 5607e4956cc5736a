"""A fleet whose traffic is split: what its plans do with weights, and what they say of them."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import (
    BaselineState,
    FixedBaseline,
    FleetSpec,
    Hold,
    Memory,
    Metric,
    MetricSeries,
    Plan,
    Reason,
    ReportedBaseline,
    SitesBaseline,
    SiteSpec,
    Snapshot,
    TrafficReading,
    TrafficSpec,
    WeightedRecordsSpec,
    decide,
)
from peakfleet_planner.pool_plan.traffic import MOST_STEP, MOST_WEIGHT, cloud_weight
from tests.planner.fleets import NOW, fleet, sizes, snapshot, units

BASELINE = 100.0
TTL = 300
LISTENER = replace(
    fleet(baseline=FixedBaseline(units=BASELINE)),
    traffic=TrafficSpec(
        listener_arn="l", baseline_target_group_arn="b", cloud_target_group_arn="c"
    ),
)
RECORDS = replace(
    fleet(baseline=FixedBaseline(units=BASELINE)),
    records=WeightedRecordsSpec(
        hosted_zone_id="Z",
        record_name="live.example.com",
        cloud="c",
        sites={"": "b"},
        ttl_seconds=TTL,
    ),
)
SPLIT = (LISTENER, RECORDS)
LONG_AGO = NOW - 86_400
weights = st.integers(0, MOST_WEIGHT)
bursts = st.sampled_from([0.0, 0.5]) | st.floats(0.5, 500)
points = st.integers(0, 60)
healthy = st.sampled_from([None, 0, 1, 2])


def seen(
    demand: float,
    has: int,
    *,
    weight: int = 0,
    baseline: int | None = 2,
    cloud: int | None = 2,
    memory: Memory | None = None,
) -> Snapshot:
    """Return an hour of steady demand, and traffic of which the fleet gets this weight."""
    read = TrafficReading(
        cloud_weight=weight,
        site_weights={"": MOST_WEIGHT - weight},
        cloud_healthy=cloud,
        sites_healthy={"": baseline},
    )
    known = memory or Memory(weightless_since=LONG_AGO)
    return replace(snapshot(LISTENER, [demand] * 90, [has], memory=known), traffic=read)


def said(plan: Plan) -> set[Reason]:
    return {plan.reason, *plan.limits}


@given(burst=bursts, has=points, dead=st.booleans())
def test_a_baseline_whose_targets_are_dead_carries_nothing_and_is_said(
    burst: float, has: int, *, dead: bool
) -> None:
    plan = decide(LISTENER, seen(BASELINE + burst, has, baseline=0 if dead else 2))
    assert plan.baseline_units == (0 if dead else BASELINE)
    assert plan.wanted_units >= burst + (BASELINE if dead else 0) - 1e-6
    assert (Reason.TARGETS_DEAD in said(plan)) is dead


@given(burst=bursts, has=points, cloud=healthy, each=st.sampled_from([0.05, 1.0, 10.0]))
def test_a_fleet_that_should_serve_and_has_no_healthy_target_is_said(
    burst: float, has: int, cloud: int | None, each: float
) -> None:
    (pool,) = LISTENER.pools
    spec = replace(LISTENER, pools=(replace(pool, units_per_capacity=each),))
    plan = decide(spec, seen(BASELINE + burst, has, cloud=cloud))
    assert (Reason.TARGETS_DEAD in said(plan)) is (cloud == 0 and burst > 0 and has > 0)


@given(spec=st.sampled_from(SPLIT), has=st.integers(2, 60), baseline=healthy, cloud=healthy)
def test_while_it_is_not_known_whether_targets_are_healthy_nothing_is_let_go_and_that_is_said(
    spec: FleetSpec, has: int, baseline: int | None, cloud: int | None
) -> None:
    plan = decide(spec, seen(0, has, weight=MOST_WEIGHT, baseline=baseline, cloud=cloud))
    blind = None in {baseline, cloud}
    assert (Reason.TARGETS_UNREADABLE in said(plan)) is blind
    if blind:
        assert sizes(plan) == [has]
        assert Reason.TRAFFIC_MOVING not in said(plan)


@given(demand=st.floats(0, 100), has=st.integers(2, 60), weight=weights)
def test_while_traffic_still_moves_to_the_baseline_nothing_is_let_go_and_that_is_said(
    demand: float, has: int, weight: int
) -> None:
    plan = decide(LISTENER, seen(demand, has, weight=weight))
    moves = weight > MOST_STEP
    assert (Reason.TRAFFIC_MOVING in said(plan)) is moves
    assert (sizes(plan) == [has]) is moves


@given(demand=st.floats(0, 100), has=st.integers(2, 60), weight=weights)
def test_a_fleet_that_splits_nothing_speaks_of_no_traffic(
    demand: float, has: int, weight: int
) -> None:
    unsplit = replace(LISTENER, traffic=None)
    plan = decide(unsplit, seen(demand, has, weight=weight, cloud=None))
    assert sizes(plan) == [0]
    assert (plan.cloud_weight, plan.site_weights) == (None, {})


@given(demand=st.floats(0, 300), has=points, weight=weights)
def test_weights_go_to_what_each_side_should_serve_step_by_step_and_add_up(
    demand: float, has: int, weight: int
) -> None:
    plan = decide(LISTENER, seen(demand, has, weight=weight))
    target = cloud_weight(demand - BASELINE, BASELINE, 10 * has)
    step = max(-MOST_STEP, min(MOST_STEP, target - weight))
    assert plan.cloud_weight == weight + step
    assert plan.site_weights == {"": MOST_WEIGHT - plan.cloud_weight}


@given(demand=st.floats(0, 300), has=points, weight=weights)
def test_a_hold_leaves_the_traffic_as_it_is(demand: float, has: int, weight: int) -> None:
    hold = Hold(owner="ada", reason="migration", until_epoch_seconds=NOW + 60)
    plan = decide(LISTENER, seen(demand, has, weight=weight, memory=Memory(hold=hold)))
    assert (plan.cloud_weight, plan.site_weights) == (None, {})


@given(burst=st.floats(10, 500), has=st.integers(1, 60))
def test_weights_that_a_deployment_has_set_back_are_mended_in_one_tick(
    burst: float, has: int
) -> None:
    target = cloud_weight(burst, BASELINE, 10 * has)
    told = Memory(cloud_weight=target, weightless_since=LONG_AGO)
    assert decide(LISTENER, seen(BASELINE + burst, has, memory=told)).cloud_weight == target


@given(has=st.integers(1, 60), part=st.floats(0, 1))
def test_what_may_serve_and_is_not_seen_keeps_the_traffic_that_it_has(
    has: int, part: float
) -> None:
    burst = 10.0 * has
    weight = round(part * cloud_weight(burst, BASELINE, burst))
    memory = Memory(desired={"p0": has}, weightless_since=LONG_AGO)
    unread = replace(seen(BASELINE + burst, has, weight=weight, memory=memory), pools=())
    assert decide(LISTENER, unread).cloud_weight == weight


@given(least=st.floats(1, 400), more=st.floats(1, 400), burst=bursts, has=points)
def test_the_sites_of_a_split_share_what_the_fleet_does_not_get_by_what_each_serves(
    least: float, more: float, burst: float, has: int
) -> None:
    sites = tuple(
        SiteSpec(
            name=name,
            baseline=ReportedBaseline(
                metric=Metric(namespace=name, metric_name="Units"), declared_units=declared
            ),
        )
        for name, declared in (("ams", least), ("fra", more))
    )
    spec = replace(
        LISTENER,
        baseline=SitesBaseline(sites=sites),
        traffic=TrafficSpec(
            listener_arn="l",
            cloud_target_group_arn="c",
            site_target_group_arns={"ams": "a", "fra": "f"},
        ),
    )
    reports = {
        f"{one.name}/report": MetricSeries(
            points=tuple((NOW - 60 * age, one.baseline.carried_units) for age in range(60, 0, -1))
        )
        for one in sites
    }
    plan = decide(
        spec,
        replace(seen(least + more + burst, has), traffic=None, baseline=reports),
    )
    assert plan.baseline_state is BaselineState.HEALTHY
    assert plan.cloud_weight is not None
    rest = MOST_WEIGHT - plan.cloud_weight
    assert sum(plan.site_weights.values()) == rest
    assert abs(plan.site_weights["ams"] - rest * least / (least + more)) < 1


@given(
    spec=st.sampled_from(SPLIT),
    has=st.integers(1, 60),
    weight=st.sampled_from([0, 1]),
    since=st.none() | st.integers(0, 600),
)
def test_the_last_instance_leaves_once_no_traffic_has_come_for_long_enough(
    spec: FleetSpec, has: int, weight: int, since: int | None
) -> None:
    memory = Memory(weightless_since=None if since is None else NOW - since)
    plan = decide(spec, seen(BASELINE / 2, has, weight=weight, memory=memory))
    lead_seconds = 60 if spec is LISTENER else 60 + TTL
    gone = weight == 0 and since is not None and since >= lead_seconds
    assert sizes(plan) == [0 if gone else 1]


@given(demand=st.floats(10, 100), lowered=weights, ago=st.integers(1, 2 * TTL))
def test_what_still_comes_by_a_weight_that_was_lowered_is_kept_for_a_time_to_live(
    demand: float, lowered: int, ago: int
) -> None:
    memory = Memory(weights=((NOW - ago, lowered),), weightless_since=LONG_AGO)
    plan = decide(RECORDS, seen(demand, 20, memory=memory))
    comes = demand * lowered / MOST_WEIGHT if ago <= TTL else 0.0
    assert comes - 1e-6 <= units(plan) < comes + 10


@given(demand=st.floats(0, 100), has=points)
def test_records_that_act_late_bring_no_traffic_that_the_baseline_carries(
    demand: float, has: int
) -> None:
    assert decide(RECORDS, seen(demand, has)).cloud_weight == 0
