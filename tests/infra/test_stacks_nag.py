"""The reference app under cdk-nag's AwsSolutions rules: nothing that is not explained."""

from __future__ import annotations

import json
import re
from pathlib import Path

import aws_cdk as cdk
import pytest
from cdk_nag import AwsSolutionsChecks

from stacks.context import read_settings
from stacks.inference import InferenceStack
from stacks.media import MediaStack
from stacks.network import NetworkStack
from stacks.storage import StorageStack
from tests.infra.reference_app import CONTEXT

ACCEPTED = {
    r"AwsSolutions-IAM5\[Action::s3:(GetBucket|GetObject|List|Abort)\*\]": (
        "what grant_read and grant_put of the CDK mean, each on one bucket's prefix"
    ),
    r"AwsSolutions-IAM5\[Resource::<\w+\.Arn>/[\w/]+/\*\]": "the objects under one prefix",
    r"AwsSolutions-IAM5\[Resource::arn:<AWS::Partition>:s3:::cdk-\w+-assets-.*\]": (
        "the worker programs are an asset, and the bootstrap bucket has no prefixes"
    ),
    r"AwsSolutions-IAM5\[Resource::\*\]": (
        "PutMetricData, GetMetricData and the Describe calls know no resources; "
        "PutMetricData is bound to its namespace"
    ),
    r"AwsSolutions-IAM5\[Resource::arn:.*:autoScalingGroup:\*:autoScalingGroupName/<\w+>\]": (
        "the star is the group's UUID, which only AWS knows; the name is exact"
    ),
    r"AwsSolutions-IAM5\[Resource::arn:.*:autoScalingGroup:\*:autoScalingGroupName/\*\]": (
        "instances complete the hooks of their fleet's groups, which are known by their tag"
    ),
    r"AwsSolutions-IAM5\[Resource::arn:.*:instance/\*\]": (
        "instances that outlived their drain have no known id; their group's tag is given"
    ),
    r"AwsSolutions-IAM5\[Resource::arn:.*:(fleet|network-interface|security-group|subnet|volume|image)"
    r"/\*\]": "what a fleet consists of has no name yet; its launch template is given",
    r"AwsSolutions-IAM5\[Resource::<\w+\.Arn>:\*\]": "the versions of one function",
    r"AwsSolutions-IAM5\[Resource::arn:.*/peakfleet-agent-\*\.zip\]": (
        "an older version of a launch template fetches an older agent, and nothing else"
    ),
    r"AwsSolutions-EC26": (
        "the rule cannot read launch templates and fails; every volume is encrypted by its template"
    ),
    r"AwsSolutions-AS3": (
        "every change is a decision record, a metric and a log line; a message for each launch "
        "of a fleet that follows demand would be noise"
    ),
    r"AwsSolutions-L1": "Python 3.13 on Graviton is what the handlers are tested for",
    r"AwsSolutions-SMG4": (
        "the company's gateway must learn a new token in the same hour, so that people rotate it; "
        "the relays admit the one before as well"
    ),
    r"AwsSolutions-ELB2": (
        "the log bucket's policy needs the region's account, and the app is not bound to a "
        "region; network load balancers log TLS listeners only"
    ),
}


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What cdk-nag found: the constructs by finding."""
    folder = tmp_path_factory.mktemp("nag")
    app = cdk.App(context=CONTEXT, outdir=str(folder))
    settings = read_settings("prod", CONTEXT["environments"]["prod"], CONTEXT["prices"])
    network = NetworkStack(app, "Network", settings=settings)
    StorageStack(app, "Storage", settings=settings, network=network)
    MediaStack(app, "Media", settings=settings, network=network)
    assert settings.inference is not None
    InferenceStack(app, "Inference", settings=settings.inference, app=settings, network=network)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    return _read(folder / "validation-report.json")


def _read(report: Path) -> dict[str, list[str]]:
    return {
        violation["ruleName"]: [one["constructPath"] for one in violation["violatingConstructs"]]
        for plugin in json.loads(report.read_text())["pluginReports"]
        for violation in plugin["violations"]
    }


def test_every_finding_has_a_reason(findings: dict[str, list[str]]) -> None:
    unexplained = {
        name: paths
        for name, paths in findings.items()
        if not any(re.fullmatch(accepted, name) for accepted in ACCEPTED)
    }
    assert unexplained == {}


def test_no_reason_outlives_its_finding(findings: dict[str, list[str]]) -> None:
    stale = [
        accepted
        for accepted in ACCEPTED
        if not any(re.fullmatch(accepted, name) for name in findings)
    ]
    assert stale == []
