"""Ticks that come twice, late or together: of those that know the same, only one acts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from peakfleet_handlers.aws import Deadline
from peakfleet_handlers.tick import run
from peakfleet_table import TICKS
from tests.handlers.fake_aws import FakeAws, instance
from tests.handlers.scenes import FLEET, NOW, aws, event, minutes, remembers, tick
from tests.handlers.test_capacity import DIRECT

DAY = 24 * 3600


def test_an_older_tick_does_nothing_after_a_newer_one_that_had_nothing_to_do() -> None:
    fake = remembers(aws(50))
    assert tick(fake, now=NOW + 60)["applied"]["recorded"] is None
    fake.metrics["Streams"] = minutes([300] * 75, until=NOW + 60)
    said = tick(fake, now=NOW)
    assert said["applied"]["recorded"] == "stale"
    assert (fake.desired, fake.written()) == ({"g": 0, "x": 0}, [])


@pytest.mark.parametrize("spec", [FLEET, DIRECT])
def test_an_older_tick_does_nothing_after_a_newer_one_that_acted(spec: Any) -> None:  # noqa: ANN401  two specs
    fake = remembers(_zoned(155))
    tick(fake, spec, now=NOW + 60)
    before = fake.desired
    fake.metrics["Streams"] = minutes([300] * 75, until=NOW + 60)
    assert tick(fake, spec, now=NOW)["applied"]["recorded"] == "stale"
    assert fake.desired == before


def test_the_same_tick_delivered_twice_changes_nothing_the_second_time() -> None:
    fake = remembers(_zoned(155))
    tick(fake, DIRECT)
    before = fake.desired
    tick(fake, DIRECT)
    assert fake.desired == before


@dataclass(kw_only=True)
class Interleaved:
    """An AWS in which something happens just before the groups are read."""

    inner: FakeAws
    meanwhile: Callable[[], object]

    def get_paginator(self, operation: str) -> Any:  # noqa: ANN401  the fake's own
        if operation == "describe_auto_scaling_groups":
            then, self.meanwhile = self.meanwhile, lambda: None
            then()
        return self.inner.get_paginator(operation)

    @property
    def autoscaling(self) -> Interleaved:
        return self

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  as above
        return getattr(self.inner, name)


@pytest.mark.parametrize("seconds_later", [-5, 0, 5, 60])
def test_two_ticks_that_read_before_either_records_never_both_launch(seconds_later: int) -> None:
    fake = remembers(_zoned(155))
    fake.metrics["Streams"] = minutes([155] * 75, until=NOW + 60)
    other: list[Any] = []
    clients: Any = Interleaved(
        inner=fake, meanwhile=lambda: other.append(tick(fake, DIRECT, now=NOW + seconds_later))
    )
    said = run(event(DIRECT), clients=clients, deadline=Deadline.of(None))
    outcomes = {said["applied"]["recorded"], other[0]["applied"]["recorded"]}
    assert outcomes == {"written", "stale"}
    assert fake.desired["g"] == 6
    assert ("Media/Live", "SIZE#Graviton") not in fake.table, (
        "what the other launched is no rival's"
    )


def test_a_claim_that_cannot_be_one_does_not_block_the_fleet() -> None:
    broken = (
        {"tick": {"N": str(NOW + 2 * DAY)}},
        {"tick": {"N": "1e30"}},  # beyond what a number counts exactly
        {"tick": {"S": "noon"}},
    )
    damaged = {"tick": {"N": str(NOW - 60)}, "signals": {"M": {"streams": {"S": "{"}}}}
    for claimed in (*broken, damaged):
        fake = remembers(aws(155))
        fake.table["Media/Live", "TICK"] = {
            "fleet": {"S": "Media/Live"},
            "item": {"S": "TICK"},
            **claimed,
        }
        assert tick(fake)["applied"]["recorded"] == "written"
        assert fake.table["Media/Live", "TICK"]["tick"] == {"N": str(NOW)}
        fake.metrics["Streams"] = minutes([50] * 75, until=NOW + 60)
        tick(fake, now=NOW + 60)


def test_a_claim_that_cannot_be_written_stops_no_tick_that_has_nothing_to_do() -> None:
    fake = remembers(aws(50))
    fake.failing["PutItem TICK"] = "ProvisionedThroughputExceededException"
    said = tick(fake)
    assert (said["applied"]["recorded"], said["applied"]["failed_calls"]) == (None, 1)


def test_every_page_of_the_records_has_the_deadline() -> None:
    fake = remembers(aws(155))
    fake.endless, fake.seconds_per_call = True, 1
    said = tick(fake, timeout_seconds=50)
    assert fake.elapsed_seconds < 50
    assert (said["reason"], said["applied"]["recorded"]) == ("blind", None)


def _zoned(demand: float) -> FakeAws:
    fake = aws(demand)
    for name, group in fake.groups.items():
        fake.groups[name] = replace(group, zones=("z1",))
    return fake


def test_replacement_that_somebody_else_suspended_is_named_and_stays_so() -> None:
    fake = remembers(aws(155, graviton=6))
    tick(fake)
    fake.groups["g"].suspended = {"ReplaceUnhealthy", "AZRebalance"}
    fake.metrics["Streams"] = minutes([155] * 75, until=NOW + 60)
    said = tick(fake, now=NOW + 60)
    assert said["pools"][0]["suspended"] == ["AZRebalance", "ReplaceUnhealthy"]
    assert "process-suspended" in said["limits"]
    assert fake.groups["g"].suspended == {"ReplaceUnhealthy", "AZRebalance"}


def test_since_when_capacity_is_missing_is_known_though_nothing_changed() -> None:
    fake = remembers(aws(155, graviton=6))
    tick(fake)
    fake.groups["g"].instances = [instance()] * 4
    for minute in range(1, 4):
        fake.metrics["Streams"] = minutes([155] * 75, until=NOW + 60 * minute)
        tick(fake, now=NOW + 60 * minute)
    kept = fake.table["Media/Live", "TICK"]
    assert kept["tick"] == {"N": str(NOW + 180)}
    assert kept["unmet_since"] == {"M": {"Graviton": {"N": str(NOW + 60)}}}


def test_what_is_remembered_of_a_signal_survives_from_tick_to_tick() -> None:
    fake = remembers(aws(155))
    for minute in range(3):
        fake.metrics["Streams"] = minutes([155] * 75, until=NOW + 60 * minute)
        tick(fake, now=NOW + 60 * minute)
    kept = TICKS.read(fake.table["Media/Live", "TICK"]).signals["streams"]
    assert kept.units == 155
    assert len({time for time, _, _ in kept.reads}) == 3
