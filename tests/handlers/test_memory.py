"""What a tick remembers, and what it does when it cannot."""

from __future__ import annotations

from dataclasses import replace

import pytest

from peakfleet_planner import Hold
from peakfleet_table import HOLDS
from tests.handlers.fake_aws import RECORD
from tests.handlers.scenes import (
    FLEET,
    NOW,
    aws,
    minutes,
    remembers,
    tick,
)

HELD = HOLDS.item("Media/Live", Hold(owner="ada", reason="audit", until_epoch_seconds=NOW + 60))


def test_a_change_is_recorded_before_it_is_made() -> None:
    fake = aws(155)
    tick(fake)
    assert fake.written() == [RECORD, "SetDesiredCapacity"]
    assert sorted(item for _, item in fake.table) == [
        "DECIDED#2027-01-15T08",
        "DECISION#2027-01-15T08:00:00Z",
        "LATEST",
        "TICK",
    ]


def test_a_silent_signal_holds_the_fleet() -> None:
    fake = remembers(aws(graviton=6))
    fake.metrics["Streams"] = minutes([155] * 10, until=NOW - 600)
    assert tick(fake)["reason"] == "signal-silent"
    assert fake.desired == {"g": 6, "x": 0}


def test_a_failing_metric_api_holds_the_fleet() -> None:
    fake = remembers(aws(50, graviton=6))
    fake.failing["GetMetricData"] = "Throttling"
    assert tick(fake)["reason"] == "blind"
    assert fake.desired == {"g": 6, "x": 0}
    assert fake.written() == []


def test_what_another_hand_added_is_left_alone_then_taken_back() -> None:
    fake = remembers(aws(155, graviton=3))
    tick(fake)
    fake.groups["g"].desired = 9
    for minute in range(1, 13):
        fake.metrics["Streams"] = minutes([155] * 71, until=NOW + 60 * minute)
        said = tick(fake, now=NOW + 60 * minute)
        assert ("other-writer" in said.get("limits", ())) == (minute <= 10)
    assert fake.desired["g"] == 6
    assert ("Media/Live", "SIZE#Graviton") not in fake.table


def test_what_another_hand_added_is_not_taken_away_blindly() -> None:
    fake = remembers(aws(155, graviton=3))
    tick(fake)
    fake.groups["g"].desired = 9
    fake.metrics["Streams"] = minutes([190] * 71, until=NOW + 60)
    tick(fake, now=NOW + 60)
    fake.failing["DescribeAutoScalingGroups"] = "Throttling"
    fake.metrics["Streams"] = minutes([170] * 72, until=NOW + 120)
    tick(fake, now=NOW + 120)
    assert fake.desired["g"] == 9


def test_without_the_state_table_the_fleet_grows_and_never_shrinks() -> None:
    fake = aws(155, graviton=3)
    fake.failing |= {"Query": "InternalServerError", RECORD: "InternalServerError"}
    tick(fake)
    assert fake.desired["g"] == 6
    fake.metrics["Streams"] = minutes([0] * 70)
    tick(fake)
    assert fake.desired["g"] == 6


def test_a_change_that_cannot_be_recorded_only_grows() -> None:
    fake = remembers(aws(50, graviton=6))
    fake.failing[RECORD] = "ThrottlingException"
    assert tick(fake)["applied"]["recorded"] == "lost"
    assert fake.desired["g"] == 6


def test_a_fleet_without_a_state_table_follows_demand_both_ways() -> None:
    stateless = replace(FLEET, state_table=None)
    fake = aws(155)
    tick(fake, stateless)
    assert fake.desired["g"] == 6
    fake.metrics["Streams"] = minutes([0] * 70)
    tick(fake, stateless)
    assert fake.desired["g"] == 0
    assert fake.table == {}


@pytest.mark.parametrize("broken", [(), ("DescribeAutoScalingGroups",), ("GetMetricData",)])
def test_a_hold_is_obeyed_whatever_else_is_broken(broken: tuple[str, ...]) -> None:
    fake = remembers(aws(300, graviton=3))
    fake.table["Media/Live", "HOLD"] = HELD
    fake.failing |= dict.fromkeys(broken, "Throttling")
    assert tick(fake)["reason"] == "held"
    assert fake.written() == []


def test_a_hold_that_has_ended_is_over() -> None:
    fake = aws(155)
    fake.table["Media/Live", "HOLD"] = HELD
    fake.metrics["Streams"] = minutes([155] * 70, until=NOW + 60)
    tick(fake, now=NOW + 60)
    assert fake.desired["g"] == 6


def test_a_garbled_hold_may_be_a_hold_so_nothing_is_let_go() -> None:
    fake = remembers(aws(50, graviton=6))
    fake.table["Media/Live", "HOLD"] = {**HELD, "until": {"S": "tomorrow"}}
    said = tick(fake)
    assert said["reason"] == "state-lost"
    assert said["applied"]["failed_calls"] == 1
    assert fake.desired["g"] == 6


@pytest.mark.parametrize(
    "garbled",
    [
        {},
        {"desired": {"S": "six"}},
        {"desired": {"M": {"Graviton": {"N": "six"}}}},
        {"desired": {"M": {"Graviton": {"N": "-6"}}}},
        {"desired": {"M": {}}, "cloud_weight": {"S": "all"}},
        {"desired": {"M": {}}, "heights": {"S": "high"}},
        {"desired": {"M": {}}, "heights": {"M": {"Graviton": {"L": [{"L": [{"N": "1"}]}]}}}},
    ],
)
def test_a_garbled_memory_is_as_good_as_none(garbled: dict[str, object]) -> None:
    fake = aws(155)
    fake.table["Media/Live", "LATEST"] = {"item": {"S": "LATEST"}, "tick": {"N": "1"}, **garbled}
    said = tick(fake)
    assert fake.desired["g"] == 6
    assert said["applied"]["failed_calls"] == 1


def test_slow_reads_that_leave_no_time_to_record_let_nothing_go() -> None:
    fake = remembers(aws(50, graviton=6))
    fake.seconds_per_call = 8
    said = tick(fake, timeout_seconds=35)
    assert said["applied"]["recorded"] == "lost"
    assert fake.desired["g"] == 6
