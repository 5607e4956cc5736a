"""The real CDK CLI deploys to the local AWS, and nothing missing stays unseen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from peakfleet_local import DeployError, LocalAws, deploy
from peakfleet_local.server import missing_resources

CDK = [str(Path(__file__).resolve().parents[2] / "node_modules" / ".bin" / "cdk")]
APP = """
import aws_cdk as cdk
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_notifications as notifications
from aws_cdk import aws_sqs as sqs

app = cdk.App()
network = cdk.Stack(app, "Network")
zones = [f"us-east-1{{letter}}" for letter in "abc"]
private = ec2.SubnetConfiguration(name="p", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
vpc = ec2.Vpc(network, "Vpc", availability_zones=zones, subnet_configuration=[private])
work = cdk.Stack(app, "Work")
image = ec2.MachineImage.latest_amazon_linux2023(cpu_type=ec2.AmazonLinuxCpuType.ARM_64)
template = ec2.LaunchTemplate(
    work, "Template", machine_image=image, instance_type=ec2.InstanceType("c8g.large")
)
isolated = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
autoscaling.AutoScalingGroup(
    work, "Group", vpc=vpc, vpc_subnets=isolated, launch_template=template,
    min_capacity=0, max_capacity={maximum},
)
queue = sqs.Queue(work, "Jobs", enforce_ssl=True)
bucket = s3.Bucket(work, "Uploads", enforce_ssl=True)
bucket.add_event_notification(s3.EventType.OBJECT_CREATED, notifications.SqsDestination(queue))
lambda_.Function(
    work, "Echo", runtime=lambda_.Runtime.PYTHON_3_13, handler="index.handler",
    code=lambda_.Code.from_asset("code"),
)
later = cdk.Stack(cdk.Stage(app, "Later"), "Stack")
sqs.Queue(later, "Waiting")
if {strange}:
    cdk.CfnResource(work, "Strange", type="AWS::AppRunner::Service", properties={{}})
app.synth()
"""


def write_app(folder: Path, *, maximum: int, strange: bool) -> None:
    (folder / "code").mkdir(exist_ok=True)
    (folder / "code" / "index.py").write_text("def handler(event, context):\n    return event\n")
    (folder / "app.py").write_text(APP.format(maximum=maximum, strange=strange))
    flags = {
        "@aws-cdk/aws-ec2:restrictDefaultSecurityGroup": True,
        "@aws-cdk/core:defaultCrossStackReferences": "weak",
    }
    (folder / "cdk.json").write_text(json.dumps({"app": "python app.py", "context": flags}))


def test_an_app_is_deployed_whole_or_the_missing_resource_is_named(
    aws: LocalAws, tmp_path: Path
) -> None:
    heard: list[str] = []
    write_app(tmp_path, maximum=5, strange=True)
    with pytest.raises(DeployError, match="1 resources do not exist: Work/Strange") as error:
        deploy(aws, app_directory=tmp_path, cdk_command=CDK, on_output=heard.append)
    assert "AWS::AppRunner::Service" in str(error.value)
    assert any("Work: deploying" in line for line in heard)

    autoscaling = aws.client("autoscaling")
    [group] = autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    name = group["AutoScalingGroupName"]
    autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=4)
    write_app(tmp_path, maximum=9, strange=False)
    deploy(aws, app_directory=tmp_path, cdk_command=CDK, on_output=heard.append)
    [again] = autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    assert again["AutoScalingGroupName"] == name
    assert (again["MaxSize"], again["DesiredCapacity"]) == (9, 4)
    assert {i["AvailabilityZone"] for i in again["Instances"]} == {
        "us-east-1a",
        "us-east-1b",
        "us-east-1c",
    }
    [bucket] = [
        b["Name"] for b in aws.client("s3").list_buckets()["Buckets"] if "uploads" in b["Name"]
    ]
    aws.client("s3").put_object(Bucket=bucket, Key="photo.jpg", Body=b"x")
    queues = aws.client("sqs").list_queues()["QueueUrls"]
    [url] = [queue for queue in queues if "Work-Jobs" in queue]
    assert any("Later-Stack-Waiting" in queue for queue in queues)
    default = {"Name": "group-name", "Values": ["default"]}
    ours = {"Name": "vpc-id", "Values": [_vpc_of(aws, again)]}
    [closed] = aws.client("ec2").describe_security_groups(Filters=[default, ours])["SecurityGroups"]
    assert (closed["IpPermissions"], closed["IpPermissionsEgress"]) == ([], [])
    bodies = [m["Body"] for m in _received(aws, url)]
    assert any("photo.jpg" in body for body in bodies)


def _vpc_of(aws: LocalAws, group: dict[str, str]) -> str:
    subnet = group["VPCZoneIdentifier"].partition(",")[0]
    found = aws.client("ec2").describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"]
    return str(found)


def _received(aws: LocalAws, url: str) -> list[dict[str, str]]:
    answer = aws.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    messages: list[dict[str, str]] = answer.get("Messages", [])
    return messages


def test_a_cli_that_fails_is_an_error_with_its_last_words(aws: LocalAws, tmp_path: Path) -> None:
    command = ["python", "-c", "import sys; print('no such luck'); sys.exit(3)"]
    heard: list[str] = []
    with pytest.raises(DeployError, match=r"(?s)ended with 3.*no such luck"):
        deploy(aws, app_directory=tmp_path, cdk_command=command, on_output=heard.append)
    assert heard == ["no such luck"]


def test_a_cli_that_is_not_there_is_named(aws: LocalAws, tmp_path: Path) -> None:
    with pytest.raises(DeployError, match="cannot start the CDK CLI /nowhere/cdk"):
        deploy(aws, app_directory=tmp_path, cdk_command=["/nowhere/cdk"], on_output=print)


def test_a_stack_that_does_not_exist_is_missing(aws: LocalAws, tmp_path: Path) -> None:
    manifest = (
        '{"artifacts": {"Gone": {"type": "aws:cloudformation:stack",'
        ' "properties": {"templateFile": "t.json"}}}}'
    )
    (tmp_path / "manifest.json").write_text(manifest)
    (tmp_path / "t.json").write_text('{"Resources": {}}')
    assert missing_resources(aws.client("cloudformation"), tmp_path) == ("Gone",)


def test_without_an_assembly_there_is_nothing_to_compare(aws: LocalAws, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        aws.missing_resources(tmp_path)
