"""A fleet in shadow decides and keeps what it decided, and changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from peakfleet_planner import ForeignSize, Notice, SpendLimitSpec
from peakfleet_planner.spec import FleetSpec, published
from peakfleet_table import DECISIONS, LATESTS, NOTICES, SIZES, TICKS, Decision
from tests.handlers.fake_aws import FakeAws, instance
from tests.handlers.scenes import BALANCED_FLEET, FLEET, NOW, aws, minutes, remembers, tick

SHADOW = replace(FLEET, mode="shadow")
CHANGES = {
    "SetDesiredCapacity",
    "LaunchInstances",
    "TerminateInstanceInAutoScalingGroup",
    "ModifyListener",
    "PutWarmPool",
    "SuspendProcesses",
    "ResumeProcesses",
    "UpdateAutoScalingGroup",
    "TerminateInstances",
}


def play(fake: FakeAws, ticks: int, spec: FleetSpec = SHADOW, *, first: int = NOW) -> Any:  # noqa: ANN401  the last answer
    """Run a tick a minute while demand stays as it is; check that nothing is changed."""
    answer: Any = None
    for now in range(first, first + 60 * ticks, 60):
        demand = [*fake.metrics["Streams"].values()][-1]
        fake.metrics = {"Streams": minutes([demand] * 70, until=now)}
        answer = tick(fake, spec, now)
        assert not CHANGES & set(fake.counted())
    return answer


def decisions(fake: FakeAws) -> list[Decision]:
    found = [item for (_, key), item in sorted(fake.table.items()) if key.startswith("DECISION#")]
    return [DECISIONS.read(item) for item in found]


def test_nothing_is_changed_whatever_is_decided() -> None:
    fake = aws(180, graviton=1)
    fake.groups["g"].warm, fake.groups["g"].suspended = 2, {"Launch"}
    fake.weights = {"arn:baseline": 500, "arn:cloud": 499}
    play(fake, 4, replace(BALANCED_FLEET, mode="shadow"))
    assert fake.desired == {"g": 1, "x": 0}


def test_it_begins_from_what_serves_and_goes_on_from_what_it_would_have_done() -> None:
    fake = aws(180, graviton=2)
    assert play(fake, 1)["pools"][0] == {
        "name": "Graviton",
        "desired_capacity": 8,
        "seen_capacity": 2,
        "units": 80.0,
    }
    later = play(fake, 5, first=NOW + 60)
    assert later["pools"][0]["seen_capacity"] == 8
    assert later["serving_units"] == 80


def test_each_decision_is_kept_beside_what_the_groups_were_and_served() -> None:
    fake = aws(180, graviton=2)
    play(fake, 3)
    assert [one.actual for one in decisions(fake)] == [{"Graviton": 2, "X86": 0}] * 3
    assert [one.actual_units for one in decisions(fake)] == [20.0] * 3


def test_no_event_is_about_a_fleet_in_shadow() -> None:
    fake = aws(180)
    fake.groups["g"].instances = [instance(InstanceId="i-1")]
    play(fake, 1)
    newest = TICKS.read(fake.table["Media/Live", "TICK"])
    assert (newest.groups, newest.spot, newest.shadow) == ((), (), True)


def test_what_it_said_in_shadow_is_no_memory_of_what_it_did_and_back() -> None:
    fake = aws(180, graviton=2)
    play(fake, 2)
    assert LATESTS.read(fake.table["Media/Live", "LATEST"]).shadow
    fake.metrics = {"Streams": minutes([180.0] * 70, until=NOW + 120)}
    answer = tick(fake, FLEET, NOW + 120)
    assert "other-writer" not in [answer["reason"], *answer.get("limits", ())]
    assert fake.desired["g"] == 8
    assert not LATESTS.read(fake.table["Media/Live", "LATEST"]).shadow
    fake.groups["g"].desired = 3
    assert play(fake, 1, first=NOW + 180)["pools"][0]["seen_capacity"] == 3


def test_somebody_elses_sizes_and_notices_do_not_disturb_what_it_would_do() -> None:
    fake = remembers(aws(180, graviton=2))
    notice = Notice(
        instance_id="i-1", pool="Graviton", kind="interruption", seen_at_epoch_seconds=NOW
    )
    size = ForeignSize(pool="Graviton", capacity=2, since_epoch_seconds=NOW - 60)
    for item in (NOTICES.item("Media/Live", notice), SIZES.item("Media/Live", size)):
        fake.table["Media/Live", item["item"]["S"]] = item
    assert play(fake, 1)["pools"][0]["desired_capacity"] == 8


def test_a_fleet_in_shadow_claims_nothing_of_what_it_would_share() -> None:
    priced = tuple(replace(pool, usd_per_capacity_hour=1.0) for pool in FLEET.pools)
    limit = SpendLimitSpec(shared="media", usd_per_hour=5)
    spec = replace(SHADOW, pools=priced, spend_limits=(limit,))
    fake = aws(180, graviton=2)
    assert play(fake, 1, spec)["pools"][0]["desired_capacity"] == 5
    assert not [key for key in fake.table if key[0] != "Media/Live"]


def test_nothing_that_alarms_watch_is_published_but_demand() -> None:
    trouble = {"DemandUnits": 9.0, "UnservedUnits": 5.0, "AtMaximum": 1.0}
    assert published(trouble, "every", quiet=True) == {"DemandUnits": 9.0}
