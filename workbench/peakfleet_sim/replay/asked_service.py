"""The share of the burst that was asked to be missed at most, the share that was, and why."""

from __future__ import annotations

from math import ceil
from typing import Final

import numpy as np

from peakfleet_sim.replay.replay import Run
from peakfleet_sim.world import SECONDS_PER_MINUTE

AS_ASKED: Final = 1.5
"""A share within this factor of what was asked for is as asked."""
_OTHERS: Final = "the forecast"


def missed_because(run: Run) -> dict[str, float]:
    """Return which share of the burst was missed for which reason.

    The maximum counts first: burst above all that may run. Then the boot time: burst above the
    highest of the last hour that was seen when capacity for this minute had to be launched at the
    latest; only who knows more than demand so far could have served it. The rest is the policy's.

    Args:
        run: What a policy did.
    """
    scored, world = slice(run.demand.history_minutes, None), run.world
    burst, missed = run.burst_units, run.unserved_units
    over_maximum = np.maximum(0.0, burst - world.max_instances * world.units_per_instance)
    lead_seconds = world.boot_seconds + world.metric_delay_seconds
    lead = ceil(lead_seconds / SECONDS_PER_MINUTE) + 1
    padded = np.concatenate([np.zeros(SECONDS_PER_MINUTE + lead - 1), burst])
    windows = np.lib.stride_tricks.sliding_window_view(padded, SECONDS_PER_MINUTE)
    seen = windows.max(axis=1)[: len(burst)]
    by_maximum = np.minimum(missed, over_maximum)
    by_boot = np.minimum(missed - by_maximum, np.maximum(0.0, burst - seen))
    total = float(burst[scored].sum())
    if total <= 0:
        return {}
    return {
        "the maximum": float(by_maximum[scored].sum()) / total,
        "the boot time": float(by_boot[scored].sum()) / total,
        _OTHERS: float((missed - by_maximum - by_boot)[scored].sum()) / total,
    }


def service_sentence(run: Run, *, asked: float) -> str:
    """Return what was asked, what was missed, and what limits it if they are apart.

    Args:
        run: What the production decision did.
        asked: Share of the burst that it was asked to miss at most.
    """
    shares = missed_because(run)
    got = sum(shares.values())
    said = f"Asked to miss at most {asked:.3%} of the burst, missed {got:.3%}".replace("%", " %")
    if got > AS_ASKED * asked:
        reason = max(shares, key=lambda name: shares[name])
        return f"{said}: limited by {reason}, for which {shares[reason]:.3%} was missed.".replace(
            "% was", " % was"
        )
    if got * AS_ASKED < asked:
        mean = float(run.burst_units[run.demand.history_minutes :].mean())
        each = run.world.units_per_instance / mean if mean else 0.0
        return f"{said}: limited by the step, an instance is {each:.0%} of the mean burst.".replace(
            "% of the mean", " % of the mean"
        )
    return f"{said}."
