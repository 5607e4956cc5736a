"""The virtual world behind the local AWS: a clock, machines that boot, zones that run dry."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Literal

Purchase = Literal["on-demand", "spot"]
PURCHASES: tuple[Purchase, ...] = ("on-demand", "spot")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One instance of a group.

    Args:
        instance_id: As EC2 knows it.
        group: Name of its Auto Scaling group.
        instance_type: Such as c8g.4xlarge.
        zone: Availability zone.
        weight: Points of desired capacity it counts for.
        purchase: How it was bought.
        launched_at: Epoch seconds of the launch.
        ready_at: Epoch seconds from which it is InService.
        gone_at: Epoch seconds at which its termination ends. Default: it is kept.
    """

    instance_id: str
    group: str
    instance_type: str
    zone: str
    weight: int
    purchase: Purchase
    launched_at: float
    ready_at: float
    gone_at: float = inf

    @property
    def leaving(self) -> bool:
        """Whether its termination has begun."""
        return self.gone_at < inf


class World:
    """Time and capacity of the local AWS. Safe to share between threads.

    Time passes only when it is told to. A launched machine is Pending until its boot
    time has passed; a terminated one is Terminating for a while and then gone. A type
    whose capacity in a zone is used up launches nothing there, and the group tries
    again once a minute as time advances.

    Args:
        now_epoch_seconds: Where the clock starts. Default: this machine's time.
        boot_seconds: From launch to InService, of groups without their own. Default: 180.
        terminate_seconds: How long Terminating lasts. Default: 60.
        retry_seconds: How soon a group repeats a launch that failed. Default: 60.
    """

    def __init__(
        self,
        *,
        now_epoch_seconds: float | None = None,
        boot_seconds: float = 180.0,
        terminate_seconds: float = 60.0,
        retry_seconds: float = 60.0,
    ) -> None:
        self.lock = threading.RLock()
        self.boot_seconds = boot_seconds
        self.terminate_seconds = terminate_seconds
        self.retry_seconds = retry_seconds
        self.machines: dict[str, Machine] = {}
        self.calls: Counter[str] = Counter()
        self._now = time.time() if now_epoch_seconds is None else float(now_epoch_seconds)
        self._boot_of: dict[str, float] = {}
        self._limits: dict[tuple[str, str, Purchase], int] = {}
        self._watchers: dict[str, Callable[[], None]] = {}

    @property
    def now_epoch_seconds(self) -> float:
        """The virtual time."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass: machines boot and vanish, failed launches are tried again.

        Args:
            seconds: At least 0.

        Raises:
            ValueError: Time would run backwards.
        """
        if seconds < 0:
            raise ValueError(f"time only runs forwards, got {seconds} seconds")
        with self.lock:
            self._now += seconds
            for watcher in list(self._watchers.values()):
                watcher()

    def advance_to(self, epoch_seconds: float) -> None:
        """Let time pass until a moment.

        Args:
            epoch_seconds: Not before the present.

        Raises:
            ValueError: The moment has passed.
        """
        self.advance(epoch_seconds - self._now)

    def start_at(self, epoch_seconds: float) -> None:
        """Set the clock to any moment, also an earlier one, without letting time pass.

        Args:
            epoch_seconds: The new present. Machines that boot or terminate keep the
                seconds they have left.
        """
        with self.lock:
            shift = epoch_seconds - self._now
            self._now = float(epoch_seconds)
            for key, machine in self.machines.items():
                self.machines[key] = replace(
                    machine,
                    launched_at=machine.launched_at + shift,
                    ready_at=machine.ready_at + shift,
                    gone_at=machine.gone_at + shift,
                )

    def set_boot_seconds(self, *, group: str, seconds: float) -> None:
        """Give one group its own boot time.

        Args:
            group: Name of the group, which may not exist yet.
            seconds: From launch to InService.
        """
        with self.lock:
            self._boot_of[group] = float(seconds)

    def boot_seconds_of(self, group: str) -> float:
        """Seconds from launch to InService in a group."""
        return self._boot_of.get(group, self.boot_seconds)

    def limit_capacity(
        self,
        *,
        instance_type: str,
        zone: str,
        instances: int | None,
        purchase: Purchase | None = None,
    ) -> None:
        """Say how many instances of a type a zone has in all.

        Args:
            instance_type: Such as c8g.4xlarge.
            zone: Availability zone.
            instances: Most that run at once; what runs already is kept. None: no limit.
            purchase: For which purchase option. Default: for each of them.
        """
        with self.lock:
            for option in (purchase,) if purchase else PURCHASES:
                key = (instance_type, zone, option)
                if instances is None:
                    self._limits.pop(key, None)
                else:
                    self._limits[key] = instances

    def has_capacity(self, *, instance_type: str, zone: str, purchase: Purchase) -> bool:
        """Whether one more instance can be launched."""
        limit = self._limits.get((instance_type, zone, purchase))
        if limit is None:
            return True
        used = sum(
            (m.instance_type, m.zone, m.purchase) == (instance_type, zone, purchase)
            for m in self.machines.values()
        )
        return used < limit

    def state_of(self, instance_id: str) -> str:
        """Lifecycle state of an instance; one that the world did not launch is InService."""
        machine = self.machines.get(instance_id)
        if machine is None:
            return "InService"
        if machine.leaving:
            return "Terminating"
        return "Pending" if machine.ready_at > self._now else "InService"

    def machines_of(self, group: str) -> list[Machine]:
        """The machines of a group, also those that are leaving."""
        with self.lock:
            return [m for m in self.machines.values() if m.group == group]

    def in_service(self, group: str) -> int:
        """Points of capacity of a group that serve now."""
        return sum(
            m.weight for m in self.machines_of(group) if self.state_of(m.instance_id) == "InService"
        )

    def machines_by_state(self, group: str) -> Mapping[str, int]:
        """How many machines of a group are in each lifecycle state."""
        return Counter(self.state_of(m.instance_id) for m in self.machines_of(group))

    def watch(self, group: str, watcher: Callable[[], None]) -> None:
        """Call `watcher` whenever time has advanced; one per group."""
        with self.lock:
            self._watchers[group] = watcher

    def unwatch(self, group: str) -> None:
        """Forget the watcher of a group and its machines."""
        with self.lock:
            self._watchers.pop(group, None)
            for machine in self.machines_of(group):
                del self.machines[machine.instance_id]
