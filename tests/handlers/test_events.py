"""Events leave facts, each once, and a tick follows where a decision may change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from peakfleet_handlers.events import UnfinishedEventError
from peakfleet_planner import Notice, Outage, OutageCause
from peakfleet_table import LATESTS, Latest
from tests.handlers.account import REGION, of
from tests.handlers.event_world import (
    EVENT_FLEET,
    ZONE,
    EventWorld,
    event,
    iso,
    launched,
    make_table,
    not_launched,
    terminated,
)
from tests.handlers.faults import Fault
from tests.handlers.scenes import NOW, TABLE

ALARM = event("CloudWatch Alarm State Change", {"state": {"value": "ALARM"}})
ICE = (
    f"We currently do not have sufficient c8g.large capacity in the Availability Zone you "
    f"requested ({ZONE}). Our system will be working on provisioning additional capacity. You "
    f"can currently get c8g.large capacity by choosing us-east-1b. Launching EC2 instance failed."
)
UNHEALTHY = "At 2027-01-15T08:00:00Z an instance was taken out of service in response to an ELB "
UNHEALTHY += "system health check failure."
DRY = Outage(
    cause=OutageCause.NO_CAPACITY,
    asked_at_epoch_seconds=NOW,
    purchase="spot",
    zone=ZONE,
    instance_type="c8g.large",
)


@pytest.fixture(name="world")
def _world(monkeypatch: pytest.MonkeyPatch) -> Iterator[EventWorld]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        yield EventWorld(dynamodb=make_table())


def test_a_dry_type_is_remembered_and_the_scaler_ticks_at_once(world: EventWorld) -> None:
    world.take(not_launched(ICE))
    assert world.memory().outages == (DRY,)
    assert world.asked == [{"scheduled_time": iso(NOW), "spec": EVENT_FLEET.to_json()}]


def test_launches_that_fail_together_count_once(world: EventWorld) -> None:
    for second in range(20):
        world.take(not_launched(ICE, at=NOW + second, name=f"i-{second}"))
    assert world.memory().outages == (DRY,)
    assert len(world.asked) == 1


def test_a_try_that_fails_doubles_the_waiting_time(world: EventWorld) -> None:
    world.take(not_launched(ICE))
    again = DRY.retry_at_epoch_seconds
    world.take(not_launched(ICE, at=again))
    (outage,) = world.memory().outages
    assert (outage.attempts, outage.asked_at_epoch_seconds) == (2, again)


def test_an_event_that_comes_late_undoes_nothing(world: EventWorld) -> None:
    world.take(not_launched(ICE))
    world.take(not_launched(ICE, at=NOW - 100))
    assert world.memory().outages == (DRY,)


def test_a_refusal_that_names_no_type_is_about_all_types_of_the_pool(world: EventWorld) -> None:
    world.take(not_launched("Could not launch Spot Instances. UnfulfillableCapacity - Unable to"))
    assert {one.instance_type for one in world.memory().outages} == {"c8g.large", "c7g.large"}


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("You have requested more vCPU capacity than your current vCPU limit of 32", "quota"),
        ("Max spot instance count exceeded. Launching EC2 instance failed.", "quota"),
        ("There are not enough free addresses in subnet 'subnet-1'.", "no-addresses"),
        ("You are not authorized to perform this operation.", "not-authorised"),
        ("Request limit exceeded.", "throttled"),
        ("The image id '[ami-1]' does not exist. Launching EC2 instance failed.", "bad-template"),
        ("Server.SpotInstanceTermination: Spot instance termination", "at-risk"),
    ],
)
def test_every_refusal_has_its_cause(world: EventWorld, message: str, cause: str) -> None:
    world.take(not_launched(message))
    assert {one.cause.value for one in world.memory().outages} == {cause}


def test_what_aws_does_not_explain_takes_the_pool_out_the_third_time(world: EventWorld) -> None:
    for attempt in range(3):
        assert world.memory().outages == ()
        world.take(
            not_launched("Instance failed to complete user's Lifecycle Action", at=NOW + attempt)
        )
    (outage,) = world.memory().outages
    assert (outage.cause, outage.pool, outage.attempts) == (OutageCause.NEVER_READY, "Spot", 1)
    assert len(world.asked) == 1


def test_the_same_failed_launch_counts_once_however_often_it_is_told(world: EventWorld) -> None:
    for _ in range(5):
        world.take(not_launched("Instance became unhealthy while waiting to serve"))
    assert world.memory().outages == ()
    assert world.items()["STRIKES#Spot"]["count"] == {"N": "1"}


def test_a_launch_that_is_cancelled_says_nothing(world: EventWorld) -> None:
    told = not_launched("a newer desired capacity cancelled it")
    told["detail"]["StatusCode"] = "Cancelled"
    world.take(told)
    assert world.items() == {}


def test_a_launch_clears_what_was_refused_before_it(world: EventWorld) -> None:
    world.run_instance("i-1")
    world.take(not_launched(ICE))
    world.take(not_launched("Instance became unhealthy while waiting to serve", at=NOW + 1))
    world.asked.clear()
    world.take(launched("i-1", at=NOW + 300))
    assert world.memory(NOW + 300).outages == ()
    assert "STRIKES#Spot" not in world.items()
    assert len(world.asked) == 1


def test_a_refusal_after_a_launch_began_stays(world: EventWorld) -> None:
    world.run_instance("i-1")
    world.take(not_launched(ICE))
    world.take(launched("i-1", at=NOW + 60, seconds=90))
    assert world.memory().outages == (DRY,)


def test_a_launch_elsewhere_clears_nothing(world: EventWorld) -> None:
    world.run_instance("i-1", AvailabilityZone="us-east-1b")
    world.take(not_launched(ICE))
    world.take(launched("i-1", at=NOW + 300))
    assert world.memory().outages == (DRY,)


def test_boots_are_measured_by_pool_and_type_once_for_each_instance(world: EventWorld) -> None:
    for number, seconds in enumerate((80, 90, 100)):
        world.run_instance(f"i-{number}")
        for _ in range(2):
            world.take(launched(f"i-{number}", at=NOW + number, seconds=seconds))
    boots = world.memory().boots
    assert boots.keys() == {"Spot"}
    assert boots["Spot"].seconds == {"c8g.large": (80.0, 90.0, 100.0)}
    assert world.asked == []


def test_only_the_newest_fifty_boots_are_kept(world: EventWorld) -> None:
    for number in range(52):
        world.run_instance(f"i-{number}")
        world.take(launched(f"i-{number}", at=NOW + 60 * number, seconds=100 + number))
    seconds = world.memory().boots["Spot"].seconds["c8g.large"]
    assert seconds == tuple(float(100 + number) for number in range(2, 52))
    kept = world.items()["READY#Spot"]["launched"]["M"]
    assert "i-51" in kept


def test_launches_of_more_than_an_hour_ago_are_forgotten(world: EventWorld) -> None:
    for number in range(3):
        world.run_instance(f"i-{number}")
        world.take(launched(f"i-{number}", at=NOW + 3000 * number))
    assert set(world.items()["READY#Spot"]["launched"]["M"]) == {"i-1", "i-2"}


@pytest.mark.parametrize("way", [{"Origin": "WarmPool"}, {"Destination": "WarmPool"}])
def test_what_enters_or_leaves_a_warm_pool_is_no_boot(
    world: EventWorld, way: dict[str, str]
) -> None:
    world.run_instance("i-1")
    told = launched("i-1")
    told["detail"] |= way
    world.take(told)
    assert not any(one.seconds for one in world.memory().boots.values())


def test_machines_that_run_but_are_never_healthy_take_the_pool_out(world: EventWorld) -> None:
    for number in range(3):
        world.run_instance(f"i-{number}")
        world.take(launched(f"i-{number}", at=NOW + 200 * number))
        world.take(terminated(f"i-{number}", cause=UNHEALTHY, at=NOW + 200 * number + 150))
    (outage,) = world.memory().outages
    assert (outage.cause, outage.pool) == (OutageCause.NEVER_READY, "Spot")
    world.run_instance("i-3")
    world.take(launched("i-3", at=NOW + 700))
    assert world.memory().outages == (outage,), "a launch alone proves nothing"


def test_a_machine_that_stays_healthy_clears_the_pool(world: EventWorld) -> None:
    world.run_instance("i-0")
    world.take(launched("i-0"))
    world.take(terminated("i-0", cause=UNHEALTHY, at=NOW + 150))
    world.run_instance("i-1")
    world.take(launched("i-1", at=NOW + 300))
    assert "STRIKES#Spot" in world.items()
    world.run_instance("i-2")
    world.take(launched("i-2", at=NOW + 1200))
    assert "STRIKES#Spot" not in world.items()


@pytest.mark.parametrize(
    ("cause", "after"),
    [(UNHEALTHY, 3000), ("a user request decreased the desired capacity", 150)],
)
def test_only_a_new_machine_that_was_unhealthy_counts(
    world: EventWorld, cause: str, after: int
) -> None:
    world.run_instance("i-1")
    world.take(launched("i-1"))
    world.take(terminated("i-1", cause=cause, at=NOW + after))
    assert "STRIKES#Spot" not in world.items()


def test_a_machine_that_aws_took_back_was_not_broken(world: EventWorld) -> None:
    world.run_instance("i-1")
    world.take(launched("i-1"))
    world.take(event("EC2 Spot Instance Interruption Warning", {"instance-id": "i-1"}, at=NOW + 10))
    stopped = "in response to an EC2 health check indicating it has been terminated or stopped."
    world.take(terminated("i-1", cause=stopped, at=NOW + 150))
    assert not {"STRIKES#Spot", "NOTICE#i-1"} & set(world.items())


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("EC2 Spot Instance Interruption Warning", "interruption"),
        ("EC2 Instance Rebalance Recommendation", "rebalance"),
    ],
)
def test_an_instance_at_risk_is_remembered_with_where_it_ran(
    world: EventWorld, name: str, kind: str
) -> None:
    world.run_instance("i-1", WeightedCapacity="4")
    world.take(event(name, {"instance-id": "i-1"}))
    (notice,) = world.memory().notices
    assert (notice.instance_id, notice.pool, notice.kind) == ("i-1", "Spot", kind)
    assert (notice.capacity, notice.seen_at_epoch_seconds) == (4, NOW)
    assert world.memory().outages == (replace(DRY, cause=OutageCause.AT_RISK),)
    assert len(world.asked) == 1


def test_an_interruption_replaces_a_recommendation_and_never_the_reverse(
    world: EventWorld,
) -> None:
    world.run_instance("i-1")
    for name in ("Rebalance Recommendation", "Interruption Warning", "Rebalance Recommendation"):
        spot = "Spot " if name.startswith("Inter") else ""
        world.take(event(f"EC2 {spot}Instance {name}", {"instance-id": "i-1"}))
    assert [one.kind for one in world.memory().notices] == ["interruption"]


def test_instances_of_others_are_none_of_our_business(world: EventWorld) -> None:
    world.run_instance("i-1", group="somebody-else")
    for instance_id in ("i-1", "i-unknown"):
        told = {"instance-id": instance_id}
        world.take(event("EC2 Spot Instance Interruption Warning", told))
    world.take(not_launched(ICE, group="somebody-else"))
    assert (world.items(), world.asked) == ({}, [])


def test_a_drain_is_remembered_until_the_instance_is_gone(world: EventWorld) -> None:
    told = {"AutoScalingGroupName": "s", "EC2InstanceId": "i-1", "Origin": "AutoScalingGroup"}
    world.take(event("EC2 Instance-terminate Lifecycle Action", told))
    world.take(event("EC2 Instance-terminate Lifecycle Action", told, at=NOW + 60))
    (draining,) = world.memory().draining
    assert (draining.instance_id, draining.pool) == ("i-1", "Spot")
    assert draining.since_epoch_seconds == NOW
    world.take(terminated("i-1", cause="a user request decreased the desired capacity"))
    assert world.memory().draining == ()


def drains(world: EventWorld, way: dict[str, str], *, at: int = NOW) -> None:
    told = {"AutoScalingGroupName": "s", "EC2InstanceId": "i-1", **way}
    world.take(event("EC2 Instance-terminate Lifecycle Action", told, at=at))


def since(world: EventWorld) -> list[int]:
    return [one.since_epoch_seconds for one in world.memory().draining]


INTO_THE_POOL = {"Origin": "AutoScalingGroup", "Destination": "WarmPool"}
OUT_OF_THE_POOL = {"Origin": "WarmPool", "Destination": "EC2"}


@pytest.mark.parametrize("way", [INTO_THE_POOL, OUT_OF_THE_POOL])
def test_a_drain_into_a_warm_pool_or_out_of_it_is_remembered_until_its_end(
    world: EventWorld, way: dict[str, str]
) -> None:
    drains(world, way)
    assert since(world) == [NOW]
    ended = terminated("i-1", cause="a user request decreased the desired capacity", at=NOW + 60)
    ended["detail"] |= way
    world.take(ended)
    assert world.items() == {}
    assert world.asked == []


def test_a_machine_that_serves_again_drains_anew_though_nobody_told_that_it_waited(
    world: EventWorld,
) -> None:
    drains(world, INTO_THE_POOL)
    world.run_instance("i-1")
    started = launched("i-1", at=NOW + 600)
    started["detail"] |= {"Origin": "WarmPool", "Destination": "AutoScalingGroup"}
    world.take(started)
    assert since(world) == []
    drains(world, INTO_THE_POOL, at=NOW + 900)
    assert since(world) == [NOW + 900]


def test_an_alarm_only_asks_for_a_tick(world: EventWorld) -> None:
    said = world.take(ALARM)
    assert said == {"kind": "CloudWatch Alarm State Change", "ticks": True}
    assert world.items() == {}
    assert len(world.asked) == 1


def test_a_fleet_that_remembers_nothing_still_ticks_on_an_alarm(world: EventWorld) -> None:
    world.spec = replace(EVENT_FLEET, state_table=None)
    world.take(ALARM)
    world.take(not_launched(ICE))
    assert len(world.asked) == 1


def test_an_event_right_after_another_has_its_tick_a_second_later(world: EventWorld) -> None:
    world.take(ALARM)
    world.take(ALARM, seconds_later=0)
    assert (len(world.asked), world.waited_seconds) == (2, 1)


def test_a_storm_of_events_shares_the_tick_that_follows_them_all(world: EventWorld) -> None:
    world.take(ALARM)
    world.while_waiting = lambda: world.take(ALARM, seconds_later=0)
    world.take(ALARM, seconds_later=0)
    assert len(world.asked) == 2


def test_a_tick_out_of_turn_is_later_than_the_last_that_was_recorded(world: EventWorld) -> None:
    latest = LATESTS.item("Media/Live", Latest(tick=NOW + 7))
    world.dynamodb.put_item(TableName=TABLE, Item=latest)
    world.take(not_launched(ICE))
    assert world.asked[0]["scheduled_time"] == iso(NOW + 8)


@pytest.mark.parametrize(("late", "ticks"), [(40, 1), (60, 0), (899, 0), (100_000, 1)])
def test_an_event_that_was_delivered_late_is_left_to_the_next_minute(
    world: EventWorld, late: float, ticks: int
) -> None:
    world.wall_seconds = NOW + late - 2
    world.take(not_launched(ICE))
    assert world.memory().outages == (DRY,)
    assert len(world.asked) == ticks


def test_a_table_that_fails_costs_the_fact_and_not_the_tick(world: EventWorld) -> None:
    world.dynamodb.delete_table(TableName=TABLE)
    with pytest.raises(UnfinishedEventError, match="ResourceNotFoundException"):
        world.take(not_launched(ICE))
    assert len(world.asked) == 1


@pytest.mark.parametrize("operation", ["GetItem", "UpdateItem", "DeleteItem"])
def test_the_end_of_a_machine_that_could_not_be_kept_is_counted_when_it_is_told_again(
    world: EventWorld, operation: str
) -> None:
    world.run_instance("i-1")
    world.take(launched("i-1"))
    told = terminated("i-1", cause=UNHEALTHY, at=NOW + 150)
    steady = world.dynamodb
    world.dynamodb = of("dynamodb")
    Fault(world.dynamodb, operation, "InternalServerError")
    with pytest.raises(UnfinishedEventError, match=operation):
        world.take(told)
    world.dynamodb = steady
    world.take(told)
    assert world.items()["STRIKES#Spot"]["count"] == {"N": "1"}


@pytest.mark.parametrize("operation", ["GetSchedule", "DescribeAutoScalingInstances", "Invoke"])
def test_an_event_that_aws_did_not_let_finish_is_delivered_again(
    world: EventWorld, operation: str
) -> None:
    world.run_instance("i-1")
    told = event("EC2 Spot Instance Interruption Warning", {"instance-id": "i-1"})
    world.failing[operation] = "ThrottlingException"
    with pytest.raises(UnfinishedEventError, match=operation):
        world.take(told)
    world.failing.clear()
    world.take(told)
    assert [one.instance_id for one in world.memory().notices] == ["i-1"]


@pytest.mark.parametrize(
    "garbage",
    [
        None,
        {},
        {"detail-type": "EC2 Instance Launch Successful"},
        {"detail-type": "CloudWatch Alarm State Change", "detail": {}, "time": "yesterday"},
        {"detail-type": "Something Else", "detail": {}, "time": "2027-01-15T08:00:00Z"},
    ],
)
def test_what_is_no_event_is_dropped_and_never_retried(world: EventWorld, garbage: object) -> None:
    assert world.take(garbage) == {"kind": None, "ticks": False}
    assert world.calls == []


def test_a_damaged_item_is_replaced_by_the_next_refusal(world: EventWorld) -> None:
    world.take(not_launched(ICE))
    (name,) = world.items()
    damaged = {**world.items()[name], "cause": {"S": "gremlins"}}
    world.dynamodb.put_item(TableName=TABLE, Item=damaged)
    world.take(not_launched(ICE, at=NOW + 10))
    assert world.memory().outages == (replace(DRY, asked_at_epoch_seconds=NOW + 10),)


def test_a_damaged_record_of_boots_is_made_anew(world: EventWorld) -> None:
    damaged = {"seconds": {"S": "none"}, "launched": {"S": "none"}, "expires_at": {"S": "never"}}
    key = {"fleet": {"S": "Media/Live"}, "item": {"S": "READY#Spot"}}
    world.dynamodb.put_item(TableName=TABLE, Item={**key, **damaged})
    world.run_instance("i-1")
    world.take(launched("i-1", seconds=90))
    assert world.memory().boots["Spot"].seconds == {"c8g.large": (90.0,)}


def test_what_dynamodb_cannot_change_is_deleted_so_that_the_next_delivery_can(
    world: EventWorld,
) -> None:
    told = not_launched("Instance became unhealthy")
    world.take(told)
    Fault(world.dynamodb, "UpdateItem", "ValidationException")
    with pytest.raises(UnfinishedEventError, match="ValidationException"):
        world.take(told)
    assert world.items() == {}


def test_a_notice_outlives_neither_its_instance_nor_its_time(world: EventWorld) -> None:
    world.run_instance("i-1")
    world.take(event("EC2 Spot Instance Interruption Warning", {"instance-id": "i-1"}))
    assert world.memory(NOW + 899).notices == (
        Notice(instance_id="i-1", pool="Spot", kind="interruption", seen_at_epoch_seconds=NOW),
    )
    assert world.memory(NOW + 900).notices == ()


TOLD = st.sampled_from(
    [
        not_launched(ICE),
        not_launched(ICE, at=NOW + 200),
        not_launched("Client error on launch", at=NOW + 5),
        not_launched("Client error on launch", at=NOW + 6),
        not_launched("Client error on launch", at=NOW + 7),
        launched("i-1", at=NOW + 300),
        launched("i-2", at=NOW + 900),
        terminated("i-1", cause=UNHEALTHY, at=NOW + 400),
        event("EC2 Instance Rebalance Recommendation", {"instance-id": "i-2"}, at=NOW + 950),
        event("EC2 Spot Instance Interruption Warning", {"instance-id": "i-2"}, at=NOW + 990),
    ]
)


@settings(max_examples=10, deadline=None)
@given(told=st.lists(TOLD, max_size=8))
def test_an_event_that_is_delivered_twice_counts_once(told: list[dict[str, object]]) -> None:
    left = []
    for times in (1, 2):
        with mock_aws():
            world = EventWorld(dynamodb=make_table())
            world.run_instance("i-1")
            world.run_instance("i-2", InstanceType="c7g.large")
            for one in told:
                for _ in range(times):
                    world.take(one)
            left.append(world.items())
    assert left[0] == left[1]
