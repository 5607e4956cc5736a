"""The fault matrix: each way in which control, capacity or people fail, in three severities.

Every row says what is safe; the scenarios hold the fleet to it through the deployed handlers.
Read `ROWS`, then what happens in one of them. `faults_page` writes the page of the last run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Final

from peakfleet_demo.scenarios import assertions as a
from peakfleet_demo.scenarios.environment import Environment
from peakfleet_demo.scenarios.measurements import Measurements
from peakfleet_demo.scenarios.scenario import Assertion, Demand, Fault, Ramp, Scenario, steady
from peakfleet_local import Behaviour
from peakfleet_local.metrics import Completeness
from peakfleet_planner import Hold
from peakfleet_planner.spec import DEMAND
from peakfleet_table import HOLDS

SPOT, ON_DEMAND, X86 = "GravitonSpot", "Graviton", "X86"
BEGINS = 10
"""The minute in which a fault begins."""
AFTER_MINUTES = 42
"""What is measured after its end: the longest backoff is 30 minutes, an instance boots for 3."""
BACK_MINUTES = 40
CALM, RISE = steady(300.0), Ramp(low=200.0, high=330.0)
STEP = 45
"""Half of what all pools may have, which is the most that one tick adds."""
HOURS: Final = 60
_SCHEDULED_TIME: Final = "<aws.scheduler.scheduled-time>"
Promise = Callable[[Measurements], Assertion]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the matrix.

    Args:
        number: Of the row, or S and a number for static stability.
        fault: What fails.
        safe: What is safe then.
        severities: What three severities are, in words.
        scenarios: One for each of them.
    """

    number: str
    fault: str
    safe: str
    severities: tuple[str, ...]
    scenarios: tuple[Scenario, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One severity of a row.

    Args:
        words: What it is.
        faults: What happens, by minute.
        lasts: Minutes from the beginning of the fault to its end.
        promises: What is promised besides what always is.
        killed: Ticks that do not answer.
        ends_busy: Whether the fault itself ends machines at work.
        demand: Default: steady, of 20 instances.
    """

    words: str
    faults: Mapping[int, Fault]
    lasts: int
    promises: tuple[Promise, ...] = ()
    killed: int = 0
    ends_busy: bool = False
    demand: Demand = CALM


def _row(number: int | str, name: str, fault: str, safe: str, *cases: Case) -> Row:
    label = f"{number:02}" if isinstance(number, int) else number
    scenarios = tuple(
        Scenario(
            name=f"{label}-{name}-{severity}",
            shows=f"{fault}: {case.words}",
            minutes=BEGINS + case.lasts + AFTER_MINUTES,
            demand_units=case.demand,
            faults=case.faults,
            assertions=partial(_promises, case=case),
        )
        for severity, case in zip(("mild", "grave", "worst"), cases, strict=True)
    )
    words = tuple(case.words for case in cases)
    return Row(number=label, fault=fault, safe=safe, severities=words, scenarios=scenarios)


def _promises(m: Measurements, case: Case) -> Iterator[Assertion]:
    yield answers(m, killed=case.killed)
    yield within_maxima(m)
    yield no_leap(m)
    if not case.ends_busy:
        yield a.nothing_busy_lost(m)
    for promise in case.promises:
        yield promise(m)
    yield a.serves_all_again(m, since=BEGINS + case.lasts, within=BACK_MINUTES)


def answers(m: Measurements, *, killed: int) -> Assertion:
    """No tick fails but those that are made to."""
    failed = sum(bool(sample.fleet.error) for sample in m.samples)
    return Assertion(
        text=f"at most {killed} ticks do not answer" if killed else "every tick answers",
        measured=f"{failed} of {len(m.samples)} did not",
        passed=failed <= killed,
    )


def within_maxima(m: Measurements) -> Assertion:
    """No pool is asked for more than its maximum."""
    pools = [(pool.name, pool.max_capacity) for pool in m.spec.pools]
    over = max(
        m.desired(name, minute) - most for minute in range(len(m.samples)) for name, most in pools
    )
    return Assertion(
        text="no pool is ever above its maximum",
        measured=f"{-over} below it at the nearest" if over <= 0 else f"{over} above it",
        passed=over <= 0,
    )


def no_leap(m: Measurements) -> Assertion:
    """No tick launches more than the pace allows."""
    most = max(sum(map(len, sample.launched_at.values())) for sample in m.samples)
    return Assertion(
        text=f"at most {STEP} instances are launched in a minute",
        measured=f"at most {most}",
        passed=most <= STEP,
    )


def nothing_let_go(lasts: int) -> Promise:
    """Return the promise that nothing that serves leaves while the fault lasts."""

    def promise(m: Measurements) -> Assertion:
        start = m.in_service(BEGINS)
        least = min(m.in_service(minute) for minute in range(BEGINS, BEGINS + lasts))
        return Assertion(
            text="nothing that serves is let go while it lasts",
            measured=f"{start} instances when it begins, never fewer than {least}",
            passed=least >= start,
        )

    return promise


def never_more_than(instances: int) -> Promise:
    """Return the promise that the fault makes the fleet no larger than that."""
    return lambda m: a.never_above(m, instances=instances)


def told(metric: str, *, within: int) -> Promise:
    """Return the promise that an alarm tells of it."""
    return lambda m: a.rings(m, metric, since=BEGINS, within=within)


def _until(lasts: int, begins: Fault, ends: Fault) -> dict[int, Fault]:
    return {BEGINS: begins, BEGINS + lasts: ends}


def _each_minute(lasts: int, fault: Fault) -> dict[int, Fault]:
    return dict.fromkeys(range(BEGINS, BEGINS + lasts), fault)


def _throttle(minutes: int, *services: str) -> Fault:
    def throttle(at: Environment) -> None:
        for service in services:
            until = at.world.now_epoch_seconds + 60 * minutes
            at.world.throttle(service, until_epoch_seconds=until)

    return throttle


def _throttled(minutes: int, *services: str, words: str = "") -> Case:
    return Case(
        words=words or _lasting(minutes),
        faults={BEGINS: _throttle(minutes, *services)},
        lasts=minutes,
        promises=(nothing_let_go(minutes),),
    )


def _lasting(minutes: int) -> str:
    if minutes < HOURS:
        return f"{minutes} minutes"
    return "an hour" if minutes == HOURS else f"{minutes / HOURS:g} hours"


def _curve(*shares: tuple[float, float]) -> Fault:
    def set_curve(at: Environment) -> None:
        curves = (Completeness(shares=shares),) if shares else ()
        for read in (one for signal in at.spec.signals for one in signal.metrics.values()):
            at.aws.metrics.set_completeness(read.namespace, read.metric_name, *curves)

    return set_curve


def _silent(minutes: int) -> Case:
    hidden = {BEGINS + minute: _curve((60.0 * (minute + 3), 1.0)) for minute in range(minutes)}
    return Case(
        words=_lasting(minutes),
        faults={**hidden, BEGINS + minutes: _curve()},
        lasts=minutes,
        promises=(nothing_let_go(minutes), never_more_than(30)),
    )


def _seen(
    words: str, lasts: int, *shares: tuple[float, float], promises: tuple[Promise, ...]
) -> Case:
    return Case(
        words=words, faults=_until(lasts, _curve(*shares), _curve()), lasts=lasts, promises=promises
    )


def _publish(value: float, *, seconds_ahead: int = -120) -> Fault:
    def publish(at: Environment) -> None:
        for signal in at.spec.signals:
            for read in signal.metrics.values():
                at.aws.put_metric(
                    namespace=read.namespace,
                    name=read.metric_name,
                    dimensions=read.dimensions,
                    epoch_seconds=at.world.now_epoch_seconds + seconds_ahead,
                    value=value,
                )

    return publish


def _published(words: str, value: float, *promises: Promise, ahead: int = -120) -> Case:
    lasts = 15
    fault = _publish(value, seconds_ahead=ahead)
    return Case(words=words, faults=_each_minute(lasts, fault), lasts=lasts, promises=promises)


def _tick_again(times: int) -> Fault:
    """Let the scaler run again for the same minute, as EventBridge may."""

    def again(at: Environment) -> None:
        target = at.aws.client("scheduler").get_schedule(Name=at.schedule)["Target"]
        moment = datetime.fromtimestamp(at.world.now_epoch_seconds, UTC)
        told = target["Input"].replace(_SCHEDULED_TIME, moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
        for _ in range(times):
            at.aws.client("lambda").invoke(FunctionName=at.scaler, Payload=told.encode())

    return again


def _killed(words: str, operation: str, *, ticks: int, after: bool) -> Case:
    def kill(at: Environment) -> None:
        at.aws.kill_at(at.scaler, operation, after=after)

    return Case(
        words=words,
        faults=_each_minute(ticks, kill),
        lasts=ticks + 1,
        killed=ticks,
        promises=(never_more_than(30),),
        demand=RISE,
    )


def _dry(minutes: int, words: str = "", *, kinds: int = 2, zones: int = 3) -> Case:
    def dry(at: Environment) -> None:
        at.limit(_kinds(at, kinds), zones=at.zones[:zones])

    def wet(at: Environment) -> None:
        at.limit(_kinds(at, kinds), zones=at.zones[:zones], instances=None)

    return Case(
        words=words or _lasting(minutes),
        faults=_until(minutes, dry, wet),
        lasts=minutes,
        promises=(nothing_let_go(minutes), never_more_than(32)),
        demand=RISE,
    )


def _kinds(at: Environment, kinds: int) -> tuple[str, ...]:
    return at.all_types()[:kinds] if kinds else at.all_types()


def _back_after_drought(minutes: int) -> Case:
    """A drought with demand far above what runs, so that all of it is wanted when it ends."""
    case = _dry(minutes, kinds=0)
    high = Ramp(low=200.0, high=700.0, begins=BEGINS, minutes=10)
    return replace(case, demand=high, promises=(nothing_let_go(minutes),))


def _reclaimed(share: float) -> Case:
    def reclaim(at: Environment) -> None:
        at.world.reclaim(share=share, recommended_seconds_before=0)

    return Case(words=f"{share:.0%}", faults={BEGINS: reclaim}, lasts=1, ends_busy=True)


def _broken(minutes: int) -> Case:
    def set_broken(*, broken: bool) -> Fault:
        return lambda at: at.world.break_image(at.image_of(SPOT), broken=broken)

    return Case(
        words=_lasting(minutes),
        faults=_until(minutes, set_broken(broken=True), set_broken(broken=False)),
        lasts=minutes,
        promises=(nothing_let_go(minutes), never_more_than(32)),
        demand=RISE,
    )


def _unready(words: str, *pools: str, minutes: int = 60) -> Case:
    def set_ready(*, ready: bool) -> Fault:
        def behave(at: Environment) -> None:
            for pool in pools:
                at.world.set_behaviour(at.pool(pool).group, Behaviour(becomes_ready=ready))

        return behave

    return Case(
        words=words,
        faults=_until(minutes, set_ready(ready=False), set_ready(ready=True)),
        lasts=minutes,
        promises=(nothing_let_go(minutes), never_more_than(60)),
        demand=RISE,
    )


def _flapping(words: str, share: float, *, minutes: int = 30) -> Case:
    """Fail a share of what serves every five minutes, as a health check that flaps."""

    def fail(at: Environment) -> None:
        serving = [one for pool in at.spec.pools for one in at.serving(pool.name)]
        for one in serving[: max(1, round(share * len(serving)))]:
            at.aws.client("autoscaling").set_instance_health(
                InstanceId=one.instance_id, HealthStatus="Unhealthy"
            )

    moments = range(BEGINS, BEGINS + minutes, 5)
    return Case(
        words=words,
        faults=dict.fromkeys(moments, fail),
        lasts=minutes,
        ends_busy=True,
        promises=(never_more_than(60),),
    )


def _sized(words: str, size: int, *pools: str, minutes: Iterable[int] = (0,)) -> Case:
    """Set the size of groups as a person, a script or a deployment does."""

    def set_size(at: Environment) -> None:
        for pool in pools:
            at.aws.client("autoscaling").set_desired_capacity(
                AutoScalingGroupName=at.pool(pool).group, DesiredCapacity=size
            )

    moments = [BEGINS + minute for minute in minutes]
    return Case(
        words=words, faults=dict.fromkeys(moments, set_size), lasts=moments[-1] - BEGINS + 15
    )


def _suspended(words: str, *pools: str, minutes: int) -> Case:
    def change(at: Environment, method: str) -> None:
        for pool in pools:
            getattr(at.aws.client("autoscaling"), method)(
                AutoScalingGroupName=at.pool(pool).group, ScalingProcesses=["Launch"]
            )

    return Case(
        words=words,
        faults=_until(
            minutes,
            lambda at: change(at, "suspend_processes"),
            lambda at: change(at, "resume_processes"),
        ),
        lasts=minutes,
        promises=(nothing_let_go(minutes), never_more_than(40)),
        demand=RISE,
    )


def _quotas(words: str, spot: int, on_demand: int) -> Case:
    def set_quotas(at: Environment) -> None:
        at.world.set_quota(purchase="spot", instances=spot)
        at.world.set_quota(purchase="on-demand", instances=on_demand)

    def lift(at: Environment) -> None:
        at.world.set_quota(purchase="spot", instances=None)
        at.world.set_quota(purchase="on-demand", instances=None)

    return Case(
        words=words,
        faults=_until(60, set_quotas, lift),
        lasts=60,
        promises=(nothing_let_go(60), never_more_than(32)),
        demand=RISE,
    )


def _above_all(words: str, units: float) -> Case:
    """More demand than all pools together may carry."""
    demand = Ramp(low=300.0, high=units, begins=BEGINS, minutes=30)
    falls = Ramp(low=0.0, high=300.0 - units, begins=BEGINS + 60, minutes=10)
    return Case(
        words=words,
        faults={},
        lasts=75,
        demand=lambda minute: demand(minute) + falls(minute),
        promises=(nothing_let_go(60),),
    )


def _misconfigured(minutes: int) -> Case:
    """Deploy a specification that no tick can read, and deploy the right one again."""
    kept: dict[str, str] = {}

    def change(at: Environment, change_input: Callable[[str], str]) -> None:
        scheduler = at.aws.client("scheduler")
        known = scheduler.get_schedule(Name=at.schedule)
        names = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
        request = {name: known[name] for name in names}
        request["Target"] = {**known["Target"], "Input": change_input(known["Target"]["Input"])}
        scheduler.update_schedule(**request, State="ENABLED")

    def spoil(at: Environment) -> None:
        def spoiled(text: str) -> str:
            kept["input"] = text
            return text.replace('"pools"', '"pool"')

        change(at, spoiled)

    def mend(at: Environment) -> None:
        change(at, lambda _: kept["input"])

    return Case(
        words=_lasting(minutes),
        faults=_until(minutes, spoil, mend),
        lasts=minutes,
        killed=minutes,
        promises=(nothing_let_go(minutes), told(DEMAND, within=7)),
    )


def _stopped(minutes: int) -> Case:
    return Case(
        words=_lasting(minutes),
        faults=_until(
            minutes,
            lambda at: at.set_ticking(ticking=False),
            lambda at: at.set_ticking(ticking=True),
        ),
        lasts=minutes,
        killed=minutes,
        promises=(nothing_let_go(minutes), told(DEMAND, within=7)),
    )


def _busy_for(seconds: int) -> Case:
    """Let demand fall while every machine still works for a while."""

    def work(at: Environment) -> None:
        behaviour = Behaviour(answers_drain=False, drain_seconds=float(seconds))
        for pool in at.spec.pools:
            at.world.set_behaviour(at.pool(pool.name).group, behaviour)

    return Case(
        words=f"work of {_lasting(seconds // 60)}",
        faults={0: work},
        lasts=60,
        demand=lambda minute: 300.0 if minute < BEGINS else 150.0,
    )


def _held(minutes: int) -> Case:
    """A person freezes the fleet while demand falls; then it goes on by itself."""

    def hold(at: Environment) -> None:
        until = int(at.world.now_epoch_seconds) + 60 * minutes
        frozen = Hold(owner="matrix", reason="tried", until_epoch_seconds=until)
        at.aws.client("dynamodb").put_item(
            TableName=at.spec.state_table, Item=HOLDS.item(at.spec.fleet, frozen)
        )

    return Case(
        words=_lasting(minutes),
        faults={BEGINS: hold},
        lasts=minutes,
        demand=lambda minute: 300.0 if minute < BEGINS else 200.0,
        promises=(nothing_let_go(minutes - 1), _unmoved(minutes - 1)),
    )


def _unmoved(lasts: int) -> Promise:
    def promise(m: Measurements) -> Assertion:
        sizes = {
            tuple(m.desired(pool.name, minute) for pool in m.spec.pools)
            for minute in range(BEGINS + 1, BEGINS + lasts)
        }
        return Assertion(
            text="no size changes while it is held",
            measured=f"{len(sizes)} different sizes",
            passed=len(sizes) == 1,
        )

    return promise


def _without_baseline(minutes: int) -> Case:
    def hide(*shares: tuple[float, float]) -> Fault:
        def curve(at: Environment) -> None:
            curves = (Completeness(shares=shares),) if shares else ()
            at.aws.metrics.set_completeness("Scenarios", "HealthyUnits", *curves)

        return curve

    hidden = {BEGINS + minute: hide((60.0 * (minute + 3), 1.0)) for minute in range(minutes)}
    return Case(
        words=_lasting(minutes),
        faults={**hidden, BEGINS + minutes: hide()},
        lasts=minutes,
        promises=(nothing_let_go(minutes), never_more_than(40)),
    )


def _each(several: Sequence[Fault], at: Environment) -> None:
    for one in several:
        one(at)


def _all_at_once(minutes: int, words: str, *parts: Case) -> Case:
    """Let several faults begin and end together."""
    faults: dict[int, Fault] = {}
    for minute in sorted({minute for part in parts for minute in part.faults}):
        several = tuple(part.faults[minute] for part in parts if minute in part.faults)
        faults[minute] = partial(_each, several)
    promises = tuple(dict.fromkeys(one for part in parts for one in part.promises[:1]))
    return Case(words=words, faults=faults, lasts=minutes, promises=promises)


def _static(number: int, name: str, fault: str, make: Callable[[int], Case]) -> Row:
    return _row(
        f"S{number}",
        f"static-{name}",
        fault,
        "capacity is as it was, or larger; no stampede afterwards",
        *map(make, (15, 60, 480)),
    )


def _everything(minutes: int) -> Case:
    calls = _throttled(minutes, "dynamodb", "cloudwatch")
    parts = (_stopped(minutes), calls, replace(_dry(minutes, kinds=0), demand=CALM))
    return _all_at_once(minutes, _lasting(minutes), *parts)


_HOLDS_ON = "holds what runs, lets nothing go, calls on within bounds"
_LIMITED = "the step of a tick and the maxima bound it; nothing busy is let go"
ROWS: Final = (
    _row(
        1,
        "metrics-throttled",
        "GetMetricData is refused",
        _HOLDS_ON,
        *(_throttled(minutes, "cloudwatch") for minutes in (3, 10, 30)),
    ),
    _row(
        2,
        "metrics-missing",
        "the signal has no data",
        "no data is not no demand",
        *map(_silent, (5, 15, 45)),
    ),
    _row(
        3,
        "metrics-partial",
        "a part of the newest minutes' data is missing",
        "a part is not the whole; nothing is let go",
        *(
            _seen(
                f"{share:.0%} of the newest minute can be read",
                30,
                (60, share),
                (240, 1.0),
                promises=(nothing_let_go(30),),
            )
            for share in (0.9, 0.7, 0.4)
        ),
    ),
    _row(
        4,
        "metrics-late",
        "data comes late",
        "old data lets nothing go",
        *(
            _seen(f"{late} minutes late", 30, (60.0 * late, 1.0), promises=(nothing_let_go(30),))
            for late in (2, 5, 15)
        ),
    ),
    _row(
        5,
        "metrics-implausible",
        "values that cannot be are published",
        _LIMITED,
        _published("negative", -1e6),
        _published("a million million", 1e12),
        _published("the largest number there is", 1e300),
    ),
    _row(
        6,
        "metrics-low",
        "values far too low are published beside the right ones",
        _LIMITED,
        *(_published(f"{value:g} units", value) for value in (200.0, 100.0, 0.0)),
    ),
    _row(
        7,
        "metrics-poisoned",
        "somebody publishes demand that is not there",
        _LIMITED,
        *(_published(f"{value:g} units", value) for value in (600.0, 1_500.0, 100_000.0)),
    ),
    _row(
        8,
        "clock-ahead",
        "data has a time that has not come",
        "the future is not read",
        *(
            _published(
                f"{_lasting(minutes)} ahead", 5_000.0, never_more_than(30), ahead=60 * minutes
            )
            for minutes in (10, 60, 1_440)
        ),
    ),
    _row(
        9,
        "ticks-twice",
        "a tick runs more than once",
        "nothing is launched twice",
        *(
            Case(
                words=f"{times} times more",
                faults=_each_minute(20, _tick_again(times)),
                lasts=20,
                promises=(never_more_than(30),),
                demand=RISE,
            )
            for times in (1, 2, 4)
        ),
    ),
    _row(
        10,
        "tick-killed",
        "a tick dies on its way",
        "the next one sees what is there",
        _killed("before it acts, once", "LaunchInstances", ticks=1, after=False),
        _killed("after it acts, three times", "LaunchInstances", ticks=3, after=True),
        _killed("after it acts, eight times", "LaunchInstances", ticks=8, after=True),
    ),
    _row(
        11,
        "table-refused",
        "DynamoDB refuses",
        "decides without memory; lets nothing go",
        *(_throttled(minutes, "dynamodb") for minutes in (5, 20, 60)),
    ),
    _row(
        12,
        "groups-refused",
        "Auto Scaling refuses",
        _HOLDS_ON,
        *(_throttled(minutes, "autoscaling") for minutes in (3, 10, 30)),
    ),
    _row(
        13,
        "launch-suspended",
        "a group refuses to launch",
        "others are asked",
        _suspended("one pool, 15 minutes", SPOT, minutes=15),
        _suspended("two pools, 30 minutes", SPOT, ON_DEMAND, minutes=30),
        _suspended("all pools, 15 minutes", SPOT, ON_DEMAND, X86, minutes=15),
    ),
    _row(
        14,
        "type-dry",
        "one type cannot be had",
        "spills to others, asks rarely",
        _dry(60, "in one zone", kinds=1, zones=1),
        _dry(60, "anywhere", kinds=1),
        _dry(60, "two types, anywhere", kinds=2),
    ),
    _row(
        15,
        "all-dry",
        "nothing can be had",
        "what runs is held; no launch loop",
        *(_dry(minutes, kinds=0) for minutes in (30, 60, 240)),
    ),
    _row(
        16,
        "spot-reclaimed",
        "EC2 takes Spot back in two minutes",
        "is replaced within bounds",
        *map(_reclaimed, (0.3, 0.6, 1.0)),
    ),
    _row(
        17,
        "image-broken",
        "an image cannot be launched",
        "other pools; asked rarely",
        *map(_broken, (15, 60, 180)),
    ),
    _row(
        18,
        "never-ready",
        "machines never become ready",
        "no loop of launches",
        _unready("one pool", SPOT),
        _unready("two pools", SPOT, ON_DEMAND),
        _unready("one pool for three hours", SPOT, minutes=180),
    ),
    _row(
        19,
        "health-flaps",
        "health checks fail again and again",
        "replaced within bounds",
        _flapping("one machine", 0.0),
        _flapping("a tenth", 0.1),
        _flapping("a third", 0.33),
    ),
    _row(
        20,
        "deployed-at-peak",
        "a deployment sets sizes back",
        "the fleet is whole again",
        _sized("one pool to its minimum", 0, X86),
        _sized("another one", 0, ON_DEMAND),
        _sized("two of them", 0, ON_DEMAND, X86),
    ),
    _row(
        21,
        "other-writer",
        "somebody sets the size of a pool",
        "left alone, then taken back",
        _sized("once", 12, X86),
        _sized("three times", 12, X86, minutes=(0, 15, 30)),
        _sized("every minute for half an hour", 12, X86, minutes=range(30)),
    ),
    _row(
        22,
        "baseline-lost",
        "the own side does not report",
        "unknown is not gone",
        *map(_without_baseline, (10, 60, 240)),
    ),
    _row(
        23,
        "quota-reached",
        "the account's quota ends",
        "what it allows is used",
        _quotas("15 Spot, 6 on demand", 15, 6),
        _quotas("12 Spot, 2 on demand", 12, 2),
        _quotas("nothing more", 0, 0),
    ),
    _row(
        24,
        "limit-reached",
        "more is wanted than may be spent",
        "stops at the limit, kills nothing",
        *(_above_all(f"{units:g} units of demand", units) for units in (1_000.0, 1_500.0, 9_000.0)),
    ),
    _row(
        25,
        "specification-broken",
        "a specification cannot be read",
        "what runs stays",
        *map(_misconfigured, (5, 15, 45)),
    ),
    _row(
        26,
        "ticks-stop",
        "no tick runs",
        "what runs stays; an alarm tells",
        *map(_stopped, (5, 20, 60)),
    ),
    _row(
        27,
        "cloudwatch-down",
        "CloudWatch is down for hours",
        _HOLDS_ON,
        *(_throttled(minutes, "cloudwatch") for minutes in (60, 120, 240)),
    ),
    _row(
        28,
        "all-at-once-back",
        "capacity comes back with much to do",
        "grows by steps, no stampede",
        *map(_back_after_drought, (15, 60, 120)),
    ),
    _row(
        29,
        "busy-at-scale-in",
        "machines that should go are at work",
        "they finish it first",
        *map(_busy_for, (240, 900, 1_500)),
    ),
    _row(
        30,
        "held",
        "a person freezes the fleet",
        "no size changes; ends by itself",
        *map(_held, (15, 60, 240)),
    ),
    _static(1, "controller", "no tick runs", _stopped),
    _static(2, "table", "DynamoDB refuses", lambda minutes: _throttled(minutes, "dynamodb")),
    _static(3, "metrics", "CloudWatch refuses", lambda minutes: _throttled(minutes, "cloudwatch")),
    _static(
        4,
        "launches",
        "EC2 launches nothing",
        lambda minutes: replace(_dry(minutes, kinds=0), demand=CALM),
    ),
    _static(5, "all", "all four at once", _everything),
)
"""Every row; S rows are static stability, at worst for 8 hours."""
SCENARIOS: Final = tuple(
    replace(one, fleet="reported") if row.number == "22" else one
    for row in ROWS
    for one in row.scenarios
)
