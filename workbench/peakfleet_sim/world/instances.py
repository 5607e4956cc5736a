"""A group of equal instances, in ticks of one minute."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class WarmPool:
    """What waits in a warm pool, and what is being booted to refill it.

    What is missing is booted from the next minute on, paid for in full while it boots, and waits
    from then on.

    Args:
        waiting: Instances that wait.
        boot_minutes: Minutes that a refill takes.
    """

    waiting: int
    boot_minutes: int
    _refilling: list[tuple[int, int]] = field(init=False, default_factory=list)

    @property
    def refilling(self) -> int:
        """Instances that boot to refill the pool."""
        return sum(count for _, count in self._refilling) if self._refilling else 0

    def begin(self, minute: int) -> None:
        """Let what has booted wait from *minute* on."""
        if self._refilling:
            self.waiting += sum(count for waits, count in self._refilling if waits <= minute)
            self._refilling = [(waits, count) for waits, count in self._refilling if waits > minute]

    def take(self, instances: int) -> int:
        """Take up to *instances* out, and return how many there were."""
        taken = min(instances, self.waiting)
        self.waiting -= taken
        return taken

    def give(self, instances: int) -> None:
        """Let *instances* wait that no longer serve; `keep` ends what is too many."""
        self.waiting += instances

    def keep(self, minute: int, size: int) -> None:
        """Boot or terminate what waits at the end of *minute*, towards *size*."""
        missing = size - self.waiting - self.refilling
        if missing > 0:
            self._refilling.append((minute + 1 + self.boot_minutes, missing))
        else:
            self.waiting += max(-self.waiting, missing)


@dataclass(slots=True, kw_only=True)
class Instances:
    """A group of equal instances: some serve, some boot.

    A launch decided at the end of minute t is paid for from t + 1 on and serves from
    t + 1 + `boot_minutes` on; what waits in the warm pool is launched first and serves from
    t + 1 + `warm_start_minutes` on. A termination acts at once, and only on instances that
    serve; it does not refill the warm pool, unless what is let go is reused.

    Args:
        boot_minutes: Minutes from the first paid minute to serving.
        min_instances: Fewest instances.
        max_instances: Most instances; those of the warm pool do not count.
        warm_instances: Instances of the warm pool. Default: none.
        reuse: Whether what is let go waits: then `warm_instances` may serve or wait together.
            Default: false.
        first_instances: Instances that serve from the start. Default: the minimum.
        least_waiting: Instances that wait besides, however many serve, where what is let go is
            reused. Default: none.
        warm_start_minutes: As `boot_minutes`, for a start from the warm pool. Default: 1.
        warm_cost_fraction: Share of its price that a waiting instance costs. Default: 0.03.
    """

    boot_minutes: int
    min_instances: int
    max_instances: int
    warm_instances: int = 0
    warm_start_minutes: int = 1
    warm_cost_fraction: float = 0.03
    reuse: bool = False
    least_waiting: int = 0
    first_instances: int | None = None
    ready: int = field(init=False)
    _booting: list[tuple[int, int]] = field(init=False, default_factory=list)
    _warm: WarmPool = field(init=False)

    def __post_init__(self) -> None:
        """Start with a full warm pool."""
        first = self.first_instances
        self.ready = self.min_instances if first is None else first
        self._warm = WarmPool(waiting=self._room, boot_minutes=self.boot_minutes)

    @property
    def booting(self) -> int:
        """Instances that are paid for and do not serve yet."""
        return sum(count for _, count in self._booting) if self._booting else 0

    @property
    def boots(self) -> tuple[tuple[int, int], ...]:
        """When what boots will serve, as a minute, and how many instances."""
        return tuple(self._booting)

    @property
    def billed(self) -> float:
        """Instances that are paid for, those that wait at their share of the price."""
        warm = self._warm.refilling + self.warm_cost_fraction * self._warm.waiting
        return self.ready + self.booting + warm

    def begin(self, minute: int) -> None:
        """Let what has booted serve from *minute* on."""
        self._warm.begin(minute)
        if self._booting:
            self.ready += sum(count for serves, count in self._booting if serves <= minute)
            self._booting = [(serves, count) for serves, count in self._booting if serves > minute]

    def lose(self, instances: int) -> None:
        """Take away what serves, then what boots, whatever the minimum: Spot reclaims."""
        lost = min(instances, self.ready)
        self.ready -= lost
        left = instances - lost
        for index in reversed(range(len(self._booting))):
            serves, count = self._booting[index]
            gone = min(left, count)
            self._booting[index] = (serves, count - gone)
            left -= gone

    @property
    def waiting(self) -> int:
        """Instances that wait in the warm pool."""
        return self._warm.waiting

    @property
    def _room(self) -> int:
        """How many should wait."""
        if not self.reuse:
            return self.warm_instances
        return max(self.least_waiting, self.warm_instances - self.ready - self.booting)

    def keep_warm(self, minute: int, instances: int) -> None:
        """Set `warm_instances` at the end of *minute*."""
        self.warm_instances = instances
        self._warm.keep(minute, self._room)

    def resize(self, minute: int, instances: int) -> int:
        """Launch or terminate at the end of *minute* towards *instances*.

        Returns:
            What was asked for, within the bounds of the group.
        """
        wanted = min(max(instances, self.min_instances), self.max_instances)
        running = self.ready + self.booting
        if wanted == running:
            return wanted
        if wanted > running:
            warm = self._warm.take(wanted - running)
            cold = wanted - running - warm
            if warm:
                self._booting.append((minute + 1 + self.warm_start_minutes, warm))
            if cold:
                self._booting.append((minute + 1 + self.boot_minutes, cold))
        else:
            gone = min(running - wanted, max(0, self.ready - self.min_instances))
            self.ready -= gone
            if self.reuse:
                self._warm.give(gone)
        self._warm.keep(minute, self._room)
        return wanted
