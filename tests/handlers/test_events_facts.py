"""Facts as ticks read and write them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

import peakfleet_table as records
from peakfleet_handlers.aws import Calls, Cause, Deadline
from peakfleet_handlers.state import StateTable, memory_of
from peakfleet_handlers.tick import keep_findings
from peakfleet_planner import (
    BootTimes,
    Draining,
    ForeignSize,
    Memory,
    Notice,
    Outage,
    OutageCause,
    Plan,
    PoolReading,
    Reason,
    Snapshot,
)
from peakfleet_planner.fallback import Pursued
from tests.handlers.account import REGION
from tests.handlers.event_world import EventWorld, make_table
from tests.handlers.scenes import NOW, TABLE

NAMES = st.text(min_size=1).filter(lambda name: name != "*")
OUTAGES = st.builds(
    Outage,
    cause=st.sampled_from(list(OutageCause)),
    asked_at_epoch_seconds=st.integers(0, 2_000_000_000),
    attempts=st.integers(1, 50),
    pool=st.none() | NAMES,
    purchase=st.sampled_from([None, "spot", "on-demand"]),
    zone=st.sampled_from([None, "us-east-1a"]),
    instance_type=st.sampled_from([None, "c8g.large"]),
)
OUTAGE = Outage(cause=OutageCause.QUOTA, asked_at_epoch_seconds=NOW, pool="Spot")
PLAN = Plan(pools=(), reason=Reason.DEMAND)


@pytest.fixture(name="world")
def _world(monkeypatch: pytest.MonkeyPatch) -> Iterator[EventWorld]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        yield EventWorld(dynamodb=make_table())


def read(*items: dict[str, Any], now: int = NOW) -> tuple[Memory, list[Cause]]:
    calls = Calls(deadline=Deadline.of(None))
    table = StateTable(name=TABLE, fleet="f", dynamodb=cast("Any", None), calls=calls)
    memory = memory_of(items, now, table)
    assert memory is not None
    return memory, [one.cause for one in calls.failed]


@given(outage=OUTAGES)
def test_an_outage_is_read_as_it_was_written_whatever_the_pool_is_called(outage: Outage) -> None:
    assert records.OUTAGES.read(records.OUTAGES.item("f", outage)) == outage


def test_every_fact_is_read_as_it_was_written() -> None:
    notice = Notice(instance_id="i-1", pool="P", kind="rebalance", seen_at_epoch_seconds=NOW)
    draining = Draining(instance_id="i-2", pool="P", since_epoch_seconds=NOW)
    foreign = ForeignSize(pool="P", capacity=7, since_epoch_seconds=NOW)
    memory, failed = read(
        records.OUTAGES.item("f", OUTAGE),
        records.NOTICES.item("f", notice),
        records.DRAINS.item("f", draining),
        records.SIZES.item("f", foreign),
        {
            "item": {"S": "READY#P"},
            "seconds": {"M": {"c8g.large": {"L": [{"N": "90"}, {"N": "95.5"}]}}},
            "expires_at": {"N": str(NOW + 1)},
        },
    )
    assert failed == []
    assert memory == Memory(
        outages=(OUTAGE,),
        notices=(notice,),
        draining=(draining,),
        foreign=(foreign,),
        boots={"P": BootTimes(seconds={"c8g.large": (90.0, 95.5)})},
    )


def test_a_fact_whose_time_is_over_counts_as_deleted() -> None:
    item = records.OUTAGES.item("f", OUTAGE)
    end = int(item["expires_at"]["N"])
    assert read(item, now=end - 1)[0].outages == (OUTAGE,)
    assert read(item, now=end) == (Memory(), [])


@pytest.mark.parametrize("prefix", ["OUTAGE#", "NOTICE#", "READY#", "SIZE#", "DRAIN#"])
@pytest.mark.parametrize("damage", [{}, {"cause": {"N": "1"}}, {"expires_at": {"S": "never"}}])
def test_a_damaged_fact_is_noted_and_the_others_count(prefix: str, damage: dict[str, Any]) -> None:
    damaged = {"item": {"S": f"{prefix}x"}, "expires_at": {"N": str(NOW + 1)}, **damage}
    memory, failed = read(damaged, records.OUTAGES.item("f", OUTAGE))
    assert memory == Memory(outages=(OUTAGE,))
    assert failed == [Cause.UNREADABLE]


def snapshot(memory: Memory | None, *, desired: int = 3) -> Snapshot:
    reading = PoolReading(
        name="Spot",
        desired_capacity=desired,
        in_service_capacity=desired,
        min_capacity=0,
        max_capacity=20,
    )
    return Snapshot(now_epoch_seconds=NOW, signals={}, pools=(reading,), memory=memory)


def keep(world: EventWorld, seen: Snapshot, *outages: Outage) -> list[str]:
    calls = Calls(deadline=Deadline.of(None))
    pursued = Pursued(plan=PLAN, outages=outages)
    keep_findings(world.state_table(calls), world.spec, seen, pursued, launches=(), answered=())
    return [one.operation for one in calls.failed]


def test_what_a_tick_was_refused_is_known_to_the_next(world: EventWorld) -> None:
    many = tuple(replace(OUTAGE, pool=f"Pool {number}") for number in range(60))
    keep(world, snapshot(Memory()), *many)
    assert set(world.memory().outages) == set(many)


def test_a_size_of_another_hand_is_remembered_until_it_is_gone(world: EventWorld) -> None:
    keep(world, snapshot(Memory(desired={"Spot": 3}), desired=9))
    (foreign,) = world.memory().foreign
    assert (foreign.pool, foreign.capacity, foreign.since_epoch_seconds) == ("Spot", 9, NOW)
    keep(world, snapshot(Memory(desired={"Spot": 3}, foreign=(foreign,))))
    assert world.items() == {}


@dataclass(kw_only=True)
class FakeBatches:
    """A table that leaves one write of every batch undone, and takes it at the last try."""

    lasts: int
    written: int = 0
    calls: int = 0

    def table(self, calls: Calls) -> StateTable:
        return StateTable(name=TABLE, fleet="f", dynamodb=cast("Any", self), calls=calls)

    def batch_write_item(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  AWS's own shape
        self.calls += 1
        requests = asked["RequestItems"][TABLE]
        left = requests[:1] if self.calls < self.lasts else []
        self.written += len(requests) - len(left)
        return {"UnprocessedItems": {TABLE: left} if left else {}}


@pytest.mark.parametrize(("lasts", "written", "failed"), [(3, 2, 0), (9, 1, 1)])
def test_what_a_batch_leaves_undone_is_sent_again_and_not_for_ever(
    world: EventWorld, lasts: int, written: int, failed: int
) -> None:
    fake = FakeBatches(lasts=lasts)
    calls = Calls(deadline=Deadline.of(None))
    outages = (OUTAGE, replace(OUTAGE, pool="Graviton"))
    pursued = Pursued(plan=PLAN, outages=outages)
    table, seen = fake.table(calls), snapshot(Memory())
    keep_findings(table, world.spec, seen, pursued, launches=(), answered=())
    assert (fake.written, fake.calls, len(calls.failed)) == (written, 3, failed)


def test_a_tick_that_learned_nothing_writes_nothing(world: EventWorld) -> None:
    fake = FakeBatches(lasts=1)
    calls = Calls(deadline=Deadline.of(None))
    seen = snapshot(Memory(desired={"Spot": 3}))
    pursued = Pursued(plan=PLAN, outages=())
    keep_findings(fake.table(calls), world.spec, seen, pursued, launches=(), answered=())
    assert fake.calls == 0
