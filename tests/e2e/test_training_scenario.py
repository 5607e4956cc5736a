"""A gang in a capacity block that ends, with agents and trainers as they are installed."""

from __future__ import annotations

from pathlib import Path

from peakfleet_demo.scenarios import CATALOGUE, opened

ROOT = Path(__file__).parents[2]


def test_a_gang_keeps_a_checkpoint_and_leaves_its_block_in_time() -> None:
    scenario = CATALOGUE["capacity-block-ends"]
    with opened(scenario.fleet, app_directory=ROOT, on_output=lambda _line: None) as theatre:
        result = theatre.play(scenario, show=lambda _minute: None)
    assert result.promises
    assert [f"{one.text}: {one.measured}" for one in result.promises if not one.kept] == []
