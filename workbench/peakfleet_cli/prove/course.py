"""The checks of a proof, in the order in which they can be made."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Final

from botocore.exceptions import ClientError

from peakfleet_cli.prove.facts import Fact, confirmed, not_reached, refuted
from peakfleet_cli.prove.names import DIRECT, KEPT, MOST_INSTANCES, SPOT
from peakfleet_cli.prove.site import Site

MINUTE: Final = 60.0
_FIRST_TICK, _SERVED, _GONE, _RINGS = 5 * MINUTE, 8 * MINUTE, 20 * MINUTE, 6 * MINUTE
_VISIBLE: Final = 3 * MINUTE
_SAMPLES: Final = 10


def course(site: Site) -> Iterator[Fact]:
    """Yield what each check finds; the deployment and the removal are somebody else's.

    Args:
        site: What is deployed. Demand is zero at the start.

    Raises:
        CommandError: What was spent reaches the limit.
    """
    yield _ticks(site)
    yield _metric_delay(site)
    yield _newest_minute(site)
    yield from _launches(site)
    yield _launch_errors(site)
    served = site.ids(site.serving(KEPT))
    yield _drains(site)
    yield _warm_pool(site, served)
    yield _permissions(site)
    yield _alarm(site)


def _ticks(site: Site) -> Fact:
    took = site.wait_until(lambda: site.last_tick() is not None, within=_FIRST_TICK)
    if took is None:
        return refuted("ticks", f"no tick within {_FIRST_TICK / MINUTE:g} minutes")
    first = site.last_tick()
    again = site.wait_until(lambda: site.last_tick() != first, within=3 * MINUTE)
    if again is None:
        return refuted("ticks", "one tick, and no other within 3 minutes")
    return confirmed("ticks", f"the first after {took:.0f} s", seconds=took)


def _metric_delay(site: Site) -> Fact:
    published = site.clock.now()
    minute = published - published % MINUTE
    site.publish("Probe", 1.0)
    took = site.wait_until(
        lambda: site.read("Probe", statistic="Maximum", minute=minute) is not None, within=_VISIBLE
    )
    if took is None:
        return refuted("metric-delay", f"not to be read after {_VISIBLE:g} s")
    fact = confirmed if took <= 2 * MINUTE else refuted
    return fact("metric-delay", f"to be read after at most {took:.0f} s", seconds=took)


def _newest_minute(site: Site) -> Fact:
    site.wait(MINUTE - site.clock.now() % MINUTE)
    minute = site.clock.now()
    for _ in range(_SAMPLES):
        site.publish("Sampled", 1.0)
        site.wait(MINUTE / _SAMPLES / 2)
    site.wait(max(0.0, minute + MINUTE - site.clock.now()))
    at_its_end = site.read("Sampled", statistic="SampleCount", minute=minute) or 0.0
    site.wait(MINUTE)
    later = site.read("Sampled", statistic="SampleCount", minute=minute) or 0.0
    found = (
        f"{at_its_end / _SAMPLES:.0%} complete at its end, {later / _SAMPLES:.0%} a minute later"
    )
    return (confirmed if later == _SAMPLES else refuted)("newest-minute", found)


def _launches(site: Site) -> Iterator[Fact]:
    site.demand_units = MOST_INSTANCES + 1  # one of them is the baseline's
    began = site.clock.now()
    least = MOST_INSTANCES - 1  # Spot may have none
    took = site.wait_until(lambda: len(site.serving()) >= least, within=_SERVED)
    serving = site.serving()
    if took is None:
        few = f"{len(serving)} of {least} serve after {_SERVED / MINUTE:g} minutes"
        yield refuted("launches", f"{few}: {_states(site)}; {site.explained()}")
    else:
        boots = median(_boot_seconds(site, began) or [took])
        yield confirmed(
            "launches",
            f"{len(serving)} serve {took:.0f} s after the demand; a boot takes {boots:.0f} s",
            seconds=took,
        )
    spot = site.ids(site.serving(SPOT))
    if not spot:
        yield not_reached("spot", "AWS had no Spot capacity of these types")
    else:
        kinds = _lifecycles(site, spot)
        yield (confirmed if kinds == {"spot"} else refuted)("spot", f"bought as {', '.join(kinds)}")
    counts = {
        pool: (site.group(pool)["DesiredCapacity"], len(site.group(pool)["Instances"]))
        for pool in (DIRECT, KEPT)
    }
    agree = all(desired == running for desired, running in counts.values())
    found = ", ".join(
        f"{pool} {desired} for {running}" for pool, (desired, running) in counts.items()
    )
    yield (confirmed if agree else refuted)("counts", found)


def _launch_errors(site: Site) -> Fact:
    group, scaling = site.group(DIRECT), site.client("autoscaling")
    if not hasattr(scaling, "launch_instances"):
        return not_reached("launch-errors", "this machine's boto3 is older than LaunchInstances")
    try:
        scaling.launch_instances(
            AutoScalingGroupName=group["AutoScalingGroupName"],
            RequestedCapacity=1,
            ClientToken=f"{site.stack}-foreign-zone",
            AvailabilityZones=[f"{site.account.place}z"],
        )
    except ClientError as error:
        code = error.response["Error"]["Code"]
        fact = confirmed if code == "ValidationError" else refuted
        return fact("launch-errors", f"refused with {code}")
    return refuted("launch-errors", "a zone that the group does not have was accepted")


def _drains(site: Site) -> Fact:
    before = site.ids(site.serving(SPOT, DIRECT))
    if not before:
        return not_reached("drains", "nothing served that could be let go")
    site.demand_units = 0.0
    hooked = site.wait_until(
        lambda: (
            any(one.state.startswith("Terminating:Wait") for one in site.instances())
            or not before & site.ids(site.instances())
        ),
        within=_GONE,
    )
    took = site.wait_until(lambda: not before & site.ids(site.instances()), within=_GONE)
    if hooked is None or took is None:
        still = f"still there after {_GONE / MINUTE:g} minutes: {_states(site)}"
        return refuted("drains", f"{still}; {site.explained()}")
    return confirmed(
        "drains", f"gone {hooked + took:.0f} s after the demand", seconds=hooked + took
    )


def _warm_pool(site: Site, served: frozenset[str]) -> Fact:
    if not served:
        return not_reached("warm-pool", "nothing served in that pool")
    took = site.wait_until(
        lambda: any(
            one.state == "Warmed:Stopped" and one.instance_id in served for one in site.instances()
        ),
        within=_GONE,
    )
    if took is None:
        return refuted("warm-pool", f"nothing stopped to wait: {_states(site)}; {site.explained()}")
    site.demand_units = MOST_INSTANCES + 1
    again = site.wait_until(lambda: bool(served & site.ids(site.serving(KEPT))), within=_SERVED)
    if again is None:
        return refuted("warm-pool", f"what waited did not serve again: {_states(site)}")
    return confirmed("warm-pool", f"serves again {again:.0f} s after the demand", seconds=again)


def _permissions(site: Site) -> Fact:
    hour = 3600
    since = site.clock.now() - site.clock.now() % hour
    spans = [since - hour, since]
    metric = {
        "Namespace": "PeakFleet",
        "MetricName": "FailedCalls",
        "Dimensions": [{"Name": "Fleet", "Value": site.fleet.name}],
    }
    failed = sum(site.statistic(metric, "Sum", since=start, seconds=hour) or 0.0 for start in spans)
    if failed:
        return refuted("permissions", f"{failed:g} calls were refused; the scaler's log names them")
    return confirmed("permissions", "no call was refused")


def _alarm(site: Site) -> Fact:
    site.demand_units = 0.0
    scheduler = site.client("scheduler")
    schedule = next(
        found
        for page in scheduler.get_paginator("list_schedules").paginate()
        for one in page["Schedules"]
        if f'"{site.fleet.name}"'
        in (found := scheduler.get_schedule(Name=one["Name"], GroupName=one["GroupName"]))[
            "Target"
        ]["Input"]
    )
    kept = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    scheduler.update_schedule(**{name: schedule[name] for name in kept}, State="DISABLED")
    took = site.wait_until(lambda: bool(site.alarms()), within=_RINGS)
    ringing = ", ".join(sorted(site.alarms()))
    scheduler.update_schedule(**{name: schedule[name] for name in kept}, State="ENABLED")
    if took is None:
        return refuted("alarm", f"silent for {_RINGS / MINUTE:g} minutes without a tick")
    return confirmed("alarm", f"rings for {ringing} after {took:.0f} s", seconds=took)


def _states(site: Site) -> str:
    return ", ".join(f"{one.pool} {one.state}" for one in site.instances()) or "no instance"


def _boot_seconds(site: Site, began: float) -> list[float]:
    """Return how long boots took: from the launch to the end of its scaling activity."""
    scaling, found = site.client("autoscaling"), []
    for pool in site.spec.pools:
        for activity in scaling.describe_scaling_activities(AutoScalingGroupName=pool.group)[
            "Activities"
        ]:
            started, ended = activity["StartTime"].timestamp(), activity.get("EndTime")
            if ended and started >= began and activity["StatusCode"] == "Successful":
                found.append(ended.timestamp() - started)
    return found


def _lifecycles(site: Site, ids: frozenset[str]) -> set[str]:
    answer = site.client("ec2").describe_instances(InstanceIds=sorted(ids))
    return {
        one.get("InstanceLifecycle", "on-demand")
        for reservation in answer["Reservations"]
        for one in reservation["Instances"]
    }
