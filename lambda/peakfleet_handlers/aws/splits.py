"""Weights as AWS has them, and the split that they amount to."""

from __future__ import annotations

from collections.abc import Mapping

from peakfleet_planner import TrafficSpec, WeightedRecordsSpec
from peakfleet_planner.pool_plan import MOST_WEIGHT, Split, apportioned

Sides = TrafficSpec | WeightedRecordsSpec


def split_of(spec: Sides, cloud: str, weights: Mapping[str, int]) -> Split | None:
    """Return the split that weights amount to; None if no side gets anything.

    Args:
        spec: What is split.
        cloud: What names the fleet's side among the weights.
        weights: Those that were read; whoever is not of this fleet does not count.
    """
    *sites, own = apportioned(
        MOST_WEIGHT, [weights.get(side, 0) for side in (*spec.sides.values(), cloud)]
    )
    if own + sum(sites) == 0:
        return None
    return Split(cloud=own, sites=dict(zip(spec.sides, sites, strict=True)))


def weights_of(spec: Sides, cloud: str, split: Split) -> dict[str, int]:
    """Return a split in the weights of AWS, by what names each side there."""
    parts = [*(split.sites.get(name, 0) for name in spec.sides), split.cloud]
    shares = apportioned(spec.most_weight, parts)
    return dict(zip((*spec.sides.values(), cloud), shares, strict=True))
