"""The production environment has more stacks than the demo: all of them are deployed whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from peakfleet_local import LocalAws, deploy

ROOT = Path(__file__).resolve().parents[2]
CDK = [str(ROOT / "node_modules" / ".bin" / "cdk"), "-c", "environment=prod"]
POOLS = ("Inferentia", "Trainium", "Graviton")


def test_every_resource_of_the_inference_service_exists_after_its_deployment(
    aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDK_VALIDATION", "false")
    heard: list[str] = []
    deploy(aws, app_directory=ROOT, cdk_command=CDK, on_output=heard.append)
    groups = aws.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    names = {group["AutoScalingGroupName"] for group in groups}
    of_models = [name for name in names if name.startswith("Inference-")]
    assert len(of_models) == len(POOLS), names
    hooks = aws.client("autoscaling").describe_lifecycle_hooks(AutoScalingGroupName=of_models[0])
    [hook] = hooks["LifecycleHooks"]
    assert hook["LifecycleTransition"] == "autoscaling:EC2_INSTANCE_LAUNCHING"
