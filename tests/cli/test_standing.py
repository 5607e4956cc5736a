"""`peakfleet status` and `release`, on a table that tick and events have written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner, Result

from peakfleet_cli.account import Account
from peakfleet_cli.main import app
from peakfleet_cli.operate import FleetRecords, Obstacle
from peakfleet_handlers.aws import Calls, Deadline
from peakfleet_handlers.state import StateTable, read_memory
from peakfleet_planner import (
    Draining,
    ForeignSize,
    Memory,
    Notice,
    Outage,
    OutageCause,
    Plan,
    PoolReading,
    Reason,
    RolledBack,
    Snapshot,
    foreign_sizes,
)
from peakfleet_table import (
    DECISIONS,
    DRAINS,
    LATESTS,
    NOTICES,
    OUTAGES,
    ROLLBACKS,
    SIZES,
    STRIKES,
    TICKS,
    Decision,
    Latest,
    NewestTick,
)
from tests.cli.deployed import FLEET, TABLE, account, deploy, fleet_spec, group

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOW = int(datetime.now(UTC).timestamp())
FOREIGN = ForeignSize(pool="Graviton Spot", capacity=7, since_epoch_seconds=NOW - 900)


STRUCK = {
    **STRIKES.key(FLEET, "X86"),
    "count": {"N": "2"},
    "last": {"N": str(NOW)},
    "reason": {"S": "health check"},
    "expires_at": {"N": str(NOW + 86_400)},
}


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the present be that of the test, however long the suite has run."""
    monkeypatch.setattr(f"{__name__}.NOW", int(datetime.now(UTC).timestamp()))


@pytest.fixture(name="client")
def _client(monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoDBClient]:
    with account(monkeypatch) as client:
        deploy(fleet_spec())
        group()
        yield client


def keep(client: DynamoDBClient, *written: dict[str, Any]) -> None:
    for item in written:
        client.put_item(TableName=TABLE, Item=item)


def decided(tick: int | None = None, **desired: int) -> dict[str, Any]:
    tick = NOW - 60 if tick is None else tick
    """Return the record of the last change; `Graviton Spot` was asked to run 2."""
    sizes = {"Graviton Spot": 2, **desired}
    return LATESTS.item(FLEET, Latest(tick=tick, desired=sizes, before=sizes))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, FLEET])


def obstacles_in_order() -> tuple[Obstacle, ...]:
    records = FleetRecords(account=Account(), table_name=TABLE, fleet=FLEET)
    return records.overview(now=datetime.now(UTC)).obstacles


def obstacles() -> dict[str, Obstacle]:
    return {one.kind: one for one in obstacles_in_order()}


def test_pools_that_retire_are_told_until_they_are_left_out(client: DynamoDBClient) -> None:
    keep(client, TICKS.item(FLEET, NewestTick(tick=NOW, retired={"Old": 3, "Older": 0})))
    found = obstacles_in_order()
    assert [(one.kind, one.where, one.then) for one in found] == [
        ("retired", "Old", "they go once others serve and their work is done"),
        ("retired", "Older", "leave it out of the next deployment"),
    ]
    assert "3 instances" in found[0].says
    assert "retired" in run("status").output
    keep(client, TICKS.item(FLEET, NewestTick(tick=NOW)))
    assert "nothing stands in the way" in run("status").output


def foreign(**more: Any) -> dict[str, Any]:  # noqa: ANN401  of DynamoDB's own shape
    return {**SIZES.item(FLEET, FOREIGN), **more}


def memory(client: DynamoDBClient) -> Memory:
    calls = Calls(deadline=Deadline.of(None))
    table = StateTable(name=TABLE, fleet=FLEET, dynamodb=client, calls=calls)
    read = read_memory(table, now_epoch_seconds=NOW)
    assert read is not None
    assert not calls.failed
    return read


def test_every_fact_that_a_tick_or_an_event_writes_is_said_in_words(client: DynamoDBClient) -> None:
    keep(
        client,
        OUTAGES.item(
            FLEET,
            Outage(
                cause=OutageCause.NO_CAPACITY,
                asked_at_epoch_seconds=int(datetime.now(UTC).timestamp()),
                attempts=3,
                purchase="spot",
                zone="eu-west-1a",
                instance_type="c8g.large",
            ),
        ),
        NOTICES.item(
            FLEET,
            Notice(instance_id="i-1", pool="Spot", kind="rebalance", seen_at_epoch_seconds=NOW),
        ),
        DRAINS.item(FLEET, Draining(instance_id="i-2", pool="Spot", since_epoch_seconds=NOW)),
        ROLLBACKS.item(
            FLEET, RolledBack(pool="Spot", version=5, to_version=4, at_epoch_seconds=NOW)
        ),
        foreign(),
        STRUCK,
    )
    said = obstacles()
    assert set(said) == {"refused", "notice", "drain", "rolled back", "foreign size", "strikes"}
    assert said["refused"].where == "spot c8g.large eu-west-1a"
    assert said["refused"].says == "AWS has no capacity (no-capacity), 3 times in a row"
    assert said["refused"].then.startswith("asked again at ")
    assert said["notice"].where == "Spot i-1"
    assert said["rolled back"].says == "launch template version 5 did not work"
    assert said["foreign size"].says == "somebody else has set it to 7"
    assert said["strikes"].says.endswith("2; health check")


def test_what_may_be_asked_again_says_so_and_what_is_over_is_left_out(
    client: DynamoDBClient,
) -> None:
    past = Outage(cause=OutageCause.QUOTA, asked_at_epoch_seconds=NOW - 900, pool="X86")
    keep(client, OUTAGES.item(FLEET, past))
    assert obstacles()["refused"].then == "may be asked again now"
    gone = Outage(cause=OutageCause.QUOTA, asked_at_epoch_seconds=NOW - 9000, pool="X86")
    keep(client, OUTAGES.item(FLEET, gone))
    assert obstacles() == {}


def test_status_shows_a_table_and_explain_has_it_too(client: DynamoDBClient) -> None:
    keep(client, foreign(), decided(), DECISIONS.item(FLEET, Decision(tick=NOW, plan=_plan())))
    for command in ("status", "explain"):
        result = run(command)
        assert result.exit_code == 0, result.output
        assert "foreign size" in result.output


def test_a_fleet_without_facts_says_that_nothing_is_in_its_way(client: DynamoDBClient) -> None:
    keep(client, decided())
    assert "nothing stands in the way of Media/Transcode" in run("status").output


def test_status_names_the_troubles_that_the_newest_tick_saw(client: DynamoDBClient) -> None:
    newest = NewestTick(tick=NOW, troubles=("OtherWriter", "StaleSignals"))
    keep(client, decided(), TICKS.item(FLEET, newest))
    assert "OtherWriter, StaleSignals" in run("status").output


def test_release_makes_a_foreign_size_the_fleets_own_starting_point(client: DynamoDBClient) -> None:
    keep(client, foreign(), decided(X86=3))
    seen = Snapshot(now_epoch_seconds=NOW, signals={}, pools=(_reading(7),))
    assert _foreign(client, seen) == ("Graviton Spot",)

    result = run("release")

    assert result.exit_code == 0, result.output
    assert "Graviton Spot: 7, set by somebody else" in result.output
    assert memory(client).desired == {"Graviton Spot": 7, "X86": 3}
    assert memory(client).foreign == ()
    assert _foreign(client, seen) == ()


def test_release_changes_nothing_where_nobody_else_has_set_a_size(client: DynamoDBClient) -> None:
    keep(client, decided())
    before = client.scan(TableName=TABLE)["Items"]
    assert "nobody else has set a size" in run("release").output
    assert client.scan(TableName=TABLE)["Items"] == before


def test_a_size_of_a_fleet_that_never_decided_cannot_be_released(client: DynamoDBClient) -> None:
    keep(client, foreign())
    result = run("release")
    assert result.exit_code == 1
    assert "has not decided anything yet" in result.output
    assert memory(client).foreign == (FOREIGN,)


def test_a_record_that_is_damaged_is_named_and_the_others_are_said(client: DynamoDBClient) -> None:
    keep(client, foreign(capacity={"S": "x"}), STRUCK)
    said = obstacles()
    assert set(said) == {"damaged record", "strikes"}
    assert said["damaged record"].where == "SIZE#Graviton Spot"
    assert said["damaged record"].says.endswith("capacity must be a number, got 'x'")


def _foreign(client: DynamoDBClient, seen: Snapshot) -> tuple[str, ...]:
    return tuple(one.pool for one in foreign_sizes(replace(seen, memory=memory(client))))


def _reading(desired: int) -> PoolReading:
    return PoolReading(
        name="Graviton Spot",
        desired_capacity=desired,
        in_service_capacity=desired,
        min_capacity=0,
        max_capacity=50,
    )


def _plan() -> Plan:
    return Plan(pools=(), reason=Reason.DEMAND)
