"""A hold is honoured by every path that could change a fleet, and by none after its end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from peakfleet_handlers.aws import Deadline
from peakfleet_handlers.learn import entry_point as learn
from peakfleet_planner import Hold, OpenLaunch, WarmSpec
from peakfleet_planner.spec import FleetSpec
from peakfleet_table import HOLD_TAG, HOLDS, LAUNCHES, read_hold_tag, write_hold_tag
from tests.handlers import event_world as events
from tests.handlers.fake_aws import FakeAws, FakeGroup, instance
from tests.handlers.scenes import BALANCED_FLEET, FLEET, NOW, aws, event, minutes, remembers, tick
from tests.handlers.test_shadow import CHANGES

HOLD = Hold(owner="ada", reason="audit", until_epoch_seconds=NOW + 120)
FLEETS = {
    "groups": FLEET,
    "direct launches": replace(
        FLEET, pools=tuple(replace(pool, launch="direct") for pool in FLEET.pools)
    ),
    "traffic": BALANCED_FLEET,
    "warm pools": replace(
        FLEET,
        pools=tuple(
            replace(pool, warm=WarmSpec(max_capacity=4, min_capacity=2)) for pool in FLEET.pools
        ),
    ),
    "reused warm pools": replace(
        FLEET,
        pools=tuple(
            replace(pool, warm=WarmSpec(max_capacity=4, reuse=True)) for pool in FLEET.pools
        ),
    ),
}


def held(fake: FakeAws, hold: Hold = HOLD) -> FakeAws:
    fake.table["Media/Live", "HOLD"] = HOLDS.item("Media/Live", hold)
    return fake


def at_time(fake: FakeAws, demand: float, now: int) -> FakeAws:
    fake.metrics = {"Streams": minutes([demand] * 70, until=now)}
    return fake


def much_to_do() -> FakeAws:
    """Return an AWS in which every path has something to do."""
    fake = remembers(aws(260, graviton=3))
    fake.groups["g"].warm, fake.groups["g"].zones = 1, ("a",)
    fake.groups["x"].zones = ("a",)
    fake.groups["g"].instances = [
        *(instance(InstanceId=f"i-{n}") for n in range(2)),
        instance(health="Unhealthy", InstanceId="i-9"),
    ]
    fake.weights = {"arn:baseline": 999, "arn:cloud": 0}
    return fake


@pytest.mark.parametrize("broken", [None, "GetMetricData", "DescribeAutoScalingGroups"])
@pytest.mark.parametrize("path", FLEETS)
def test_no_tick_changes_a_held_fleet_even_with_cloudwatch_down(
    path: str, broken: str | None
) -> None:
    fake = held(much_to_do())
    if broken:
        fake.failing[broken] = "InternalFailure"
    for now in (NOW, NOW + 60):
        answer = tick(at_time(fake, 260, now), FLEETS[path], now)
        assert answer["reason"] == "held"
        assert not CHANGES & set(fake.counted())


def tagged(fake: FakeAws, hold: Hold = HOLD, *groups: str) -> FakeAws:
    for name in groups or fake.groups:
        fake.groups[name].tags[HOLD_TAG] = write_hold_tag(hold)
    return fake


@pytest.mark.parametrize("groups", [("g",), ("g", "x")])
@pytest.mark.parametrize("down", ["Query", "Query and CloudWatch", "nothing"])
@pytest.mark.parametrize("path", FLEETS)
def test_a_hold_that_groups_tell_of_stands_with_dynamodb_down_and_with_cloudwatch_down(
    path: str, down: str, groups: tuple[str, ...]
) -> None:
    fake = tagged(much_to_do(), HOLD, *groups)
    if down != "nothing":
        fake.failing |= dict.fromkeys(("Query", "TransactWriteItems", "PutItem"), "InternalError")
    if "CloudWatch" in down:
        fake.failing["GetMetricData"] = "InternalFailure"
    for now in (NOW, NOW + 60, HOLD.until_epoch_seconds - 1):
        answer = tick(at_time(fake, 260, now), FLEETS[path], now)
        assert answer["reason"] == "held"
        assert not CHANGES & set(fake.counted())


@pytest.mark.parametrize("path", FLEETS)
def test_a_hold_that_groups_tell_of_ends_at_its_time_though_nobody_deletes_the_tag(
    path: str,
) -> None:
    fake = tagged(much_to_do())
    fake.failing |= dict.fromkeys(("Query", "TransactWriteItems", "PutItem"), "InternalError")
    end = HOLD.until_epoch_seconds
    tick(at_time(fake, 260, end), FLEETS[path], end)
    assert CHANGES & set(fake.counted())


def test_the_hold_that_ends_last_counts() -> None:
    longer = replace(HOLD, until_epoch_seconds=NOW + 600)
    for fake in (tagged(held(much_to_do()), longer), tagged(held(much_to_do(), longer))):
        assert tick(at_time(fake, 260, NOW + 300), FLEET, NOW + 300)["reason"] == "held"


@pytest.mark.parametrize("value", ["2h", "", "tomorrow ada audit", "-5 ada", "9" * 40])
def test_a_tag_that_says_no_end_holds_nothing_and_is_told(value: str) -> None:
    fake = much_to_do()
    fake.groups["g"].tags[HOLD_TAG] = value
    answer = tick(fake, FLEET)
    assert answer["reason"] != "held"
    assert answer["applied"]["failed_calls"] == 1


@given(owner=st.text(max_size=60), reason=st.text(max_size=400), until=st.integers(0, 10**11))
def test_every_hold_fits_into_a_tag_and_keeps_its_end(owner: str, reason: str, until: int) -> None:
    value = write_hold_tag(Hold(owner=owner, reason=reason, until_epoch_seconds=until))
    assert len(value) <= 256
    assert re.fullmatch(r"[\w\s+\-=.:/@]*", value, re.ASCII)
    assert read_hold_tag(value).until_epoch_seconds == until


@pytest.mark.parametrize("path", FLEETS)
def test_every_path_goes_on_at_the_very_end_of_a_hold_and_says_so(path: str) -> None:
    fake = held(much_to_do())
    end = HOLD.until_epoch_seconds
    answer = tick(at_time(fake, 260, end), FLEETS[path], end)
    assert "hold-ended" in answer["limits"]
    assert CHANGES & set(fake.counted())
    late = tick(at_time(fake, 260, end + 3600), FLEETS[path], end + 3600)
    assert "hold-ended" not in late.get("limits", ())


def test_what_had_no_answer_is_asked_again_after_a_hold_not_under_it() -> None:
    def with_open_launch(now: int) -> FakeAws:
        fake = held(at_time(remembers(aws(0)), 260, now))
        fake.groups["g"].zones = ("a",)
        launch = OpenLaunch(
            token="t",  # noqa: S106  no password
            pool="Graviton",
            zone="a",
            capacity=2,
            since_epoch_seconds=NOW - 60,
        )
        fake.table["Media/Live", "LAUNCH#t"] = LAUNCHES.item("Media/Live", launch)
        tick(fake, FLEETS["direct launches"], now)
        return fake

    under = with_open_launch(NOW)
    assert "LaunchInstances" not in under.counted()
    assert ("Media/Live", "LAUNCH#t") in under.table
    after = with_open_launch(HOLD.until_epoch_seconds)
    tokens = [asked["ClientToken"] for name, asked in after.calls if name == "LaunchInstances"]
    assert "t" in tokens


@pytest.fixture
def world() -> Iterator[events.EventWorld]:
    with mock_aws():
        yield events.EventWorld(dynamodb=events.make_table())


@pytest.mark.parametrize(
    "told",
    [
        lambda: events.not_launched("Could not launch: insufficient capacity"),
        lambda: events.launched("i-1"),
        lambda: events.terminated("i-1", cause="an EC2 health check failed"),
    ],
)
def test_events_only_write_what_they_saw_and_leave_acting_to_ticks(
    world: events.EventWorld, told: Callable[[], object]
) -> None:
    item = HOLDS.item(world.spec.fleet, HOLD)
    world.dynamodb.put_item(TableName="state", Item=item)
    world.run_instance("i-1")
    world.take(told())
    assert set(world.calls) <= {"GetSchedule", "DescribeAutoScalingInstances", "Invoke"}
    assert world.memory().hold == HOLD


def test_the_learner_learns_under_a_hold_and_changes_nothing_but_its_model() -> None:
    fake = held(at_time(aws(0), 150, NOW))
    before = set(fake.table)
    spec: FleetSpec = FLEET
    learn.run(event(spec), clients=fake.clients, deadline=Deadline.of(None))
    assert not CHANGES & set(fake.counted())
    assert set(fake.table) - before <= {("Media/Live", "MODEL")}


def test_groups_are_what_they_were_before_the_hold() -> None:
    fake = held(much_to_do())
    groups = {name: replace(group) for name, group in fake.groups.items()}
    for path in FLEETS.values():
        tick(fake, path)
    assert fake.groups == groups
    assert all(isinstance(group, FakeGroup) for group in groups.values())
