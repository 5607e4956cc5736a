"""Traffic by site, by name and by region against the deployed handlers; `make faults` runs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from peakfleet_demo.scenarios import CATALOGUE, deployed_runner

ROOT = Path(__file__).parents[2]


@pytest.mark.long
@pytest.mark.parametrize("name", ["site-targets-dead", "name-acts-late", "region-dry"])
def test_every_promise_of_a_split_is_kept(name: str) -> None:
    scenario = CATALOGUE[name]
    with deployed_runner(
        scenario.fleet, app_directory=ROOT, on_output=lambda _line: None
    ) as runner:
        result = runner.run(scenario, show=lambda _minute: None)
    assert result.assertions
    assert [f"{one.text}: {one.measured}" for one in result.assertions if not one.passed] == []
