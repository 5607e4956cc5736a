"""What runs: every fleet at a glance, from its schedule, its table, its groups and its metrics."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from peakfleet_cli.account import Account
from peakfleet_cli.errors import CommandError
from peakfleet_cli.operate.directory import DeployedFleet
from peakfleet_cli.operate.obstacles import Obstacle, obstacle_table
from peakfleet_cli.operate.records import FleetRecords
from peakfleet_cli.times import in_words
from peakfleet_planner import Hold, Plan, SpecError
from peakfleet_table import HOLD_TAG, read_hold_tag

_FIGURES: Final = {
    "demand_units": ("DemandUnits", "Maximum"),
    "baseline_units": ("BaselineUnits", "Minimum"),
    "unserved_units": ("UnservedUnits", "Maximum"),
}
_LOOK_BACK: Final = timedelta(minutes=10)
_FLEETS: Final = 150  # in a call, which takes 500 queries
_GROUPS: Final = 100  # names in a call
LATE_SECONDS: Final = 180
"""A fleet that has not decided for so long is not looked after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolStatus:
    """One pool.

    Args:
        name: The pool.
        desired: Instances that its group is asked for; None if the group cannot be read.
        in_service: Instances that serve.
        most: Most instances.
        waiting: Instances in its warm pool.
        retired: Whether it gets no new instances and drains.
        usd_per_hour: What one instance costs by the hour, as the fleet was deployed.
    """

    name: str
    desired: int | None
    in_service: int
    most: int
    waiting: int = 0
    retired: bool = False
    usd_per_hour: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetStatus:
    """One fleet.

    Args:
        fleet: Its name.
        pools: Its pools.
        demand_units: Demand in the newest minute that is known.
        baseline_units: What its own side carried then.
        unserved_units: What nothing served then.
        reason: Why it has the size it has.
        explained: The same with its inputs, in words.
        size_since: Since when it has that size.
        last_tick: When it decided last.
        hold: Who keeps it as it is.
        usd_per_hour: What it spends by the hour now; None if a price is unknown.
        obstacles: What keeps pools from being used as they could be.
        trouble: What is wrong with reading it, or with its schedule.
    """

    fleet: str
    pools: tuple[PoolStatus, ...] = ()
    demand_units: float | None = None
    baseline_units: float | None = None
    unserved_units: float | None = None
    reason: str | None = None
    explained: str | None = None
    size_since: datetime | None = None
    last_tick: datetime | None = None
    hold: Hold | None = None
    usd_per_hour: float | None = None
    obstacles: tuple[Obstacle, ...] = ()
    trouble: tuple[str, ...] = field(default=())


def look_at(
    account: Account, fleets: Sequence[DeployedFleet], *, now: datetime
) -> tuple[FleetStatus, ...]:
    """Return how fleets are.

    Needs `dynamodb:Query`, `cloudwatch:GetMetricData` and `autoscaling:DescribeAutoScalingGroups`.

    Args:
        account: Where they run.
        fleets: Which.
        now: The present.
    """
    figures = dict(_figures(account, [fleet.name for fleet in fleets], now=now))
    names = [pool.group for fleet in fleets for pool in _pools(fleet)]
    groups = dict(_groups(account, names))
    return tuple(
        _status(account, fleet, figures=figures.get(fleet.name, {}), groups=groups, now=now)
        for fleet in fleets
    )


def fleets_table(fleets: Sequence[FleetStatus], *, now: datetime) -> RenderableType:
    """Return a row for each fleet."""
    table = _table("fleet", right=("demand", "baseline", "running", "USD/h"))
    for name in ("why", "last tick"):
        table.add_column(name, overflow="fold")
    for one in fleets:
        sizes = "\n".join(f"{pool.name} {_size(pool)}" for pool in one.pools if _shown(pool))
        why = one.reason or "has not decided anything yet"
        if one.hold:
            why = f"held by {one.hold.owner}: {one.hold.reason}"
        table.add_row(
            one.fleet,
            _units(one.demand_units),
            _units(one.baseline_units),
            sizes or "0",
            _usd(one.usd_per_hour),
            "; ".join([why, *one.trouble]),
            _ago(one.last_tick, now),
        )
    return table


def fleet_table(one: FleetStatus, *, now: datetime) -> RenderableType:
    """Return all that is known of one fleet."""
    table = _table("pool", right=("desired", "in service", "waiting", "most", "USD/h"))
    table.add_column("")
    for pool in one.pools:
        spent = None if pool.usd_per_hour is None else pool.usd_per_hour * pool.in_service
        table.add_row(
            pool.name,
            "unknown" if pool.desired is None else str(pool.desired),
            str(pool.in_service),
            str(pool.waiting),
            str(pool.most),
            _usd(spent),
            "retired" if pool.retired else "",
        )
    figures = (
        f"{one.fleet}: demand {_units(one.demand_units)}, baseline {_units(one.baseline_units)}, "
        f"unserved {_units(one.unserved_units)} units"
    )
    lines = [
        figures,
        f"{_usd(one.usd_per_hour)} USD/h; last tick {_ago(one.last_tick, now)}",
    ]
    if one.explained and one.size_since:
        lines.append(f"this size since {in_words(one.size_since)}: {one.explained}")
    if one.hold:
        ends = in_words(datetime.fromtimestamp(one.hold.until_epoch_seconds, UTC))
        lines.append(f"{one.fleet} is held by {one.hold.owner} until {ends}: {one.hold.reason}")
    lines += one.trouble
    if not one.obstacles and not one.trouble:
        lines.append(f"nothing stands in the way of {one.fleet}'s pools")
    parts: list[RenderableType] = [Text("\n".join(lines)), table]
    return Group(*parts, *([obstacle_table(one.obstacles)] if one.obstacles else []))


def _status(
    account: Account,
    fleet: DeployedFleet,
    *,
    figures: Mapping[str, float],
    groups: Mapping[str, Mapping[str, Any]],
    now: datetime,
) -> FleetStatus:
    trouble = [] if fleet.enabled else ["its schedule is disabled, so nothing decides"]
    try:
        pools = tuple(_pool(pool, groups.get(pool.group)) for pool in fleet.pools)
        known = FleetRecords(account=account, table_name=fleet.table, fleet=fleet.name).overview(
            now=now
        )
    except CommandError as error:
        return FleetStatus(fleet=fleet.name, trouble=(*trouble, str(error)))
    trouble += [
        f"pool {pool.name}: its group cannot be read" for pool in pools if pool.desired is None
    ]
    if known.last_tick and (now - known.last_tick).total_seconds() > LATE_SECONDS:
        trouble.append("no tick for more than 3 minutes")
    if known.troubles:
        trouble.append(f"troubles: {', '.join(known.troubles)}")
    plan = _plan(known.plan)
    priced = all(pool.usd_per_hour is not None for pool in pools if pool.in_service)
    return FleetStatus(
        fleet=fleet.name,
        pools=pools,
        demand_units=figures.get("demand_units", plan.demand_units if plan else None),
        baseline_units=figures.get("baseline_units", plan.baseline_units if plan else None),
        unserved_units=figures.get("unserved_units"),
        reason=plan.reason.words if plan else None,
        explained=plan.explain() if plan else None,
        size_since=known.size_since,
        last_tick=known.last_tick,
        hold=known.hold or _tagged_hold(fleet, groups, now),
        usd_per_hour=sum((pool.usd_per_hour or 0) * pool.in_service for pool in pools)
        if priced
        else None,
        obstacles=known.obstacles,
        trouble=tuple(trouble),
    )


def _tagged_hold(
    fleet: DeployedFleet, groups: Mapping[str, Mapping[str, Any]], now: datetime
) -> Hold | None:
    """Return the hold that a fleet's groups tell of; ticks heed it too."""
    for pool in fleet.pools:
        for tag in groups.get(pool.group, {}).get("Tags", ()):
            with suppress(ValueError):
                hold = read_hold_tag(tag.get("Value", "")) if tag.get("Key") == HOLD_TAG else None
                if hold and hold.stands(int(now.timestamp())):
                    return hold
    return None


def _pools(fleet: DeployedFleet) -> tuple[Any, ...]:
    try:
        return fleet.pools
    except CommandError:
        return ()  # said where the fleet is looked at


def _pool(spec: Any, group: Mapping[str, Any] | None) -> PoolStatus:  # noqa: ANN401  of a fleet or a gang
    states = [one["LifecycleState"] for one in group["Instances"]] if group else []
    return PoolStatus(
        name=spec.name,
        desired=group["DesiredCapacity"] if group else None,
        in_service=states.count("InService"),
        waiting=sum(state.startswith("Warmed:") for state in states),
        most=spec.max_capacity,
        retired=spec.retired,
        usd_per_hour=spec.usd_per_capacity_hour,
    )


def _groups(account: Account, names: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    client = account.client("autoscaling")
    for first in range(0, len(names), _GROUPS):
        pages = client.get_paginator("describe_auto_scaling_groups").paginate(
            AutoScalingGroupNames=list(names[first : first + _GROUPS])
        )
        for page in pages:
            for group in page["AutoScalingGroups"]:
                yield group["AutoScalingGroupName"], group


def _figures(
    account: Account, fleets: Sequence[str], *, now: datetime
) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield the newest figures of each fleet that CloudWatch knows."""
    client = account.client("cloudwatch")
    for first in range(0, len(fleets), _FLEETS):
        asked = {
            f"q{number}": (fleet, figure)
            for number, (fleet, figure) in enumerate(
                (fleet, figure) for fleet in fleets[first : first + _FLEETS] for figure in _FIGURES
            )
        }
        pages = client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=[_query(name, *what) for name, what in asked.items()],
            StartTime=now - _LOOK_BACK,
            EndTime=now,
            ScanBy="TimestampDescending",
        )
        found: dict[str, dict[str, float]] = {}
        for page in pages:
            for result in page["MetricDataResults"]:
                if result["Values"]:
                    fleet, figure = asked[result["Id"]]
                    found.setdefault(fleet, {}).setdefault(figure, result["Values"][0])
        yield from found.items()


def _query(name: str, fleet: str, figure: str) -> dict[str, Any]:
    metric_name, statistic = _FIGURES[figure]
    metric = {
        "Namespace": "PeakFleet",
        "MetricName": metric_name,
        "Dimensions": [{"Name": "Fleet", "Value": fleet}],
    }
    return {"Id": name, "MetricStat": {"Metric": metric, "Period": 60, "Stat": statistic}}


def _plan(text: str | None) -> Plan | None:
    try:
        return Plan.from_json(json.loads(text)) if text else None
    except (SpecError, ValueError):
        return None  # of another version


def _table(first: str, *, right: Sequence[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(first, overflow="fold")
    for name in right:
        table.add_column(name, justify="right", overflow="fold")
    return table


def _shown(pool: PoolStatus) -> bool:
    return bool(pool.desired or pool.in_service or pool.retired)


def _size(pool: PoolStatus) -> str:
    of = "" if pool.desired in (None, pool.in_service) else f" of {pool.desired}"
    return f"{pool.in_service}{of}{' (retired)' if pool.retired else ''}"


def _units(units: float | None) -> str:
    return "-" if units is None else f"{units:,.6g}"


def _usd(usd: float | None) -> str:
    return "-" if usd is None else f"{usd:,.2f}"


def _ago(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "never"
    seconds = int((now - moment).total_seconds())
    return f"{seconds} s ago" if seconds < 120 else in_words(moment)  # noqa: PLR2004  two minutes
