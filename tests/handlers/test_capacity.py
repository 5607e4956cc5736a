"""What a tick does when capacity is refused, taken back, unhealthy or waits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from peakfleet_planner import FleetSpec, OtherWriterSpec, PoolSpec, WarmSpec
from peakfleet_planner.spec import PurchaseOption
from tests.handlers.fake_aws import FakeAws, FakeGroup, instance
from tests.handlers.scenes import FLEET, NOW, minutes, remembers, tick

_PURCHASES: tuple[PurchaseOption, ...] = ("spot", "on-demand")
DIRECT = replace(
    FLEET,
    pools=tuple(
        replace(pool, launch="direct", instance_types=("c8g.large",), purchase=purchase)
        for pool, purchase in zip(FLEET.pools, _PURCHASES, strict=True)
    ),
)
ZONES = ("a", "b")
ICE = "InsufficientInstanceCapacity"


def aws(demand: float, **dry: str) -> FakeAws:
    """Return groups in two zones; *dry* maps a zone to what it answers for Spot."""
    return FakeAws(
        metrics={"Streams": minutes([demand] * 70)},
        groups={
            "g": FakeGroup(maximum=10, zones=ZONES, dry=dry),
            "x": FakeGroup(maximum=20, zones=ZONES),
        },
    )


def asked(fake: FakeAws, operation: str = "LaunchInstances") -> list[dict[str, Any]]:
    return [request for called, request in fake.calls if called == operation]


def again(fake: FakeAws, minute: int, spec: FleetSpec = DIRECT, demand: float = 155) -> Any:  # noqa: ANN401  JSON data
    fake.metrics["Streams"] = minutes([demand] * 70, until=NOW + 60 * minute)
    return tick(fake, spec, now=NOW + 60 * minute)


def test_capacity_is_launched_evenly_and_at_once() -> None:
    fake = remembers(aws(155))
    said = tick(fake, DIRECT)
    assert fake.desired == {"g": 6, "x": 0}
    assert {one["AvailabilityZones"][0]: one["RequestedCapacity"] for one in asked(fake)} == {
        "a": 3,
        "b": 3,
    }
    assert all(one["RetryStrategy"] == "none" for one in asked(fake))
    assert said["applied"]["pools"] == {"Graviton": 6}
    assert not asked(fake, "SetDesiredCapacity")


def test_what_a_dry_pool_refuses_is_asked_of_the_next_within_the_same_tick() -> None:
    fake = remembers(aws(155, a=ICE, b=ICE))
    said = tick(fake, DIRECT)
    assert fake.desired == {"g": 0, "x": 6}
    assert said["applied"]["refused"] == 2
    assert said["pools"][0]["outage"] == "no-capacity"


def test_what_was_refused_in_part_is_kept() -> None:
    fake = remembers(aws(155, a=f"1 {ICE}", b=f"1 {ICE}"))
    tick(fake, DIRECT)
    assert fake.desired == {"g": 2, "x": 4}
    again(fake, 1)
    assert fake.desired == {"g": 2, "x": 4}


def test_one_dry_zone_costs_only_that_zone() -> None:
    fake = remembers(aws(155, a=ICE))
    tick(fake, DIRECT)
    assert fake.desired == {"g": 6, "x": 0}
    again(fake, 1, demand=200)
    spot = [one for one in asked(fake) if one["AutoScalingGroupName"] == "g"]
    assert {one["AvailabilityZones"][0] for one in spot} == {"b"}


def test_a_dry_pool_is_asked_again_after_three_minutes_and_forgotten_when_it_gives() -> None:
    fake = remembers(aws(155, a=ICE, b=ICE))
    tick(fake, DIRECT)
    for minute in (1, 2):
        again(fake, minute, demand=155 + 10 * minute)
        assert {one["AutoScalingGroupName"] for one in asked(fake)} == {"x"}
    fake.groups["g"].dry.clear()
    again(fake, 3, demand=200)
    assert fake.desired["g"] > 0
    outages = [key for _, key in fake.table if key.startswith("OUTAGE#")]
    assert len(outages) == 1


@pytest.mark.parametrize("code", ["VcpuLimitExceeded", "MaxSpotInstanceCountExceeded"])
def test_a_quota_shuts_the_whole_pool_after_one_call(code: str) -> None:
    fake = remembers(aws(155, a=code, b=code))
    said = tick(fake, DIRECT)
    assert fake.desired == {"g": 0, "x": 6}
    assert said["pools"][0]["outage"] == "quota"
    again(fake, 5, demand=170)
    assert "g" not in {one["AutoScalingGroupName"] for one in asked(fake)}


def test_where_launching_directly_is_not_possible_the_desired_capacity_is_set() -> None:
    fake = remembers(aws(155))
    fake.failing["LaunchInstances g"] = "AccessDenied"
    said = tick(fake, DIRECT)
    assert fake.desired == {"g": 6, "x": 0}
    assert len(asked(fake)) == 1
    assert said["applied"]["failed_calls"] == 1


def test_a_throttled_launch_goes_to_the_next_pool_and_is_not_tried_again_at_once() -> None:
    fake = remembers(aws(155))
    fake.failing["LaunchInstances g"] = "RequestLimitExceeded"
    tick(fake, DIRECT)
    assert fake.desired == {"g": 0, "x": 6}
    assert [one["AutoScalingGroupName"] for one in asked(fake)].count("g") == 1


@pytest.mark.parametrize(
    ("code", "minutes_later"),
    [
        ("Throttling", 2),
        ("ScalingActivityInProgress", 2),
        ("AccessDenied", 1),
        ("ValidationError", 1),
        ("InternalFailure", 1),
    ],
)
def test_a_group_that_will_not_be_told_a_size_leaves_the_burst_to_the_next(
    code: str, minutes_later: int
) -> None:
    fake = remembers(aws(155))
    fake.failing["SetDesiredCapacity g"] = code
    for minute in range(minutes_later):
        again(fake, minute, FLEET)
        assert fake.desired == {"g": 0, "x": 0}
        remembered = fake.table[FLEET.fleet, "LATEST"]["desired"]["M"]
        assert remembered["Graviton"] == {"N": "0"}, "it would pass for somebody else's size"
    said = again(fake, minutes_later, FLEET)
    assert fake.desired == {"g": 0, "x": 6}
    assert "other-writer" not in (said["reason"], *said.get("limits", ()))


def test_a_group_that_will_not_be_made_smaller_keeps_a_size_that_is_the_fleets_own() -> None:
    """It would pass for somebody else's, and be left alone for ten minutes."""
    fake = remembers(aws(300))
    fake.groups["g"].resize(10)
    remembers(fake)
    fake.failing["SetDesiredCapacity g"] = "Throttling"
    for minute in range(20, 26):
        said = again(fake, minute, FLEET, demand=120)
        assert "other-writer" not in (said["reason"], *said.get("limits", ()))
    assert fake.desired["g"] == 10
    fake.failing.clear()
    again(fake, 26, FLEET, demand=120)
    assert fake.desired["g"] < 10


def test_a_request_has_one_token_so_that_a_repetition_launches_nothing() -> None:
    first, second = remembers(aws(155)), remembers(aws(155))
    tick(first, DIRECT)
    tick(second, DIRECT)
    tokens = [one["ClientToken"] for one in asked(first)]
    assert tokens == [one["ClientToken"] for one in asked(second)]
    assert len(set(tokens)) == len(tokens)


STILL_AT_IT = "IdempotentCallInProgress"


@pytest.mark.parametrize("ends", ["comes", "refused", "after it was needed"])
def test_a_launch_that_outlasts_its_tick_is_asked_about_with_its_token_until_it_has_ended(
    ends: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is never bought twice, and its group never counts as resized by somebody else."""
    monkeypatch.setattr("peakfleet_handlers.aws.launches.AGAIN_SECONDS", 0)
    fake = remembers(aws(155))
    fake.failing["LaunchInstances"] = STILL_AT_IT
    tick(fake, DIRECT)
    tokens = {one["ClientToken"] for one in asked(fake)}
    assert (len(tokens), fake.desired) == (2, {"g": 0, "x": 0})
    for minute in (1, 2, 3):
        said = again(fake, minute)
        assert {one["ClientToken"] for one in asked(fake)} == tokens
        assert fake.desired == {"g": 0, "x": 0}
        assert not asked(fake, "SetDesiredCapacity")
        assert said["pools"][0]["desired_capacity"] == 6
    fake.failing.clear()
    if ends == "refused":
        fake.groups["g"].dry = {"a": ICE, "b": ICE}
    demand = 90 if ends == "after it was needed" else 155
    for minute in (4, 5, 6, 7, 8):
        said = again(fake, minute, demand=demand)
        assert not tokens & {one["ClientToken"] for one in asked(fake)} or minute == 4
        assert "other-writer" not in (said["reason"], *said.get("limits", []))
    if ends == "refused":
        assert fake.desired == {"g": 0, "x": 6}
    elif ends == "comes":
        assert fake.desired == {"g": 6, "x": 0}
    assert sum(fake.desired.values()) <= 6
    assert not [key for key in fake.table if key[1].startswith("LAUNCH#")]


def test_a_launch_without_an_answer_shuts_its_pool_after_a_few_boots(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("peakfleet_handlers.aws.launches.AGAIN_SECONDS", 0)
    fake = remembers(aws(155))
    fake.failing["LaunchInstances g"] = STILL_AT_IT
    for minute in range(10):
        said = again(fake, minute)
    assert fake.desired == {"g": 0, "x": 6}
    assert said["pools"][0]["outage"] == "missing"
    assert len({one["ClientToken"] for one in asked(fake)}) == 2


DRAINED = replace(DIRECT, pools=tuple(replace(one, drain_seconds=110) for one in DIRECT.pools))
"""The same fleet, whose instances finish their work before they leave."""


def noticed(fake: FakeAws, instance_id: str, *, kind: str = "interruption") -> FakeAws:
    """Remember that an instance of the first pool is taken back."""
    fake.table["Media/Live", f"NOTICE#{instance_id}"] = {
        "fleet": {"S": "Media/Live"},
        "item": {"S": f"NOTICE#{instance_id}"},
        "pool": {"S": "Graviton"},
        "kind": {"S": kind},
        "seen_at": {"N": str(NOW - 60)},
        "capacity": {"N": "1"},
        "expires_at": {"N": str(NOW + 900)},
    }
    return fake


def running(fake: FakeAws, count: int) -> FakeAws:
    group = fake.groups["g"]
    group.desired = count
    group.instances = [
        instance(InstanceId=f"i-{n}", AvailabilityZone="ab"[n % 2]) for n in range(count)
    ]
    return fake


def test_an_instance_that_is_taken_back_is_replaced_first_and_drained_by_name() -> None:
    fake = noticed(remembers(running(aws(155), 6)), "i-2")
    tick(fake, DRAINED)
    order = [name for name, _ in fake.calls if name in {"LaunchInstances", DRAIN}]
    assert order == ["LaunchInstances", DRAIN]
    assert asked(fake, DRAIN)[0]["InstanceId"] == "i-2"
    assert fake.desired["g"] == 6


DRAIN = "TerminateInstanceInAutoScalingGroup"


def test_a_group_at_its_minimum_replaces_what_is_taken_back_by_itself() -> None:
    fake = noticed(remembers(running(aws(155), 6)), "i-2")
    fake.groups["g"].minimum = 6
    tick(fake, DRAINED)
    assert asked(fake, DRAIN)[0]["ShouldDecrementDesiredCapacity"] is False


def test_when_most_instances_are_unhealthy_replacement_is_halted_and_later_resumed() -> None:
    fake = remembers(running(aws(155), 6))
    for one in fake.groups["g"].instances or ():
        one["HealthStatus"] = "Unhealthy"
    tick(fake, DIRECT)
    assert fake.groups["g"].suspended == {"ReplaceUnhealthy"}
    for one in fake.groups["g"].instances or ():
        one["HealthStatus"] = "Healthy"
    again(fake, 1)
    assert fake.groups["g"].suspended == set()


def test_a_fixed_warm_pool_is_sized_once() -> None:
    warm: PoolSpec = replace(FLEET.pools[1], warm=WarmSpec(min_capacity=3, max_capacity=3))
    spec = replace(FLEET, pools=(FLEET.pools[0], warm))
    fake = remembers(aws(50))
    fake.groups["x"].warm = 0
    assert tick(fake, spec)["applied"]["warm"] == {"X86": 3}
    again(fake, 1, spec, demand=50)
    assert not asked(fake, "PutWarmPool")


def test_an_instance_that_outlived_its_drain_is_terminated_after_its_time() -> None:
    spec = replace(DIRECT, pools=(replace(DIRECT.pools[0], drain_seconds=600), DIRECT.pools[1]))
    fake = remembers(aws(50))
    fake.groups["g"].instances = [instance("Terminating:Retained", InstanceId="i-9")]
    fake.table["Media/Live", "DRAIN#i-9"] = {
        "fleet": {"S": "Media/Live"},
        "item": {"S": "DRAIN#i-9"},
        "pool": {"S": "Graviton"},
        "since": {"N": str(NOW)},
        "expires_at": {"N": str(NOW + 9999)},
    }
    assert tick(fake, spec)["applied"]["swept"] == []
    assert again(fake, 10, spec, demand=50)["applied"]["swept"] == ["i-9"]
    (ended,) = asked(fake, "TerminateInstanceInAutoScalingGroup")
    assert ended == {"InstanceId": "i-9", "ShouldDecrementDesiredCapacity": False}


def test_a_machine_that_never_reaches_its_warm_pool_is_stuck_and_swept_once_retained() -> None:
    warm = WarmSpec(max_capacity=5, reuse=True)
    pool = replace(FLEET.pools[0], drain_seconds=600, warm=warm)
    spec = replace(FLEET, pools=(pool, FLEET.pools[1]))
    fake = remembers(aws(50))
    fake.groups["g"].moving = [instance("Warmed:Pending:Wait", InstanceId="i-9")]
    fake.table["Media/Live", "DRAIN#i-9"] = {
        "fleet": {"S": "Media/Live"},
        "item": {"S": "DRAIN#i-9"},
        "pool": {"S": "Graviton"},
        "since": {"N": str(NOW)},
        "expires_at": {"N": str(NOW + 9999)},
    }
    assert "stuck_drains" not in again(fake, 9, spec, demand=50)
    said = again(fake, 16, spec, demand=50)
    assert (said["applied"]["swept"], said["stuck_drains"]) == ([], 1)
    fake.groups["g"].moving = [instance("Warmed:Pending:Retained", InstanceId="i-9")]
    assert again(fake, 17, spec, demand=50)["applied"]["swept"] == ["i-9"]


YIELDING = replace(FLEET, other_writer=OtherWriterSpec(mode="yield"))
SIZE = ("Media/Live", "SIZE#Graviton")


def resized(spec: FleetSpec) -> FakeAws:
    """Return a fleet of whose first group somebody else has set the size, a tick later."""
    fake = remembers(running(aws(155), 6))
    fake.groups["g"].desired = 9
    tick(fake, spec)
    return fake


def test_a_size_that_is_yielded_to_is_kept_for_longer_than_a_day() -> None:
    assert int(resized(YIELDING).table[SIZE]["expires_at"]["N"]) > NOW + 365 * 24 * 3600
    assert int(resized(FLEET).table[SIZE]["expires_at"]["N"]) == NOW + 24 * 3600


def test_a_group_that_cannot_be_read_for_a_tick_keeps_its_foreign_size() -> None:
    fake = resized(YIELDING)
    fake.failing["DescribeAutoScalingGroups"] = "Throttling"
    again(fake, 1, YIELDING)
    assert fake.table[SIZE]["since"]["N"] == str(NOW)
    fake.failing.clear()
    fake.groups["g"].desired = 6
    again(fake, 2, YIELDING)
    assert SIZE not in fake.table
