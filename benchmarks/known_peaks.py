"""What a known peak costs that was announced too low, rightly and too high, with uncertainty.

Run: `python -m benchmarks.known_peaks`

A generated premiere of 100 instances above the baseline, 3 minutes to boot, CloudWatch's delay of a
minute, the reactive rule beside the calendar. Cost is in instance-minutes, missed work at ten times
its capacity.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from peakfleet_planner import KnownPeakSpec
from peakfleet_sim import Comparison, PeakfleetPolicy, World, live_spec
from peakfleet_sim.demand import PREMIERE_MINUTE, premiere_night

WORLD = World(units_per_instance=10, baseline_units=200, max_instances=250)
HISTORY_MINUTES = 60
LASTS_MINUTES = 90


def main() -> None:
    """Print cost and missed instance-minutes for each announcement and uncertainty."""
    night = premiere_night(baseline_units=200, peak_burst_units=1000, hours=8)
    night = replace(night, history_minutes=HISTORY_MINUTES)
    start = night.start_epoch_seconds + 60 * PREMIERE_MINUTE
    for share in (0.7, 1.0, 1.3):
        for uncertainty in (0.0, 0.3):
            peak = KnownPeakSpec(
                name="premiere",
                start_epoch_seconds=start,
                end_epoch_seconds=start + 60 * LASTS_MINUTES,
                units=share * float(night.units.max()),
                uncertainty=uncertainty,
            )
            spec = replace(live_spec(WORLD), known_peaks=(peak,))
            policy = PeakfleetPolicy(spec=spec, foresight=False)
            run = Comparison(demand=night, world=WORLD).replay(policy)
            missed = run.unserved_units.sum() / WORLD.units_per_instance
            cost = run.billed_instances.sum() + WORLD.unserved_cost * missed
            sys.stdout.write(
                f"announced {share:3.1f} of it, uncertainty {uncertainty:3.1f}: "
                f"cost {cost:6.0f}, missed {missed:4.0f}\n"
            )


if __name__ == "__main__":
    main()
