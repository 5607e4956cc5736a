"""Answers of another shape than AWS's models say: a read is worth less, and the tick goes on."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from peakfleet_planner import PoolSpec, SpendLimitSpec, WarmSpec
from tests.handlers.fake_aws import FakeAws, FakeGroup, instance
from tests.handlers.scenes import BALANCED_FLEET, NOW, aws, remembers, tick

READS = (
    "get_metric_data",
    "describe_auto_scaling_groups",
    "describe_warm_pool",
    "describe_scaling_activities",
    "describe_spot_price_history",
    "describe_listeners",
    "query",
    "launch_instances",
    "transact_write_items",
    "batch_write_item",
)
JUNK = st.sampled_from(
    [
        None,
        "",
        "word",
        -1,
        7,
        1e400,
        [],
        ["a"],
        {},
        {"S": 3},
        {"N": "x"},
        datetime(2027, 1, 1, tzinfo=UTC),
    ]
)
WARM: PoolSpec = replace(
    BALANCED_FLEET.pools[0],
    warm=WarmSpec(min_capacity=1, max_capacity=4),
)
DIRECT: PoolSpec = replace(BALANCED_FLEET.pools[1], launch="direct", instance_types=("c7i.large",))
SPOT: PoolSpec = replace(
    DIRECT,
    name="Spot",
    group="s",
    purchase="spot",
    usd_per_capacity_hour=0.1,
    most_usd_per_capacity_hour=0.3,
)
SPEC = replace(
    BALANCED_FLEET,
    pools=(*(replace(pool, usd_per_capacity_hour=0.3) for pool in (WARM, DIRECT)), SPOT),
    spend_limits=(SpendLimitSpec(usd_per_hour=5, usd_per_month=900),),
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401  any answer
    """Yield where everything in an answer stands."""
    yield path
    inner = dict(enumerate(value)) if isinstance(value, list) else value
    for key, one in inner.items() if isinstance(inner, dict) else ():
        yield from paths(one, (*path, key))


def spoiled(answer: Any, path: tuple[Any, ...], junk: Any, *, removed: bool) -> Any:  # noqa: ANN401  as above
    if not path:
        return junk
    answer = copy.deepcopy(answer)
    holder = answer
    for key in path[:-1]:
        holder = holder[key]
    if removed and isinstance(holder, dict):
        del holder[path[-1]]
    else:
        holder[path[-1]] = junk
    return answer


def world() -> FakeAws:
    fake = remembers(aws(280, graviton=3))
    fake.groups["s"] = FakeGroup(zones=("z1",))
    fake.spot = {("c7i.large", "z1"): 0.2}
    group = fake.groups["g"]
    group.warm, group.prepared, group.zones, group.waiting = 1, 4, ("z1", "z2"), 1
    group.instances = [instance(InstanceId=f"i-{n}", AvailabilityZone="z1") for n in range(2)]
    fake.groups["x"].zones = ("z1",)
    group.suspended = {"AZRebalance"}
    group.activities = [
        {
            "ActivityId": "a",
            "Description": "Launching a new EC2 instance",
            "StatusCode": "Failed",
            "StatusMessage": "We currently do not have sufficient capacity (us-east-1a)",
            "StartTime": datetime.fromtimestamp(NOW - 60, UTC),
            "EndTime": datetime.fromtimestamp(NOW - 50, UTC),
        }
    ]
    fake.table["Media/Live", "TICK"] = {
        "fleet": {"S": "Media/Live"},
        "item": {"S": "TICK"},
        "tick": {"N": str(NOW - 60)},
    }
    return fake


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(operation=st.sampled_from(READS), data=st.data(), junk=JUNK, removed=st.booleans())
def test_whatever_shape_an_answer_has_a_tick_ends_and_says_what_it_did(
    operation: str,
    data: st.DataObject,
    junk: Any,  # noqa: ANN401  any value
    removed: bool,  # noqa: FBT001  drawn
) -> None:
    fake = world()
    whole: Callable[..., Any] = getattr(fake, operation)

    def odd(**asked: Any) -> Any:  # noqa: ANN401  AWS's own shape
        answer = whole(**asked)
        path = data.draw(st.sampled_from(list(paths(answer))))
        return spoiled(answer, path, junk, removed=removed)

    setattr(fake, operation, odd)
    said = tick(fake, SPEC)
    assert {"reason", "applied"} <= set(said)
