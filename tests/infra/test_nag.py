"""The AwsSolutions rules of cdk-nag, with the reason for everything that is left as it is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from aws_cdk import App, Duration, Stack, Validations
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks

from peakfleet import (
    BrokenImage,
    BurstFleet,
    CapacityPool,
    DemandSignal,
    InferenceFleet,
    Model,
    QueueFleet,
    StreamFleet,
)
from tests.infra.fleets import GRAVITON, SPOT, metric

FLEET_PARTS = "AwsSolutions-IAM5 parts of a fleet"
LEFT_AS_IT_IS = {
    "AwsSolutions-AS3": "decision records, metrics and alarms say more than one mail per instance",
    "AwsSolutions-EC23": "the rule throws on a network range by reference; it is the network's own",
    "AwsSolutions-EC26": "the rule throws on mixed groups; test_groups checks the encryption",
    "AwsSolutions-ELB2": "access logs need a bucket and a known region: the user's to turn on",
    "AwsSolutions-IAM5 peakfleet-agent-*": "an older launch template fetches an older agent",
    "AwsSolutions-IAM5 *": "GetMetricData and what describes groups know no narrower resource",
    "AwsSolutions-IAM5 autoScalingGroup:*": "random id; the name or the fleet's tag is given",
    "AwsSolutions-IAM5 instance/*": "no id is known: swept ones have a tag, new ones a template",
    FLEET_PARTS: "bound by the fleet's launch templates; its parts have no names before",
    "AwsSolutions-IAM5 Function:*": "the CDK's scheduler target adds the versions of the function",
    "AwsSolutions-L1": "ticks are tested on 3.11 and 3.13, not on Lambda's newest Python",
}


RULES = (
    (r"/peakfleet-agent-\*\.zip\]$", "AwsSolutions-IAM5 peakfleet-agent-*"),
    (r"\[Resource::\*\]", "AwsSolutions-IAM5 *"),
    (r":autoScalingGroup:\*:autoScalingGroupName/[<*]", "AwsSolutions-IAM5 autoScalingGroup:*"),
    (r":instance/\*\]", "AwsSolutions-IAM5 instance/*"),
    (r":(fleet|network-interface|security-group|subnet|volume|:image)/\*\]", FLEET_PARTS),
    (r"\[Resource::<\w*Function\w*\.Arn>:\*\]$", "AwsSolutions-IAM5 Function:*"),
)


def _rule(name: str) -> str:
    """Return a rule's name without generated ids, which no test may depend on."""
    for pattern, rule in RULES:
        if found := re.search(pattern, name):
            return found.expand(rule)
    return name


def test_every_finding_has_its_reason_and_every_reason_a_finding(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    vpc = ec2.Vpc(Stack(app, "Network"), "Vpc", max_azs=2)
    stack = Stack(app, "Media")
    streams = DemandSignal.metric(metric())
    BurstFleet(
        stack,
        "Live",
        vpc=vpc,
        pools=[SPOT, GRAVITON],
        signals=[streams],
        broken_image=BrokenImage.roll_back(),
    )
    QueueFleet(
        stack,
        "Transcode",
        vpc=vpc,
        pools=[GRAVITON],
        seconds_per_message=90,
        drain_within=Duration.minutes(10),
    )
    StreamFleet(
        stack,
        "Edge",
        vpc=vpc,
        pools=[GRAVITON],
        signals=[streams],
        on_premises_targets=["10.9.0.4"],
    )
    models = s3.Bucket.from_bucket_name(stack, "Models", "the-models")
    InferenceFleet(
        stack,
        "Ranking",
        vpc=vpc,
        pools=[CapacityPool.inferentia("inf2.xlarge", max_instances=2)],
        model=Model.in_bucket(models, prefix="ranking/7"),
    )
    Validations.of(stack).add_plugins(AwsSolutionsChecks(stack))
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    report = json.loads((tmp_path / "validation-report.json").read_text())
    found = {
        _rule(violation["ruleName"])
        for plugin in report["pluginReports"]
        for violation in plugin["violations"]
        if any(at["constructPath"].startswith("Media/") for at in violation["violatingConstructs"])
    }
    assert found == set(LEFT_AS_IT_IS)
