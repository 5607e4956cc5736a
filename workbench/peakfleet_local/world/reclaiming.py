from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from peakfleet_local.world.cloud_events import (
    INTERRUPTION_NOTICE_SECONDS,
    Place,
    interruption_warning,
    rebalance_recommendation,
)
from peakfleet_local.world.machines import Machine

if TYPE_CHECKING:
    from peakfleet_local.world.world import Keeper, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Reclaiming:
    """EC2 takes Spot machines back: it recommends to leave, warns, and ends them.

    Args:
        world: Its clock and its machines.
        keepers: What runs each group, by its name.
    """

    world: World
    keepers: Mapping[str, Keeper]

    def begin(self, machine: Machine, *, seconds_before_warning: float) -> None:
        """Recommend to leave a machine, and warn later."""
        event = rebalance_recommendation(
            instance_id=machine.instance_id,
            place=self._place(machine),
            at_epoch_seconds=self.world.now_epoch_seconds,
        )
        self.world.events.append(event)
        self.world.after(seconds_before_warning, partial(self._warn, machine))

    def _warn(self, machine: Machine) -> None:
        if machine.instance_id not in self.world.machines:
            return
        event = interruption_warning(
            instance_id=machine.instance_id,
            zone=machine.zone,
            place=self._place(machine),
            at_epoch_seconds=self.world.now_epoch_seconds,
        )
        self.world.events.append(event)
        self.world.after(INTERRUPTION_NOTICE_SECONDS, partial(self._end, machine))

    def _end(self, machine: Machine) -> None:
        if machine.instance_id in self.world.machines:
            cause = "EC2 took the Spot instance back"
            self.keepers[machine.group].lose(machine.instance_id, cause=cause)

    def _place(self, machine: Machine) -> Place:
        return self.keepers[machine.group].place
