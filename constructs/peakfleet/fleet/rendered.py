"""Templates as they will be written: with overrides, raw resources and aspects."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from weakref import WeakKeyDictionary

import jsii
from aws_cdk import ISynthesisSession, LegacyStackSynthesizer, Stack, cx_api
from constructs import Construct, IConstruct

Resources = Mapping[str, dict[str, Any]]
"""The resources of a template, by logical id."""
_TOO_MANY = "greater than allowed maximum"
"""What the CDK says of a stack with more resources than CloudFormation takes."""


@dataclass(slots=True)
class Template:
    """One template as it will be written.

    Args:
        resources: Its resources; none if they are too many.
        too_many: What the CDK says of a stack that has too many resources. Default: it has not.
        writers: What sets sizes of groups, as JSON by logical id; found once for all fleets.
    """

    resources: Resources
    too_many: str | None = None
    writers: dict[str, str] | None = None


@dataclass(slots=True)
class _Rendered:
    """Templates of one synth of an app, and which fleets have asked for them."""

    stacks: list[Stack]
    templates: dict[str, Template] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)


_APPS: WeakKeyDictionary[IConstruct, _Rendered] = WeakKeyDictionary()


def templates_around(fleet: Construct) -> tuple[Template, list[Template]]:
    """Return the template of a fleet's stack, and that of each stack that depends on it.

    Only a validation may ask: nothing changes after that. All fleets of an app share what was
    rendered; a fleet that asks again does so in another synth.
    """
    root, stack = fleet.node.root, Stack.of(fleet)
    found = _APPS.get(root)
    if found is None or fleet.node.path in found.asked:
        stacks = [child for child in root.node.find_all() if isinstance(child, Stack)]
        found = _APPS[root] = _Rendered(stacks)
    found.asked.add(fleet.node.path)
    dependents = [
        other
        for other in found.stacks
        if any(needed.node.path == stack.node.path for needed in other.dependencies)
    ]
    return _template(found, stack), [_template(found, other) for other in dependents]


def _template(app: _Rendered, stack: Stack) -> Template:
    path = stack.node.path
    if path not in app.templates:
        with tempfile.TemporaryDirectory(prefix="peakfleet-template-") as folder:
            synthesizer = LegacyStackSynthesizer()
            synthesizer.bind(stack)
            try:
                synthesizer.synthesize(cast("ISynthesisSession", _Session(folder)))
            except RuntimeError as error:  # jsii's own
                if _TOO_MANY not in str(error):
                    raise
                app.templates[path] = Template(resources={}, too_many=str(error).splitlines()[0])
            else:
                text = (Path(folder) / stack.template_file).read_text(encoding="utf-8")
                app.templates[path] = Template(resources=json.loads(text).get("Resources", {}))
    return app.templates[path]


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
