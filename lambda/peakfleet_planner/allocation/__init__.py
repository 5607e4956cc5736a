"""Steps 4 and 5 of a decision: which pools grow and which shrink.

In: what the pools should supply (`Need`) and how each is (`PoolHealth`). Out: a `Sizing`, the size
of each pool and the reasons. Read `sizing` first; it asks `fill` (growth, in order), `scale_in`
(the cheapest part that still supplies enough), `rebalance` (cheaper points for dearer ones, by
what scale-in would answer), `price` and `spend` (what growth may cost).
"""

from peakfleet_planner.allocation.sizing import size
from peakfleet_planner.allocation.spend import (
    frozen_spend,
    spend_claims,
    spent_after,
)
