"""How many layers of capacity should run: two quantiles of demand, by what missed work costs.

A layer is one instance. What is missing is started while it will be needed with a chance of more
than 2 / `unserved_cost`, the newsvendor's critical fractile, which the reactive rule has too; what
runs is kept while it may be needed again, before it could be back, with a chance of more than
1.2 / `unserved_cost`: keeping costs a minute where starting costs a boot, and a fall is believed a
minute late anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor
from typing import Final, NamedTuple

_GROW_CHANCE: Final = 2.0
_KEEP_CHANCE: Final = 1.2
_LEAST_GROW, _LEAST_KEEP, _MOST = 0.3, 0.6, 0.999
_MEDIAN: Final = 0.5
_DEAR: Final = 0.95

SEEN_MINUTES: Final = 3
"""Now, and the two minutes before: what was seen then is not asked for less."""


def grow_quantile(unserved_cost: float) -> float:
    """Return the quantile of demand to grow to.

    >>> grow_quantile(10), grow_quantile(100)
    (0.8, 0.98)
    """
    return min(_MOST, max(_LEAST_GROW, 1 - _GROW_CHANCE / unserved_cost))


def keep_quantile(unserved_cost: float) -> float:
    """Return the quantile of demand to keep.

    >>> keep_quantile(10)
    0.88
    """
    return min(_MOST, max(_LEAST_KEEP, 1 - _KEEP_CHANCE / unserved_cost))


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


def most_layers(highest_burst: float, bound: int) -> int:
    """Return the most layers to ask for: one more than were ever needed, at most *bound*."""
    return max(0, min(bound, ceil(min(highest_burst, bound)) + 1))


def aims(
    levels: Sequence[float],
    seen: Sequence[float],
    *,
    quantile: float,
    most: int,
    reuse: bool = False,
) -> Aims:
    """Return how many layers should run.

    Demand may rise more steeply than any forecast. Whatever that says, what was needed both now
    and two minutes before is grown to, unless missed work is so cheap that less than the median
    is aimed at; where it is dear, an `unserved_cost` of 40 or more, what was needed in any minute
    since. That is kept in any case.

    Args:
        levels: Burst at the quantiles: that may be there once what boots would serve, that may
            come before what is let go could be back, and, where some waits, that may be there
            once what waits would serve.
        seen: Burst of the newest `SEEN_MINUTES`, oldest first; fewer at the very beginning.
        quantile: The one that is grown to.
        most: The most layers that may be asked for.
        reuse: Whether what is let go waits: then it goes although as much would boot. Default:
            false.

    >>> aims([4.4, 6.0], [3.0, 9.0, 5.2], quantile=0.8, most=100)
    Aims(grow=4, start=4, keep=9)
    """
    here = max(seen) if quantile >= _DEAR else min(seen[0], seen[-1])
    if quantile < _MEDIAN:
        here = 0.0
    grow = start = _layers(max(levels[0], here), most)
    if len(levels) > 2:  # noqa: PLR2004  what waits has a third
        start = _layers(max(levels[2], here), most)
    keep = _layers(max(levels[1], *seen), most)
    return Aims(grow, start, max(start if reuse else grow, keep))


def _layers(burst: float, most: int) -> int:
    """Return the layers of which at least half would be used."""
    return min(most, max(0, floor(burst + 0.5)))
