"""Traffic between the baseline and the fleet: a tick changes the weights, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.handlers.fake_aws import RECORD
from tests.handlers.scenes import (
    BALANCED_FLEET,
    BASELINE,
    CLOUD,
    NOW,
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
