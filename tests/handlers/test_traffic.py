"""Traffic between the baseline and the fleet: a tick changes the weights, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from peakfleet_planner import Plan
from tests.handlers.fake_aws import RECORD, FakeAws
from tests.handlers.scenes import (
    BALANCED_FLEET,
    BASELINE,
    CLOUD,
    NAMED_FLEET,
    NOW,
    SHARED_FLEET,
    SITES_FLEET,
    aws,
    minutes,
    remembers,
    tick,
)

SIGN_IN: dict[str, Any] = {
    "Type": "authenticate-oidc",
    "Order": 1,
    "AuthenticateOidcConfig": {"Issuer": "https://id", "ClientId": "us"},
}
STICKY = {"TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 300}}


def test_traffic_follows_what_serves_and_is_sent_once() -> None:
    fake = remembers(aws(150, graviton=5))
    tick(fake, BALANCED_FLEET)
    assert fake.weights == {BASELINE: 666, CLOUD: 333}
    tick(fake, BALANCED_FLEET, now=NOW + 60)
    assert fake.written() == []


@pytest.mark.parametrize("minute", range(1, 6))
def test_a_listener_that_a_deployment_set_back_is_mended_by_the_next_tick(minute: int) -> None:
    fake = remembers(aws(150, graviton=5))
    tick(fake, BALANCED_FLEET)
    fake.weights = {BASELINE: 100, CLOUD: 0}
    now = NOW + 60 * minute
    fake.metrics["Streams"] = minutes([150] * 75, until=now)
    tick(fake, BALANCED_FLEET, now=now)
    assert fake.weights == {BASELINE: 666, CLOUD: 333}
    assert fake.written() == [RECORD, "ModifyListener", RECORD]


def test_what_else_a_listener_does_stays_as_it_is() -> None:
    fake = remembers(aws(150, graviton=5))
    fake.actions, fake.forwarding = [SIGN_IN], dict(STICKY)
    fake.weights = {BASELINE: 1, CLOUD: 0, "arn:canary": 5}
    tick(fake, BALANCED_FLEET)
    assert fake.weights == {BASELINE: 666, CLOUD: 333, "arn:canary": 5}
    assert fake.forwarding == STICKY
    (kept,) = fake.actions
    assert kept["AuthenticateOidcConfig"] == {
        **SIGN_IN["AuthenticateOidcConfig"],
        "UseExistingClientSecret": True,
    }
    assert {**kept, "AuthenticateOidcConfig": 0} == {**SIGN_IN, "AuthenticateOidcConfig": 0}


def test_the_same_split_in_other_numbers_is_left_as_it_is() -> None:
    fake = remembers(aws(150, graviton=5))
    fake.weights = {BASELINE: 200, CLOUD: 100}
    tick(fake, BALANCED_FLEET)
    assert fake.weights == {BASELINE: 200, CLOUD: 100}


def test_a_split_that_failed_is_sent_again_and_meanwhile_nothing_is_let_go() -> None:
    fake = remembers(aws(50, graviton=5))
    fake.failing["ModifyListener"] = "ListenerNotFound"
    tick(fake, BALANCED_FLEET)
    assert fake.desired["g"] == 5
    fake.failing.clear()
    tick(fake, BALANCED_FLEET, now=NOW + 1)
    assert fake.weights == {BASELINE: 999, CLOUD: 0}
    assert fake.desired["g"] == 1  # the last one leaves later, as below


def test_the_last_instance_leaves_two_ticks_after_its_traffic() -> None:
    fake = remembers(aws(50, graviton=5))
    fake.weights = {BASELINE: 800, CLOUD: 199}
    sizes, weights = [], []
    for minute in range(4):
        now = NOW + 60 * minute
        fake.metrics["Streams"] = minutes([50] * 75, until=now)
        tick(fake, BALANCED_FLEET, now=now)
        fake.groups["g"].settle()
        sizes.append(fake.desired["g"])
        weights.append(fake.weights[CLOUD])
    assert (weights, sizes) == ([0, 0, 0, 0], [1, 1, 0, 0])


@pytest.mark.parametrize(
    ("dead", "expected"),
    [(BASELINE, {BASELINE: 0, CLOUD: 999}), (CLOUD, {BASELINE: 999, CLOUD: 0})],
)
def test_a_side_without_healthy_targets_gets_nothing_at_once(
    dead: str, expected: dict[str, int]
) -> None:
    fake = remembers(aws(150, graviton=5))
    fake.weights, fake.healthy = {BASELINE: 666, CLOUD: 333}, {dead: 0}
    tick(fake, BALANCED_FLEET)
    assert fake.weights == expected


def test_while_no_side_is_healthy_traffic_stays_where_it_is() -> None:
    fake = remembers(aws(150, graviton=5))
    fake.weights, fake.healthy = {BASELINE: 900, CLOUD: 99}, {BASELINE: 0, CLOUD: 0}
    tick(fake, BALANCED_FLEET)
    assert fake.weights == {BASELINE: 900, CLOUD: 99}


@pytest.mark.parametrize("side", [BASELINE, CLOUD])
def test_while_health_cannot_be_read_weights_stay_and_nothing_is_let_go(side: str) -> None:
    fake = remembers(aws(50, graviton=5))
    fake.weights = {BASELINE: 500, CLOUD: 499}
    fake.failing[f"DescribeTargetHealth {side}"] = "Throttling"
    said = tick(fake, BALANCED_FLEET)
    assert (fake.weights, fake.desired["g"]) == ({BASELINE: 500, CLOUD: 499}, 5)
    assert said["reason"] == "targets-unreadable"


def test_traffic_moves_in_bounded_steps_and_nothing_is_let_go_meanwhile() -> None:
    fake = remembers(aws(50, graviton=5))
    fake.weights = {BASELINE: 0, CLOUD: 999}
    moved = []
    for minute in range(4):
        now = NOW + 60 * minute
        fake.metrics["Streams"] = minutes([50] * 75, until=now)
        tick(fake, BALANCED_FLEET, now=now)
        moved.append((fake.weights[CLOUD], fake.desired["g"]))
    assert moved == [(666, 5), (333, 5), (0, 1), (0, 1)]


def test_while_a_listener_cannot_be_read_it_stays_and_nothing_is_let_go() -> None:
    fake = remembers(aws(50, graviton=5))
    fake.weights = {BASELINE: 500, CLOUD: 499}
    fake.failing["DescribeListeners"] = "AccessDenied"
    said = tick(fake, BALANCED_FLEET)
    assert (fake.weights, fake.desired["g"]) == ({BASELINE: 500, CLOUD: 499}, 5)
    assert said["applied"]["failed_calls"] == 1


def test_a_page_that_somebody_put_up_instead_of_forwarding_stays_up() -> None:
    fake = remembers(aws(150, graviton=5))
    page = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}
    fake.listens_with = [page]
    said = tick(fake, BALANCED_FLEET)
    assert fake.counted()["ModifyListener"] == 0
    assert said["applied"]["failed_calls"] == 1


def test_a_split_whose_record_was_lost_is_not_sent_twice() -> None:
    fake = remembers(aws(150, graviton=5))
    fake.failing["TransactWriteItems confirm"] = "InternalServerError"
    tick(fake, BALANCED_FLEET)
    fake.failing.clear()
    tick(fake, BALANCED_FLEET, now=NOW + 60)
    assert fake.counted()["ModifyListener"] == 0
    assert fake.weights == {BASELINE: 666, CLOUD: 333}


@pytest.mark.parametrize("healthy", [{BASELINE: 0}, {BASELINE: 0, CLOUD: 0}])
def test_a_baseline_without_healthy_targets_carries_nothing_whatever_it_reports(
    healthy: dict[str, int],
) -> None:
    fake = remembers(aws(80, graviton=5))
    fake.weights, fake.healthy = {BASELINE: 999, CLOUD: 0}, healthy
    said = tick(fake, BALANCED_FLEET)
    assert said["burst_units"] == 80
    assert fake.desired["g"] == 8
    assert "targets-dead" in (said["reason"], *said["limits"])
    assert said["sites"][0]["cause"] == "targets-dead"
    assert said["bought"]["baseline-degraded"] == 80


def test_a_dead_side_is_told_in_words_and_as_trouble() -> None:
    fake = remembers(aws(80, graviton=5))
    fake.weights, fake.healthy = {BASELINE: 999, CLOUD: 0}, {BASELINE: 0}
    said = tick(fake, BALANCED_FLEET)
    del said["applied"]
    words = Plan.from_json(said).explain()
    assert "the load balancer finds none of its servers healthy" in words
    kept = fake.table["Media/Live", "TICK"]["troubles"]["L"]
    assert {"S": "TargetsDead"} in kept


def test_each_site_gets_traffic_by_what_it_carries_and_the_cloud_the_burst() -> None:
    fake = remembers(aws(400, graviton=10))
    fake.weights = {"arn:fra": 50, "arn:ams": 50, CLOUD: 0}
    for minute in range(3):
        now = NOW + 60 * minute
        fake.metrics["Streams"] = minutes([400] * 75, until=now)
        tick(fake, SITES_FLEET, now=now)
        fake.groups["g"].settle()
    assert fake.weights == {"arn:fra": 499, "arn:ams": 250, CLOUD: 250}


def test_a_site_without_healthy_targets_loses_its_share_at_once_and_only_that_is_bought() -> None:
    fake = remembers(aws(300, graviton=0))
    fake.weights, fake.healthy = {"arn:fra": 666, "arn:ams": 333, CLOUD: 0}, {"arn:ams": 0}
    said = tick(fake, SITES_FLEET)
    assert fake.weights["arn:ams"] == 0
    assert said["burst_units"] == 100
    assert [(one["name"], one["units"]) for one in said["sites"]] == [("fra", 200), ("ams", 0)]
    assert sum(fake.weights.values()) == 999


def test_while_health_of_one_site_cannot_be_read_a_dead_one_still_loses_its_share() -> None:
    fake = remembers(aws(300, graviton=10))
    fake.weights, fake.healthy = {"arn:fra": 400, "arn:ams": 400, CLOUD: 199}, {"arn:ams": 0}
    fake.failing["DescribeTargetHealth arn:fra"] = "Throttling"
    tick(fake, SITES_FLEET)
    assert fake.weights == {"arn:fra": 400, "arn:ams": 0, CLOUD: 599}


def weights_of_records(fake: FakeAws) -> dict[str, int]:
    return {one["SetIdentifier"]: one["Weight"] for one in fake.records}


def named(*, demand: float, cloud: int, graviton: int = 5) -> FakeAws:
    fake = remembers(aws(demand, graviton=graviton))
    fake.records = [
        {
            "Name": "live.example.com.",
            "Type": "A",
            "SetIdentifier": one,
            "Weight": weight,
            "TTL": 60,
            "HealthCheckId": "checks",
            "ResourceRecords": [{"Value": "192.0.2.7"}],
        }
        for one, weight in (("own", 255 - cloud), ("cloud", cloud), ("canary", 3))
    ]
    return fake


def at(fake: FakeAws, minute: int, demand: float) -> dict[str, Any]:
    now = NOW + 60 * minute
    fake.metrics["Streams"] = minutes([demand] * 75, until=now)
    said = tick(fake, NAMED_FLEET, now=now)
    fake.groups["g"].settle()
    return said


def test_records_of_a_name_are_weighed_as_a_listener_is_and_keep_all_else() -> None:
    fake = named(demand=150, cloud=0)
    before = [dict(one) for one in fake.records]
    at(fake, 0, 150)
    assert weights_of_records(fake) == {"own": 170, "cloud": 85, "canary": 3}
    assert [{**one, "Weight": 0} for one in fake.records] == [
        {**one, "Weight": 0} for one in before
    ]
    at(fake, 1, 150)
    assert fake.counted()["ChangeResourceRecordSets"] == 0


def test_a_name_that_leads_elsewhere_for_a_time_to_live_keeps_what_serves_it() -> None:
    fake = named(demand=150, cloud=85)
    sizes, weights = [], []
    for minute in range(7):
        at(fake, minute, 150 if minute == 0 else 80)
        sizes.append(fake.desired["g"])
        weights.append(weights_of_records(fake)["cloud"])
    assert weights == [85, 0, 0, 0, 0, 0, 0]
    # A third of 80 may still come while answers of minute 0 are kept.
    assert sizes == [5, 3, 3, 1, 0, 0, 0]


def test_while_records_cannot_be_read_nothing_is_let_go() -> None:
    fake = named(demand=50, cloud=128)
    fake.failing["ListResourceRecordSets"] = "Throttling"
    at(fake, 0, 50)
    assert (weights_of_records(fake)["cloud"], fake.desired["g"]) == (128, 5)


def shared(fake: FakeAws, *, here: int, there: int) -> FakeAws:
    fake.records = [
        {"Name": "live.example.com.", "Type": "A", "SetIdentifier": one, "Weight": weight}
        for one, weight in (("here", here), ("there", there))
    ]
    return fake


def short_of_capacity() -> FakeAws:
    fake = remembers(aws(400, graviton=10))
    fake.groups["g"].maximum, fake.groups["x"].maximum = 10, 0
    return fake


DUE = NOW - NOW % 300 + 300


def later(fake: FakeAws, now: int, demand: float) -> dict[str, Any]:
    fake.metrics["Streams"] = minutes([demand] * 75, until=now)
    return tick(fake, SHARED_FLEET, now=now)


def test_a_region_that_cannot_launch_lowers_its_own_record_and_no_other() -> None:
    fake = shared(short_of_capacity(), here=100, there=100)
    said = later(fake, DUE, 400)
    assert "unserved" in (said["reason"], *said["limits"])
    weights = weights_of_records(fake)
    # It serves half of the 400 units that half of the traffic are: a third of the others' weight.
    assert weights == {"here": 33, "there": 100}
    assert said["applied"]["region_weight"] == 33
    last = [operation for operation, _ in fake.calls][-2:]
    assert last == ["ListResourceRecordSets", "ChangeResourceRecordSets"]


def test_a_step_waits_until_the_last_one_shows() -> None:
    fake = shared(short_of_capacity(), here=100, there=100)
    later(fake, DUE + 60, 400)
    assert fake.counted()["ListResourceRecordSets"] == 0


def test_a_region_that_serves_all_takes_its_share_back() -> None:
    fake = shared(remembers(aws(100, graviton=0)), here=50, there=100)
    later(fake, DUE, 100)
    assert weights_of_records(fake)["here"] == 55


@pytest.mark.parametrize("operation", ["ListResourceRecordSets", "ChangeResourceRecordSets"])
def test_with_the_path_to_the_records_dead_the_region_goes_on_by_itself(operation: str) -> None:
    alone, cut = short_of_capacity(), shared(short_of_capacity(), here=100, there=100)
    cut.failing[operation] = "Throttling"
    said, cut_said = later(alone, DUE + 60, 400), later(cut, DUE, 400)
    assert cut.desired == alone.desired
    assert (cut_said["reason"], cut_said["pools"]) == (said["reason"], said["pools"])
    assert weights_of_records(cut) == {"here": 100, "there": 100}
