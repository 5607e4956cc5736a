"""Launches that come late, not at all, or from somebody else."""

from __future__ import annotations

import time
from collections.abc import Iterator

from peakfleet_demo.scenarios import assertions as a
from peakfleet_demo.scenarios.environment import Environment
from peakfleet_demo.scenarios.measurements import Measurements
from peakfleet_demo.scenarios.scenario import Assertion, Fault, Scenario, steady
from peakfleet_planner import Reason

SPOT = "GravitonSpot"
MOST_INSTANCES = 30
SUSPENDED_MINUTE, GIVEN_UP_MINUTES = 0, 30
NAMED_MINUTES, SUSPENDED_RINGS_MINUTES = 2, 13
"""The alarm rings when ten ticks have said so."""
SLOW_SECONDS = 6.0
"""Twice what a client that expects an answer at once waits for."""
SLOW_FROM, SLOW_UNTIL = 5, 20
STOPPED_MINUTE, STOPPED_MINUTES = 10, 20
FLOOR_MINUTES = 10
CPU_PERCENT = 99.0
HAND_MINUTE, HIGH_UNITS = 10, 300.0
JUMP_MINUTE, LOW_UNITS = 5, 200.0
BETWEEN_MINUTE, BETWEEN_SIZE, GRACE_MINUTES, SLACK_MINUTES = 40, 15, 10, 3
BOOT_MINUTES = 3


def _suspend_launch(environment: Environment) -> None:
    environment.aws.client("autoscaling").suspend_processes(
        AutoScalingGroupName=environment.pool(SPOT).group, ScalingProcesses=["Launch"]
    )


def _suspended(m: Measurements) -> Iterator[Assertion]:
    yield a.fault_adds_nothing(m)
    yield a.gives_reason(m, Reason.PROCESS_SUSPENDED, since=SUSPENDED_MINUTE, within=NAMED_MINUTES)
    named = a.first_minute(m, lambda minute: m.pool_plan(SPOT, minute).suspended == ("Launch",))
    yield Assertion(
        text="the plan names pool and process",
        measured="never" if named is None else f"after {named + 1} minutes",
        passed=named is not None and named < NAMED_MINUTES,
    )
    yield a.rings(m, "ProcessesSuspended", since=SUSPENDED_MINUTE, within=SUSPENDED_RINGS_MINUTES)
    yield a.serves_all_again(m, since=SUSPENDED_MINUTE, within=GIVEN_UP_MINUTES)
    yield a.never_below_start(m)
    yield a.rarely_asked(m, SPOT)
    yield a.nothing_busy_lost(m)
    yield a.every_tick_answers(m)


def _slow(environment: Environment) -> None:
    environment.world.wait_for_ec2 = lambda: time.sleep(SLOW_SECONDS)


def _quick(environment: Environment) -> None:
    environment.world.wait_for_ec2 = lambda: None


def _launched_once(m: Measurements) -> Iterator[Assertion]:
    yield a.fault_adds_nothing(m)
    yield a.never_above(m, instances=MOST_INSTANCES)
    yield a.serves_all_again(m, since=SLOW_UNTIL, within=8)
    yield a.never_below_start(m)
    yield a.nothing_busy_lost(m)
    yield a.every_tick_answers(m)


def _old_sdk(m: Measurements) -> Iterator[Assertion]:
    yield a.every_tick_answers(m)
    yield a.serves_all_again(m, since=25, within=10)
    yield a.never_above(m, instances=MOST_INSTANCES)
    yield a.never_below_start(m)


def _stop_ticks(environment: Environment) -> None:
    environment.set_ticking(ticking=False)


def _resume_ticks(environment: Environment) -> None:
    environment.set_ticking(ticking=True)


def _busy_cpu(environment: Environment) -> None:
    environment.report_cpu(CPU_PERCENT)


def _stopped() -> dict[int, Fault]:
    def resume(environment: Environment) -> None:
        _busy_cpu(environment)
        _resume_ticks(environment)

    ends = STOPPED_MINUTE + STOPPED_MINUTES
    return {
        **dict.fromkeys(range(STOPPED_MINUTE + 1, ends), _busy_cpu),
        STOPPED_MINUTE: _stop_ticks,
        ends: resume,
    }


def _grown_without_ticks(m: Measurements) -> Iterator[Assertion]:
    ends = STOPPED_MINUTE + STOPPED_MINUTES
    before, after = m.in_service(STOPPED_MINUTE), m.in_service(ends)
    yield Assertion(
        text="the safety net adds capacity while no tick runs",
        measured=f"{before} instances when the ticks stopped, {after} when they went on",
        passed=after > before,
    )
    least = min(m.in_service(minute) for minute in range(ends, ends + FLOOR_MINUTES))
    yield Assertion(
        text=f"what it added is a floor for {FLOOR_MINUTES} minutes",
        measured=f"never fewer than {least}",
        passed=least >= after,
    )
    yield a.serves_all_again(m, since=ends, within=10)
    yield a.nothing_busy_lost(m)
    yield a.every_tick_answers(m, besides=STOPPED_MINUTES)


def _lower_by_hand(environment: Environment) -> None:
    autoscaling, group = environment.aws.client("autoscaling"), environment.group(SPOT)
    autoscaling.set_desired_capacity(
        AutoScalingGroupName=group["AutoScalingGroupName"],
        DesiredCapacity=max(0, group["DesiredCapacity"] - 3),
    )


def _set_between(environment: Environment) -> None:
    environment.aws.client("autoscaling").set_desired_capacity(
        AutoScalingGroupName=environment.pool(SPOT).group, DesiredCapacity=BETWEEN_SIZE
    )


def _left_between(m: Measurements) -> Iterator[Assertion]:
    low, high = m.desired(SPOT, 0), m.desired(SPOT, BETWEEN_MINUTE - 1)
    yield Assertion(
        text="the size is one between two of the fleet's own",
        measured=f"{BETWEEN_SIZE}, where the fleet went from {low} to {high}",
        passed=low < BETWEEN_SIZE < high,
    )
    back = a.first_minute(
        m, lambda minute: m.desired(SPOT, minute) != BETWEEN_SIZE, since=BETWEEN_MINUTE
    )
    kept = None if back is None else back - BETWEEN_MINUTE
    yield Assertion(
        text=f"it is left as it is for {GRACE_MINUTES} minutes, and then no longer",
        measured="never taken back" if kept is None else f"left for {kept} minutes",
        passed=kept is not None and 0 <= kept - GRACE_MINUTES <= SLACK_MINUTES,
    )
    yield a.rings(m, "OtherWriter", since=BETWEEN_MINUTE, within=SLACK_MINUTES)
    yield a.serves_all_again(m, since=BETWEEN_MINUTE, within=BOOT_MINUTES + 2)
    yield a.nothing_busy_lost(m)
    yield a.every_tick_answers(m)


def _helped(m: Measurements) -> Iterator[Assertion]:
    yield a.serves_all_again(m, since=HAND_MINUTE, within=10)
    yield a.never_above(m, instances=MOST_INSTANCES)
    yield a.nothing_busy_lost(m)
    yield a.every_tick_answers(m)


SCENARIOS = (
    Scenario(
        name="launch-suspended",
        shows="somebody suspended the process Launch of the first group; nothing comes from it",
        minutes=60,
        faults={SUSPENDED_MINUTE: _suspend_launch},
        assertions=_suspended,
        compares=True,
    ),
    Scenario(
        name="slow-launches",
        shows="LaunchInstances waits for EC2 longer than its caller, for a quarter of an hour",
        minutes=60,
        faults={SLOW_FROM: _slow, SLOW_UNTIL: _quick},
        assertions=_launched_once,
        compares=True,
    ),
    Scenario(
        name="old-runtime",
        shows="the runtime's own SDK is older than LaunchInstances",
        minutes=60,
        faults={0: lambda at: at.aws.age_sdk("autoscaling:LaunchInstances")},
        assertions=_old_sdk,
    ),
    Scenario(
        name="ticks-stopped",
        shows="no tick runs for twenty minutes of the rise; native policies grow the groups",
        minutes=90,
        faults=_stopped(),
        assertions=_grown_without_ticks,
    ),
    Scenario(
        name="lowered-by-hand",
        shows="somebody takes three idle instances away from the first group at the peak",
        minutes=60,
        demand_units=steady(HIGH_UNITS),
        faults={HAND_MINUTE: _lower_by_hand},
        assertions=_helped,
    ),
    Scenario(
        name="set-between",
        shows="half an hour after the fleet grew, somebody sets a size between its last two",
        minutes=70,
        demand_units=lambda minute: LOW_UNITS if minute < JUMP_MINUTE else HIGH_UNITS,
        faults={BETWEEN_MINUTE: _set_between},
        assertions=_left_between,
    ),
)
