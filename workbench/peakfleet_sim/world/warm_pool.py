"""A warm pool: instances that have booted once and wait, stopped."""

from __future__ import annotations

from dataclasses import dataclass, field

from peakfleet_sim.errors import DemandError


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmPoolSpec:
    """How many instances wait, how soon they serve and what waiting costs.

    Args:
        instances: Instances that wait when the pool is full; it is full at the start.
            Default: 0, no warm pool.
        auto: Whether a policy that can plans the size instead, from an empty pool on; others
            have none. Default: false.
        start_seconds: From the start to serving, in whole minutes rounded up. Default: 60.
        cost_fraction: What a waiting instance costs, as share of one that runs: a stopped
            instance costs its volume. Default: 0.03.
        reuse: Whether what is let go waits, as far as there is room: then `instances` may serve
            or wait together. Default: false, it ends, and what was started is booted anew.
    """

    instances: int = 0
    auto: bool = False
    start_seconds: float = 60.0
    cost_fraction: float = 0.03
    reuse: bool = False

    def __post_init__(self) -> None:
        """Refuse a pool that nobody could keep."""
        for name in ("instances", "start_seconds", "cost_fraction"):
            if not (value := float(getattr(self, name))) >= 0:
                raise DemandError(f"warm pool: {name} must be at least 0, got {value:g}")
        if self.auto and self.instances:
            raise DemandError(
                f"warm pool: instances must be 0 where the size is planned, got {self.instances}"
            )


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
        return sum(count for _, count in self._refilling)

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
