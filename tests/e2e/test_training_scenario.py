"""A gang in a capacity block that ends, with agents and trainers as they are installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from peakfleet_demo.scenarios import CATALOGUE, deployed_runner

ROOT = Path(__file__).parents[2]


@pytest.mark.long
def test_a_gang_keeps_a_checkpoint_and_leaves_its_block_in_time() -> None:
    scenario = CATALOGUE["capacity-block-ends"]
    with deployed_runner(
        scenario.fleet, app_directory=ROOT, on_output=lambda _line: None
    ) as runner:
        result = runner.run(scenario, show=lambda _minute: None)
    assert result.assertions
    assert [f"{one.text}: {one.measured}" for one in result.assertions if not one.passed] == []
