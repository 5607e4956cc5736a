"""Fleets as a deployment leaves them: schedules that send specifications, tables and groups."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from moto import mock_aws

from peakfleet_planner import FleetSpec, Metric, PoolSpec, RateSignal

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FLEET, TABLE = "Media/Transcode", "state"
_KEYS = ("fleet", "item")


def fleet_spec(name: str = FLEET, *pools: PoolSpec, table: str = TABLE) -> FleetSpec:
    pool = PoolSpec(name="Graviton", group="graviton", units_per_capacity=16, max_capacity=50)
    metric = Metric(namespace="Live", metric_name="Streams")
    return FleetSpec(
        fleet=name,
        pools=pools or (pool,),
        signals=(RateSignal(name="streams", metrics={"m": metric}, expression="m"),),
        state_table=table,
    )


def schedule(name: str, payload: dict[str, Any], *, enabled: bool = True) -> None:
    """Create what EventBridge Scheduler has of a fleet."""
    boto3.client("scheduler").create_schedule(
        Name=name.replace("/", "-"),
        ScheduleExpression="rate(1 minute)",
        State="ENABLED" if enabled else "DISABLED",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": "arn:aws:lambda:eu-west-1:123456789012:function:scaler",
            "RoleArn": "arn:aws:iam::123456789012:role/scheduler",
            "Input": json.dumps(payload),
        },
    )


def deploy(spec: FleetSpec, *, enabled: bool = True) -> None:
    payload = {"scheduled_time": "<aws.scheduler.scheduled-time>", "spec": spec.to_json()}
    schedule(spec.fleet, payload, enabled=enabled)


def group(name: str = "graviton", *, desired: int = 0) -> None:
    """Create an Auto Scaling group, which launches at once here."""
    ec2, scaling = boto3.client("ec2"), boto3.client("autoscaling")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    ec2.create_launch_template(
        LaunchTemplateName=name,
        LaunchTemplateData={"ImageId": "ami-12c6146b", "InstanceType": "c7g.large"},
    )
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=name,
        LaunchTemplate={"LaunchTemplateName": name},
        MinSize=0,
        MaxSize=50,
        DesiredCapacity=desired,
        VPCZoneIdentifier=subnet,
    )


def state_table(name: str = TABLE) -> DynamoDBClient:
    client: Any = boto3.client("dynamodb")
    client.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": key, "KeyType": kind}
            for key, kind in zip(_KEYS, ("HASH", "RANGE"), strict=True)
        ],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in _KEYS],
        BillingMode="PAY_PER_REQUEST",
    )
    return cast("DynamoDBClient", client)


@contextmanager
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoDBClient]:
    """Yield the table of an account in eu-west-1 in which nothing is deployed yet."""
    for name in ("AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield state_table()
