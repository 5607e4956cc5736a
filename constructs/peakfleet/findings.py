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
from weakref import WeakKeyDictionary

import jsii
from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct, IValidation

from peakfleet._tree import node_of, stack_of

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


_AT_SYNTH: WeakKeyDictionary[Stack, list[tuple[IConstruct, Sequence[Wildcard]]]] = (
    WeakKeyDictionary()
)
"""Of each stack: the roles and policies whose stars are explained, and by what."""


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
    stack = stack_of(scope)
    if stack not in _AT_SYNTH:
        _AT_SYNTH[stack] = []
        node_of(stack).add_validation(_AtSynth(stack, _AT_SYNTH[stack]))
    _AT_SYNTH[stack].append((role, tuple(known)))


@jsii.implements(IValidation)
class _AtSynth:
    """Explains stars once all statements are there and have their final names."""

    def __init__(
        self, stack: Stack, given: Sequence[tuple[IConstruct, Sequence[Wildcard]]]
    ) -> None:
        self._stack, self._given = stack, given

    def validate(self) -> list[str]:
        """Acknowledge what is explained; nothing is ever wrong."""
        policies = [
            (role, known, [policy.document for policy in _policies(role)])
            for role, known in self._given
        ]
        resolved = self._stack.resolve([documents for _, _, documents in policies])
        for (role, known, _), documents in zip(policies, resolved, strict=True):
            acknowledge(role, {**_INLINE, **_explained(documents, known)})
        return []


def _policies(role: IConstruct) -> list[iam.Policy | iam.ManagedPolicy]:
    parts = node_of(role).children if isinstance(role, iam.Role) else [role]
    return [part for part in parts if isinstance(part, iam.Policy | iam.ManagedPolicy)]


def _explained(documents: Iterable[Any], known: Sequence[Wildcard]) -> dict[str, str]:
    """Return the findings in policies that are explained in each of their statements."""
    reasons: dict[str, str] = {}
    unexplained: set[str] = set()
    for document in documents:
        for statement in (document or {}).get("Statement", ()):
            for finding, reason in _findings(statement, known):
                if reason is None:
                    unexplained.add(finding)
                else:
                    reasons.setdefault(finding, reason)
    return {
        f"{_WILDCARD}[{finding}]": reason
        for finding, reason in reasons.items()
        if finding not in unexplained
    }


def _findings(
    statement: Mapping[str, Any], known: Sequence[Wildcard]
) -> Iterator[tuple[str, str | None]]:
    """Yield the stars of a statement, each with the reason for it, if there is one."""
    actions = _listed(statement["Action"])
    for value in _listed(statement.get("Resource", ())):
        resource = _flat(value)
        reason = next(
            (
                one.reason
                for one in known
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
