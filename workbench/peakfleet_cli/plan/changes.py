"""What a deployment does to running capacity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil
from typing import Any, Final

from peakfleet_cli.plan.assembly import Stack
from peakfleet_planner import FleetSpec, PoolSpec

_TABLE: Final = "AWS::DynamoDB::"
_SAME_UNITS: Final = 1e-9


class Weight(StrEnum):
    """How much a change does."""

    ENDS = "ends instances"
    MOVES = "moves capacity"
    KEEPS = "keeps what runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that a deployment does.

    Args:
        fleet: To which fleet.
        weight: How much it does.
        says: What happens.
        instead: How to avoid it. Default: nothing needs to be avoided.
    """

    fleet: str
    weight: Weight
    says: str
    instead: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A fleet before or after a deployment.

    Args:
        spec: Its specification; groups are named by their logical ids.
        stack: The stack that has it.
        running: Instances that each pool runs; empty if nobody knows.
    """

    spec: FleetSpec
    stack: Stack
    running: Mapping[str, int] = field(default_factory=dict)


def changes_of(before: Side | None, after: Side | None) -> list[Change]:
    """Return what a deployment does to a fleet, what ends instances first.

    Args:
        before: The fleet as it is deployed. None: it is not.
        after: The fleet as it is synthesized. None: it is not in the app any more.
    """
    if before is None:
        if after is None:
            return []
        return [
            Change(
                fleet=after.spec.fleet,
                weight=Weight.KEEPS,
                says="new: every pool starts at its minimum, and the first tick follows demand",
            )
        ]
    fleet = before.spec.fleet
    if after is None:
        running = sum(before.running.values())
        return [
            Change(
                fleet=fleet,
                weight=Weight.ENDS,
                says=f"removed: its groups are deleted with {_many(running, before)}",
                instead="retire its pools first, and remove it when nothing runs",
            )
        ]
    found = [*_on_pools(before, after), *_on_memory(before, after)]
    order = list(Weight)
    return sorted(found, key=lambda change: order.index(change.weight))


def _on_pools(before: Side, after: Side) -> Iterator[Change]:
    fleet = after.spec.fleet
    old = {pool.name: pool for pool in before.spec.pools}
    new = {pool.name: pool for pool in after.spec.pools}
    for name, pool in old.items():
        if name in new:
            yield from _on_pool(before, after, pool, new[name])
            continue
        heirs = [
            one.name
            for one in after.spec.pools
            if one.name not in old and one.instance_types == pool.instance_types
        ]
        what = f"renamed to {heirs[0]}" if heirs else "removed"
        if not pool.retired or before.running.get(name):
            yield Change(
                fleet=fleet,
                weight=Weight.ENDS,
                says=f"pool {name} is {what}: its group is deleted with "
                f"{_many(before.running.get(name, 0), before)}",
                instead="keep it, retired, beside the new one until it has drained "
                "(docs/upgrade.md)",
            )
    for name in new.keys() - old.keys():
        yield Change(
            fleet=fleet,
            weight=Weight.KEEPS,
            says=f"pool {name} is new and starts at {new[name].min_capacity}",
        )


def _on_pool(before: Side, after: Side, old: PoolSpec, new: PoolSpec) -> Iterator[Change]:
    fleet, name = after.spec.fleet, new.name
    running = before.running.get(name, 0)
    if old.group != new.group:
        yield Change(
            fleet=fleet,
            weight=Weight.ENDS,
            says=f"pool {name} gets another group: the old one is deleted with "
            f"{_many(running, before)}",
            instead="keep the construct's path; or give the pool another name, and retire this one",
        )
    if old.purchase != new.purchase:
        yield Change(
            fleet=fleet,
            weight=Weight.MOVES,
            says=f"pool {name} is bought {new.purchase} instead of {old.purchase}: AWS replaces "
            f"{_many(running, before)} one after another, the new one first",
        )
    if new.max_capacity < old.max_capacity:
        ended = running - new.max_capacity
        yield Change(
            fleet=fleet,
            weight=Weight.ENDS if ended > 0 else Weight.KEEPS,
            says=f"pool {name}: at most {new.max_capacity} instances instead of {old.max_capacity}"
            + (f", so that {ended} of {running} are ended at once" if ended > 0 else ""),
            instead="lower the maximum when fewer run" if ended > 0 else "",
        )
    if new.min_capacity > max(old.min_capacity, running):
        yield Change(
            fleet=fleet,
            weight=Weight.MOVES,
            says=f"pool {name}: launches {new.min_capacity - running} to reach its new minimum",
        )
    if abs(new.units_per_capacity - old.units_per_capacity) > _SAME_UNITS:
        yield _on_units(before, after, old, new)
    if new.retired and not old.retired:
        yield Change(
            fleet=fleet,
            weight=Weight.MOVES,
            says=f"pool {name} is retired: the others serve in its place, then it drains "
            f"{_many(running, before)}",
        )
    parts = _template_changes(before.stack, old.group, after.stack, new.group)
    if parts:
        yield Change(
            fleet=fleet,
            weight=Weight.KEEPS,
            says=f"pool {name}: new instances start with another launch template "
            f"({', '.join(parts)}); running ones stay as they are",
        )


def _on_units(before: Side, after: Side, old: PoolSpec, new: PoolSpec) -> Change:
    running = before.running.get(new.name, 0)
    needed = ceil(running * old.units_per_capacity / new.units_per_capacity)
    return Change(
        fleet=after.spec.fleet,
        weight=Weight.MOVES,
        says=f"pool {new.name}: an instance counts {new.units_per_capacity:g} units instead of "
        f"{old.units_per_capacity:g}"
        + (f"; for the same demand {needed} run instead of {running}" if running else ""),
    )


def _on_memory(before: Side, after: Side) -> Iterator[Change]:
    if before.spec.state_table != after.spec.state_table and after.spec.state_table not in (
        before.stack.resources
    ):
        yield Change(
            fleet=after.spec.fleet,
            weight=Weight.MOVES,
            says="another state table: holds, what was learned and what AWS refused are forgotten; "
            "nothing is scaled in until the fleet remembers again",
            instead="keep the FleetState where it is",
        )


def _template_changes(old: Stack, old_group: str, new: Stack, new_group: str) -> list[str]:
    """Return what differs between the launch templates of two groups, by property."""
    was, is_ = _launch_template(old, old_group), _launch_template(new, new_group)
    if not was or not is_:
        return []
    return sorted(key for key in was.keys() | is_.keys() if was.get(key) != is_.get(key))


def _launch_template(stack: Stack, group: str) -> Mapping[str, Any]:
    properties = stack.resources.get(group, {}).get("Properties", {})
    mixed = properties.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {})
    named = mixed.get("LaunchTemplateSpecification") or properties.get("LaunchTemplate") or {}
    name = named.get("LaunchTemplateId", {})
    template = stack.resources.get(name.get("Ref", "") if isinstance(name, dict) else "", {})
    data: Mapping[str, Any] = template.get("Properties", {}).get("LaunchTemplateData", {})
    return data


def _many(running: int, side: Side) -> str:
    if not side.running:
        return "whatever runs in it"
    return "1 running instance" if running == 1 else f"{running} running instances"
