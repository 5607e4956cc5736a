"""Templates as they will be written: with overrides, raw resources and aspects."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from weakref import WeakKeyDictionary

import jsii
from aws_cdk import ISynthesisSession, LegacyStackSynthesizer, Stack, cx_api
from constructs import Construct, IConstruct

from peakfleet._tree import node_of, path_of, root_of

Resources = Mapping[str, dict[str, Any]]
"""The resources of a template, by logical id."""
_NESTED = "AWS::CloudFormation::Stack"
_TOO_MANY = "greater than allowed maximum"
"""What the CDK says of a stack with more resources than CloudFormation takes."""


@dataclass(slots=True, kw_only=True)
class Rendered:
    """A template as it will be written.

    Args:
        resources: Its resources; none if they are too many.
        handed_on: What other templates get from it, by the name that they know it by: its outputs,
            and the parameters that it gives to nested stacks.
        too_many: What the CDK says of a stack that has too many resources. Default: it has not.
        writers: What sets sizes of groups, as JSON by logical id; found once for all fleets.
    """

    resources: Resources
    handed_on: Mapping[str, object]
    too_many: str | None = None
    writers: dict[str, str] | None = None


@dataclass(slots=True)
class _App:
    """Templates of one synth of an app, and which fleets have asked for them."""

    stacks: list[Stack]
    templates: dict[Stack, Rendered] = field(default_factory=dict)
    around: dict[Stack, list[Stack]] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)


_APPS: WeakKeyDictionary[IConstruct, _App] = WeakKeyDictionary()


def templates_around(fleet: Construct, stack: Stack) -> tuple[Rendered, list[Rendered]]:
    """Return the template of a fleet's stack, and those of the stacks that may refer to it.

    Those are the ones that are nested with it, and each that depends on it.

    Only a validation may ask: nothing changes after that. All fleets of an app share what was
    rendered; a fleet that asks again does so in another synth.
    """
    root, path = root_of(fleet), path_of(fleet)
    found = _APPS.get(root)
    if found is None or path in found.asked:
        stacks = [child for child in node_of(root).find_all() if isinstance(child, Stack)]
        found = _APPS[root] = _App(stacks)
    found.asked.add(path)
    if stack not in found.around:
        found.around[stack] = _around(stack, found.stacks)
    return _rendered(found, stack), [_rendered(found, other) for other in found.around[stack]]


def _around(stack: Stack, stacks: Sequence[Stack]) -> list[Stack]:
    outermost = path_of(_outermost(stack))
    return [
        other
        for other in stacks
        if path_of(other) != path_of(stack)
        and outermost in {path_of(one) for one in (_outermost(other), *_needs(other))}
    ]


def _outermost(stack: Stack) -> Stack:
    while stack.nested_stack_parent is not None:
        stack = stack.nested_stack_parent
    return stack


def _needs(stack: Stack) -> list[Stack]:
    return list(_outermost(stack).dependencies)


def _rendered(app: _App, stack: Stack) -> Rendered:
    if stack not in app.templates:
        with tempfile.TemporaryDirectory(prefix="peakfleet-template-") as folder:
            synthesizer = LegacyStackSynthesizer()
            synthesizer.bind(stack)
            try:
                synthesizer.synthesize(cast("ISynthesisSession", _Session(folder)))
            except RuntimeError as error:  # jsii's own
                if _TOO_MANY not in str(error):
                    raise
                said = str(error).splitlines()[0]
                app.templates[stack] = Rendered(resources={}, handed_on={}, too_many=said)
                return app.templates[stack]
            template = json.loads((Path(folder) / stack.template_file).read_text(encoding="utf-8"))
        resources = template.get("Resources", {})
        handed_on = dict(template.get("Outputs", {}))
        for one in resources.values():
            if one["Type"] == _NESTED:
                handed_on |= one["Properties"].get("Parameters", {})
        app.templates[stack] = Rendered(resources=resources, handed_on=handed_on)
    return app.templates[stack]


@jsii.implements(ISynthesisSession)
class _Session:
    """A synth into a folder of its own, which leaves that of the app alone."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._assembly = cx_api.CloudAssemblyBuilder(folder)

    @property
    def outdir(self) -> str:
        return self._folder

    @property
    def assembly(self) -> cx_api.CloudAssemblyBuilder:
        return self._assembly

    @property
    def validate_on_synth(self) -> bool:
        return False
