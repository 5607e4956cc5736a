"""cdk-nag: nobody who uses these constructs has a finding of theirs to explain."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks

from peakfleet.findings import COMPLIANCE_PACKS, Wildcard, acknowledge, acknowledge_policies
from tests.infra.audited_apps import Audit, audit, other_app, ours, reference_app

WRITES = Wildcard(resource=r".*/in/\*", actions=["s3:PutObject"], reason="named by the program")


@pytest.fixture(name="reference", scope="module")
def _reference(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    folder = tmp_path_factory.mktemp("reference")
    return audit(reference_app(folder), folder)


@pytest.fixture(name="other", scope="module")
def _other(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    folder = tmp_path_factory.mktemp("other")
    return audit(other_app(folder), folder)


def test_the_reference_app_has_no_finding_in_any_pack(reference: Audit) -> None:
    assert reference.findings == {}
    assert len(reference.acknowledged) > 100


def test_another_teams_app_has_no_finding_of_ours_in_any_pack(other: Audit) -> None:
    assert len(other.findings) == 4, "each pack but Serverless finds something in its network"
    assert {
        rule: ours(paths)
        for found in other.findings.values()
        for rule, paths in found.items()
        if ours(paths)
    } == {}


def _policies(tmp_path: Path, *statements: iam.PolicyStatement) -> set[str]:
    """Return the stars found in a role that may write to a bucket, and has these as well."""
    app = cdk.App(outdir=str(tmp_path))
    stack = cdk.Stack(app, "Media")
    bucket = s3.Bucket(stack, "Bucket")
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
    acknowledge_policies(stack, role, [WRITES])
    for statement in (
        iam.PolicyStatement(actions=["s3:PutObject"], resources=[f"{bucket.bucket_arn}/in/*"]),
        *statements,
    ):
        role.add_to_policy(statement)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    with pytest.raises(RuntimeError, match="ValidationFailed"):  # the bucket has findings
        app.synth()
    report = (tmp_path / "validation-report.json").read_text()
    return {re.sub(r"<\w+\.Arn>", "", one) for one in re.findall(r"IAM5\[([^]]*)\]", report)}


def test_a_star_is_explained_by_what_it_allows_and_where(tmp_path: Path) -> None:
    assert _policies(tmp_path) == set()


def test_a_star_of_somebody_else_is_theirs_to_explain(tmp_path: Path) -> None:
    theirs = iam.PolicyStatement(actions=["ec2:Describe*"], resources=["*"])
    assert _policies(tmp_path, theirs) == {"Action::ec2:Describe*", "Resource::*"}


def test_a_star_that_is_known_hides_no_action_that_is_not(tmp_path: Path) -> None:
    stack_bucket = "arn:aws:s3:::theirs/in/*"
    theirs = iam.PolicyStatement(actions=["s3:DeleteObject"], resources=[stack_bucket])
    assert _policies(tmp_path, theirs) == {f"Resource::{stack_bucket}"}


def test_a_rule_without_a_pack_is_acknowledged_in_every_pack_that_may_have_it() -> None:
    stack = cdk.Stack(cdk.App(), "Media")
    acknowledge(stack, {"LambdaConcurrency": "shared", "AwsSolutions-L1": "tested"})
    said = " ".join(str(one.data) for one in stack.node.metadata)
    assert "AwsSolutions-L1" in said
    assert all(f"{pack}-LambdaConcurrency" in said for pack in COMPLIANCE_PACKS)


def test_no_reason_outlives_its_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: Audit, other: Audit
) -> None:
    """Every acknowledged rule is found somewhere once nothing is acknowledged."""
    monkeypatch.setattr(cdk.Validations, "acknowledge", lambda *_: None)
    found: dict[str, set[str]] = defaultdict(set)
    for make in (reference_app, other_app):
        folder = tmp_path / make.__name__
        for rules in audit(make(folder), folder).findings.values():
            for rule in rules:
                found[rule.rpartition("-")[2] if "[" not in rule else rule].add(rule)
    said = {
        rule.rpartition("-")[2] if "[" not in rule else rule
        for one in (reference, other)
        for reasons in one.acknowledged.values()
        for rule in reasons
    }
    assert said - set(found) == set()
