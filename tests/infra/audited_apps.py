"""Every stack of the reference app, and another team's app, under the packs of cdk-nag.

`python -m tests.infra.audited_apps` prints the findings of each pack, and every acknowledgement.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import App, Duration, Stack, Validations
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from cdk_nag import (
    AwsSolutionsChecks,
    HIPAASecurityChecks,
    NIST80053R5Checks,
    PCIDSS321Checks,
    ServerlessChecks,
)

from peakfleet import (
    BrokenImage,
    BurstFleet,
    CapacityBlock,
    CapacityPool,
    Checkpoints,
    ControlPlane,
    DemandSignal,
    EfficiencyLedger,
    Encryption,
    FleetState,
    Functions,
    InferenceFleet,
    Model,
    OffPeak,
    QueueFleet,
    Reads,
    SpendLimit,
    StreamFleet,
    TrainingFleet,
    WarmPool,
)
from peakfleet.findings import COMPLIANCE_PACKS
from stacks.context import read_settings
from stacks.inference import InferenceStack
from stacks.media import MediaStack
from stacks.network import NetworkStack
from stacks.storage import StorageStack
from stacks.training import TrainingStack
from tests.infra.fleets import GRAVITON, SPOT, metric
from tests.infra.reference_app import CONTEXT

PACKS = (
    AwsSolutionsChecks,
    NIST80053R5Checks,
    HIPAASecurityChecks,
    PCIDSS321Checks,
    ServerlessChecks,
)
OTHER_STACKS = ("Plain", "Guarded")
TRAINING = {
    "instance_type": "trn2.48xlarge",
    "machines": 4,
    "zone": 1,
    "program": "search-2026-11",
    "run": "search-7",
    "capacity_block": "cr-0123456789abcdef0",
}
X86 = CapacityPool.x86("c7i.4xlarge", units_per_instance=16, max_instances=10, canary_share=0.05)
WARM = CapacityPool.graviton(
    "c8g.2xlarge", units_per_instance=8, max_instances=10, warm=WarmPool.fixed(2), name="Warm"
)
_NOTHING_COPIED = {"aws:cdk:disable-asset-staging": True}
_NAMES = ("AwsSolutions-", "Serverless-", *(f"{pack}-" for pack in COMPLIANCE_PACKS))
_ACKNOWLEDGED = Validations.ACKNOWLEDGED_RULES_METADATA_KEY


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What packs found in an app, and what it acknowledges.

    Args:
        findings: Construct paths by whole rule id, by pack.
        acknowledged: Reasons by whole rule id, by construct path.
        templates: By stack.
    """

    findings: Mapping[str, Mapping[str, list[str]]]
    acknowledged: Mapping[str, Mapping[str, str]]
    templates: Mapping[str, Mapping[str, Any]]


def reference_app(folder: Path) -> App:
    """Return the reference app with all its stacks, training included."""
    app = App(context={**CONTEXT, **_NOTHING_COPIED}, outdir=str(folder))
    document = {**CONTEXT["environments"]["prod"], "training": TRAINING}
    settings = read_settings("prod", document, CONTEXT["prices"])
    assert settings.inference
    assert settings.training
    network = NetworkStack(app, "Network", settings=settings)
    StorageStack(app, "Storage", settings=settings, network=network)
    MediaStack(app, "Media", settings=settings, network=network)
    InferenceStack(app, "Inference", settings=settings.inference, app=settings, network=network)
    TrainingStack(app, "Training", settings=settings.training, network=network)
    return app


def other_app(folder: Path) -> App:
    """Return an app of another team: every kind of fleet, with defaults and with all options."""
    app = App(context=_NOTHING_COPIED, outdir=str(folder))
    own = Stack(app, "Own")
    vpc = ec2.Vpc(own, "Vpc", max_azs=2)
    for name in OTHER_STACKS:
        stack = Stack(app, name)
        guarded = name == "Guarded"
        key = kms.Key(own, "Key", enable_key_rotation=True) if guarded else None
        _fleets(stack, vpc, key)
    return app


def _fleets(stack: Stack, vpc: ec2.Vpc, key: kms.Key | None) -> None:
    options: dict[str, Any] = {"vpc": vpc}
    reads = Reads.shared()
    if key is None:
        options["control_plane"] = ControlPlane(stack, "Control", reads=reads)
    certificate = None
    if key is not None:
        certificate = acm.Certificate.from_certificate_arn(
            stack, "Tls", "arn:aws:acm:eu-central-1:123456789012:certificate/a-b"
        )
        encryption = Encryption.with_key(key)
        options |= {
            "encryption": encryption,
            "control_plane": ControlPlane(
                stack,
                "Control",
                state=FleetState(stack, "State", encryption_key=key),
                functions=Functions(vpc=vpc, reserved_concurrency=4, tracing=True),
                encryption=encryption,
                reads=reads,
            ),
        }
    streams = DemandSignal.metric(metric())
    BurstFleet(
        stack,
        "Live",
        pools=[SPOT, GRAVITON, X86, WARM],
        signals=[streams],
        broken_image=BrokenImage.roll_back(),
        efficiency=EfficiencyLedger(),
        spend_limits=[SpendLimit.of(usd_per_hour=40)],
        **options,
    )
    QueueFleet(
        stack,
        "Transcode",
        pools=[GRAVITON],
        seconds_per_message=90,
        drain_within=Duration.minutes(10),
        **options,
    )
    StreamFleet(
        stack,
        "Edge",
        pools=[GRAVITON],
        signals=[DemandSignal.metric(metric(period=Duration.seconds(10)))],
        on_premises_targets=["10.9.0.4"],
        certificate=certificate,
        **options,
    )
    ranking = InferenceFleet(
        stack,
        "Ranking",
        pools=[CapacityPool.inferentia("inf2.xlarge", max_instances=2)],
        model=Model.in_bucket(
            s3.Bucket.from_bucket_name(stack, "Models", "the-models"), prefix="ranking/7"
        ),
        **options,
    )
    TrainingFleet(
        stack,
        "Search",
        vpc_subnets=ec2.SubnetSelection(subnets=[vpc.private_subnets[0]]),
        machines=CapacityPool.trainium("trn2.48xlarge", max_instances=4),
        command="bash /opt/train/start.sh",
        checkpoints=Checkpoints.in_bucket(
            s3.Bucket.from_bucket_name(stack, "Runs", "the-runs"), prefix="search/7"
        ),
        reservation=CapacityBlock.of("cr-0123456789abcdef0")
        if key
        else OffPeak.of("cr-0123456789abcdef0", priority=ranking, units_per_machine=64),
        **options,
    )


def audit(app: App, folder: Path) -> Audit:
    """Return what all packs find in an app, in one synth."""
    Validations.of(app).add_plugins(*(pack(app) for pack in PACKS))
    try:
        app.synth()
    except RuntimeError as error:
        if "ValidationFailed" not in str(error):
            raise
    report = folder / "validation-report.json"
    document = json.loads(report.read_text()) if report.exists() else {"pluginReports": []}
    return Audit(
        findings={
            plugin["pluginName"]: {
                violation["ruleName"]: [
                    one["constructPath"] for one in violation["violatingConstructs"]
                ]
                for violation in plugin.get("violations", ())
            }
            for plugin in document["pluginReports"]
        },
        acknowledged=dict(_acknowledged(app)),
        templates={
            file.name.partition(".")[0]: json.loads(file.read_text())
            for file in sorted(folder.glob("*.template.json"))
        },
    )


def _acknowledged(app: App) -> Iterator[tuple[str, dict[str, str]]]:
    for construct in app.node.find_all():
        said = [one.data for one in construct.node.metadata if one.type == _ACKNOWLEDGED]
        if reasons := {
            rule.partition("::")[2] or rule: reason
            for data in said
            for rule, reason in data.items()
            if rule.rpartition("::")[2].startswith(_NAMES)
        }:
            yield construct.node.path, reasons


def main() -> int:
    """Print the findings of both apps, and the reasons; return whether anything is unexplained."""
    os.environ["CDK_VALIDATION"] = "false"
    unexplained = 0
    for title, make in (("reference app", reference_app), ("another team's app", other_app)):
        with tempfile.TemporaryDirectory() as name:
            result = audit(make(Path(name)), Path(name))
        _say(f"# {title}")
        for pack, found in result.findings.items():
            theirs = {rule: paths for rule, paths in found.items() if ours(paths)}
            _say(f"{pack}: {len(theirs)} findings that are not acknowledged")
            unexplained += len(theirs)
            for rule, paths in theirs.items():
                _say(f"  {rule}: {', '.join(ours(paths))}")
        said: dict[str, Counter[str]] = defaultdict(Counter)
        for reasons in result.acknowledged.values():
            for rule, reason in reasons.items():
                said[reason][rule.partition("[")[0]] += 1
        _say(f"{sum(sum(rules.values()) for rules in said.values())} acknowledgements:")
        for reason, rules in sorted(said.items()):
            _say(f"  {reason}\n    {', '.join(f'{rule} ({n})' for rule, n in rules.items())}")
    return min(unexplained, 1)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def ours(paths: list[str]) -> list[str]:
    """Return the paths that are not another team's own network and keys."""
    return [path for path in paths if not path.startswith("Own/")]


if __name__ == "__main__":
    sys.exit(main())
