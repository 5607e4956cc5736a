"""Ticks of a gang against an account: machines come together and go together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from peakfleet_handlers.aws import Clients, launches
from peakfleet_handlers.gang import handler
from peakfleet_local.groups import Reservation
from peakfleet_planner import Hold, SharedSpend, SpecError, SpendLimitSpec
from peakfleet_table import HOLD_TAG, HOLDS, SHARED_SPENDS, write_hold_tag
from tests.handlers.account import Account
from tests.handlers.conftest import Lines
from tests.handlers.faults import Fault
from tests.handlers.gang_world import GROUP, ZONE, GangWorld, gang_in, of
from tests.handlers.scenes import TABLE
from tests.planner.gangs import BLOCK, KIND, MACHINES, OFF_PEAK

HOUR = 3600
FLEET = "Media/Search"


@pytest.fixture(name="it")
def _it(account: Account) -> Iterator[GangWorld]:
    with gang_in(account) as it:
        yield it


@pytest.fixture(name="blocked")
def _blocked(account: Account) -> Iterator[GangWorld]:
    with gang_in(account, reservation=BLOCK) as it:
        yield it


def reserve(it: GangWorld, *, starts_in: int = 0, lasts: int | None = 4 * HOUR, **more: Any) -> int:  # noqa: ANN401  a reservation's own
    """Reserve what the gang needs; return when it ends."""
    starts_at = it.now + starts_in
    ends_at = None if lasts is None else starts_at + lasts
    given = {"instances": MACHINES, "zone": ZONE, **more}
    it.reservations.reserve(
        Reservation(
            reservation_id=BLOCK.reservation_id,
            instance_type=KIND,
            starts_at=starts_at,
            ends_at=ends_at,
            **given,
        )
    )
    return ends_at or 0


def test_a_gang_is_launched_whole_and_formed_once_all_of_it_serves(it: GangWorld) -> None:
    plan = it.tick()
    assert (plan["step"], plan["applied"]["launched"]) == ("launch", MACHINES)
    assert (it.desired(), it.states()["Pending"]) == (MACHINES, MACHINES)
    assert it.live(2) == ["forming", "complete"]
    formed = it.members()
    ids = [one["id"] for one in formed["members"]]
    assert sorted(ids) == sorted(m.instance_id for m in it.account.world.machines_of(GROUP))
    assert len({one["address"] for one in formed["members"]}) == MACHINES
    assert it.live(3) == ["running"] * 3
    assert it.members() == formed


def test_a_tick_that_is_repeated_launches_nothing_more(it: GangWorld) -> None:
    it.tick()
    it.tick()
    assert it.alive() == it.desired() == MACHINES


@pytest.mark.parametrize("there", [0, 1, 3])
def test_a_gang_that_gets_only_a_part_gives_it_back_in_the_same_tick(
    it: GangWorld, there: int
) -> None:
    it.account.world.limit_capacity(instance_type=KIND, zone=ZONE, instances=there)
    plan = it.tick()
    assert plan["applied"]["refused"] == "no-capacity"
    assert it.desired() == 0
    assert set(it.states()) <= {"Terminating"}
    it.account.world.advance(60)
    assert it.alive() == 0


def test_a_part_that_is_given_back_waits_for_no_hook_and_is_not_billed_any_more(
    it: GangWorld,
) -> None:
    it.put_hook()
    it.account.world.limit_capacity(instance_type=KIND, zone=ZONE, instances=2)
    plan = it.tick()
    assert len(plan["applied"]["swept"]) == 2
    assert not [one for one in it.account.world.machines_of(GROUP) if one.billed]
    assert it.desired() == 0
    it.live(2)
    assert it.alive() == 0


def test_what_was_refused_is_not_asked_for_again_at_once_and_later_less_often(
    it: GangWorld,
) -> None:
    it.account.world.limit_capacity(instance_type=KIND, zone=ZONE, instances=1)
    it.tick()
    assert it.live(2)[-1] == "backing-off"
    tried = it.account.world.calls["autoscaling:LaunchInstances"]
    assert tried == 1
    it.live(12)
    assert it.account.world.calls["autoscaling:LaunchInstances"] - tried == 2
    it.account.world.limit_capacity(instance_type=KIND, zone=ZONE, instances=None)
    it.account.world.advance(30 * 60)
    assert it.live(3)[-1] == "complete"


def test_a_machine_that_does_not_come_costs_the_others_only_the_time_to_form(
    it: GangWorld,
) -> None:
    it.tick()
    it.live(4)
    victim = it.members()["members"][0]["id"]
    it.account.world.limit_capacity(instance_type=KIND, zone=ZONE, instances=MACHINES - 1)
    of("ec2").terminate_instances(InstanceIds=[victim])
    reasons = it.live(14)
    assert reasons[0] == "forming"
    assert "incomplete" in reasons
    it.account.world.advance(120)
    assert it.alive() == it.desired() == 0


def test_a_machine_that_is_replaced_makes_a_new_formation(it: GangWorld) -> None:
    it.tick()
    it.live(3)
    before = it.members()
    of("ec2").terminate_instances(InstanceIds=[before["members"][0]["id"]])
    assert "complete" in it.live(4)
    after = it.members()
    assert after["formation"] > before["formation"]
    assert len({one["id"] for one in (*before["members"], *after["members"])}) == MACHINES + 1


def test_a_block_is_waited_for_used_and_left_forty_minutes_before_its_end(
    blocked: GangWorld,
) -> None:
    it = blocked
    ends_at = reserve(it, starts_in=300, lasts=3 * HOUR)
    assert it.tick()["reason"] == "reservation-not-active"
    assert "ready" in it.live(6)
    it.live(3)
    assert it.desired() == MACHINES
    it.account.world.advance_to(ends_at - 41 * 60)
    assert it.tick()["reason"] == "running"
    it.account.world.advance(60)
    plan = it.tick()
    assert (plan["step"], plan["reason"]) == ("release", "reservation-ends")
    it.account.world.advance(60)
    assert it.alive() == it.desired() == 0
    it.account.world.advance_to(ends_at - 60)
    assert set(it.live(3)) == {"reservation-ends"}
    assert it.account.world.calls["autoscaling:LaunchInstances"] == 1


def test_machines_that_are_busy_have_the_time_to_write_a_checkpoint_before_the_block_ends(
    blocked: GangWorld,
) -> None:
    it = blocked
    it.put_hook()
    ends_at = reserve(it)
    it.tick()
    it.live(3)
    it.account.world.set_busy(GROUP, share=1)
    it.account.world.advance_to(ends_at - 40 * 60)
    it.tick()
    it.account.world.advance(5)
    assert it.desired() == 0
    assert set(it.states()) <= {"Terminating:Wait", "Terminating", "Terminating:Proceed"}
    it.live(8)
    lost = [one for one in it.account.world.endings if "block ends" in one.cause]
    assert lost == []


def test_a_block_of_another_zone_or_too_small_is_not_used(blocked: GangWorld) -> None:
    reserve(blocked, zone="us-east-1b")
    assert blocked.tick()["reason"] == "reservation-mismatch"
    reserve(blocked, instances=MACHINES - 1)
    assert blocked.tick()["reason"] == "reservation-in-use"
    assert blocked.account.world.calls["autoscaling:LaunchInstances"] == 0


def test_an_unknown_block_is_a_failed_call_and_nothing_more(blocked: GangWorld) -> None:
    plan = blocked.tick()
    assert plan["reason"] == "reservation-unreadable"
    assert plan["applied"]["failed_calls"] == 1


def test_a_program_that_fails_starts_anew_and_then_its_machines_are_let_go(it: GangWorld) -> None:
    it.tick()
    it.live(3)
    formations = {it.members()["formation"]}
    for _ in range(2):
        it.say("failed-i-0")
        assert it.live(2) == ["restarting", "running"]
        formations.add(it.members()["formation"])
    assert len(formations) == 3
    it.say("failed-i-0")
    assert it.live(1) == ["failing"]
    it.account.world.advance(60)
    assert it.alive() == 0
    assert it.live(5)[-1] == "backing-off"


def test_a_run_that_is_done_ends_its_machines_for_good(it: GangWorld) -> None:
    it.tick()
    it.live(3)
    it.say("finished")
    assert it.live(1) == ["finished"]
    it.account.world.advance(HOUR)
    it.live(2)
    assert it.alive() == it.desired() == 0
    assert it.account.world.calls["autoscaling:LaunchInstances"] == 1


def test_a_hold_asks_for_a_checkpoint_and_lets_nothing_go(it: GangWorld) -> None:
    it.tick()
    it.live(3)
    until = it.now + HOUR
    hold = Hold(owner="ada", reason="audit", until_epoch_seconds=until)
    it.account.put_item(HOLDS.item(FLEET, hold))
    it.say("finished")
    assert set(it.live(5)) == {"held"}
    assert it.desired() == it.alive() == MACHINES
    formation = f"{it.members()['formation']:010d}"
    assert it.keys() == [f"{formation}/save-{until}", "finished", "members.json"]


def publish_wanted(it: GangWorld, units: float) -> None:
    of("cloudwatch").put_metric_data(
        Namespace="PeakFleet",
        MetricData=[
            {
                "MetricName": "WantedUnits",
                "Timestamp": datetime.fromtimestamp(it.now - 60 * minute, UTC),
                "Value": units,
            }
            for minute in range(1, 20)
        ],
    )


def test_a_guest_trains_off_peak_and_makes_room_at_the_peak(account: Account) -> None:
    with gang_in(account, reservation=OFF_PEAK) as it:
        reserve(it, instances=6, lasts=None, kind="default")
        publish_wanted(it, 60)
        assert it.tick()["reason"] == "no-room"
        it.account.world.advance(20 * 60)
        publish_wanted(it, 20)
        assert it.tick()["reason"] == "ready"
        it.account.world.advance(120)
        publish_wanted(it, 20)
        assert it.tick()["reason"] == "complete"
        it.account.world.advance(20 * 60)
        publish_wanted(it, 21)
        plan = it.tick()
        assert (plan["step"], plan["reason"]) == ("release", "no-room")


@pytest.mark.parametrize("operation", ["PutItem", "Query"])
def test_without_a_state_table_nothing_comes(it: GangWorld, operation: str) -> None:
    it.clients = Clients()
    Fault(it.clients.dynamodb, operation, "AccessDeniedException")
    plan = it.tick()
    assert plan["applied"]["launched"] == 0
    assert plan["applied"]["failed_calls"] > 0
    assert it.alive() == 0


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("autoscaling", "DescribeAutoScalingGroups"),
        ("dynamodb", "Query"),
        ("s3", "ListObjectsV2"),
        ("ec2", "DescribeInstances"),
        ("dynamodb", "PutItem"),
        ("s3", "PutObject"),
    ],
)
def test_whatever_call_fails_what_trains_goes_on(
    it: GangWorld, service: str, operation: str
) -> None:
    it.tick()
    it.live(3)
    it.clients = Clients()
    Fault(getattr(it.clients, service), operation, "AccessDeniedException")
    it.live(3)
    it.account.world.advance(HOUR)
    it.live(2)
    assert it.alive() == it.desired() == MACHINES


def test_an_address_that_is_not_known_yet_delays_the_formation(it: GangWorld) -> None:
    it.tick()
    it.clients = Clients()
    Fault(it.clients.ec2, "DescribeInstances", "InternalError")
    it.live(3)
    assert it.keys() == []
    it.clients = Clients()
    assert it.live(1) == ["complete"]


def test_a_tick_that_comes_late_changes_nothing(it: GangWorld) -> None:
    it.tick()
    it.live(3)
    late = it.now - 600
    of("autoscaling").set_desired_capacity(AutoScalingGroupName=GROUP, DesiredCapacity=0)
    it.account.world.advance(120)
    it.account.world.start_at(late)
    assert it.tick()["applied"]["recorded"] == "stale"


def test_a_record_of_a_broken_clock_does_not_block_the_gang(it: GangWorld) -> None:
    it.tick()
    key = {"fleet": {"S": FLEET}, "item": {"S": "GANG"}}
    record = of("dynamodb").get_item(TableName=TABLE, Key=key)["Item"]
    it.account.put_item({**record, "tick": {"N": str(it.now + 10 * 365 * 24 * 3600)}})
    assert it.live(4)[-1] == "running"


def test_each_tick_reports_what_it_did(it: GangWorld, printed: Lines) -> None:
    it.tick()
    it.live(3)
    (line, metrics) = printed()[-2:]
    assert line["message"] == "keep: 4 of 4 machines, it trains"
    assert line["plan"]["reason"] == "running"
    assert (metrics["Fleet"], metrics["GangMachines"], metrics["GangTraining"]) == (FLEET, [4], [1])
    assert metrics["GangMachines"] == [4.0]


def test_an_event_without_a_gang_names_its_field() -> None:
    with pytest.raises(SpecError, match="event: missing field gang"):
        handler({"scheduled_time": "2027-01-15T08:00:00Z"}, None)


def limit(it: GangWorld, **limit: Any) -> None:  # noqa: ANN401  a limit's own
    pool = replace(it.spec.pool, usd_per_capacity_hour=10.0)
    it.spec = replace(it.spec, pool=pool, spend_limits=(SpendLimitSpec(**limit),))


def shared_limit() -> SharedSpend:
    found = of("dynamodb").get_item(TableName=TABLE, Key=SHARED_SPENDS.key("spend-limit/media"))
    return SHARED_SPENDS.read(found["Item"])


def test_a_gang_that_costs_too_much_is_not_launched(it: GangWorld) -> None:
    limit(it, usd_per_hour=10 * MACHINES - 1)
    answer = it.tick()
    assert (answer["step"], answer["reason"]) == ("keep", "spend-limit")
    assert it.live(2) == ["spend-limit", "spend-limit"]
    assert (it.desired(), it.alive()) == (0, 0)
    limit(it, usd_per_hour=10 * MACHINES)
    assert it.live(1) == ["ready"]
    assert it.desired() == MACHINES


def test_a_limit_that_is_lowered_ends_no_training(it: GangWorld) -> None:
    limit(it, usd_per_hour=10 * MACHINES)
    it.live(5)
    limit(it, usd_per_hour=1)
    assert set(it.live(10)) == {"running"}
    assert it.desired() == MACHINES


def test_it_claims_of_a_shared_limit_what_it_launches_and_gives_it_back(it: GangWorld) -> None:
    limit(it, usd_per_hour=100, shared="media", priority="training")
    assert set(it.live(3)) == {"spend-limit"}  # everybody claims first what they run
    assert it.live(1) == ["ready"]
    assert shared_limit().claims[FLEET].usd_per_hour == 10 * MACHINES
    it.live(4)
    it.say("finished")
    it.live(10)
    assert it.alive() == 0
    assert shared_limit().claims[FLEET].usd_per_hour == 0


def test_whoever_is_faster_keeps_a_gang_from_what_it_would_have_claimed(
    it: GangWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(it, usd_per_hour=100, shared="media", priority="training")
    it.live(3)
    table = of("dynamodb")
    transact = it.clients.dynamodb.transact_write_items

    def outrun(**asked: Any) -> Any:  # noqa: ANN401  AWS's own shape
        table.update_item(
            TableName=TABLE,
            Key=SHARED_SPENDS.key("spend-limit/media"),
            UpdateExpression="SET version = version + :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )
        return transact(**asked)

    with monkeypatch.context() as patch:
        patch.setattr(it.clients.dynamodb, "transact_write_items", outrun)
        it.account.world.advance(60)
        answer = it.tick()
    assert answer["applied"]["recorded"] == "contested"
    assert it.desired() == 0
    assert it.live(1) == ["ready"]
    assert it.desired() == MACHINES


def test_a_hold_that_its_group_tells_of_keeps_a_gang_from_starting_until_it_ends(
    it: GangWorld,
) -> None:
    hold = Hold(owner="ada", reason="audit", until_epoch_seconds=it.now + 130)
    tag = {
        "Key": HOLD_TAG,
        "Value": write_hold_tag(hold),
        "ResourceId": GROUP,
        "ResourceType": "auto-scaling-group",
        "PropagateAtLaunch": False,
    }
    of("autoscaling").create_or_update_tags(Tags=[tag])
    assert it.live(3) == ["held", "held", "ready"]


class LostAnswers:
    """EC2 Auto Scaling that launches once for each token, and whose answers do not arrive."""

    def __init__(self, it: GangWorld, *, comes: bool) -> None:
        self.tokens: list[str] = []
        self._real, self._comes = of("autoscaling"), comes
        it.clients = Clients()
        it.clients.autoscaling.launch_instances = self.launch  # type: ignore[method-assign, assignment]  # slow

    def launch(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  AWS's own shape
        again = asked["ClientToken"] in self.tokens
        self.tokens.append(asked["ClientToken"])
        if self._comes and not again:
            self._real.launch_instances(**asked)
        raise ReadTimeoutError(endpoint_url="https://autoscaling")


@pytest.mark.parametrize("comes", [True, False])
def test_a_gang_whose_launch_does_not_answer_is_asked_for_under_the_same_name(
    it: GangWorld, monkeypatch: pytest.MonkeyPatch, *, comes: bool
) -> None:
    """What did not answer may still come: under another name, two gangs would."""
    monkeypatch.setattr(launches, "AGAIN_SECONDS", 0)
    slow = LostAnswers(it, comes=comes)
    it.tick()
    reasons = it.live(3)
    assert len(set(slow.tokens)) == 1
    assert it.alive() == (MACHINES if comes else 0)
    if comes:
        assert reasons == ["forming", "complete", "running"]
    else:  # it has had its time, and is tried anew
        it.live(15)
        assert len(set(slow.tokens)) == 2
