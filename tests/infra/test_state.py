"""The fleets of a stack remember in one table."""

from __future__ import annotations

from aws_cdk.assertions import Template

from peakfleet import FleetState
from tests.infra.fleets import burst_fleet, new_stack, only

TABLE = "AWS::DynamoDB::Table"


def test_the_fleets_of_a_stack_share_one_table() -> None:
    stack = new_stack()
    first, second = burst_fleet(stack, "First"), burst_fleet(stack, "Second")
    assert first.state is second.state
    Template.from_stack(stack).resource_count_is(TABLE, 1)


def test_a_fleet_may_have_a_table_of_its_own() -> None:
    stack = new_stack()
    own = FleetState(stack, "Own")
    assert burst_fleet(stack, state=own).state is own
    Template.from_stack(stack).resource_count_is(TABLE, 1)


def test_the_table_is_paid_by_use_encrypted_recoverable_and_forgets() -> None:
    stack = new_stack()
    FleetState.of(stack)
    table = only(Template.from_stack(stack), TABLE)
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


def test_the_record_of_decisions_outlives_its_stack() -> None:
    stack = new_stack()
    FleetState.of(stack)
    Template.from_stack(stack).has_resource(
        TABLE, {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    )


def test_items_are_found_by_fleet_and_item() -> None:
    stack = new_stack()
    FleetState.of(stack)
    assert only(Template.from_stack(stack), TABLE)["KeySchema"] == [
        {"AttributeName": "fleet", "KeyType": "HASH"},
        {"AttributeName": "item", "KeyType": "RANGE"},
    ]
