"""Whose an event is: known from what ticks tell, so that somebody else's costs one look."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from moto import mock_aws

from peakfleet_handlers.aws import Clients, Deadline
from peakfleet_handlers.events import Clock, Plane, run
from peakfleet_table import TICKS, NewestTick
from tests.handlers.event_world import EVENT_FLEET, event, launched, make_table
from tests.handlers.fake_aws import FakeAws, instance
from tests.handlers.scenes import NOW, TABLE, aws, tick

REBALANCE = "EC2 Instance Rebalance Recommendation"
WARNING = "EC2 Spot Instance Interruption Warning"
OTHERS = [f"Other/{number}" for number in range(20)]


@dataclass(kw_only=True)
class Counted:
    """An account that counts what is asked of it; nothing in it belongs to the fleets."""

    tables: Any
    calls: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**asked: Any) -> Any:  # noqa: ANN401  AWS's own shapes
            self.calls.append(name)
            if name == "get_schedule":
                sent = {"scheduled_time": "?", "spec": EVENT_FLEET.to_json()}
                return {"Target": {"Arn": "scaler", "Input": json.dumps(sent)}}
            if name == "describe_auto_scaling_instances":
                return {"AutoScalingInstances": []}
            return getattr(self.tables, name)(**asked)

        return call

    @property
    def clients(self) -> Clients:
        return cast("Clients", self)

    @property
    def dynamodb(self) -> Counted:
        return self

    scheduler = autoscaling = functions = dynamodb


def take(account: Counted, told: object, *fleets: str, table: str | None = TABLE) -> dict[str, Any]:
    account.calls.clear()
    return run(
        told,
        plane=Plane(schedules=dict.fromkeys(fleets, "schedule"), table=table),
        clients=account.clients,
        deadline=Deadline.of(None),
        clock=Clock(now=lambda: NOW, wait=lambda _: None),
    )


def spot_notice(instance_id: str, kind: str = WARNING) -> dict[str, Any]:
    return event(kind, {"instance-id": instance_id})


@pytest.fixture(name="account")
def _account() -> Any:  # noqa: ANN401  a generator of the above
    with mock_aws():
        account = Counted(tables=make_table())
        for fleet in (EVENT_FLEET.fleet, *OTHERS):
            own = fleet == EVENT_FLEET.fleet
            groups = tuple(pool.group for pool in EVENT_FLEET.pools) if own else (f"{fleet} g",)
            told = NewestTick(tick=NOW - 60, groups=groups, spot=("i-own",) if own else ())
            account.tables.put_item(TableName=TABLE, Item=TICKS.item(fleet, told))
        yield account


@pytest.mark.parametrize("kind", [WARNING, REBALANCE])
def test_a_spot_notice_for_somebody_elses_instance_costs_one_look_however_many_fleets(
    account: Counted, kind: str
) -> None:
    said = take(account, spot_notice("i-foreign", kind), EVENT_FLEET.fleet, *OTHERS)
    assert (account.calls, said["ticks"]) == (["batch_get_item"], False)


def test_a_group_of_somebody_else_costs_one_look(account: Counted) -> None:
    take(account, launched("i-1", group="foreign"), EVENT_FLEET.fleet, *OTHERS)
    assert account.calls == ["batch_get_item"]


def test_an_own_notice_is_taken_for_the_one_fleet_that_it_is_of(account: Counted) -> None:
    take(account, spot_notice("i-own"), *OTHERS, EVENT_FLEET.fleet)
    assert account.calls[:3] == [
        "batch_get_item",
        "get_schedule",
        "describe_auto_scaling_instances",
    ]
    assert account.calls.count("get_schedule") == 1


@pytest.mark.parametrize("table", [None, "gone"])
def test_without_the_table_aws_is_asked(account: Counted, table: str | None) -> None:
    take(account, spot_notice("i-foreign"), EVENT_FLEET.fleet, table=table)
    assert "describe_auto_scaling_instances" in account.calls


def test_a_fleet_that_has_told_nothing_yet_may_be_meant(account: Counted) -> None:
    take(account, spot_notice("i-foreign"), EVENT_FLEET.fleet, "New/Fleet")
    assert account.calls.count("get_schedule") == 1


def told_by(fake: FakeAws) -> NewestTick:
    return TICKS.read(fake.table[EVENT_FLEET.fleet, "TICK"])


def test_a_tick_tells_its_groups_its_spot_instances_and_its_troubles() -> None:
    fake = aws(155)
    fake.groups["s"] = fake.groups["x"].__class__(
        desired=2, instances=[instance(InstanceId="i-1"), instance("Pending", InstanceId="i-2")]
    )
    tick(fake, EVENT_FLEET)
    told = told_by(fake)
    assert (told.groups, told.spot) == (("s", "g", "x"), ("i-1", "i-2"))
    assert told.troubles == ()


def test_a_tick_that_cannot_read_its_spot_group_does_not_say_that_it_has_none() -> None:
    fake = aws(155)
    fake.failing["DescribeAutoScalingGroups"] = "Throttling"
    tick(fake, EVENT_FLEET)
    assert told_by(fake).spot is None
    assert told_by(fake).troubles == ("FailedCalls",)
