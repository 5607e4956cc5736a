"""What pools did in the hours of a day, as their instances and the ticks have reported it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from peakfleet_handlers.aws import Calls, read_series
from peakfleet_planner import Metric, PoolSpec
from peakfleet_planner.efficiency import Hour, measured_hours

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

HOUR_SECONDS, DAY_SECONDS = 3600, 24 * 3600
NEURON_NAMESPACE, GROUP_NAMESPACE = "PeakFleet/Neuron", "AWS/AutoScaling"
_USEFUL, _SERVING, _BUSY = "UsefulUnits", "GroupInServiceInstances", "BusyShare"
_CORES = "NeuronCoreUtilization"
"""In percent; what watches the chips of an inference fleet publishes it."""
_STATISTICS: Final = {_USEFUL: "Sum", _SERVING: "Average", _BUSY: "Average", _CORES: "Average"}


def read_pool_hours(
    pools: Sequence[PoolSpec],
    *,
    fleet: str,
    namespace: str,
    end_epoch_seconds: int,
    cloudwatch: CloudWatchClient,
    calls: Calls,
) -> dict[str, tuple[Hour, ...]]:
    """Return the hours of each pool in the day that ends; a pool that cannot be read is left out.

    Where instances do not say how busy they are, the utilisation of their NeuronCores counts.

    Args:
        pools: The pools; a group publishes by itself how many of its instances serve.
        fleet: Whose.
        namespace: Where instances publish `UsefulUnits` and `BusyShare`.
        end_epoch_seconds: End of the day.
        cloudwatch: Client to read with.
        calls: Where failures are noted.
    """
    if not pools:
        return {}
    own = {_SERVING: GROUP_NAMESPACE, _CORES: f"{NEURON_NAMESPACE}/{fleet}"}
    series = read_series(
        {
            _query_id(name, place): Metric(
                namespace=own.get(name, namespace),
                metric_name=name,
                dimensions={"AutoScalingGroupName": pool.group}
                if name == _SERVING
                else {"Fleet": fleet, "Pool": pool.name},
                statistic=statistic,
                period_seconds=HOUR_SECONDS,
            )
            for place, pool in enumerate(pools)
            for name, statistic in _STATISTICS.items()
        },
        now_epoch_seconds=end_epoch_seconds,
        history_seconds=DAY_SECONDS,
        cloudwatch=cloudwatch,
        calls=calls,
        newest_seconds=0,
    )
    found = {}
    for place, pool in enumerate(pools):
        read = {name: series[_query_id(name, place)] for name in _STATISTICS}
        if all(one.readable for one in read.values()):
            of_cores = {start: percent / 100 for start, percent in read[_CORES].points}
            found[pool.name] = measured_hours(
                useful_units=dict(read[_USEFUL].points),
                in_service_capacity=dict(read[_SERVING].points),
                busy_share={**of_cores, **dict(read[_BUSY].points)},
            )
    return found


def _query_id(name: str, place: int) -> str:
    return f"{name.lower()}_{place}"
