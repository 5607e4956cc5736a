"""What a template no longer has is deleted last, and what needs a resource before it."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_local import LocalAws
from peakfleet_local.cloudformation import deletion_order
from tests.local.deployed import Json
from tests.local.stacks import QUEUE, TOPIC, Template, change, custom, group, ids, network, outputs

SEES = """
import boto3, json, urllib.request
def handler(event, context):
    if event["RequestType"] == "Delete":
        boto3.client("sqs").get_queue_attributes(QueueUrl=event["ResourceProperties"]["Queue"])
        print("the queue is still there")
    answer = {"Status": "SUCCESS", "PhysicalResourceId": "thing-1", "Data": {}}
    data = json.dumps(answer).encode()
    kind = {"Content-Type": ""}
    request = urllib.request.Request(event["ResponseURL"], data, kind, method="PUT")
    urllib.request.urlopen(request)
"""


def with_hooks() -> Template:
    of_group = {"AutoScalingGroupName": {"Ref": "Group"}}
    return {
        **group(),
        "Policy": {
            "Type": "AWS::AutoScaling::ScalingPolicy",
            "Properties": {
                **of_group,
                "PolicyType": "TargetTrackingScaling",
                "TargetTrackingConfiguration": {
                    "TargetValue": "60",
                    "PredefinedMetricSpecification": {
                        "PredefinedMetricType": "ASGAverageCPUUtilization"
                    },
                },
            },
        },
        "Hook": {
            "Type": "AWS::AutoScaling::LifecycleHook",
            "Properties": {
                **of_group,
                "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING",
            },
        },
        "Pool": {"Type": "AWS::AutoScaling::WarmPool", "Properties": of_group},
    }


def test_a_group_goes_with_its_policy_hook_and_warm_pool(aws: LocalAws) -> None:
    change(aws, "s", with_hooks())
    name = ids(aws, "s")["Group"]
    aws.client("autoscaling").set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=4)
    change(aws, "s", {**network(), "Queue": QUEUE})
    assert set(ids(aws, "s")) == {*network(), "Queue"}
    assert aws.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert aws.client("autoscaling").describe_policies()["ScalingPolicies"] == []
    assert aws.world.machines == {}


def test_a_group_without_its_hook_keeps_its_capacity(aws: LocalAws) -> None:
    change(aws, "s", with_hooks())
    name = ids(aws, "s")["Group"]
    autoscaling = aws.client("autoscaling")
    autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=4)
    change(aws, "s", group())
    [left] = autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    assert (left["AutoScalingGroupName"], len(left["Instances"])) == (name, 2)
    hooks = autoscaling.describe_lifecycle_hooks(AutoScalingGroupName=name)["LifecycleHooks"]
    assert hooks == []


def test_what_needs_a_resource_goes_before_it(aws: LocalAws) -> None:
    change(aws, "s", {"Queue": QUEUE, **custom(SEES, Queue={"Ref": "Queue"})})
    function = ids(aws, "s")["Function"]
    aws.client("cloudformation").delete_stack(StackName="s")
    assert "the queue is still there" in aws.logs(function)
    assert aws.client("sqs").list_queues().get("QueueUrls", []) == []
    assert aws.client("lambda").list_functions()["Functions"] == []


def test_what_is_new_is_made_before_what_is_old_goes(aws: LocalAws) -> None:
    change(aws, "s", {"Old": QUEUE})
    with pytest.raises(ClientError, match="Strange"):
        change(aws, "s", {"Strange": {"Type": "AWS::Lambda::Function", "Properties": {}}})
    assert len(aws.client("sqs").list_queues()["QueueUrls"]) == 1


def test_a_deleted_stack_leaves_no_network(aws: LocalAws) -> None:
    before = {v["VpcId"] for v in aws.client("ec2").describe_vpcs()["Vpcs"]}
    resources = {
        **network(),
        "Gateway": {"Type": "AWS::EC2::InternetGateway"},
        "Attachment": {
            "Type": "AWS::EC2::VPCGatewayAttachment",
            "Properties": {"VpcId": {"Ref": "Vpc"}, "InternetGatewayId": {"Ref": "Gateway"}},
        },
        "Table": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": {"Ref": "Vpc"}}},
        "Route": {
            "Type": "AWS::EC2::Route",
            "DependsOn": "Attachment",
            "Properties": {
                "RouteTableId": {"Ref": "Table"},
                "DestinationCidrBlock": "0.0.0.0/0",
                "GatewayId": {"Ref": "Gateway"},
            },
        },
        "Association": {
            "Type": "AWS::EC2::SubnetRouteTableAssociation",
            "Properties": {"RouteTableId": {"Ref": "Table"}, "SubnetId": {"Ref": "Subnet"}},
        },
    }
    change(aws, "s", resources)
    aws.client("cloudformation").delete_stack(StackName="s")
    assert {v["VpcId"] for v in aws.client("ec2").describe_vpcs()["Vpcs"]} == before


def test_what_is_to_be_retained_stays(aws: LocalAws) -> None:
    change(aws, "s", {"Queue": {**QUEUE, "DeletionPolicy": "Retain"}, "Topic": TOPIC})
    aws.client("cloudformation").delete_stack(StackName="s")
    assert len(aws.client("sqs").list_queues()["QueueUrls"]) == 1
    assert aws.client("sns").list_topics()["Topics"] == []


def test_a_weak_reference_reads_an_output_and_binds_nobody(aws: LocalAws) -> None:
    name = {"Fn::GetAtt": ["Queue", "QueueName"]}
    change(aws, "producer", {"Queue": QUEUE}, Outputs={"Name": {"Value": name}})
    weak = {"Fn::GetStackOutput": {"StackName": "producer", "OutputName": "Name"}}
    described: Json = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String"}}
    described["Properties"]["Value"] = weak
    change(aws, "user", {"Parameter": described})
    parameter = aws.client("ssm").get_parameter(Name=ids(aws, "user")["Parameter"])["Parameter"]
    assert parameter["Value"] == outputs(aws, "producer")["Name"]
    aws.client("cloudformation").delete_stack(StackName="producer")
    weak["Fn::GetStackOutput"]["OutputName"] = "Gone"
    with pytest.raises(ClientError, match="Output Gone of stack producer does not exist"):
        change(aws, "other", {"Parameter": described})


def test_the_default_security_group_is_closed_and_opened_again(aws: LocalAws) -> None:
    closing = custom("def handler(event, context):\n    raise NotImplementedError\n")
    closing["Thing"] = {
        "Type": "Custom::VpcRestrictDefaultSG",
        "Properties": {
            "ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]},
            "DefaultSecurityGroupId": {"Fn::GetAtt": ["Vpc", "DefaultSecurityGroup"]},
        },
    }
    change(aws, "s", {**network(), **closing})
    group_id = ids(aws, "s")["Thing"]

    def rules() -> tuple[int, int]:
        answer = aws.client("ec2").describe_security_groups(GroupIds=[group_id])
        found: dict[str, Any] = answer["SecurityGroups"][0]
        return len(found["IpPermissions"]), len(found["IpPermissionsEgress"])

    assert rules() == (0, 0)
    change(aws, "s", network())
    assert rules() == (1, 1)


@given(
    needs=st.dictionaries(
        st.integers(0, 8), st.sets(st.integers(0, 8), max_size=4), min_size=1, max_size=9
    )
)
def test_nothing_is_deleted_before_what_refers_to_it(needs: dict[int, set[int]]) -> None:
    """Resource n may need only those with smaller numbers, so that there is no circle."""
    resources = {
        f"R{n}": {"Properties": {"Needs": [{"Ref": f"R{m}"} for m in of if m < n]}}
        for n, of in needs.items()
    }
    order = list(deletion_order(resources))
    assert sorted(order) == sorted(resources)
    for n, of in needs.items():
        for m in of & needs.keys():
            if m < n:
                assert order.index(f"R{n}") < order.index(f"R{m}")
