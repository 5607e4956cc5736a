"""Layers of capacity, one instance each: which are worth starting, which are worth keeping.

Layer k serves the burst between k and k + 1 instances. Whether to start it, or to keep it, is
looked up by where its threshold lies among the levels that demand may reach, and by how long
ago demand last needed it. The tables say what starting or keeping gained on average, in
instance-minutes; below zero is a gain. They begin as a closed form and are then learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Final, NamedTuple

Table = Sequence[Sequence[float]]
Ages = Sequence[tuple[int, int]]

QUANTILES: Final = (0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.87, 0.92, 0.96, 0.985)
"""The quantiles of demand that are the levels."""
AGE_MINUTES: Final = (1, 2, 3, 5, 8, 15, 30, 60)
"""Where one age ends and the next begins."""
AGES: Final = len(AGE_MINUTES) + 1
OLDEST: Final = AGES - 1
POSITIONS: Final = len(QUANTILES) + 2

_JUST_NEEDED: Final = 1.5
"""Starting what was needed a minute ago is worth this much more."""
_SURE: Final = 0.02
"""Down to this chance; what is less likely still is not."""
SLIVER: Final = 1e-6
"""Levels that lie no further apart than a thousandth of this are one."""


def first_tables(
    *, boot_minutes: int, launch_cost: float, metric_delay_minutes: int, unserved_cost: float
) -> tuple[tuple[tuple[float, ...], ...], tuple[tuple[float, ...], ...]]:
    """Return the tables for starting and for keeping, before anything is learned.

    Starting costs the boot and gains what would be missed, down to the whole boot; what was
    needed a minute ago is worth a little more. Keeping costs its minute and gains what would
    be missed until it could be back.

    Args:
        boot_minutes: From the launch to serving.
        launch_cost: What a launch costs before it serves, in instance-minutes.
        metric_delay_minutes: How late demand is seen.
        unserved_cost: What a missed unit-minute is worth.
    """
    lead = metric_delay_minutes + boot_minutes + 1
    boot = launch_cost + 0.5
    chances = [1 - quantile for quantile in (0.005, *QUANTILES, 0.995)]
    start = [[max(-boot, boot * (1 - chance * unserved_cost / 2.5))] * AGES for chance in chances]
    for row, chance in zip(start, chances, strict=True):
        row[0] -= _JUST_NEEDED * (chance > _SURE)
    # What hardly ever happens says nothing yet; only what demand just needed is sure.
    start[-1][0] = start[-2][0] = -boot
    start[-3][0] = 0.0
    fresh = (4.0, 1.4, 0.4) + (0.0,) * (AGES - 3)
    keep = [
        [
            1
            - 0.27 * unserved_cost * lead * chance**1.25
            - bump * unserved_cost / 10 * min(1.0, 10 * chance)
            for bump in fresh
        ]
        for chance in chances
    ]
    return tuple(map(tuple, start)), tuple(map(tuple, keep))


def ages(recent_bursts: Sequence[float]) -> Ages:
    """Return pairs: layers below the first number were needed as recently as the second says.

    Args:
        recent_bursts: Burst of the last hour in instances, the newest last.

    >>> ages([3.0, 9.0, 2.0, 5.2])
    [(5, 0), (9, 2)]
    """
    pairs: list[tuple[int, int]] = []
    highest, age = -1.0, 0
    for minutes, burst in enumerate(reversed(recent_bursts)):
        while age < OLDEST and minutes >= AGE_MINUTES[age]:
            age += 1
        if burst > highest:
            highest = burst
            pairs.append((ceil(burst - 0.5), age))
    return pairs


def best(levels: Sequence[float], layer_ages: Ages, table: Table, most: int) -> int:
    """Return how many layers, from the lowest on, gain the most together.

    A layer below all levels, or above them, still has a position between the outermost ones:
    by how far it lies outside, against how far the middle level is.
    """
    count, rows = len(levels), len(layer_ages)
    lowest, middle, highest = levels[0], levels[count // 2], levels[-1]
    surely_below = lowest - (middle - lowest + SLIVER)
    surely_above = highest + (highest - middle + SLIVER)
    total = least = 0.0
    layer = chosen = row = above = 0
    while layer < most:
        while row < rows and layer_ages[row][0] <= layer:
            row += 1
        age, older = (layer_ages[row][1], layer_ages[row][0]) if row < rows else (OLDEST, most)
        threshold, end = layer + 0.5, layer + 1
        if threshold <= surely_below:  # many layers at once: they are all alike
            end = max(end, min(older, most, int(surely_below + 0.5)))
            total += (end - layer) * table[0][age]
        elif threshold >= surely_above:
            end = min(older, most)
            total += (end - layer) * table[-1][age]
        else:
            while above < count and levels[above] <= threshold:
                above += 1
            if not above:
                share = 1 - (lowest - threshold) / (middle - lowest + SLIVER)
            elif above == count:
                share = (threshold - highest) / (highest - middle + SLIVER)
            else:
                below = levels[above - 1]
                gap = levels[above] - below
                share = (threshold - below) / gap if gap > SLIVER / 1000 else 0.5
            total += (1 - share) * table[above][age] + share * table[above + 1][age]
        layer = end
        if total < least:
            least, chosen = total, layer
    return chosen


class Aims(NamedTuple):
    """How many layers should run.

    Args:
        grow: As many, if what is missing boots.
        start: As many, if what is missing waits. Without a warm pool the same.
        keep: What runs above this is let go.
    """

    grow: int
    start: int
    keep: int


class Tables(NamedTuple):
    """What layers gain on average.

    Args:
        start: By being started, if they boot.
        keep: By being kept.
        warm_start: By being started, if they wait; None if nothing does.
    """

    start: Table
    keep: Table
    warm_start: Table | None = None


def aims(
    levels: Sequence[Sequence[float]],
    layer_ages: Ages,
    tables: Tables,
    most: int,
    *,
    reuse: bool = False,
) -> Aims:
    """Return how many layers should run.

    Args:
        levels: Burst at each quantile: that may be there once what boots would serve, that may
            come before what is let go could be back, and, where some waits, that may be there
            once what waits would serve.
        layer_ages: When layers were last needed, see `ages`.
        tables: What layers gain.
        most: The most layers that may be asked for.
        reuse: Whether what is let go waits: then it goes although as much would boot. Default:
            false.
    """
    grow = start = best(levels[0], layer_ages, tables.start, most)
    if tables.warm_start is not None:
        start = best(levels[2], layer_ages, tables.warm_start, most)
    keep = best(levels[1], layer_ages, tables.keep, most)
    return Aims(grow, start, max(start if reuse else grow, keep))
