"""A human's commands and the tick speak of the same items."""

from __future__ import annotations

from typing import Any

import boto3
from moto import mock_aws

from peakfleet_cli.account import Account
from peakfleet_cli.operate import FleetRecords
from peakfleet_handlers.aws import Calls, Deadline
from peakfleet_handlers.state import StateTable, read_memory
from peakfleet_planner import Hold, Plan, Reason
from peakfleet_table import DECISIONS, Decision

FLEET, TABLE, TICK = "Media/Live", "state", 1_800_000_000
ACCOUNT = Account(region="us-east-1")
HOLD = Hold(owner="ana", reason="migration", until_epoch_seconds=TICK + 3600)


def _table() -> Any:  # noqa: ANN401  boto3's client, whose type is made at run time
    client = boto3.client("dynamodb", region_name="us-east-1")
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "fleet", "KeyType": "HASH"},
            {"AttributeName": "item", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "fleet", "AttributeType": "S"},
            {"AttributeName": "item", "AttributeType": "S"},
        ],
    )
    return client


@mock_aws
def test_a_hold_that_a_human_puts_is_the_hold_that_the_tick_reads() -> None:
    client = _table()
    FleetRecords(account=ACCOUNT, table_name=TABLE, fleet=FLEET).put_hold(HOLD)
    calls = Calls(deadline=Deadline.of(None))
    table = StateTable(name=TABLE, fleet=FLEET, dynamodb=client, calls=calls)
    memory = read_memory(table, now_epoch_seconds=0)
    assert memory is not None
    assert memory.hold == HOLD
    assert not calls.failed


@mock_aws
def test_a_decision_that_the_tick_records_is_the_one_that_is_explained() -> None:
    client = _table()
    plan = Plan(pools=(), reason=Reason.BASELINE_SUFFICES)
    client.put_item(TableName=TABLE, Item=DECISIONS.item(FLEET, Decision(tick=TICK, plan=plan)))
    records = FleetRecords(account=ACCOUNT, table_name=TABLE, fleet=FLEET)
    decision = records.decision()
    assert decision is not None
    assert decision.plan == plan
    assert decision.tick == TICK
