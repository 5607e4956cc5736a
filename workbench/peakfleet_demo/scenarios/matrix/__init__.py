"""The fault matrix: each way in which control, capacity or people fail, in three severities.

Every row says what is safe; the scenarios hold the fleet to it through the deployed handlers, and
`Row.in_simulator` through the simulator, or says why that has no leg of it. Read `row`, then the
rooms by what fails: `signals`, `control`, `capacity`, `machines`, `people`, `static`;
`in_simulator` has the same faults for the simulator. `faults_page` writes the page of the last run.
"""

from dataclasses import replace
from typing import Final

from peakfleet_demo.scenarios.matrix import capacity, control, machines, people, signals, static
from peakfleet_demo.scenarios.matrix.row import BACK_MINUTES, Row

ROWS: Final = (
    *sorted(
        (row for room in (signals, control, capacity, machines, people) for row in room.ROWS),
        key=lambda row: row.number,
    ),
    *static.ROWS,
)
"""Every row; S rows are static stability, at worst for 8 hours."""
SCENARIOS: Final = tuple(
    replace(one, fleet="reported") if row.number == "22" else one
    for row in ROWS
    for one in row.scenarios
)
