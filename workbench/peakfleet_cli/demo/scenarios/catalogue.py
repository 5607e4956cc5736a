"""Every scenario by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from peakfleet_cli.demo.scenarios import broken, dry, spot
from peakfleet_cli.demo.scenarios.scenario import Scenario

CATALOGUE: Final[Mapping[str, Scenario]] = {
    scenario.name: scenario
    for scenarios in (dry.SCENARIOS, spot.SCENARIOS, broken.SCENARIOS)
    for scenario in scenarios
}
