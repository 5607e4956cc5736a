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


@dataclass(slots=True)
class _Rendered:
    """Templates of one synth of an app, and which fleets have asked for them."""

    stacks: list[Stack]
    templates: dict[str, Resources] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)


_APPS: WeakKeyDictionary[IConstruct, _Rendered] = WeakKeyDictionary()


def resources_around(fleet: Construct) -> tuple[Resources, list[Resources]]:
    """Return the resources of a fleet's stack, and those of each stack that depends on it.

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
    return _resources(found, stack), [_resources(found, other) for other in dependents]


def _resources(app: _Rendered, stack: Stack) -> Resources:
    path = stack.node.path
    if path not in app.templates:
        with tempfile.TemporaryDirectory(prefix="peakfleet-template-") as folder:
            synthesizer = LegacyStackSynthesizer()
            synthesizer.bind(stack)
            synthesizer.synthesize(cast("ISynthesisSession", _Session(folder)))
            template = json.loads((Path(folder) / stack.template_file).read_text(encoding="utf-8"))
        app.templates[path] = template.get("Resources", {})
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
