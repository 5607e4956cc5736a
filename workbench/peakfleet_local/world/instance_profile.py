"""How the machines of each group behave, and how long they take."""

from __future__ import annotations

from peakfleet_local.world.machines import Behaviour


class Habits:
    """What is settled for each group, whether it exists yet or not.

    Args:
        boot_seconds: From launch to InService, of groups without their own.
        warm_start_seconds: From a warm pool to InService, of groups without their own.
    """

    def __init__(self, *, boot_seconds: float, warm_start_seconds: float) -> None:
        self.boot_seconds = boot_seconds
        self.warm_start_seconds = warm_start_seconds
        self._boot_of: dict[str, float] = {}
        self._warm_start_of: dict[str, float] = {}
        self._behaviours: dict[str, Behaviour] = {}

    def set_boot_seconds(self, *, group: str, seconds: float) -> None:
        """Give one group its own boot time.

        Args:
            group: Name of the group, which may not exist yet.
            seconds: From launch to InService.
        """
        self._boot_of[group] = float(seconds)

    def boot_seconds_of(self, group: str) -> float:
        """Seconds from launch to InService in a group."""
        return self._boot_of.get(group, self.boot_seconds)

    def set_warm_start_seconds(self, *, group: str, seconds: float) -> None:
        """Give one group its own time to start a machine of its warm pool.

        Args:
            group: Name of the group, which may not exist yet.
            seconds: From the warm pool to InService.
        """
        self._warm_start_of[group] = float(seconds)

    def warm_start_seconds_of(self, group: str) -> float:
        """Seconds from the warm pool to InService in a group."""
        return self._warm_start_of.get(group, self.warm_start_seconds)

    def set_behaviour(self, group: str, behaviour: Behaviour) -> None:
        """Say how the machines of a group behave from now on.

        Args:
            group: Name of the group, which may not exist yet.
            behaviour: How machines boot that are launched from now on, and how any of them
                drains. `Behaviour()` makes them well again.
        """
        self._behaviours[group] = behaviour

    def behaviour_of(self, group: str) -> Behaviour:
        """How the machines of a group behave."""
        return self._behaviours.get(group) or Behaviour()
