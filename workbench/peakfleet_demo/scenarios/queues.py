"""Queues: counts that are missing, messages that nobody can finish, the native policy."""

from __future__ import annotations

from collections.abc import Iterator

from peakfleet_demo.scenarios import assertions as a
from peakfleet_demo.scenarios.environment import Environment
from peakfleet_demo.scenarios.measurements import Measurements
from peakfleet_demo.scenarios.scenario import Assertion, Fault, Ramp, Scenario
from peakfleet_local import Completeness
from peakfleet_planner import IN_FLIGHT, WAITING, Reason

BACKLOG = "backlog"
NEVER = Completeness(shares=((0, 0),))
MESSAGES, COME_MINUTE = 1_000.0, 5
SEEN_MINUTES = 3
"""A count can be read one minute late, and then a tick has to run."""
EMPTY_AGAIN_MINUTES = 45

POISON, POISON_FROM, POISON_UNTIL = 2_000.0, 5, 80
GIVEN_UP_MINUTES, POISON_RINGS_MINUTES = 20, 26
RELEASED_SHARE = 0.2
GOOD_MESSAGES, GOOD_MINUTE = 300.0, 95

NET_FROM, NET_UNTIL, OLD_SECONDS = 3, 33, 900.0
NET_RISE = Ramp(low=100.0, high=500.0, begins=7, minutes=1)
"""A jump that the policy alone follows with two instances a minute."""
RELEASED_MINUTES = 45


def _in_flight_while_working(environment: Environment) -> None:
    """Let the count of messages in flight be reported only while instances serve, as SQS does."""
    works = any(environment.serving(pool.name) for pool in environment.spec.pools)
    metric = environment.spec.signals[0].metrics[IN_FLIGHT]
    environment.aws.metrics.set_completeness(
        metric.namespace, metric.metric_name, *(() if works else (NEVER,))
    )


def _wakes(m: Measurements) -> Iterator[Assertion]:
    asked = a.first_minute(
        m, lambda minute: sum(m.desired(pool.name, minute) for pool in m.spec.pools) > 0
    )
    yield Assertion(
        text=f"a fleet at zero grows within {SEEN_MINUTES} minutes",
        measured="never" if asked is None else f"after {asked + 1 - COME_MINUTE} minutes",
        passed=asked is not None and 0 < asked + 1 - COME_MINUTE <= SEEN_MINUTES,
    )
    yield a.nothing_missing(m)
    left = a.first_minute(m, lambda minute: not m.samples[minute].billed_capacity, since=20)
    yield Assertion(
        text=f"the fleet is at zero again within {EMPTY_AGAIN_MINUTES} minutes",
        measured="never" if left is None else f"after {left - COME_MINUTE} minutes",
        passed=left is not None and left - COME_MINUTE <= EMPTY_AGAIN_MINUTES,
    )
    yield a.nothing_busy_lost(m)
    yield a.every_tick_answers(m)


def _poison(environment: Environment) -> None:
    environment.report(BACKLOG, WAITING, POISON)


def _poisoned(m: Measurements) -> Iterator[Assertion]:
    given_up = POISON_FROM + GIVEN_UP_MINUTES
    later = m.launched(given_up) - m.launched(POISON_UNTIL)
    yield Assertion(
        text=f"growth stops within {GIVEN_UP_MINUTES} minutes",
        measured=f"{m.launched() - m.launched(given_up)} instances launched, {later} later",
        passed=later == 0,
    )
    yield a.gives_reason(m, Reason.NO_WORK_TAKEN, since=POISON_FROM, within=GIVEN_UP_MINUTES)
    yield a.rings(m, "IdleUnits", since=POISON_FROM, within=POISON_RINGS_MINUTES)
    most = max(sample.billed_capacity for sample in m.samples)
    left = m.samples[POISON_UNTIL - 1].billed_capacity
    yield Assertion(
        text=f"at most {RELEASED_SHARE:.0%} of what was launched is kept while nobody can finish "
        "them",
        measured=f"{left} of {most}",
        passed=left <= RELEASED_SHARE * most,
    )
    yield a.nothing_missing(m, first=POISON_UNTIL)
    yield a.every_tick_answers(m)


def _old_message(environment: Environment) -> None:
    queue = environment.spec.signals[0].metrics[WAITING]
    environment.aws.put_metric(
        namespace=queue.namespace,
        name="ApproximateAgeOfOldestMessage",
        dimensions=queue.dimensions,
        epoch_seconds=environment.world.now_epoch_seconds,
        value=OLD_SECONDS,
    )


def _net_acted(m: Measurements) -> Iterator[Assertion]:
    acted = sum(Reason.OTHER_WRITER in m.reasons(minute) for minute in range(len(m.samples)))
    yield Assertion(
        text="the safety net acts while ticks run",
        measured=f"ticks found another size in {acted} minutes",
        passed=acted > 0,
    )
    yield a.fault_adds_nothing(m)
    settled = NET_UNTIL + RELEASED_MINUTES
    needed = m.samples[settled].fleet.work.demand_units
    served = m.samples[settled].fleet.work.ready_units
    yield Assertion(
        text=f"what it added is let go within {RELEASED_MINUTES} minutes",
        measured=f"{served:,.0f} units serve a demand of {needed:,.0f}",
        passed=needed <= served <= 1.25 * needed,
    )
    yield a.nothing_busy_lost(m)
    yield a.every_tick_answers(m)


def _each_minute(fault: Fault, first: int, last: int) -> dict[int, Fault]:
    return dict.fromkeys(range(first, last), fault)


SCENARIOS = (
    Scenario(
        name="in-flight-not-reported",
        shows="1,000 messages come to a fleet at zero, where SQS reports none in flight",
        minutes=60,
        fleet="queue",
        demand_units=lambda minute: MESSAGES if minute == COME_MINUTE else 0.0,
        faults=_each_minute(_in_flight_while_working, 0, 60),
        assertions=_wakes,
    ),
    Scenario(
        name="poison-messages",
        shows="2,000 messages wait that every worker drops at once, for over an hour",
        minutes=120,
        fleet="queue",
        demand_units=lambda minute: GOOD_MESSAGES if minute == GOOD_MINUTE else 0.0,
        faults=_each_minute(_poison, POISON_FROM, POISON_UNTIL),
        assertions=_poisoned,
    ),
    Scenario(
        name="net-beside-ticks",
        shows="one old message makes the queue's own policy grow both groups while demand jumps",
        minutes=90,
        fleet="queue",
        demand_units=NET_RISE,
        faults=_each_minute(_old_message, NET_FROM, NET_UNTIL),
        assertions=_net_acted,
        compares=True,
    ),
)
