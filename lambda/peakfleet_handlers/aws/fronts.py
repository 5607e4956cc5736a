"""Traffic: what splits it between the sites of a baseline and a fleet, read and set.

It belongs to whoever deploys it. A tick reads it, changes the weights of the fleet's own sides and
gives back everything else as it was. What it reads, and not what it remembers, says whether
anything has to change, so that what a deployment has set back is mended by the next tick.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from peakfleet_handlers.aws.calls import Calls
from peakfleet_handlers.aws.clients import Clients
from peakfleet_handlers.aws.listeners import Listener, healthy_targets, read_listener
from peakfleet_handlers.aws.records import Records, read_records
from peakfleet_planner import PoolReading, TrafficReading, TrafficSpec, WeightedRecordsSpec

Front = Listener | Records
"""What stands before a fleet and splits its traffic."""


def read_front(
    spec: TrafficSpec | WeightedRecordsSpec, *, clients: Clients, calls: Calls
) -> Front | None:
    """Return what splits the traffic as it is; None if that cannot be read."""
    if isinstance(spec, TrafficSpec):
        return read_listener(spec, elbv2=clients.elbv2, calls=calls)
    return read_records(spec, route53=clients.route53, calls=calls)


def read_traffic(
    front: Front | None, pools: Sequence[PoolReading], *, clients: Clients, calls: Calls
) -> TrafficReading:
    """Return how traffic is split, and which side has healthy targets.

    Of records Route 53 knows which site is healthy, and takes it out of its answers by itself; the
    fleet is what is in service.
    """
    if front is None:
        return TrafficReading()
    split = front.split
    sites: Mapping[str, int | None]
    if isinstance(front, Listener):
        spec = front.spec
        sites = {
            name: healthy_targets(arn, elbv2=clients.elbv2, calls=calls)
            for name, arn in spec.sides.items()
        }
        cloud = healthy_targets(spec.cloud_target_group_arn, elbv2=clients.elbv2, calls=calls)
    else:
        sites = dict.fromkeys(front.spec.sides, 1)
        cloud = sum(pool.in_service_capacity for pool in pools)
    return TrafficReading(
        cloud_weight=None if split is None else split.cloud,
        site_weights={} if split is None else split.sites,
        cloud_healthy=cloud,
        sites_healthy=sites,
    )
