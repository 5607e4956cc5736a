"""How traffic is split between the sites of the baseline and the fleet."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

from peakfleet_planner.snapshot import Heights, Snapshot, TrafficReading
from peakfleet_planner.spec import FleetSpec

MOST_WEIGHT: Final = 999
"""What an Elastic Load Balancing target group can weigh at most: all traffic."""
MOST_STEP: Final = 333
"""Most that one tick moves between sides that serve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Shares of all traffic; together they are 999.

    Args:
        cloud: That of the fleet.
        sites: That of each site of the baseline, by its name; one that is one has none.
    """

    cloud: int
    sites: Mapping[str, int]


def cloud_weight(burst_units: float, baseline_units: float, serving_units: float) -> int:
    """Return the share of the traffic, of 999, that should go to the fleet.

    The baseline is filled first: the fleet gets what is above it, and no more than its share
    of what both sides can serve.

    >>> cloud_weight(burst_units=100, baseline_units=400, serving_units=200)
    200
    >>> cloud_weight(burst_units=0, baseline_units=400, serving_units=200)
    0
    """
    served_by_cloud = min(burst_units, serving_units)
    if served_by_cloud <= 0:
        return 0
    return round(MOST_WEIGHT * served_by_cloud / (baseline_units + served_by_cloud))


def wanted_split(cloud: int, site_units: Mapping[str, float]) -> Split:
    """Return the split in which each site gets what the fleet does not, by what it can serve.

    >>> wanted_split(333, {"fra": 400, "ams": 200}).sites
    {'fra': 444, 'ams': 222}
    """
    shares = apportioned(MOST_WEIGHT - cloud, _any_of(site_units.values()))
    return Split(cloud=cloud, sites=dict(zip(site_units, shares, strict=True)))


def next_split(wanted: Split, read: TrafficReading | None, *, told: int | None = None) -> Split:
    """Return the split to set in this tick on the way to *wanted*.

    A load balancer does not move traffic away from a side whose targets are all unhealthy, so
    that is done here, at once, as far as another side is known to serve. Between sides that serve
    it moves in bounded steps; while it is not known of each whether it serves, nothing else moves.

    Args:
        wanted: See `wanted_split`.
        read: What was read of the split and its targets. None: nothing is known of them.
        told: The fleet's share as it last was by a tick. A deployment that has set it back since
            is mended at once; steps go on from there. Default: it is not known.
    """
    if read is None or read.cloud_weight is None:
        return wanted
    names = tuple(wanted.sites)
    now = [*(read.site_weights.get(name, 0) for name in names), read.cloud_weight]
    healthy = [*(read.sites_healthy.get(name) for name in names), read.cloud_healthy]
    if any(healthy):
        target = _of_serving([*wanted.sites.values(), wanted.cloud], now, healthy)
        now = _without_dead(now, target, healthy)
        if all(healthy) and told is not None and told != now[-1]:
            now = [*apportioned(MOST_WEIGHT - told, _any_of(wanted.sites.values())), told]
        if None not in healthy:
            now = _stepped(now, target)
    return Split(cloud=now[-1], sites=dict(zip(names, now[:-1], strict=True)))


def may_be_without_instances(spec: FleetSpec, snapshot: Snapshot) -> bool:
    """Return whether the last instance may leave: it has got no traffic for long enough."""
    if snapshot.traffic is None or spec.split is None:
        return True
    since = snapshot.recalled.weightless_since
    return (
        snapshot.traffic.cloud_weight == 0
        and since is not None
        and snapshot.now_epoch_seconds - since >= spec.split.lead_seconds
    )


def late_weights(spec: FleetSpec, snapshot: Snapshot) -> Heights:
    """Return the fleet's shares of the traffic that may still act, until when they were read.

    Of a listener there are none but the present one. Whoever has resolved a name keeps to the
    answer for its time to live.
    """
    acts_after = spec.split.acts_after_seconds if spec.split else 0
    if not acts_after or snapshot.traffic is None:
        return ()
    now, weight = snapshot.now_epoch_seconds, snapshot.traffic.cloud_weight
    known = [one for one in snapshot.recalled.weights if now - one[0] <= acts_after]
    if weight is None:
        return tuple(known)
    return (*((until, more) for until, more in known if more > weight), (now, weight))


def weighted_units(spec: FleetSpec, snapshot: Snapshot, demand_units: float) -> float:
    """Return the demand that still comes to the fleet by weights that are lowered already."""
    weights = late_weights(spec, snapshot)
    return demand_units * max((weight for _, weight in weights), default=0) / MOST_WEIGHT


def apportioned(total: int, parts: Sequence[float]) -> list[int]:
    """Return whole numbers that add up to *total*, in proportion (largest remainder).

    >>> apportioned(999, [1, 1, 1, 1])
    [250, 250, 250, 249]
    """
    together = sum(parts)
    if not 0 < together < inf:
        return [0] * len(parts)
    exact = [total * part / together for part in parts]
    whole = [int(one) for one in exact]
    by_rest = sorted(range(len(parts)), key=lambda index: whole[index] - exact[index])
    for index in by_rest[: total - sum(whole)]:
        whole[index] += 1
    return whole


def _any_of(parts: Collection[float]) -> list[float]:
    """Return these parts; equal ones if all of them are nothing."""
    return list(parts) if any(parts) else [1.0] * len(parts)


def _of_serving(
    wanted: Sequence[int], now: Sequence[int], healthy: Sequence[int | None]
) -> list[int]:
    """Return the split without what does not serve; what is not known keeps what it has."""
    kept = [weight if seen is None else 0 for weight, seen in zip(now, healthy, strict=True)]
    parts = [weight if seen else 0 for weight, seen in zip(wanted, healthy, strict=True)]
    if not any(parts):
        parts = [int(bool(seen)) for seen in healthy]
    shares = apportioned(MOST_WEIGHT - sum(kept), parts)
    return [one + share for one, share in zip(kept, shares, strict=True)]


def _without_dead(
    now: Sequence[int], target: Sequence[int], healthy: Sequence[int | None]
) -> list[int]:
    """Return *now* with what dead sides had given to those that lack most of their target."""
    freed = sum(weight for weight, seen in zip(now, healthy, strict=True) if seen == 0)
    left = [0 if seen == 0 else weight for weight, seen in zip(now, healthy, strict=True)]
    lack = [
        max(0, aim - weight) if seen else 0
        for aim, weight, seen in zip(target, left, healthy, strict=True)
    ]
    return [one + more for one, more in zip(left, apportioned(freed, lack), strict=True)]


def _stepped(now: Sequence[int], target: Sequence[int]) -> list[int]:
    """Return *now*, moved towards *target* by one bounded step."""
    more = [max(0, aim - weight) for aim, weight in zip(target, now, strict=True)]
    less = [max(0, weight - aim) for aim, weight in zip(target, now, strict=True)]
    step = min(MOST_STEP, sum(more))
    gained, lost = apportioned(step, more), apportioned(step, less)
    return [one + plus - minus for one, plus, minus in zip(now, gained, lost, strict=True)]
