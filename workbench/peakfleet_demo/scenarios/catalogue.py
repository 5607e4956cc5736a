"""Every scenario by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from peakfleet_demo.scenarios import broken, control, inference, spot, training
from peakfleet_demo.scenarios import no_capacity as dry
from peakfleet_demo.scenarios.scenario import Scenario

LIST, ALL = "list", "all"
"""Names that are not of one scenario."""
_EVERY: Final = (
    dry.SCENARIOS,
    spot.SCENARIOS,
    broken.SCENARIOS,
    control.SCENARIOS,
    inference.SCENARIOS,
    training.SCENARIOS,
)
CATALOGUE: Final[Mapping[str, Scenario]] = {
    scenario.name: scenario for scenarios in _EVERY for scenario in scenarios
}
