"""The company's own side fails, lies, or is worked on; and what a burst leans on is full."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from peakfleet_demo.scenarios import assertions as a
from peakfleet_demo.scenarios.environment import Environment
from peakfleet_demo.scenarios.measurements import Measurements
from peakfleet_demo.scenarios.scenario import Assertion, Fault, Ramp, Scenario, steady
from peakfleet_planner import BaselineCause, BurstCause, Reason

FAULT_FROM = 10
DEMAND_UNITS = 400.0
QUIET_UNITS = 300.0
"""10 instances above the baseline of 300 units."""
SITE_UNITS = 200.0
NOTICED_MINUTES = 8
"""Five minutes until silence counts, the report's own, CloudWatch's, and the tick's."""
BOOT_MINUTES = 5
LINK_MINUTES = 30
RETURN_MINUTES = 5
WORK_FROM, WORK_MINUTES = 100, 30
LIMIT_CONNECTIONS, EACH_CONNECTIONS = 400.0, 20.0
LOAD_MINUTES = 60


def _own_side(healthy: float, told: float | None) -> Fault:
    def change(environment: Environment) -> None:
        environment.own_side.healthy["fra"] = healthy
        environment.own_side.told["fra"] = told

    return change


def _whole(environment: Environment) -> None:
    environment.own_side.healthy.clear()
    environment.own_side.told.clear()


def _load(environment: Environment) -> None:
    """Publish the connections that all units use, and others' half of a hundred."""
    serving = sum(environment.world.in_service(pool.group) for pool in environment.spec.pools)
    environment.aws.put_metric(
        namespace="Scenarios",
        name="Connections",
        dimensions={},
        epoch_seconds=environment.world.now_epoch_seconds - 60,
        value=EACH_CONNECTIONS * serving,
    )


def _causes(m: Measurements, minute: int) -> set[str]:
    plan = m.samples[minute].fleet.plan
    return {str(site.cause) for site in plan.sites if site.cause} if plan else set()


def _notices(m: Measurements, cause: BaselineCause, *, since: int, within: int) -> Assertion:
    found = [at for at in range(since, len(m.samples)) if cause in _causes(m, at)]
    after = found[0] - since if found else None
    return Assertion(
        text=f"within {within} minutes the plan says {cause}",
        measured="never" if after is None else f"after {after} minutes",
        passed=after is not None and after <= within,
    )


def _never_smaller(m: Measurements, first: int, last: int) -> Assertion:
    sizes = [sum(pool.desired_capacity for pool in s.fleet.pools) for s in m.samples[first:last]]
    shrinks = sum(later < earlier for earlier, later in pairwise(sizes))
    return Assertion(
        text="while the baseline is unknown nothing is let go",
        measured=f"{shrinks} times something was",
        passed=shrinks == 0,
    )


def _bought_at_most(m: Measurements, instances: int) -> Assertion:
    most = max(sample.billed_capacity for sample in m.samples)
    return Assertion(
        text=f"never more than {instances} instances run: the declared units bound the cost",
        measured=f"at most {most}",
        passed=most <= instances,
    )


def _splits(m: Measurements, cause: BurstCause) -> Assertion:
    bought = sum(
        sample.fleet.plan.bought.get(cause.value, 0.0) for sample in m.samples if sample.fleet.plan
    )
    return Assertion(
        text=f"the decisions say what was bought because {cause.words}",
        measured=f"{bought / 60:,.0f} unit-hours",
        passed=bought > 0,
    )


def _site_lost(m: Measurements) -> Iterator[Assertion]:
    yield _notices(m, BaselineCause.LINK, since=FAULT_FROM, within=NOTICED_MINUTES)
    yield _never_smaller(m, FAULT_FROM, len(m.samples))
    yield _bought_at_most(m, 32)
    yield _splits(m, BurstCause.UNKNOWN)
    yield a.every_tick_answers(m)


def _degraded(m: Measurements) -> Iterator[Assertion]:
    yield _notices(m, BaselineCause.DEGRADED, since=FAULT_FROM, within=2)
    yield a.serves_all_again(m, since=FAULT_FROM, within=3 + BOOT_MINUTES)
    yield _splits(m, BurstCause.DEGRADED)
    yield a.every_tick_answers(m)


def _link(m: Measurements) -> Iterator[Assertion]:
    ends = FAULT_FROM + LINK_MINUTES
    yield a.nothing_missing(m)
    yield _notices(m, BaselineCause.LINK, since=FAULT_FROM, within=NOTICED_MINUTES)
    yield _never_smaller(m, FAULT_FROM + NOTICED_MINUTES, ends)
    yield _bought_at_most(m, 32)
    late = [at for at in range(ends + RETURN_MINUTES, len(m.samples)) if _causes(m, at)]
    yield Assertion(
        text=f"{RETURN_MINUTES} minutes after it is back the baseline counts in full",
        measured=f"{len(late)} minutes later it still did not",
        passed=not late,
    )
    yield a.every_tick_answers(m)


def _lies(m: Measurements) -> Iterator[Assertion]:
    counted = max(s.fleet.plan.baseline_units for s in m.samples if s.fleet.plan)
    yield Assertion(
        text="never more than the declared 300 units are believed",
        measured=f"at most {counted:.0f}",
        passed=counted <= 300,  # noqa: PLR2004  as the text says
    )
    missing = sum(m.missing_units)
    most = SITE_UNITS / 2 * (len(m.samples) - FAULT_FROM)
    yield Assertion(
        text="what is missing is at most what the site carries less than it says",
        measured=f"{missing:,.0f} unit-minutes of {most:,.0f}",
        passed=0 < missing <= most,
    )
    yield a.never_below_start(m)
    yield a.every_tick_answers(m)


def _maintained(m: Measurements) -> Iterator[Assertion]:
    yield a.nothing_missing(m)
    before = m.in_service(WORK_FROM)
    yield Assertion(
        text="the burst serves before the work begins",
        measured=f"{before} instances serve in its first minute",
        passed=before >= (QUIET_UNITS - 100) / 10,
    )
    yield _splits(m, BurstCause.MAINTENANCE)
    yield a.every_tick_answers(m)


def _limited(m: Measurements) -> Iterator[Assertion]:
    load = max(EACH_CONNECTIONS * m.in_service(at) for at in range(len(m.samples)))
    yield Assertion(
        text=f"the store never bears more than its {LIMIT_CONNECTIONS:g} connections",
        measured=f"at most {load:g}",
        passed=load <= LIMIT_CONNECTIONS,
    )
    plans = [sample.fleet.plan for sample in m.samples if sample.fleet.plan]
    said = sum(Reason.DOWNSTREAM_LIMIT in (plan.reason, *plan.limits) for plan in plans)
    yield Assertion(
        text="the decisions say that the limit holds the fleet",
        measured=f"{said} of {len(plans)} do",
        passed=said > 0,
    )
    yield a.never_below_start(m)
    yield a.every_tick_answers(m)


def _scenario(
    name: str,
    shows: str,
    faults: dict[int, Fault],
    assertions: Callable[[Measurements], Iterator[Assertion]],
    *,
    minutes: int = 60,
    demand_units: Ramp | None = None,
) -> Scenario:
    return Scenario(
        name=name,
        shows=shows,
        minutes=minutes,
        fleet="hybrid",
        demand_units=demand_units or steady(DEMAND_UNITS),
        faults=faults,
        assertions=assertions,
    )


SCENARIOS = (
    _scenario(
        "site-lost",
        "one of two sites is gone, and says nothing any more",
        {FAULT_FROM: _own_side(0, None)},
        _site_lost,
    ),
    _scenario(
        "baseline-degraded",
        "a site loses 40 % of its units, and says so",
        {FAULT_FROM: _own_side(0.6, 0.6)},
        _degraded,
    ),
    _scenario(
        "link-lost-at-peak",
        "the link that a site reports through is cut for half an hour; the site serves on",
        {FAULT_FROM: _own_side(1, None), FAULT_FROM + LINK_MINUTES: _whole},
        _link,
        minutes=FAULT_FROM + LINK_MINUTES + 20,
    ),
    _scenario(
        "reporter-frozen",
        "a site loses half of its units, and its reporter repeats the last value",
        {FAULT_FROM: _own_side(0.5, 1)},
        _lies,
        minutes=45,
    ),
    _scenario(
        "reporter-lies-high",
        "a site loses half of its units, and reports ten times what it has",
        {FAULT_FROM: _own_side(0.5, 10)},
        _lies,
        minutes=45,
    ),
    _scenario(
        "maintenance",
        "a site is worked on for half an hour, as its calendar says",
        {WORK_FROM: _own_side(0, None), WORK_FROM + WORK_MINUTES: _whole},
        _maintained,
        minutes=WORK_FROM + WORK_MINUTES + 10,
        demand_units=steady(QUIET_UNITS),  # the metadata store bears 200 units of the fleet
    ),
    _scenario(
        "downstream-limit",
        "demand would need twice what the metadata store bears",
        dict.fromkeys(range(-9, LOAD_MINUTES), _load),
        _limited,
        minutes=LOAD_MINUTES,
        demand_units=Ramp(low=DEMAND_UNITS, high=700),
    ),
)
