from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from peakfleet_local.world import Machine


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeChoice:
    """An instance type of a group and the points of capacity that it counts for."""

    instance_type: str
    weight: int


class HasCapacity(Protocol):
    """Whether a zone has one more instance of a type."""

    def __call__(self, *, instance_type: str, zone: str) -> bool: ...


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
            if has_capacity(instance_type=choice.instance_type, zone=zone):
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
