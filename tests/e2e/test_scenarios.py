"""Some short fault scenarios against the deployed handlers; `make faults` runs every one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from peakfleet_demo.scenarios import CATALOGUE, ScenarioResult, ScenarioRunner, deployed_runner

ROOT = Path(__file__).parents[2]
SELECTED = (
    "quota-reached",
    "killed-before-recording",
    "ticks-stopped",
)


@pytest.fixture(scope="module")
def runner() -> Iterator[ScenarioRunner]:
    with deployed_runner("workers", app_directory=ROOT, on_output=lambda _line: None) as one:
        yield one


def broken(result: ScenarioResult) -> list[str]:
    assert result.assertions
    return [f"{one.text}: {one.measured}" for one in result.assertions if not one.passed]


@pytest.mark.parametrize("name", SELECTED)
def test_every_promise_of_a_scenario_is_kept(runner: ScenarioRunner, name: str) -> None:
    assert broken(runner.run(CATALOGUE[name], show=lambda _minute: None)) == []
