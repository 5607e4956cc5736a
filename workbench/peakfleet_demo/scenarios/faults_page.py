"""The page of the fault matrix, from the results of a run: what was injected, what survived.

`python -m peakfleet_demo.scenarios.faults_page out/faults.json docs/faults.md`
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from peakfleet_demo.scenarios.matrix import BACK_MINUTES, ROWS, Row
from peakfleet_demo.scenarios.scenario import Assertion

HEAD: Final = """# Fault matrix

Every row was run in three severities through the deployed handlers on the local AWS. Always
promised: every tick answers unless it is killed, no pool is above its maximum, no tick launches
more than its pace, no machine at work is ended unless the fault itself ends it, and all demand is
served again within {back} minutes of the fault's end. `peakfleet_demo/scenarios/matrix` has
what else a row promises. The simulator runs the same severities through the same decision, and is
held to the same promises, but for alarms. `make faults` runs it all, and writes this page.

"""
COLUMNS: Final = (
    "| | fault | severities | safe | survived | worst effect | in the simulator |\n"
    "|---|---|---|---|---|---|---|\n"
)


def page(
    scenarios: Mapping[str, Mapping[str, Any]],
    simulated: Mapping[str, Sequence[Sequence[Assertion]]],
) -> str:
    """Return the page.

    Args:
        scenarios: The results by name, as `document` has them.
        simulated: What the simulator's legs came to, by number of the row.
    """
    rows = [_line(row, scenarios, simulated.get(row.number, ())) for row in ROWS]
    ran = [one for row in ROWS for one in row.scenarios if one.name in scenarios]
    kept = sum(bool(scenarios[one.name]["kept"]) for one in ran)
    injected = sum(len(row.scenarios) for row in ROWS)
    legs = [leg for several in simulated.values() for leg in several]
    total = (
        f"\n{injected} injected, {len(ran)} run, {kept} survived with every promise kept. In the "
        f"simulator {len(legs)} run, {sum(map(_kept, legs))} survived; "
        f"{sum(bool(row.unsimulated) for row in ROWS)} rows have no meaning there.\n"
    )
    return HEAD.format(back=BACK_MINUTES) + COLUMNS + "".join(rows) + total + _broken(scenarios)


def _kept(leg: Sequence[Assertion]) -> bool:
    return all(promise.passed for promise in leg)


def _line(
    row: Row,
    scenarios: Mapping[str, Mapping[str, Any]],
    legs: Sequence[Sequence[Assertion]],
) -> str:
    results = [scenarios[one.name] for one in row.scenarios if one.name in scenarios]
    kept = sum(bool(one["kept"]) for one in results)
    worst = max((one["missing_unit_minutes"] for one in results), default=None)
    effect = (
        "not run"
        if worst is None
        else "nothing missing"
        if not worst
        else f"{worst:,.0f} unit-minutes missing of "
        f"{max(one['burst_unit_minutes'] for one in results):,.0f}"
    )
    severities = "; ".join(row.severities)
    survived = f"{kept} of {len(row.scenarios)}"
    simulated = row.unsimulated or f"{sum(map(_kept, legs))} of {len(row.scenarios)}"
    cells = (row.number, row.fault, severities, row.safe, survived, effect, simulated)
    return f"| {' | '.join(cells)} |\n"


def _broken(scenarios: Mapping[str, Mapping[str, Any]]) -> str:
    lines = list(_broken_promises(scenarios))
    return "\n## Broken promises\n\n" + "".join(lines) if lines else ""


def _broken_promises(scenarios: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    names = [one.name for row in ROWS for one in row.scenarios]
    for name in filter(scenarios.__contains__, names):
        for promise in scenarios[name]["promises"]:
            if not promise["kept"]:
                yield f"- `{name}`: {promise['text']}: {promise['measured']}\n"


def main() -> None:
    """Read results, run the simulator's legs and write the page."""
    results, target = map(Path, sys.argv[1:])
    scenarios = json.loads(results.read_text(encoding="utf-8"))["scenarios"]
    simulated = {row.number: row.in_simulator() for row in ROWS}
    target.write_text(page(scenarios, simulated), encoding="utf-8")


if __name__ == "__main__":
    main()
