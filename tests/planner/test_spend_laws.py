"""A spend limit bounds growth, never ends what runs, and a higher one never gives less."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from peakfleet_planner import (
    FixedBaseline,
    FleetSpec,
    Hold,
    Memory,
    Plan,
    PoolSpec,
    Reason,
    SharedSpend,
    Snapshot,
    SpecError,
    SpendClaim,
    SpendLimitSpec,
    SpendOverride,
    Spent,
    SpotPrices,
    decide,
)
from peakfleet_planner.allocation import spend_claims, spent_after
from peakfleet_planner.snapshot import GATHERING_SECONDS, SPOT_PRICES_LAST_SECONDS, month_of
from peakfleet_planner.spend_limits import Spender, rebuilt_spend
from tests.planner.fleets import NOW, capacities, demands, fleet, seen, series, sizes, snapshot

MONTH, MONTH_END = month_of(NOW)
HOUR, DAY = 3600, 86_400
prices = st.sampled_from([0.1, 0.5, 1.0, 3.0])
limits = st.floats(0, 500)


@st.composite
def priced(draw: st.DrawFn) -> FleetSpec:
    """A fleet of one to three pools with prices, the cheapest by the unit first."""
    drawn = draw(
        st.lists(
            st.tuples(prices, st.sampled_from([1.0, 10.0]), st.integers(1, 300)),
            min_size=1,
            max_size=3,
        )
    )
    pools = tuple(
        PoolSpec(
            name=f"p{i}",
            group=f"asg-{i}",
            units_per_capacity=units,
            max_capacity=maximum,
            usd_per_capacity_hour=usd,
        )
        for i, (usd, units, maximum) in enumerate(sorted(drawn, key=lambda one: one[0] / one[1]))
    )
    return fleet(pools=pools, baseline=FixedBaseline(units=0))


def limited(spec: FleetSpec, **limit: float | str | None) -> FleetSpec:
    return replace(spec, state_table="t", spend_limits=(SpendLimitSpec(**limit),))  # type: ignore[arg-type]  # by name


def usd(spec: FleetSpec, capacity: list[int]) -> float:
    price = [pool.usd_per_capacity_hour or 0 for pool in spec.pools]
    return sum(each * points for each, points in zip(price, capacity, strict=True))


def running(spec: FleetSpec, observed: Snapshot) -> float:
    return usd(spec, [pool.desired_capacity for pool in observed.pools])


def said(plan: Plan) -> set[Reason]:
    return {plan.reason, *plan.limits}


SPEC = fleet(
    pools=(
        PoolSpec(
            name="p0",
            group="g",
            units_per_capacity=10,
            max_capacity=100,
            usd_per_capacity_hour=1.0,
        ),
    ),
    baseline=FixedBaseline(units=0),
)


@given(spec=priced(), demand=demands, has=st.lists(capacities, max_size=3), limit=limits)
def test_growth_never_exceeds_the_limit(
    spec: FleetSpec, demand: float, has: list[int], limit: float
) -> None:
    observed = snapshot(spec, [demand] * 60, has)
    plan = decide(limited(spec, usd_per_hour=limit), observed)
    assert usd(spec, sizes(plan)) <= max(limit, running(spec, observed)) + 1e-6


@given(spec=priced(), demand=demands, has=st.lists(capacities, max_size=3), limit=limits)
def test_a_limit_ends_nothing_that_would_run_without_it(
    spec: FleetSpec, demand: float, has: list[int], limit: float
) -> None:
    observed = snapshot(spec, [demand] * 60, has)
    free = decide(spec, observed)
    bound = decide(limited(spec, usd_per_hour=limit), observed)
    before = [pool.desired_capacity for pool in observed.pools]
    for was, without, within in zip(before, sizes(free), sizes(bound), strict=True):
        assert within >= min(was, without)


@given(
    spec=priced(),
    demand=demands,
    has=st.lists(capacities, max_size=3),
    limit=limits,
    more=st.floats(0, 500),
)
def test_a_higher_limit_never_gives_less(
    spec: FleetSpec, demand: float, has: list[int], limit: float, more: float
) -> None:
    observed = snapshot(spec, [demand] * 60, has)
    low = decide(limited(spec, usd_per_hour=limit), observed)
    high = decide(limited(spec, usd_per_hour=limit + more), observed)
    assert high.granted_units >= low.granted_units - 1e-6


@given(spec=priced(), demand=demands, has=st.lists(capacities, max_size=3), limit=limits)
def test_prices_and_limit_in_another_currency_change_nothing(
    spec: FleetSpec, demand: float, has: list[int], limit: float
) -> None:
    other = replace(
        spec,
        pools=tuple(
            replace(pool, usd_per_capacity_hour=4 * (pool.usd_per_capacity_hour or 0))
            for pool in spec.pools
        ),
    )
    observed = snapshot(spec, [demand] * 60, has)
    here = decide(limited(spec, usd_per_hour=limit), observed)
    assert sizes(here) == sizes(decide(limited(other, usd_per_hour=4 * limit), observed))


@given(spec=priced(), demand=demands, has=st.lists(capacities, max_size=3))
def test_a_limit_that_is_never_reached_changes_nothing(
    spec: FleetSpec, demand: float, has: list[int]
) -> None:
    observed = snapshot(spec, [demand] * 60, has)
    assert decide(limited(spec, usd_per_hour=1e9), observed).pools == decide(spec, observed).pools


def test_what_was_refused_is_said_and_counted() -> None:
    plan = decide(limited(SPEC, usd_per_hour=5), snapshot(SPEC, [200.0] * 60, [2]))
    assert sizes(plan) == [5]
    assert plan.reason is Reason.SPEND_LIMIT
    assert plan.spend is not None
    assert plan.spend.usd_per_hour == plan.spend.allowed_usd_per_hour == 5
    assert plan.spend.refused_units == 10 * (plan.spend.wanted_usd_per_hour - 5) > 0
    assert plan.spend.used_share == 1
    assert "its own limit of 5 USD an hour" in plan.explain()
    assert Plan.from_json(plan.to_json()) == plan


@given(demand=demands, has=capacities, limit=limits)
def test_a_fleet_that_is_held_says_what_it_costs(demand: float, has: int, limit: float) -> None:
    hold = Hold(owner="ada", reason="migration", until_epoch_seconds=NOW + 60)
    observed = snapshot(SPEC, [demand] * 60, [has], memory=Memory(hold=hold))
    spend = decide(limited(SPEC, usd_per_hour=limit), observed).spend
    assert spend is not None
    assert spend.usd_per_hour == spend.wanted_usd_per_hour == running(SPEC, observed)


def test_the_floor_is_kept_whatever_it_costs() -> None:
    spec = replace(SPEC, pools=(replace(SPEC.pools[0], min_capacity=3),))
    plan = decide(limited(spec, usd_per_hour=1), snapshot(spec, [200.0] * 60))
    assert sizes(plan) == [3]


def test_what_drains_still_costs() -> None:
    observed = snapshot(SPEC, [200.0] * 60, [2])
    draining = replace(observed, pools=(replace(observed.pools[0], leaving_capacity=2),))
    assert sizes(decide(limited(SPEC, usd_per_hour=5), draining)) == [3]


def test_an_override_lifts_the_limit_until_it_ends() -> None:
    spec = limited(SPEC, usd_per_hour=5)
    lifted = SpendOverride(owner="ada", reason="launch day", until_epoch_seconds=NOW + 1)
    over = replace(lifted, until_epoch_seconds=NOW)
    plan = decide(spec, snapshot(spec, [200.0] * 60, memory=Memory(spend_override=lifted)))
    assert sizes(plan)[0] > 5
    assert Reason.SPEND_OVERRIDDEN in said(plan)
    assert "as ada allows" in plan.explain()
    assert sizes(
        decide(spec, snapshot(spec, [200.0] * 60, memory=Memory(spend_override=over)))
    ) == [5]


@settings(max_examples=30)
@given(
    wants=st.lists(st.tuples(st.integers(1, 40), st.integers(1, 11)), min_size=1, max_size=8),
    limit=st.floats(50, 2000),
)
def test_a_month_is_not_exceeded_while_no_demand_lasts_longer_than_a_day(
    wants: list[tuple[int, int]], limit: float
) -> None:
    """Bursts of up to eleven ticks of two hours each, every one let go of at its end."""
    spec = limited(SPEC, usd_per_month=limit)
    spent: Spent | None = Spent(month_epoch_seconds=MONTH, usd=0, at_epoch_seconds=MONTH)
    now, points = MONTH, 0
    for demand, ticks in wants:
        for _ in range(ticks):
            now += 2 * HOUR
            observed = replace(
                snapshot(spec, [10.0 * demand] * 60, [points], memory=Memory(spent=spent)),
                now_epoch_seconds=now,
                signals={"streams": {"m": replace(series([]), points=_steady(now, 10.0 * demand))}},
            )
            plan = decide(spec, observed)
            spent = spent_after(spec, observed, plan.spend)
            points = sizes(plan)[0]
            assert spent is not None
            assert spent.usd <= limit + 1e-6
        points = 0


def _steady(now: int, value: float) -> tuple[tuple[int, float], ...]:
    return tuple((now - 60 * minute, value) for minute in range(20, 0, -1))


def test_a_month_that_nobody_knows_is_assumed_at_the_limits_own_pace_and_said() -> None:
    spec = limited(SPEC, usd_per_month=1000)
    plan = decide(spec, snapshot(spec, [200.0] * 60, memory=None))
    share = (NOW - MONTH) / (MONTH_END - MONTH)
    assert plan.spend is not None
    assert plan.spend.spent_usd == pytest.approx(1000 * share)
    assert Reason.SPEND_ASSUMED in said(plan)


def monthly(now: int) -> Spender:
    limits = (SpendLimitSpec(usd_per_month=1000),)
    return Spender(name="live", limits=limits, now_epoch_seconds=now, shared={})


@given(
    steps=st.lists(st.tuples(st.integers(1, 50_000), st.integers(0, 50)), min_size=1, max_size=20)
)
def test_a_month_is_rebuilt_from_what_was_decided_in_it(steps: list[tuple[int, int]]) -> None:
    changes, at = [], MONTH - 10
    for after, points in steps:
        changes.append((at, float(points)))
        at += after
    now = min(at, MONTH_END - 1)
    assume(now >= MONTH and all(one < now for one, _ in changes))
    rebuilt = rebuilt_spend(monthly(now), changes)
    ends = [*(one for one, _ in changes[1:]), now]
    exact = sum(
        usd * max(0, end - max(start, MONTH)) / HOUR
        for (start, usd), end in zip(changes, ends, strict=True)
    )
    assert rebuilt is not None
    assert rebuilt.usd == pytest.approx(exact)
    assert not rebuilt.is_assumed


def test_a_month_is_assumed_up_to_the_first_decision_that_is_known() -> None:
    first = MONTH + 10 * DAY
    rebuilt = rebuilt_spend(monthly(first + HOUR), [(first, 2.0)])
    assert rebuilt is not None
    assert rebuilt.usd == pytest.approx(1000 * 10 * DAY / (MONTH_END - MONTH) + 2)
    assert rebuilt.is_assumed
    assert rebuilt_spend(monthly(NOW), []) is None


# Spot, at the price that is paid.

TYPES = ("c8g.large", "c7g.large")
ON_DEMAND = 2.0
SPOT = replace(
    limited(SPEC, usd_per_hour=6),
    pools=(
        replace(
            SPEC.pools[0],
            purchase="spot",
            instance_types=TYPES,
            most_usd_per_capacity_hour=ON_DEMAND,
        ),
    ),
)


def at_prices(*usd: float, read_at: int = NOW - 60, has: int = 0, **types: int) -> Plan:
    """Decide with prices of Spot that were read then, and *has* instances that run."""
    prices = SpotPrices(at_epoch_seconds=read_at, usd_by_type=dict(zip(TYPES, usd, strict=False)))
    observed = snapshot(SPOT, [1000.0] * 60, [has], memory=Memory(spot_prices=prices))
    runs = {f"{kind}.large": count for kind, count in types.items()}
    pools = tuple(replace(one, types=runs) for one in observed.pools)
    return decide(SPOT, replace(observed, pools=pools))


@given(usd=st.tuples(st.floats(0.01, ON_DEMAND), st.floats(0.01, ON_DEMAND)))
def test_spot_grows_to_what_the_limit_pays_of_its_dearest_type(usd: tuple[float, float]) -> None:
    plan = at_prices(*usd)
    assert sizes(plan)[0] * max(usd) <= 6 + 1e-6
    assert plan.spend is not None
    assert plan.spend.spot_usd == {"p0": max(usd)}
    assert Reason.SPOT_PRICE_UNKNOWN not in said(plan)


def test_what_runs_counts_at_the_price_of_its_own_type() -> None:
    plan = at_prices(0.5, 1.0, has=4, c8g=3, c7g=1)
    assert sizes(plan) == [4 + 3]
    assert plan.spend is not None
    assert plan.spend.usd_per_hour == pytest.approx(3 * 0.5 + 1 * 1.0 + 3 * 1.0)


@pytest.mark.parametrize(
    ("usd", "read_at"),
    [((0.5,), NOW - 60), ((0.5, 0.5), NOW - SPOT_PRICES_LAST_SECONDS), ((0.5, 0.5), NOW + 60)],
)
def test_a_price_that_is_not_known_counts_as_the_most_that_it_can_be(
    usd: tuple[float, ...], read_at: int
) -> None:
    plan = at_prices(*usd, read_at=read_at)
    assert sizes(plan) == [3]
    assert Reason.SPOT_PRICE_UNKNOWN in said(plan)


def test_a_price_that_rises_ends_nothing() -> None:
    assert sizes(at_prices(1.9, 1.9, has=20)) == [20]


# Shared limits: fleets that race for them.

FLEETS = ("live", "batch", "training")


def sharing(name: str, **limit: float) -> FleetSpec:
    spec = limited(SPEC, shared="media", priority=name, **limit)
    return replace(spec, fleet=name)


def gathered(limit: SpendLimitSpec, since: int) -> SharedSpend:
    del limit
    return SharedSpend(version=1, since_epoch_seconds=since)


@given(
    actions=st.lists(
        st.tuples(
            st.sampled_from(FLEETS),
            st.sampled_from(["read", "write"]),
            st.integers(0, 60),
            st.integers(0, 400),
        ),
        max_size=60,
    ),
    limit=st.floats(1, 60),
)
def test_fleets_that_race_never_exceed_a_shared_limit_together(
    actions: list[tuple[str, str, int, int]], limit: float
) -> None:
    """Each reads, decides, and acts only if nobody has written since: in any order of these."""
    specs = {name: sharing(name, usd_per_hour=limit) for name in FLEETS}
    table = SharedSpend(version=1, since_epoch_seconds=NOW - DAY)
    runs, now = dict.fromkeys(FLEETS, 0), NOW
    pending: dict[str, tuple[Snapshot, Plan]] = {}
    for name, what, demand, later in actions:
        spec, now = specs[name], now + later
        if what == "read":
            observed = replace(
                snapshot(spec, [10.0 * demand] * 60, [runs[name]]),
                now_epoch_seconds=now,
                signals={"streams": {"m": replace(series([]), points=_steady(now, 10.0 * demand))}},
                shared_spend={"media": table},
            )
            pending[name] = observed, decide(spec, observed)
        elif name in pending:
            observed, plan = pending.pop(name)
            claims = spend_claims(spec, observed, plan.spend)
            if claims and claims["media"].version != table.version + 1:
                continue  # somebody has written since
            table = claims.get("media", table)
            runs[name] = sizes(plan)[0]
        assert sum(runs.values()) <= limit + 1e-6
        assert all(
            runs[name] <= table.claims[name].usd_per_hour + 1e-6 for name in FLEETS if runs[name]
        )


def claim(priority: str, has: float, *, wants: float = 0.0, at: int = NOW - 30) -> SpendClaim:
    spent = Spent(month_epoch_seconds=MONTH, usd=0, at_epoch_seconds=at, usd_per_hour=has)
    return SpendClaim(priority=priority, spent=spent, wanted_usd_per_hour=wants)  # type: ignore[arg-type]  # as text


def granted(name: str, claims: dict[str, SpendClaim], *, since: int = NOW - DAY) -> int:
    spec = sharing(name, usd_per_hour=20)
    shared = SharedSpend(claims=claims, version=1, since_epoch_seconds=since)
    observed = replace(snapshot(spec, [1000.0] * 60), shared_spend={"media": shared})
    return sizes(decide(spec, observed))[0]


def test_who_comes_first_is_served_first_from_what_is_left() -> None:
    assert granted("batch", {"live": claim("live", 5, wants=12)}) == 8
    assert granted("live", {"batch": claim("batch", 5, wants=12)}) == 15
    assert granted("batch", {"live": claim("live", 5, wants=12, at=NOW - 600)}) == 15


def test_a_fleet_that_is_not_heard_of_keeps_its_claim_for_a_day() -> None:
    assert granted("live", {"batch": claim("batch", 5, at=NOW - DAY + 1)}) == 15
    assert granted("live", {"batch": claim("batch", 5, at=NOW - DAY)}) == 20


def test_nothing_is_drawn_on_a_shared_limit_that_is_new_or_cannot_be_read() -> None:
    assert granted("live", {}, since=NOW - GATHERING_SECONDS + 1) == 0
    assert granted("live", {}, since=NOW - GATHERING_SECONDS) == 20
    spec = sharing("live", usd_per_hour=20)
    assert sizes(decide(spec, snapshot(spec, [1000.0] * 60, [2]))) == [2]


def test_a_shared_month_counts_what_all_have_spent_and_assumes_what_nobody_knows() -> None:
    spec = sharing("live", usd_per_month=2000)
    observed = replace(snapshot(spec, [1000.0] * 60), shared_spend={"media": SharedSpend()})
    new = spend_claims(spec, observed, decide(spec, observed).spend)["media"]
    assert new.unknown_usd == pytest.approx(2000 * (NOW - MONTH) / (MONTH_END - MONTH))
    other = replace(claim("batch", 3), spent=replace(claim("batch", 3).spent, usd=100))
    both = replace(new, claims={**new.claims, "batch": other})
    assert both.spent_usd(NOW) == pytest.approx(new.unknown_usd + 100 + 3 * 30 / HOUR)
    last = claim("batch", 3, at=MONTH_END - 30)
    assert replace(new, claims={"batch": last}).spent_usd(MONTH_END + HOUR) == pytest.approx(3)


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ({}, "usd_per_hour or usd_per_month is needed"),
        ({"usd_per_hour": -1}, "usd_per_hour must be at least 0"),
        ({"usd_per_hour": 1, "shared": " "}, "shared must not be empty"),
    ],
)
def test_a_limit_that_limits_nothing_is_refused(limit: dict[str, float], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        limited(SPEC, **limit)


def test_a_limit_that_could_not_be_kept_is_refused() -> None:
    unpriced = replace(SPEC, pools=(replace(SPEC.pools[0], usd_per_capacity_hour=None),))
    with pytest.raises(SpecError, match="that of 'p0' is unknown"):
        limited(unpriced, usd_per_hour=1)
    with pytest.raises(SpecError, match="needs a state_table"):
        replace(SPEC, spend_limits=(SpendLimitSpec(usd_per_month=1),))
    twice = (SpendLimitSpec(usd_per_hour=1), SpendLimitSpec(usd_per_month=1))
    with pytest.raises(SpecError, match="spend limits must differ"):
        replace(SPEC, state_table="t", spend_limits=twice)


def test_seen_groups_are_counted_at_their_size() -> None:
    assert running(SPEC, replace(snapshot(SPEC, [0.0] * 60), pools=seen(SPEC, [7]))) == 7
