"""Where the next instance is launched, and which one is terminated next."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from peakfleet_local.groups.configuration import Group, TypeChoice, on_demand_points
from peakfleet_local.world import Machine, Purchase

HasCapacity = Callable[[str, str], bool]
"""Whether a type, in a zone, has one more instance."""


def by_need(zones: Sequence[str], machines: Sequence[Machine]) -> list[str]:
    """Zones with the least capacity first, in the group's order where they are equal."""
    weight = dict.fromkeys(zones, 0)
    for machine in machines:
        if machine.zone in weight:
            weight[machine.zone] += machine.weight
    return sorted(zones, key=lambda zone: weight[zone])


def where_to_launch(
    *,
    zones: Sequence[str],
    types: Sequence[TypeChoice],
    machines: Sequence[Machine],
    has_capacity: HasCapacity,
) -> tuple[TypeChoice, str] | None:
    """The type and zone of the next launch: zones are balanced, types go by their order."""
    for zone in by_need(zones, machines):
        for choice in types:
            if has_capacity(choice.instance_type, zone):
                return choice, zone
    return None


def next_victim(
    *,
    machines: Sequence[Machine],
    surplus: int,
    policies: Sequence[str],
    is_protected: Callable[[Machine], bool],
) -> Machine | None:
    """The machine that scale-in ends next: from the fullest zone, the oldest one.

    With NewestInstance as the first termination policy it is the newest one. A machine
    that weighs more than the surplus stays, so that capacity never falls below desired.
    """
    candidates = [m for m in machines if m.weight <= surplus and not is_protected(m)]
    if not candidates:
        return None
    zones = list(dict.fromkeys(m.zone for m in candidates))
    fullest = by_need(zones, machines)[-1]
    newest_first = policies[:1] == ["NewestInstance"]
    return min(
        (m for m in candidates if m.zone == fullest),
        key=lambda m: -m.launched_at if newest_first else m.launched_at,
    )


def next_purchase(group: Group, staying: Sequence[Machine]) -> Purchase:
    """Return how the next instance of a group is bought: on demand first, as far as asked for."""
    on_demand = sum(m.weight for m in staying if m.purchase == "on-demand")
    return "on-demand" if on_demand < on_demand_points(group) else "spot"
