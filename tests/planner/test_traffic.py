"""Traffic fills the sites of the baseline first, and never goes where nothing serves."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import (
    FixedBaseline,
    Memory,
    Metric,
    MetricSeries,
    ReportedBaseline,
    SitesBaseline,
    SiteSpec,
    TrafficReading,
    TrafficSpec,
    decide,
)
from peakfleet_planner.demand import usable_baseline, without_dead_targets
from peakfleet_planner.pool_plan import Split, apportioned, next_split, wanted_split
from peakfleet_planner.pool_plan.traffic import MOST_STEP, MOST_WEIGHT, cloud_weight
from tests.planner.fleets import NOW, fleet, snapshot

BALANCED = replace(
    fleet(),
    traffic=TrafficSpec(
        listener_arn="l", baseline_target_group_arn="b", cloud_target_group_arn="c"
    ),
)

SITES = ("ams", "fra", "lon")
weights = st.integers(0, MOST_WEIGHT)
targets = st.none() | st.integers(0, 3)
parts = st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(any)
splits = parts.map(
    lambda parts: dict(zip((*SITES, "cloud"), apportioned(MOST_WEIGHT, parts), strict=True))
)


def split(given: dict[str, int]) -> Split:
    return Split(cloud=given["cloud"], sites={site: given[site] for site in SITES})


def read(now: Split, sites: dict[str, int | None], cloud: int | None) -> TrafficReading:
    return TrafficReading(
        cloud_weight=now.cloud, site_weights=now.sites, cloud_healthy=cloud, sites_healthy=sites
    )


def one_side(cloud: int) -> Split:
    return Split(cloud=cloud, sites={"": MOST_WEIGHT - cloud})


def next_weight(target: int, current: int, baseline: int | None, cloud: int | None) -> int:
    seen = read(one_side(current), {"": baseline}, cloud)
    return next_split(one_side(target), seen).cloud


def total(one: Split) -> int:
    return one.cloud + sum(one.sites.values())


@given(
    wanted=splits,
    current=splits,
    healthy=st.fixed_dictionaries(dict.fromkeys(SITES, targets)),
    cloud=targets,
)
def test_weights_add_up_and_no_side_without_healthy_targets_gets_more(
    wanted: dict[str, int], current: dict[str, int], healthy: dict[str, int | None], cloud: int
) -> None:
    now = split(current)
    after = next_split(split(wanted), read(now, healthy, cloud))
    assert total(after) == MOST_WEIGHT
    sides = {**healthy, "cloud": cloud}
    got = {**after.sites, "cloud": after.cloud}
    serves = any(sides.values())
    for side, seen in sides.items():
        assert got[side] >= 0
        if not seen:
            assert got[side] <= current[side]
        if seen == 0 and serves:
            assert got[side] == 0
        if seen is None:
            assert got[side] == current[side]
        if seen and None in sides.values():  # blind, nothing that serves loses anything
            assert got[side] >= current[side]
    freed = sum(current[side] for side, seen in sides.items() if seen == 0)
    moved = sum(max(0, got[side] - current[side]) for side in sides)
    assert moved <= freed + MOST_STEP * serves


@given(wanted=splits, current=splits)
def test_between_sides_that_serve_the_split_is_reached_in_three_ticks(
    wanted: dict[str, int], current: dict[str, int]
) -> None:
    now = split(current)
    for _ in range(3):
        now = next_split(split(wanted), read(now, dict.fromkeys(SITES, 1), 1))
    assert now == split(wanted)


@given(wanted=splits, current=splits)
def test_a_split_that_a_deployment_has_set_back_is_mended_in_one_tick(
    wanted: dict[str, int], current: dict[str, int]
) -> None:
    aim, now = split(wanted), read(split(current), dict.fromkeys(SITES, 1), 1)
    assert next_split(aim, now, told=aim.cloud) == aim or aim.cloud == current["cloud"]


@given(cloud=weights, units=st.lists(st.floats(0, 1000), min_size=1, max_size=4))
def test_sites_share_by_what_each_serves(cloud: int, units: list[float]) -> None:
    names = [f"s{index}" for index in range(len(units))]
    wanted = wanted_split(cloud, dict(zip(names, units, strict=True)))
    assert (wanted.cloud, total(wanted)) == (cloud, MOST_WEIGHT)
    for name, one in zip(names, units, strict=True):
        if sum(units) > 1:
            assert abs(wanted.sites[name] - (MOST_WEIGHT - cloud) * one / sum(units)) < 1


@given(target=weights, current=weights, baseline=targets, cloud=targets)
def test_no_traffic_moves_to_a_side_without_healthy_targets(
    target: int, current: int, baseline: int | None, cloud: int | None
) -> None:
    weight = next_weight(target, current, baseline, cloud)
    assert 0 <= weight <= MOST_WEIGHT
    if not cloud:
        assert weight <= current
    if not baseline:
        assert weight >= current
    if baseline and cloud:
        assert abs(weight - current) <= MOST_STEP


@given(target=weights, current=weights)
def test_of_sides_of_which_one_serves_that_one_gets_everything(target: int, current: int) -> None:
    for baseline, cloud, expected in ((2, 0, 0), (0, 2, MOST_WEIGHT)):
        assert next_weight(target, current, baseline, cloud) == expected


@given(target=weights, current=weights, seen=st.sampled_from([(None, 2), (2, None), (None, None)]))
def test_without_sight_the_last_weights_stay(
    target: int, current: int, seen: tuple[int | None, int | None]
) -> None:
    baseline, cloud = seen
    assert next_weight(target, current, baseline, cloud) == current


@given(units=st.floats(1, 1000), reported=st.floats(0, 1000), dead=st.sampled_from(["", "fra"]))
def test_what_the_balancer_finds_dead_carries_nothing_whatever_it_reports(
    units: float, reported: float, dead: str
) -> None:
    spec = SitesBaseline(
        sites=tuple(
            SiteSpec(
                name=name,
                baseline=ReportedBaseline(
                    metric=Metric(namespace=name, metric_name="Units"), declared_units=units
                ),
            )
            for name in ("fra", "ams")
        )
    )
    now = 6000
    series = MetricSeries(points=tuple((60 * minute, reported) for minute in range(100)))
    found = usable_baseline(spec, {"fra/report": series, "ams/report": series}, now)
    without = without_dead_targets(found, [dead], now)
    by_name = dict(without.sites)
    assert by_name["fra"].units == by_name["fra"].units_at(now) == 0
    kept = 0 if dead == "" else dict(found.sites)["ams"].units
    assert without.units == by_name["ams"].units == kept
    assert without.units_at(now - 600) >= without.units
    assert without_dead_targets(found, [], now) == found


@given(share=st.integers(0, 20), unread=st.booleans())
def test_a_group_that_cannot_be_read_for_a_tick_moves_no_traffic(
    share: int, *, unread: bool
) -> None:
    spec = replace(BALANCED, baseline=FixedBaseline(units=100))
    seen = snapshot(spec, [100.0 + 10 * share] * 60, [share])
    weight = cloud_weight(10 * share, 100, 10 * share)
    seen = replace(
        seen,
        traffic=read(one_side(weight), {"": 1}, 1),
        pools=() if unread else seen.pools,
        memory=Memory(desired={"p0": share}, weightless_since=NOW - 600),
    )
    plan = decide(spec, seen)
    assert plan.cloud_weight == weight
    assert plan.unserved_units == 0
