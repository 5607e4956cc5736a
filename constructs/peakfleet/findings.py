"""Findings of security packs that are left as they are: said beside the resource, with the reason.

The CDK keeps acknowledgements, and cdk-nag reads them; none of this needs cdk-nag. Use it for
resources of your own as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jsii
from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct, IValidation, Node

COMPLIANCE_PACKS = ("NIST.800.53.R5", "HIPAA.Security", "PCI.DSS.321")
"""Packs that share their rules, which are named here without the pack."""
_WILDCARD = "AwsSolutions-IAM5"
_INLINE = {"IAMNoInlinePolicy": "of this role alone, it comes and goes with it"}


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Say why findings of a resource are left as they are.

    Args:
        construct: The resource, or what it is a part of.
        reasons: The reason by rule: a whole id such as `AwsSolutions-AS3`, or without a dash the
            name that a rule has in every one of `COMPLIANCE_PACKS`.
    """
    rules = {
        rule: reason
        for name, reason in reasons.items()
        for rule in ([name] if "-" in name else [f"{pack}-{name}" for pack in COMPLIANCE_PACKS])
    }
    if rules:
        said = (Acknowledgment(id=rule, reason=reason) for rule, reason in rules.items())
        Validations.of(construct).acknowledge(*said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wildcard:
    r"""A star in a policy that cannot be narrower, and why.

    Args:
        resource: The resource, with names for references: `\*`, `.*:instance/\*`. A regular
            expression for all of it.
        actions: All that may be allowed on it, with their stars. A star in one of these is
            explained, too.
        reason: Why no narrower one will do.
    """

    resource: str
    actions: Sequence[str]
    reason: str


def acknowledge_policies(
    scope: Construct, role: iam.IRole | iam.Policy | iam.ManagedPolicy, known: Iterable[Wildcard]
) -> None:
    """Say why the policies of a role have stars, and why they are the role's own.

    What others grant the role is theirs to explain: a star that also has an action which is not
    known stays a finding.

    Args:
        scope: What the role is a part of.
        role: The role, or one policy.
        known: The stars that are explained.
    """
    node = role.node
    node.add_validation(_AtSynth(role, node, tuple(known), Stack.of(scope)))


@jsii.implements(IValidation)
class _AtSynth:
    """Explains stars once all statements are there and have their final names."""

    def __init__(
        self, role: IConstruct, node: Node, known: Sequence[Wildcard], stack: Stack
    ) -> None:
        self._role, self._node, self._known, self._stack = role, node, known, stack

    def validate(self) -> list[str]:
        """Acknowledge what is explained; nothing is ever wrong."""
        reasons: dict[str, str] = {}
        unexplained: set[str] = set()
        for statement in self._statements():
            for finding, reason in self._findings(statement):
                if reason is None:
                    unexplained.add(finding)
                else:
                    reasons.setdefault(finding, reason)
        acknowledge(
            self._role,
            {
                **_INLINE,
                **{
                    f"{_WILDCARD}[{finding}]": reason
                    for finding, reason in reasons.items()
                    if finding not in unexplained
                },
            },
        )
        return []

    def _statements(self) -> Iterator[Mapping[str, Any]]:
        parts = self._node.children if isinstance(self._role, iam.Role) else [self._role]
        for policy in parts:
            if isinstance(policy, iam.Policy | iam.ManagedPolicy):
                document = self._stack.resolve(policy.document) or {}
                yield from document.get("Statement", ())

    def _findings(self, statement: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
        actions = _listed(statement["Action"])
        for value in _listed(statement.get("Resource", ())):
            resource = _flat(value)
            reason = next(
                (
                    one.reason
                    for one in self._known
                    if re.fullmatch(one.resource, resource) and set(actions) <= set(one.actions)
                ),
                None,
            )
            if "*" in resource:
                yield f"Resource::{resource}", reason
            for action in actions:
                if "*" in action:
                    yield f"Action::{action}", reason


def _listed(value: Any) -> list[Any]:  # noqa: ANN401  a CloudFormation value
    return list(value) if isinstance(value, list | tuple) else [value]


def _flat(value: Any) -> str:  # noqa: ANN401  a CloudFormation value
    """Return a resolved value as cdk-nag writes it, with names for references."""
    if isinstance(value, str):
        return value.replace("${", "<").replace("}", ">")
    if "Fn::Join" in value:
        delimiter, parts = value["Fn::Join"]
        return str(delimiter).join(map(_flat, parts))
    if "Fn::Sub" in value or "Fn::ImportValue" in value:
        return _flat(value.get("Fn::Sub", value.get("Fn::ImportValue")))
    if "Fn::GetAtt" in value:
        return f"<{'.'.join(value['Fn::GetAtt'])}>"
    if "Ref" in value:
        return f"<{value['Ref']}>"
    return json.dumps(value, separators=(",", ":"))
