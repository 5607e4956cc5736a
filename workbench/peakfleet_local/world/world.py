"""The virtual world behind the local AWS: a clock, machines that boot, zones that run dry."""

from __future__ import annotations

import heapq
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from itertools import count
from math import ceil, inf
from typing import Protocol

from peakfleet_local.world.cloud_events import (
    INTERRUPTION_NOTICE_SECONDS,
    CloudEvent,
    Place,
    interruption_warning,
    rebalance_recommendation,
)
from peakfleet_local.world.faults import Faults
from peakfleet_local.world.instances import Ending, InstanceProfiles, Machine

EVENTS_KEPT = 10_000
Action = Callable[[], None]


class GroupController(Protocol):
    """What runs one Auto Scaling group."""

    @property
    def place(self) -> Place:
        """Where the group is."""

    def on_time(self) -> None:
        """Do what is due now that time has passed."""

    def fail(self, instance_id: str) -> None:
        """Let the health checks of an instance fail."""

    def remove_ended(self, instance_id: str, *, cause: str) -> None:
        """Do without an instance that EC2 has ended."""


class World(Faults, InstanceProfiles):
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
        warm_start_seconds: From a warm pool to InService, of groups without their own.
            Default: 30.

    Attributes:
        wait_for_ec2: Called by LaunchInstances before it launches and answers, without the
            lock. At first it returns at once; `time.sleep` makes a slow call, which takes
            time of this machine.
        replacement_seconds: How long a group takes from a failed health check to the replacement.
            At first 0; AWS replaces a few at a time.
        lock: Held while anything changes.
        machines: Every machine by its id.
        calls: How often each API call was made, by names such as autoscaling:LaunchInstances.
        capacity_requests: How often each group was asked for capacity, by group and operation.
        launch_attempts: Instances that each group tried to launch, by group and `launched` or EC2's
            error code.
        events: What EventBridge was told and has not delivered; the oldest of very many are lost.
        endings: Every machine that ended, in order.
        protected: Ids of the machines that are protected from scale-in.
        busy: Ids of the machines with work in hand.
        spot_usd: Price of Spot for an hour, by instance type. At first none is known.
    """

    def __init__(
        self,
        *,
        now_epoch_seconds: float | None = None,
        boot_seconds: float = 180.0,
        terminate_seconds: float = 60.0,
        retry_seconds: float = 60.0,
        warm_start_seconds: float = 30.0,
    ) -> None:
        Faults.__init__(self)
        InstanceProfiles.__init__(
            self, boot_seconds=boot_seconds, warm_start_seconds=warm_start_seconds
        )
        self.lock = threading.RLock()
        self.wait_for_ec2: Callable[[], object] = lambda: None
        self.replacement_seconds = 0.0
        self.terminate_seconds = terminate_seconds
        self.retry_seconds = retry_seconds
        self.calls: Counter[str] = Counter()
        self.capacity_requests: Counter[tuple[str, str]] = Counter()
        self.launch_attempts: Counter[tuple[str, str]] = Counter()
        # The former names, for one release.
        self.asks, self.tries = self.capacity_requests, self.launch_attempts
        self.events: deque[CloudEvent] = deque(maxlen=EVENTS_KEPT)
        self.endings: list[Ending] = []
        self.protected: set[str] = set()
        self.busy: set[str] = set()
        self.spot_usd: dict[str, float] = {}
        self._machines: dict[str, Machine] = {}
        self._now = time.time() if now_epoch_seconds is None else float(now_epoch_seconds)
        self._timers = _Timers()
        self._controllers: dict[str, GroupController] = {}

    @property
    def now_epoch_seconds(self) -> float:
        """The virtual time."""
        return self._now

    @property
    def machines(self) -> dict[str, Machine]:
        """Every machine by its id."""
        return self._machines

    def clear_faults(self) -> None:
        """Refuse nothing any more, and let EC2 answer and groups replace at once."""
        super().clear_faults()
        self.wait_for_ec2 = lambda: None
        self.replacement_seconds = 0.0

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
            until = self._now + seconds
            while (due := self._timers.take(until)) is not None:
                moment, action = due
                self._now = max(self._now, moment)
                action()
            self._now = until
            for controller in list(self._controllers.values()):
                controller.on_time()

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
            epoch_seconds: The new present. Whatever is under way keeps the seconds that it
                has left.
        """
        with self.lock:
            shift = epoch_seconds - self._now
            self._now = float(epoch_seconds)
            self._timers.shift(shift)
            for key, machine in self.machines.items():
                self.machines[key] = replace(
                    machine,
                    launched_at=machine.launched_at + shift,
                    ready_at=machine.ready_at + shift,
                    gone_at=machine.gone_at + shift,
                    fails_at=machine.fails_at + shift,
                )

    def after(self, seconds: float, action: Action) -> None:
        """Let something happen when some time has passed.

        Args:
            seconds: From now.
            action: What happens; called under the lock.
        """
        with self.lock:
            self._timers.add(self._now + seconds, action)

    def set_busy(self, group: str, *, share: float) -> None:
        """Let the machines of a group say whether they are busy, as workers do.

        Args:
            group: Name of the group.
            share: Of the machines in service, oldest first, that are busy and protect
                themselves from scale-in. The others are idle and unprotected. Machines that
                leave stay as they are.
        """
        with self.lock:
            serving = [m for m in self.machines_of(group) if self._serves(m)]
            busy = {m.instance_id for m in serving[: ceil(share * len(serving))]}
            idle = {m.instance_id for m in serving} - busy
            self.busy = (self.busy | busy) - idle
            self.protected = (self.protected | busy) - idle

    def reclaim(
        self,
        *,
        share: float,
        group: str | None = None,
        zone: str | None = None,
        recommended_seconds_before: float = 0.0,
    ) -> tuple[str, ...]:
        """Let EC2 take Spot machines back: recommendation, warning, gone two minutes later.

        Args:
            share: Of the Spot machines, oldest first, from 0 to 1; rounded up.
            group: Of which group. Default: of all.
            zone: In which zone. Default: in all.
            recommended_seconds_before: How long before the warning the recommendation comes.
                Default: with it.

        Returns:
            The ids of the machines that will go.
        """
        with self.lock:
            spot = [
                m
                for m in self.machines.values()
                if (m.purchase, m.gone_at) == ("spot", inf)
                and m.group in self._controllers
                and group in {None, m.group}
                and zone in {None, m.zone}
            ]
            victims = spot[: ceil(share * len(spot))]
            for machine in victims:
                event = rebalance_recommendation(
                    instance_id=machine.instance_id,
                    place=self._controllers[machine.group].place,
                    at_epoch_seconds=self._now,
                )
                self.events.append(event)
                self.after(recommended_seconds_before, partial(self._warn, machine))
            return tuple(m.instance_id for m in victims)

    def take(self, *, instance_type: str, zone: str, cause: str) -> tuple[str, ...]:
        """Let EC2 end every machine of a type in a zone at once; return their ids.

        Args:
            instance_type: Such as trn2.48xlarge.
            zone: Availability zone.
            cause: Why, in the words of the activity.
        """
        with self.lock:
            taken = [
                m
                for m in self.machines.values()
                if (m.instance_type, m.zone, m.gone_at) == (instance_type, zone, inf)
                and m.group in self._controllers
            ]
            for machine in taken:
                self._controllers[machine.group].remove_ended(machine.instance_id, cause=cause)
            return tuple(m.instance_id for m in taken)

    def fail_zone(self, zone: str) -> tuple[str, ...]:
        """Let every machine of a zone serve nothing from now on; return their ids.

        Health checks find them a minute later. What the zone launches afterwards is well.

        Args:
            zone: Availability zone.
        """
        with self.lock:
            failed = [
                m
                for m in self.machines.values()
                if (m.zone, m.gone_at) == (zone, inf) and m.group in self._controllers
            ]
            for machine in failed:
                key = machine.instance_id
                self.machines[key] = replace(machine, fails_at=self._now)
                self._controllers[machine.group].fail(key)
            return tuple(m.instance_id for m in failed)

    def state_of(self, instance_id: str) -> str:
        """Lifecycle state of an instance; one that the world did not launch is InService."""
        machine = self.machines.get(instance_id)
        if machine is None:
            return "InService"
        if machine.gone_at < inf:
            return "Warmed:Terminating" if machine.warm else "Terminating"
        if machine.stage:
            return machine.stage
        return "Pending" if machine.ready_at > self._now else "InService"

    def machines_of(self, group: str) -> list[Machine]:
        """The machines of a group, also those that are leaving and those of its warm pool."""
        with self.lock:
            return [m for m in self.machines.values() if m.group == group]

    def in_service(self, group: str) -> int:
        """Points of capacity of a group that serve now; one that has failed serves nothing."""
        return sum(m.weight for m in self.machines_of(group) if self._serves(m))

    def machines_by_state(self, group: str) -> Mapping[str, int]:
        """How many machines of a group are in each lifecycle state."""
        return Counter(self.state_of(m.instance_id) for m in self.machines_of(group))

    def control(self, group: str, controller: GroupController) -> None:
        """Let somebody run a group as time advances; one per group."""
        with self.lock:
            self._controllers[group] = controller

    def forget(self, group: str) -> None:
        """Forget a group, who runs it and its machines."""
        with self.lock:
            self._controllers.pop(group, None)
            for machine in self.machines_of(group):
                del self.machines[machine.instance_id]

    def _warn(self, machine: Machine) -> None:
        if machine.instance_id not in self.machines:
            return
        event = interruption_warning(
            instance_id=machine.instance_id,
            zone=machine.zone,
            place=self._controllers[machine.group].place,
            at_epoch_seconds=self._now,
        )
        self.events.append(event)
        self.after(INTERRUPTION_NOTICE_SECONDS, partial(self._take_back, machine))

    def _take_back(self, machine: Machine) -> None:
        if machine.instance_id in self.machines:
            cause = "EC2 took the Spot instance back"
            self._controllers[machine.group].remove_ended(machine.instance_id, cause=cause)

    def _serves(self, machine: Machine) -> bool:
        return machine.fails_at > self._now and self.state_of(machine.instance_id) == "InService"


class _Timers:
    """What will happen at moments of the virtual clock, in order."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Action]] = []
        self._numbers = count()

    def add(self, at: float, action: Action) -> None:
        """Let something happen at a moment; what was added first happens first."""
        heapq.heappush(self._heap, (at, next(self._numbers), action))

    def take(self, until: float) -> tuple[float, Action] | None:
        """Return the next moment until another one, or None."""
        if not self._heap or self._heap[0][0] > until:
            return None
        at, _, action = heapq.heappop(self._heap)
        return at, action

    def shift(self, seconds: float) -> None:
        """Move every moment by the same time, which keeps their order."""
        self._heap = [(at + seconds, number, action) for at, number, action in self._heap]
