"""What was made faster answers as moto does."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.autoscaling.responses import AutoScalingResponse
from moto.ec2.models.amis import AmiBackend

from peakfleet_local import testing
from peakfleet_local.moto import Patch, patched, stock
from tests.local.deployed import Json
from tests.local.groups import scene

DESCRIBE = "describe_auto_scaling_groups"
STOCK_DESCRIBE = stock(AutoScalingResponse, DESCRIBE)
STOCK_IMAGES = stock(AmiBackend, "describe_images")


@pytest.mark.parametrize("weights", [{"c8g.large": None}, {"c8g.large": 1, "c8g.xlarge": 2}])
def test_groups_are_described_as_by_moto_itself(weights: dict[str, int | None]) -> None:
    with scene(weights=weights) as it:
        it.set_desired(5)
        it.world.advance(90)
        it.set_desired(3)
        it.create()
        quick = it.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
        with patched([Patch(owner=AutoScalingResponse, name=DESCRIBE, value=STOCK_DESCRIBE)]):
            slow = it.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    assert quick == slow
    assert [len(group["Instances"]) for group in quick] == [5, 0]


def test_images_are_found_as_by_moto_itself() -> None:
    with scene() as it:
        for name in ("ami-0abcdef0", "ami-03cf127a"):
            wanted = [{"Name": "image-id", "Values": [name]}]
            quick = it.ec2.describe_images(Filters=wanted)["Images"]
            with patched([Patch(owner=AmiBackend, name="describe_images", value=STOCK_IMAGES)]):
                slow = it.ec2.describe_images(Filters=wanted)["Images"]
            assert quick == slow


@pytest.mark.parametrize("sorted_by", ["item", None])
@pytest.mark.parametrize("kind", ["Put", "Delete", "Update"])
def test_a_transaction_that_fails_leaves_nothing_and_one_that_succeeds_everything(
    kind: str, sorted_by: str | None
) -> None:
    keys = [key for key in ("fleet", sorted_by) if key]
    kinds = dict(zip(keys, ("HASH", "RANGE"), strict=False))
    with testing.in_process_aws():
        table = boto3.client("dynamodb", "us-east-1")
        table.create_table(
            TableName="t",
            KeySchema=[{"AttributeName": k, "KeyType": kinds[k]} for k in keys],
            AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in keys],
            BillingMode="PAY_PER_REQUEST",
        )
        first, second = ({k: {"S": name} for k in keys} for name in ("a", "b"))
        for key in (first, second):
            table.put_item(TableName="t", Item={**key, "n": {"N": "1"}})
        before = table.scan(TableName="t")["Items"]
        changes: dict[str, dict[str, Json]] = {
            "Put": {"Item": {**first, "n": {"N": "2"}}},
            "Delete": {"Key": first},
            "Update": {
                "Key": first,
                "UpdateExpression": "SET n = :two",
                "ExpressionAttributeValues": {":two": {"N": "2"}},
            },
        }
        for condition in ("attribute_not_exists(fleet)", "attribute_exists(fleet)"):
            check = {"TableName": "t", "Key": second, "ConditionExpression": condition}
            writes = [{kind: {"TableName": "t", **changes[kind]}}, {"ConditionCheck": check}]
            if condition == "attribute_not_exists(fleet)":
                with pytest.raises(ClientError, match="ConditionalCheckFailed"):
                    table.transact_write_items(TransactItems=writes)
                assert table.scan(TableName="t")["Items"] == before
            else:
                table.transact_write_items(TransactItems=writes)
                assert table.scan(TableName="t")["Items"] != before
