"""A fleet with several pools, in fair and foul scenario."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from peakfleet_planner import FleetSpec, Metric, PoolSpec, ReportedBaseline, WarmSpec
from peakfleet_sim import Comparison, Demand, DemandError, World, live_spec
from peakfleet_sim.replay import Run, replay_fleet
from peakfleet_sim.world import load_scenario

START = datetime(2026, 3, 2, tzinfo=UTC)
WORLD = World(baseline_units=100, max_instances=40)


def demand(units: list[float]) -> Demand:
    return Demand(name="test", start=START, units=np.array(units, dtype=np.float64))


def pool(name: str, *, units: float = 1, most: int = 10, usd: float | None = None) -> PoolSpec:
    return PoolSpec(
        name=name,
        group=name,
        units_per_capacity=units,
        max_capacity=most,
        usd_per_capacity_hour=usd,
    )


def fleet(*pools: PoolSpec) -> FleetSpec:
    return replace(live_spec(WORLD), pools=pools)


def in_scenario(text: str, folder: Path, spec: FleetSpec, units: list[float]) -> Run:
    path = folder / "scenario.toml"
    path.write_text(text, encoding="utf-8")
    return replay_fleet(demand(units), spec, scenario=load_scenario(path))


def record_availability(folder: Path, nodes: list[int], *, gap_seconds: float) -> None:
    document = {"metadata": {"gap_seconds": gap_seconds}, "data": nodes}
    (folder / "spot.json.gz").write_bytes(gzip.compress(json.dumps(document).encode()))


def test_a_fleet_with_one_pool_does_what_the_policy_does() -> None:
    units = np.random.default_rng(2).gamma(2, 60, 400).tolist()
    ours = Comparison(demand=demand(units), world=WORLD).peakfleet()

    whole = replay_fleet(demand(units), live_spec(WORLD))

    assert whole.desired_instances.tolist() == ours.desired_instances.tolist()
    assert whole.billed_instances.tolist() == ours.billed_instances.tolist()
    assert whole.unserved_units.tolist() == ours.unserved_units.tolist()
    assert whole.explanations == ours.explanations


def test_the_ladder_is_filled_in_order_and_each_pool_has_its_price() -> None:
    spec = fleet(pool("cheap", most=10, usd=0.6), pool("dear", units=2, most=10, usd=6))
    replayed = replay_fleet(demand([100.0] * 60 + [116.0] * 60), spec)
    cheap, dear = replayed.pools

    assert (cheap.ready[-1], dear.ready[-1]) == (10, 3)
    assert replayed.ready_instances[-1] == 10 + 2 * 3  # in instances of the first pool
    hours = [series.billed.sum() / 60 for series in (cheap, dear)]
    assert replayed.usd == pytest.approx(0.6 * hours[0] + 6 * hours[1])
    assert replay_fleet(demand([100.0] * 9), fleet(pool("free"))).usd is None


def test_what_runs_above_the_recorded_availability_is_reclaimed(tmp_path: Path) -> None:
    record_availability(tmp_path, [5] * 90 + [1] * 30, gap_seconds=60)
    text = '[[pool]]\nname = "spot"\navailability = {file = "spot.json.gz", instances_per_node=2}'
    replayed = in_scenario(text, tmp_path, fleet(pool("spot", most=9)), [108.0] * 120)
    (spot,) = replayed.pools

    assert spot.ready[80] == 8
    assert spot.ready[91] == 2
    assert replayed.unserved_units[91] == 6


def test_a_dry_pool_is_asked_seldom_and_used_again_within_half_an_hour(tmp_path: Path) -> None:
    record_availability(tmp_path, [0] * 20 + [9] * 100, gap_seconds=180)
    text = '[[pool]]\nname = "spot"\navailability = {file = "spot.json.gz"}'
    replayed = in_scenario(text, tmp_path, fleet(pool("spot", most=9)), [105.0] * 120)
    (spot,) = replayed.pools

    assert spot.desired[30] == 0
    assert spot.billed[:60].sum() == 0
    assert spot.ready[95] >= 5
    assert spot.requests <= 10


def test_what_a_dry_pool_refuses_the_next_one_supplies_in_the_same_minute(tmp_path: Path) -> None:
    record_availability(tmp_path, [3] * 120, gap_seconds=60)
    text = '[[pool]]\nname = "spot"\navailability = {file = "spot.json.gz"}'
    spec = fleet(pool("spot", most=9), pool("sure", most=9))
    replayed = in_scenario(text, tmp_path, spec, [100.0] * 60 + [106.0] * 60)
    spot, sure = replayed.pools

    first = int(spot.desired.argmax())
    assert spot.desired[first] == 3
    assert sure.desired[first] >= 3
    assert replayed.unserved_units[70:].sum() == 0


def test_boot_times_are_drawn_from_those_given(tmp_path: Path) -> None:
    text = '[[pool]]\nname = "slow"\nboot_seconds = [60, 600]'
    saws = [100.0 + 9 * (minute % 40 > 20) for minute in range(400)]
    replayed = in_scenario(text, tmp_path, fleet(pool("slow", most=20)), saws)
    booting = replayed.pools[0].billed - replayed.pools[0].ready
    fair = replay_fleet(demand(saws), fleet(pool("slow", most=20)))

    assert booting.max() > 0
    assert replayed.ready_instances.tolist() != fair.ready_instances.tolist()


def test_lost_metrics_never_shrink_a_fleet(tmp_path: Path) -> None:
    text = "[[metrics_lost]]\nfrom_minute = 60\nminutes = 90"
    units = [108.0] * 60 + [100.0] * 150
    replayed = in_scenario(text, tmp_path, fleet(pool("p", most=20)), units)
    desired = replayed.desired_instances

    assert desired[60:150].min() >= 8
    assert "silent" in replayed.explanations[100]
    assert desired[-1] == 0


def test_a_baseline_that_fails_is_a_burst_and_one_that_reports_it_is_covered(
    tmp_path: Path,
) -> None:
    text = "[[baseline_outage]]\nfrom_minute = 60\nminutes = 60\nusable_fraction = 0.5"
    trusted = fleet(pool("p", most=90))
    reported = replace(
        trusted,
        baseline=ReportedBaseline(
            metric=Metric(namespace="OnPrem", metric_name="Healthy"), declared_units=100
        ),
    )
    blind = in_scenario(text, tmp_path, trusted, [90.0] * 150)
    told = in_scenario(text, tmp_path, reported, [90.0] * 150)

    assert blind.burst_units[60:120].tolist() == [40.0] * 60
    assert blind.unserved_units[70:120].min() == 40
    assert told.unserved_units[70:120].max() == 0
    assert told.desired_instances[-1] == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[pool]]\nnam = 1", "unknown field nam"),
        ("pool = 3", "cannot be read as a scenario"),
        ("pool = [3]", "cannot be read as a scenario"),
        ("[[metrics_lost]]\nfrom_minute = -1\nminutes = 3", "from_minute must be at least 0"),
        ('[[pool]]\nname = "p"\navailability = {file = "gone.json"}', "gone.json: cannot be read"),
    ],
)
def test_a_scenario_that_cannot_be_is_refused(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(DemandError, match=says):
        in_scenario(text, tmp_path, fleet(pool("p")), [1.0] * 5)


def test_a_fleet_is_replayed_with_the_warm_pools_of_its_specification() -> None:
    jump = [100.0] * 60 + [105.0] * 30
    cold = pool("p", most=9, usd=1.0)
    warm = replace(cold, warm=WarmSpec(min_capacity=4, max_capacity=4, cost_fraction=0.1))
    without, with_it = (replay_fleet(demand(jump), fleet(one)) for one in (cold, warm))

    assert with_it.unserved_units.sum() < without.unserved_units.sum()
    assert with_it.pools[0].billed[59] == pytest.approx(0.4)
    assert without.pools[0].billed[59] == 0


def test_a_warm_pool_of_planned_size_waits_once_demand_has_jumped() -> None:
    jumps = [100.0] * 90 + ([100.0] * 20 + [108.0] * 10) * 4
    warm = replace(pool("p", most=20), warm=WarmSpec(max_capacity=6, cost_fraction=0.1))
    billed = replay_fleet(demand(jumps), fleet(warm)).pools[0].billed

    assert billed[80] == 0
    assert billed[-25] == pytest.approx(0.6)


def test_what_waits_holds_no_capacity_where_a_pool_is_dry(tmp_path: Path) -> None:
    record_availability(tmp_path, [0] * 60, gap_seconds=180)
    text = '[[pool]]\nname = "warm"\navailability = {file = "spot.json.gz"}'
    warm = replace(pool("warm", most=9), warm=WarmSpec(min_capacity=4, max_capacity=4))
    spec = fleet(warm, pool("sure", most=9))
    replayed = in_scenario(text, tmp_path, spec, [100.0] * 60 + [105.0] * 30)

    assert replayed.pools[0].ready.max() == 0
    assert replayed.pools[1].ready[-1] >= 5
