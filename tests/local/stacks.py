"""Stacks made by change sets, as the CDK CLI makes them, and what they made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from peakfleet_local import LocalAws
from tests.local.deployed import TRUST, Json

Template = dict[str, Any]
TOPIC: Template = {"Type": "AWS::SNS::Topic"}
QUEUE: Template = {"Type": "AWS::SQS::Queue"}
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
}


def change(aws: LocalAws, stack: str, resources: Mapping[str, Any], **more: Json) -> None:
    """Create or update a stack as the CDK CLI does: by a change set of one name."""
    cloudformation = aws.client("cloudformation")
    exists = any(s["StackName"] == stack for s in cloudformation.describe_stacks()["Stacks"])
    cloudformation.delete_change_set(StackName=stack, ChangeSetName="cdk-deploy-change-set")
    cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName="cdk-deploy-change-set",
        ChangeSetType="UPDATE" if exists else "CREATE",
        TemplateBody=json.dumps({"Resources": resources, **more}),
    )
    cloudformation.execute_change_set(StackName=stack, ChangeSetName="cdk-deploy-change-set")


def ids(aws: LocalAws, stack: str) -> dict[str, str]:
    pages = aws.client("cloudformation").list_stack_resources(StackName=stack)
    return {
        r["LogicalResourceId"]: r["PhysicalResourceId"] for r in pages["StackResourceSummaries"]
    }


def outputs(aws: LocalAws, stack: str) -> dict[str, str]:
    [described] = aws.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {o["OutputKey"]: o["OutputValue"] for o in described.get("Outputs", [])}


def network() -> Template:
    return {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "Subnet": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {
                "VpcId": {"Ref": "Vpc"},
                "CidrBlock": "10.0.0.0/24",
                "AvailabilityZone": "us-east-1a",
            },
        },
    }


def group(maximum: int = 10) -> Template:
    specification = {
        "LaunchTemplateId": {"Ref": "Template"},
        "Version": {"Fn::GetAtt": ["Template", "LatestVersionNumber"]},
    }
    overrides = [{"InstanceType": "c8g.large", "WeightedCapacity": "2"}]
    return {
        **network(),
        "Template": {
            "Type": "AWS::EC2::LaunchTemplate",
            "Properties": {"LaunchTemplateData": {"ImageId": "ami-00000001"}},
        },
        "Group": {
            "Type": "AWS::AutoScaling::AutoScalingGroup",
            "Properties": {
                "MinSize": "0",
                "MaxSize": str(maximum),
                "VPCZoneIdentifier": [{"Ref": "Subnet"}],
                "MixedInstancesPolicy": {
                    "LaunchTemplate": {
                        "LaunchTemplateSpecification": specification,
                        "Overrides": overrides,
                    }
                },
            },
        },
    }


def custom(code: str, **properties: object) -> Template:
    function = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Timeout": 30,
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Code": {"ZipFile": code},
    }
    return {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
        "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
        "Thing": {
            "Type": "Custom::Thing",
            "Properties": {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}, **properties},
        },
    }
