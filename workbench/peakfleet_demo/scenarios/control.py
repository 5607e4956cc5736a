"""Control that fails: APIs, handlers, hooks, and another writer of sizes or listeners."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from peakfleet_demo.scenarios import assertions as a
from peakfleet_demo.scenarios.environment import Environment
from peakfleet_demo.scenarios.measurements import Measurements
from peakfleet_demo.scenarios.scenario import Assertion, Fault, Scenario, steady
from peakfleet_local import Behaviour

X86 = "X86"
MOST_INSTANCES = 30
"""23 serve the peak; the rest is headroom that the reactive rule may want on the way."""
THROTTLED_FROM, THROTTLED_MINUTES = 10, 10
KILLED_MINUTES = (8, 12, 16)
DROP_MINUTE, HIGH_UNITS, LOW_UNITS = 20, 300.0, 120.0
JOB_SECONDS, SWEPT_MINUTES = 240.0, 45
FOREIGN_MINUTE, FOREIGN_SIZE, GRACE_MINUTES = 10, 12, 10
PEAK_UNITS, PLAIN_MINUTE, AUTHENTICATED_MINUTE = 550.0, 5, 15
OIDC = {
    "Issuer": "https://id.example.com",
    "AuthorizationEndpoint": "https://id.example.com/authorize",
    "TokenEndpoint": "https://id.example.com/token",
    "UserInfoEndpoint": "https://id.example.com/user",
    "ClientId": "peakfleet",
    "ClientSecret": "never told",
}
AUTHENTICATION = {"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": OIDC}
SLACK_MINUTES, MOST_LEFT = 3, 2
"""A busy instance stays until it is idle, so a last one may still be there."""


def _throttle(environment: Environment) -> None:
    until = environment.world.now_epoch_seconds + 60 * THROTTLED_MINUTES
    environment.world.throttle("autoscaling", until_epoch_seconds=until)


def _throttled(m: Measurements) -> Iterator[Assertion]:
    after = THROTTLED_FROM + THROTTLED_MINUTES
    yield a.never_below_start(m)
    yield a.serves_all_again(m, since=after, within=6)
    yield a.never_above(m, instances=MOST_INSTANCES)
    per_minute = max(
        sum(count for name, count in sample.calls.items() if name.startswith("autoscaling:"))
        for sample in m.samples[THROTTLED_FROM:after]
    )
    yield Assertion(
        text="no retry storm: at most 20 calls to Auto Scaling in a minute while it throttles",
        measured=f"at most {per_minute}",
        passed=per_minute <= 20,  # noqa: PLR2004  as the text says
    )
    yield a.nothing_busy_lost(m)
    yield a.every_tick_answers(m)


def _kill(*, after: bool) -> dict[int, Fault]:
    def kill(environment: Environment) -> None:
        environment.aws.kill_at(environment.scaler, "LaunchInstances", after=after)

    return dict.fromkeys(KILLED_MINUTES, kill)


def _killed(m: Measurements) -> Iterator[Assertion]:
    yield a.every_tick_answers(m, besides=len(KILLED_MINUTES))
    yield a.never_above(m, instances=MOST_INSTANCES)
    yield a.never_below_start(m)
    yield a.nothing_busy_lost(m)


def _never_answer(environment: Environment) -> None:
    behaviour = Behaviour(answers_drain=False, drain_seconds=JOB_SECONDS)
    for pool in environment.spec.pools:
        environment.world.set_behaviour(pool.group, behaviour)


def _retained(m: Measurements) -> Iterator[Assertion]:
    yield a.nothing_busy_lost(m)
    left = m.samples[-1].billed_capacity
    needed = m.in_service(m.last_minute)
    yield Assertion(
        text=f"what was retained is swept within {SWEPT_MINUTES} minutes, so no bill runs on",
        measured=f"{len(m.endings)} ended, {left - needed} more than serve are still paid",
        passed=bool(m.endings) and left == needed,
    )
    yield a.nothing_missing(m)
    yield a.every_tick_answers(m)


def _set_by_hand(environment: Environment) -> None:
    environment.aws.client("autoscaling").set_desired_capacity(
        AutoScalingGroupName=environment.pool(X86).group, DesiredCapacity=FOREIGN_SIZE
    )


def _taken_back(m: Measurements) -> Iterator[Assertion]:
    desired = [m.desired(X86, minute) for minute in range(len(m.samples))]
    first = FOREIGN_MINUTE + 1
    back = a.first_minute(m, lambda minute: desired[minute] < FOREIGN_SIZE, since=first)
    yield Assertion(
        text=f"the foreign size is left alone for {GRACE_MINUTES} minutes, then taken back",
        measured="never taken back"
        if back is None
        else f"taken back after {back - FOREIGN_MINUTE} minutes, {desired[-1]} of {FOREIGN_SIZE} "
        "still work at the end",
        passed=back is not None
        and 0 <= back - FOREIGN_MINUTE - GRACE_MINUTES <= SLACK_MINUTES
        and desired[-1] <= MOST_LEFT,
    )
    yield a.nothing_missing(m)
    yield a.nothing_busy_lost(m)
    yield a.every_tick_answers(m)


def _deploy_with_authentication(environment: Environment) -> None:
    environment.deploy_listener(AUTHENTICATION)


def _mended(m: Measurements) -> Iterator[Assertion]:
    for minute, what in ((PLAIN_MINUTE, "deployment"), (AUTHENTICATED_MINUTE, "authentication")):
        before, after = m.cloud_share(minute - 1), m.cloud_share(minute)
        yield Assertion(
            text=f"the tick after the {what} sends the fleet its share again",
            measured=f"{before:.1%} before, {after:.1%} after that tick",
            passed=after == before > 0,
        )
    kept = [
        [action for action in sample.actions if action["Type"] != "forward"]
        for sample in m.samples[AUTHENTICATED_MINUTE:]
    ]
    same = sum(actions == kept[0] and _authenticates(actions) for actions in kept)
    yield Assertion(
        text="the authentication of the listener stays as it was deployed",
        measured=f"in {same} of {len(kept)} minutes",
        passed=same == len(kept),
    )
    yield a.nothing_missing(m)
    yield a.every_tick_answers(m)


def _authenticates(actions: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the authentication alone is there, with all that was said of it but the secret."""
    if [action["Type"] for action in actions] != [AUTHENTICATION["Type"]]:
        return False
    config = actions[0]["AuthenticateOidcConfig"]
    return all(config.get(name) == value for name, value in OIDC.items() if name != "ClientSecret")


SCENARIOS = (
    Scenario(
        name="api-throttled",
        shows="the Auto Scaling API throttles every call for ten minutes of the rise",
        minutes=60,
        faults={THROTTLED_FROM: _throttle},
        assertions=_throttled,
    ),
    Scenario(
        name="killed-before-acting",
        shows="the handler dies between its decision and the launch, in three ticks",
        minutes=60,
        faults=_kill(after=False),
        assertions=_killed,
    ),
    Scenario(
        name="killed-before-recording",
        shows="the handler dies between the launch and the record of it, in three ticks",
        minutes=60,
        faults=_kill(after=True),
        assertions=_killed,
    ),
    Scenario(
        name="hook-timeout",
        shows="workers that are told to leave never answer; their hooks time out",
        minutes=120,
        demand_units=lambda minute: HIGH_UNITS if minute < DROP_MINUTE else LOW_UNITS,
        faults={0: _never_answer},
        assertions=_retained,
    ),
    Scenario(
        name="foreign-writer",
        shows="somebody sets the size of a group by hand",
        minutes=90,
        demand_units=steady(HIGH_UNITS),
        faults={FOREIGN_MINUTE: _set_by_hand},
        assertions=_taken_back,
    ),
    Scenario(
        name="listener-set-back",
        shows="deployments set the listener back to on-premises, the second with a login",
        minutes=30,
        fleet="requests",
        demand_units=steady(PEAK_UNITS),
        faults={
            PLAIN_MINUTE: lambda at: at.deploy_listener(),
            AUTHENTICATED_MINUTE: _deploy_with_authentication,
        },
        assertions=_mended,
    ),
)
