"""Traffic between the baseline and the fleet."""

from __future__ import annotations

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


def test_traffic_follows_what_serves_and_is_sent_once() -> None:
    fake = remembers(aws(150, graviton=5))
    tick(fake, BALANCED_FLEET)
    assert fake.weights == {BASELINE: 666, CLOUD: 333}
    tick(fake, BALANCED_FLEET, now=NOW + 60)
    assert fake.written() == []


def test_a_listener_that_a_deployment_set_back_is_told_again() -> None:
    fake = remembers(aws(150, graviton=5))
    tick(fake, BALANCED_FLEET)
    fake.weights = {BASELINE: 999, CLOUD: 0}
    fake.metrics["Streams"] = minutes([150] * 75, until=NOW + 300)
    tick(fake, BALANCED_FLEET, now=NOW + 300)
    assert fake.weights == {BASELINE: 666, CLOUD: 333}
    assert fake.written() == ["ModifyListener"]


def test_a_split_that_failed_is_sent_again_and_meanwhile_nothing_is_let_go() -> None:
    fake = remembers(aws(50, graviton=5))
    fake.failing["ModifyListener"] = "ListenerNotFound"
    tick(fake, BALANCED_FLEET)
    assert fake.desired["g"] == 5
    fake.failing.clear()
    tick(fake, BALANCED_FLEET, now=NOW + 1)
    assert fake.weights == {BASELINE: 999, CLOUD: 0}
    assert fake.desired["g"] == 0


def test_a_split_that_could_not_be_remembered_is_sent_again() -> None:
    fake = remembers(aws(150, graviton=5))
    fake.failing["TransactWriteItems confirm"] = "InternalServerError"
    tick(fake, BALANCED_FLEET)
    fake.failing.clear()
    tick(fake, BALANCED_FLEET, now=NOW + 60)
    assert fake.counted()["ModifyListener"] == 1
    assert fake.table["Media/Live", "LATEST"]["cloud_weight"] == {"N": "333"}
