"""What never happens while capacity is refused, taken back or changed by others."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import (
    Draining,
    FleetSpec,
    ForeignSize,
    Hold,
    Launch,
    Memory,
    Notice,
    Outage,
    OutageCause,
    PoolReading,
    PoolSpec,
    Reason,
    Refusal,
    Snapshot,
    decide,
    pursue,
    settled,
)
from peakfleet_planner.fallback import Answer, Ask
from tests.planner.capacity import (
    LADDER,
    NOW,
    ZONES,
    demand,
    groups,
    wants,
)

DRAINED = replace(LADDER, pools=tuple(replace(one, drain_seconds=110) for one in LADDER.pools))
"""The same fleet, whose instances finish their work before they leave."""
dry = st.sets(st.tuples(st.sampled_from(["c8g.large", "c7g.large"]), st.sampled_from(ZONES)))
sizes = st.lists(st.integers(0, 60), min_size=2, max_size=2)
loads = st.floats(0, 3000)


def outage(kind: str | None, zone: str | None, *, age: int = 0, attempts: int = 1) -> Outage:
    return Outage(
        cause=OutageCause.NO_CAPACITY,
        asked_at_epoch_seconds=NOW - age,
        attempts=attempts,
        purchase="spot",
        zone=zone,
        instance_type=kind,
    )


def refusing(shut: set[tuple[str, str]], asked: list[tuple[str, str, int]]) -> Ask:
    """Return a world in which Spot of some types is dry in some zones."""

    def ask(pool: PoolSpec, launch: Launch) -> Answer:
        asked.append((pool.name, launch.zone, launch.capacity))
        types = tuple(kind for kind in pool.instance_types if (kind, launch.zone) in shut)
        if pool.purchase != "spot" or len(types) < len(pool.instance_types):
            return Answer(capacity=launch.capacity)
        return Answer(
            capacity=0,
            refusals=(Refusal(cause=OutageCause.NO_CAPACITY, instance_types=types),),
        )

    return ask


@given(load=loads, running=sizes, shut=dry)
def test_what_one_pool_refuses_is_asked_of_the_next_in_the_same_tick(
    load: float, running: list[int], shut: set[tuple[str, str]]
) -> None:
    snapshot = demand(load, groups(running))
    asked: list[tuple[str, str, int]] = []
    pursued = pursue(LADDER, snapshot, decide(LADDER, snapshot), ask=refusing(shut, asked))
    at_most = sum(pool.max_units for pool in LADDER.pools if pool.purchase != "spot")
    if load <= at_most:
        assert wants(pursued.plan) <= pursued.plan.granted_units + 1e-6
    assert len(asked) <= 4 * len(ZONES)


@given(load=st.floats(500, 3000), shut=dry)
def test_a_zone_that_is_dry_is_not_asked_before_its_time(
    load: float, shut: set[tuple[str, str]]
) -> None:
    known = tuple(outage(kind, zone, age=170) for kind, zone in shut)
    snapshot = replace(demand(load, groups([0, 0])), memory=Memory(outages=known))
    plan = decide(LADDER, snapshot)
    both = {zone for zone in ZONES if {("c8g.large", zone), ("c7g.large", zone)} <= shut}
    assert not both & {launch.zone for launch in plan.pools[0].launches}


def test_an_hour_of_drought_costs_at_most_ten_calls() -> None:
    every = {(kind, zone) for kind in ("c8g.large", "c7g.large") for zone in ZONES}
    asked: list[tuple[str, str, int]] = []
    memory, running = Memory(), [0, 0]
    for minute in range(60):
        now = NOW + 60 * minute
        snapshot = replace(demand(900, groups(running), now=now), memory=memory)
        pursued = pursue(LADDER, snapshot, decide(LADDER, snapshot), ask=refusing(every, asked))
        found = {one.scope: one for one in (*memory.outages, *pursued.outages)}
        memory = Memory(outages=tuple(found.values()))
        running = [pool.desired_capacity for pool in pursued.plan.pools]
    to_spot = [one for one in asked if one[0] == "Spot"]
    assert len(ZONES) < len(to_spot) <= 10
    assert running[0] == 0


def test_a_drought_that_ends_is_noticed_within_half_an_hour() -> None:
    every = {(kind, zone) for kind in ("c8g.large", "c7g.large") for zone in ZONES}
    known = tuple(outage(kind, zone, age=1800, attempts=9) for kind, zone in every)
    snapshot = replace(demand(900, groups([0, 0])), memory=Memory(outages=known))
    asked: list[tuple[str, str, int]] = []
    pursued = pursue(LADDER, snapshot, decide(LADDER, snapshot), ask=refusing(set(), asked))
    assert pursued.plan.pools[0].desired_capacity > 0
    assert len({one.zone for one in pursued.ended}) == 1


@given(load=loads, running=sizes, shut=dry)
def test_without_a_state_table_refusals_still_end_within_the_tick(
    load: float, running: list[int], shut: set[tuple[str, str]]
) -> None:
    snapshot = replace(demand(load, groups(running)), memory=None)
    asked: list[tuple[str, str, int]] = []
    pursue(LADDER, snapshot, decide(LADDER, snapshot), ask=refusing(shut, asked))
    assert len(asked) <= 4 * len(ZONES)


def test_desired_capacity_that_cannot_be_met_is_lowered_so_that_no_flood_follows() -> None:
    reading = replace(groups([20, 0])[0], in_service_capacity=5, booting_capacity=1)
    shut = (outage(None, None),)
    snapshot = replace(demand(120, (reading, groups([0, 0])[1])), memory=Memory(outages=shut))
    plan = decide(LADDER, snapshot)
    assert [pool.desired_capacity for pool in plan.pools] == [6, 6]
    assert plan.pools[0].outage is OutageCause.NO_CAPACITY
    assert Reason.NO_CAPACITY in (plan.reason, *plan.limits)


def test_a_notice_starts_a_replacement_and_drains_the_victim() -> None:
    spot = replace(groups([10, 0])[0], serving=frozenset(f"i-{n}" for n in range(10)))
    notices = (
        Notice(instance_id="i-3", pool="Spot", kind="interruption", seen_at_epoch_seconds=NOW),
    )
    shut = (replace(outage("c8g.large", "a"), cause=OutageCause.AT_RISK),)
    snapshot = replace(
        demand(100, (spot, groups([10, 0])[1])), memory=Memory(notices=notices, outages=shut)
    )
    plan = decide(DRAINED, snapshot)
    assert plan.pools[0].drains == ("i-3",)
    assert plan.granted_units >= 100
    assert Reason.AT_RISK in (plan.reason, *plan.limits)


def test_an_instance_that_is_only_at_risk_is_kept_until_it_can_be_spared() -> None:
    risk = (Notice(instance_id="i-1", pool="Spot", kind="rebalance", seen_at_epoch_seconds=NOW),)
    spot = replace(groups([10, 0])[0], serving=frozenset(f"i-{n}" for n in range(10)))
    tight = replace(demand(100, (spot, groups([10, 0])[1])), memory=Memory(notices=risk))
    spare = replace(demand(80, (spot, groups([10, 0])[1])), memory=Memory(notices=risk))
    assert decide(LADDER, tight).pools[0].drains == ()
    assert decide(LADDER, spare).pools[0].drains == ("i-1",)


def test_a_reclaim_of_all_spot_is_covered_on_demand_at_once() -> None:
    ids = frozenset(f"i-{n}" for n in range(20))
    spot = replace(groups([20, 0])[0], serving=ids)
    notices = tuple(
        Notice(instance_id=one, pool="Spot", kind="interruption", seen_at_epoch_seconds=NOW)
        for one in sorted(ids)
    )
    shut = tuple(
        replace(outage(kind, zone), cause=OutageCause.AT_RISK)
        for kind in ("c8g.large", "c7g.large")
        for zone in ZONES
    )
    snapshot = replace(
        demand(200, (spot, groups([0, 0])[1])), memory=Memory(notices=notices, outages=shut)
    )
    assert [pool.desired_capacity for pool in decide(DRAINED, snapshot).pools] == [0, 20]
    assert [pool.desired_capacity for pool in decide(LADDER, snapshot).pools] == [20, 20]


@given(running=sizes, busy=st.integers(0, 60), load=loads)
def test_what_is_busy_is_never_let_go(running: list[int], busy: int, load: float) -> None:
    readings = groups(running)
    first = replace(readings[0], busy_capacity=min(busy, running[0]))
    plan = decide(LADDER, demand(load, (first, readings[1])))
    assert plan.pools[0].desired_capacity >= first.busy_capacity
    idle = decide(LADDER, demand(load, groups(running)))
    is_kept = plan.granted_units > idle.granted_units
    assert not is_kept or Reason.BUSY in (plan.reason, *plan.limits)


@given(running=sizes, load=loads, foreign=st.integers(0, 60))
def test_a_size_that_somebody_else_has_set_is_left_alone_for_a_while(
    running: list[int], load: float, foreign: int
) -> None:
    ours = {"Spot": foreign + 1, "OnDemand": running[1]}
    snapshot = replace(demand(load, groups([foreign, running[1]])), memory=Memory(desired=ours))
    plan = decide(LADDER, snapshot)
    assert plan.pools[0].desired_capacity == foreign
    assert Reason.OTHER_WRITER in (plan.reason, *plan.limits)


@given(load=loads, helped=st.integers(21, 200))
def test_a_size_that_a_human_raised_above_the_maximum_is_left_alone_for_a_while(
    load: float, helped: int
) -> None:
    spot, rest = groups([helped, 0])
    raised = replace(spot, max_capacity=helped)
    known = ForeignSize(pool="Spot", capacity=helped, since_epoch_seconds=NOW - 300)
    memory = Memory(desired={"Spot": 20}, before={"Spot": 20}, foreign=(known,))
    plan = decide(LADDER, replace(demand(load, (raised, rest)), memory=memory))
    assert plan.pools[0].desired_capacity == helped


def test_what_a_human_asked_for_just_now_stays_asked_for_though_it_does_not_come() -> None:
    """Though the group has lacked one for an hour, or AWS has refused: others are asked as well."""
    spot, rest = groups([30, 0])
    raised = replace(spot, in_service_capacity=9, booting_capacity=0, max_capacity=100)
    known = ForeignSize(pool="Spot", capacity=30, since_epoch_seconds=NOW - 120)
    memory = Memory(
        desired={"Spot": 10},
        before={"Spot": 10},
        unmet_since={"Spot": NOW - 3600},
        foreign=(known,),
    )
    plan = decide(LADDER, replace(demand(200, (raised, rest)), memory=memory))
    assert plan.pools[0].desired_capacity == 30
    shut = replace(memory, outages=(outage(None, None),))
    plan = decide(LADDER, replace(demand(200, (raised, rest)), memory=shut))
    assert plan.pools[0].desired_capacity == 30
    assert plan.pools[1].desired_capacity > 0
    late = replace(known, since_epoch_seconds=NOW - 700)
    plan = decide(
        LADDER, replace(demand(200, (raised, rest)), memory=replace(shut, foreign=(late,)))
    )
    assert plan.pools[0].desired_capacity == 9


def test_a_request_that_was_met_in_part_is_nobody_elses_size() -> None:
    ours = Memory(desired={"Spot": 20}, before={"Spot": 0}, growth={"Spot": ((NOW - 60, 20),)})
    snapshot = replace(demand(200, groups([12, 0])), memory=ours)
    assert Reason.OTHER_WRITER not in decide(LADDER, snapshot).limits


@given(load=loads, running=sizes, shut=dry)
def test_a_hold_is_obeyed_whatever_fails(
    load: float, running: list[int], shut: set[tuple[str, str]]
) -> None:
    hold = Hold(owner="o", reason="r", until_epoch_seconds=NOW + 1)
    known = tuple(outage(kind, zone) for kind, zone in shut)
    spot, rest = groups(running)
    spot = replace(spot, serving=frozenset({"i-1"}), in_service_capacity=0, booting_capacity=0)
    notices = (
        Notice(instance_id="i-1", pool="Spot", kind="interruption", seen_at_epoch_seconds=NOW),
    )
    memory = Memory(hold=hold, outages=known, notices=notices)
    plan = decide(LADDER, replace(demand(load, (spot, rest)), memory=memory))
    assert [pool.desired_capacity for pool in plan.pools] == running
    assert all(not (pool.launches or pool.drains or pool.sweeps) for pool in plan.pools)


def test_when_most_are_unhealthy_replacement_halts_and_others_stand_in() -> None:
    spot, rest = groups([10, 0])
    sick = replace(spot, in_service_capacity=4, unhealthy_capacity=6, booting_capacity=0)
    plan = decide(LADDER, demand(100, (sick, rest)))
    assert not plan.pools[0].replaces_unhealthy
    assert plan.pools[0].desired_capacity + plan.pools[1].desired_capacity >= 16


def move_to_spot(load: float, *, memory: Memory, spec: FleetSpec = LADDER) -> list[int]:
    """Return the sizes after a tick in which everything needed runs on demand."""
    plan = decide(spec, replace(demand(load, groups([0, 10])), memory=memory))
    return [pool.desired_capacity for pool in plan.pools]


def test_a_quiet_spot_pool_takes_over_what_runs_on_demand_step_by_step() -> None:
    assert move_to_spot(100, memory=Memory()) == [2, 10]


def test_nothing_moves_back_while_spot_was_refused_lately() -> None:
    lately = Memory(outages=(outage("c8g.large", "a", age=1700),))
    assert move_to_spot(100, memory=lately) == [0, 10]


def test_nothing_moves_where_the_move_costs_more_than_it_earns() -> None:
    spot, rest = LADDER.pools
    hardly_cheaper = replace(spot, usd_per_capacity_hour=0.0999)
    spec = replace(LADDER, pools=(hardly_cheaper, rest))
    assert move_to_spot(100, memory=Memory(), spec=spec) == [0, 10]


@given(load=loads, running=sizes)
def test_launches_make_up_what_a_pool_grows_by(load: float, running: list[int]) -> None:
    plan = decide(LADDER, demand(load, groups(running)))
    for pool in plan.pools:
        assert pool.seen_capacity is not None
        more = max(0, pool.desired_capacity - pool.seen_capacity)
        assert sum(launch.capacity for launch in pool.launches) == more


def test_zones_are_filled_evenly() -> None:
    spot, rest = groups([0, 0])
    uneven = replace(
        spot, desired_capacity=6, in_service_capacity=6, zones={"a": 6, "b": 0, "c": 0}
    )
    plan = decide(LADDER, demand(120, (uneven, rest)))
    assert plan.pools[0].launches == (Launch(zone="b", capacity=3), Launch(zone="c", capacity=3))


@given(outlived=st.integers(0, 7200))
def test_an_instance_that_outlived_its_drain_is_swept_after_its_time(outlived: int) -> None:
    spec = replace(LADDER, pools=(replace(LADDER.pools[0], drain_seconds=3600), LADDER.pools[1]))
    drain = Draining(instance_id="i-1", pool="Spot", since_epoch_seconds=NOW - outlived)
    reading: PoolReading = replace(groups([0, 0])[0], retained=("i-1", "i-unknown"))
    snapshot: Snapshot = replace(
        demand(0, (reading, groups([0, 0])[1])), memory=Memory(draining=(drain,))
    )
    plan = decide(spec, snapshot)
    assert plan.pools[0].sweeps == (("i-1",) if outlived >= 3600 else ())
    assert plan.stuck_drains == (outlived > 3900)


@given(load=loads, seconds=st.integers(1, 29), shown=st.integers(0, 60))
def test_a_tick_seconds_after_another_does_not_ask_for_the_same_again(
    load: float, seconds: int, shown: int
) -> None:
    first = decide(LADDER, demand(load, groups([0, 0])))
    asked = {pool.name: pool.desired_capacity for pool in first.pools}
    memory = Memory(
        desired=asked,
        before=dict.fromkeys(asked, 0),
        growth={name: ((NOW, points),) for name, points in asked.items() if points},
    )
    running = groups([min(shown, points) for points in asked.values()])
    seen = tuple(settled(reading, memory, NOW + seconds) for reading in running)
    second = decide(LADDER, replace(demand(load, seen, now=NOW + seconds), memory=memory))
    assert [pool.desired_capacity for pool in second.pools] == list(asked.values())
    assert not any(pool.launches for pool in second.pools)


def test_what_a_dead_tick_asked_for_is_asked_for_again_a_minute_later() -> None:
    memory = Memory(desired={"Spot": 10}, before={"Spot": 0}, growth={"Spot": ((NOW, 10),)})
    seen = tuple(settled(reading, memory, NOW + 60) for reading in groups([0, 0]))
    later = replace(demand(100, seen, now=NOW + 60), memory=memory)
    assert sum(launch.capacity for launch in decide(LADDER, later).pools[0].launches) == 10
