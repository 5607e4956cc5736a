"""Every example is one screen, and synthesizes."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from peakfleet.testing import assert_deployments_keep_capacity

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py"))
MOST_LINES = 70


def stack_of(name: str) -> Stack:
    """Return the stack of an example, which copies no Lambda code: that takes longest."""
    module = importlib.import_module(f"examples.{name}")
    kind = getattr(module, "".join(part.capitalize() for part in name.split("_")))
    stack: Stack = kind(App(context={"aws:cdk:disable-asset-staging": True}), kind.__name__)
    return stack


@pytest.mark.parametrize("name", NAMES)
def test_an_example_synthesizes_and_keeps_running_capacity(name: str) -> None:
    template = Template.from_stack(stack_of(name))
    if name == "training":  # a gang, which has no fleet's specification
        template.resource_count_is("AWS::Scheduler::Schedule", 1)
    else:
        assert_deployments_keep_capacity(template)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_one_screen(name: str) -> None:
    assert len((EXAMPLES / f"{name}.py").read_text().splitlines()) <= MOST_LINES
