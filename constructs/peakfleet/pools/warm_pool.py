"""Warm pools: instances that have booted once and wait."""

from __future__ import annotations

from dataclasses import dataclass, field

from aws_cdk import Duration

from peakfleet._values import known_count, seconds
from peakfleet_planner import SpecError, WarmSpec

_START = Duration.seconds(60)
_HOURS_PER_MONTH = 730
_GP3_USD_PER_GIB_MONTH = 0.08
"""List price of gp3 storage in us-east-1, aws.amazon.com/ebs/pricing, 2026-11."""
_UNKNOWN_SHARE = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmPool:
    """Instances of a pool that have booted once and wait, to serve sooner than new ones.

    Use `forecast`, `fixed` or `reused`.

    Waiting instances are stopped and cost their volumes alone, or they run and cost what they
    always do. They hold no capacity of their own: where a zone is dry, a stopped instance does
    not start either. Give a warm pool to on-demand pools of one instance type, without local
    disks that have to survive a stop.

    Raises:
        SpecError: The bounds contradict each other.
    """

    max_instances: int | None
    min_instances: int = 0
    start: Duration = field(default_factory=lambda: _START)
    is_running: bool = False
    is_reused: bool = False

    def __post_init__(self) -> None:
        """Refuse bounds that cannot be."""
        most = self.min_instances + 1 if self.max_instances is None else self.max_instances
        for name, value in (("max_instances", most), ("min_instances", self.min_instances)):
            known_count("warm pool", name, value)
        if not 0 <= self.min_instances <= most or most < 1:
            raise SpecError(
                f"warm pool: max_instances must be at least 1 and min_instances between 0 and "
                f"max_instances, got {self.max_instances} and {self.min_instances}"
            )

    @classmethod
    def forecast(
        cls,
        *,
        max_instances: int = 20,
        min_instances: int = 0,
        start: Duration | None = None,
        running: bool = False,
    ) -> WarmPool:
        """Let the fleet size it by what it foresees: the uncertain part of demand waits.

        Args:
            max_instances: Most instances that wait. Default: 20.
            min_instances: Fewest. Default: 0.
            start: From the start of a waiting instance to serving. Default: 60 seconds.
            running: Whether they wait running, for a start within seconds at full price.
                Default: no, stopped.
        """
        return cls(
            max_instances=max_instances,
            min_instances=min_instances,
            start=start or _START,
            is_running=running,
        )

    @classmethod
    def fixed(
        cls, instances: int, *, start: Duration | None = None, running: bool = False
    ) -> WarmPool:
        """Keep a fixed number waiting; arguments as of `forecast`."""
        return cls(
            max_instances=instances,
            min_instances=instances,
            start=start or _START,
            is_running=running,
        )

    @classmethod
    def reused(
        cls,
        *,
        max_instances: int | None = None,
        min_instances: int = 0,
        start: Duration | None = None,
        running: bool = False,
    ) -> WarmPool:
        """Let what is let go wait, and serve again.

        An instance waits for as long as that has cost no more than a boot, at most a day, and
        ends if it was not needed by then. Nothing boots only to wait, beyond *min_instances*.
        Stopped, it costs its volumes alone: those of 20 GiB beside a c8g.4xlarge are 0.3% of
        its price, so that a boot of 3 minutes pays for 15 hours of waiting.

        Args:
            max_instances: Most instances that wait. Default: as many as the pool may have, for
                none of them costs more than booting it anew.
            min_instances: Fewest. They are booted to wait where none were let go. Default: 0.
            start: From the start of a waiting instance to serving. Default: 60 seconds.
            running: Whether they wait running, for as long as a boot takes at most.
                Default: no, stopped.

        Limitations:
            - The image must bear being stopped and started: what earlier work has left on its
              volumes is still there, local disks are empty, memory is lost.
            - User data runs at the first boot only, unless it tells cloud-init otherwise. What
              serves, and what says that it is ready, has to be a service that starts at boot.
            - What waits keeps the image and the user data that it was launched with. As soon as
              something waits that another version of the launch template has launched, all that
              waits ends, so that nothing old serves again after a deployment.
            - Instances of an Amazon ECS cluster cannot be reused; ECS rules it out.
        """
        return cls(
            max_instances=max_instances,
            min_instances=min_instances,
            start=start or _START,
            is_running=running,
            is_reused=True,
        )

    def to_planner(
        self,
        *,
        root_volume_gib: int,
        usd_per_hour: float | None,
        pool_max_instances: int,
    ) -> WarmSpec:
        """Return what a decision needs to know.

        Args:
            root_volume_gib: What a stopped instance pays for.
            usd_per_hour: Price of a running instance; None if unknown, then 3% is assumed.
            pool_max_instances: Most instances that the pool may have.
        """
        most = self.max_instances
        if most is None:
            most = max(pool_max_instances, self.min_instances)
        volume_usd = root_volume_gib * _GP3_USD_PER_GIB_MONTH / _HOURS_PER_MONTH
        share = min(1.0, volume_usd / usd_per_hour) if usd_per_hour else _UNKNOWN_SHARE
        return WarmSpec(
            max_capacity=most,
            min_capacity=self.min_instances,
            start_seconds=float(seconds("warm pool", "start", self.start)),
            state="running" if self.is_running else "stopped",
            cost_fraction=1.0 if self.is_running else share,
            reuse=self.is_reused,
        )
