"""Warm pools: instances that wait beside a group, and scale-in that fills it again."""

from __future__ import annotations

from peakfleet_local.groups.configuration import Group, buys_spot, subnets, suspended, type_choices
from peakfleet_local.groups.launching import TO_WARM_POOL, Launcher
from peakfleet_local.groups.lifecycle import RETAINED_WARM, Lifecycle
from peakfleet_local.groups.placement import by_need, where_to_launch
from peakfleet_local.moto import ApiError, MotoObject
from peakfleet_local.world import Machine, World

_SETTLED = frozenset({"Warmed:Stopped", "Warmed:Running", "Warmed:Hibernated"})
_NOT_WAITING = frozenset({"Warmed:Terminating", RETAINED_WARM})
_CAUSE = "an instance was launched to fill the warm pool"


class WarmPools:
    """Keeps as many instances waiting beside a group as its warm pool says.

    A group without a warm pool costs nothing here.
    """

    def __init__(self, *, world: World, lifecycle: Lifecycle, launcher: Launcher) -> None:
        self._world = world
        self._lifecycle = lifecycle
        self._launcher = launcher
        self._states: dict[str, list[MotoObject]] = {}

    def check(self, group: Group) -> None:
        """Refuse a warm pool beside Spot.

        Raises:
            ApiError: The group buys Spot.
        """
        if buys_spot(group):
            raise ApiError(
                "ValidationError",
                "You can't add a warm pool to an Auto Scaling group that requests Spot Instances.",
            )

    def states(self, group_name: str) -> list[MotoObject]:
        """What moto knows of the instances of a warm pool."""
        return self._states.get(group_name, [])

    def forget(self, group_name: str) -> None:
        """Drop the warm pool of a deleted group."""
        self._states.pop(group_name, None)

    def drop(self, group_name: str, instance_id: str) -> None:
        """Do without an instance that is gone."""
        if group_name in self._states:
            kept = [s for s in self._states[group_name] if s.instance.id != instance_id]
            self._states[group_name] = kept

    def draw(self, group: Group, missing: int, *, cause: str) -> list[Machine]:
        """Start instances of the warm pool, for as many points as are missing at most."""
        drawn: list[Machine] = []
        for state in list(self.states(group.name)):
            machine = self._world.machines[state.instance.id]
            lacking = missing - sum(m.weight for m in drawn)
            if lacking <= 0:
                break
            if self._world.state_of(machine.instance_id) in _SETTLED and self._starts(machine):
                drawn.append(self._launcher.wake(group, machine, cause=cause))
                self.drop(group.name, machine.instance_id)
                group.instance_states.append(state)
        return drawn

    def has_room(self, group: Group, machine: Machine) -> bool:
        """Whether a machine that scale-in would end may wait in the warm pool instead."""
        pool = group.warm_pool
        if pool is None or not (pool.instance_reuse_policy or {}).get("ReuseOnScaleIn"):
            return False
        if self._world.state_of(machine.instance_id) != "InService":
            return False
        waiting = sum(m.weight for m in self._waiting(group))
        return waiting + machine.weight <= self._size(group)

    def take_back(self, group: Group, machine: Machine, *, cause: str) -> None:
        """Take a machine out of service; it counts as waiting from now on."""
        own = {s.instance.id: s for s in group.instance_states}
        state = own.pop(machine.instance_id)
        group.instance_states = list(own.values())
        self._states.setdefault(group.name, []).append(state)
        self._lifecycle.enter_warm_pool(group, machine, cause=cause)

    def refill(self, group: Group) -> None:
        """Launch what the warm pool lacks, end what it has too much."""
        pool = getattr(group, "warm_pool", None)  # a group that is being made has none yet
        if pool is None and group.name not in self._states:
            return
        stopped = suspended(group)
        waiting = self._waiting(group)
        surplus = sum(m.weight for m in waiting) - self._size(group)
        for machine in waiting:
            # One that drains has work in hand; it is too much only when that is done.
            drains = self._lifecycle.drains_into_warm_pool(machine)
            if machine.weight <= surplus and not drains and "Terminate" not in stopped:
                surplus -= machine.weight
                cause = "an instance was taken out of the warm pool, which has too many"
                self._lifecycle.leave(group, machine, cause=cause)
        if surplus < 0 and "Launch" not in stopped:
            self._fill(group, -surplus, waiting)

    def _fill(self, group: Group, missing: int, waiting: list[Machine]) -> None:
        types, subnet_of = type_choices(group), subnets(group)
        states = self._states.setdefault(group.name, [])
        while missing > 0:
            found = where_to_launch(
                zones=list(subnet_of),
                types=types,
                machines=waiting,
                has_capacity=self._launcher.has_capacity(group, "on-demand"),
            )
            if found is None:
                zone = by_need(list(subnet_of), waiting)[0]
                refused = self._launcher.refusal(
                    group, choice=types[0], zone=zone, purchase="on-demand"
                )
                if refused is not None:
                    self._launcher.failed(group, refused, zone=zone, purchase="on-demand")
                return
            choice, zone = found
            machine, state = self._launcher.launch(
                group,
                choice=choice,
                zone=zone,
                subnet_id=subnet_of[zone],
                purchase="on-demand",
                cause=_CAUSE,
                route=TO_WARM_POOL,
            )
            waiting.append(machine)
            states.append(state)
            missing -= machine.weight

    def _waiting(self, group: Group) -> list[Machine]:
        found = (self._world.machines[s.instance.id] for s in self.states(group.name))
        return [m for m in found if self._world.state_of(m.instance_id) not in _NOT_WAITING]

    def _size(self, group: Group) -> int:
        pool = group.warm_pool
        if pool is None:
            return 0
        prepared = pool.max_group_prepared_capacity
        most = group.max_size if prepared in {None, -1} else int(prepared)
        return max(int(pool.min_size), most - int(group.desired_capacity))

    def _starts(self, machine: Machine) -> bool:
        """Whether a zone has room for a machine that was stopped."""
        return machine.holds_capacity or self._world.has_capacity(
            instance_type=machine.instance_type, zone=machine.zone, purchase=machine.purchase
        )
