"""A capacity pool as data: its fields, what they rule out, and what a decision knows of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2

from peakfleet._values import known_number, seconds
from peakfleet.pools.chip_rules import check_bought, check_warm
from peakfleet.pools.instance_types import check_types
from peakfleet.pools.prices import prices_of_types
from peakfleet.pools.purchase import Purchase
from peakfleet.pools.warm_pool import WarmPool
from peakfleet.pools.weights import Weights, weigh
from peakfleet_chips import Prices, WarmState, find_type
from peakfleet_planner import PoolSpec, SpecError, WarmSpec

MOST_WARMUP_SECONDS = 3600
"""The longest default instance warm-up of an Auto Scaling group."""
_LEAST_ROOT_VOLUME_GIB = 8  # the size of Amazon Linux 2023's own snapshot
_BOOT = Duration.minutes(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolFields:
    """What a pool consists of; `CapacityPool` documents it and has the ways to make one."""

    name: str
    instance_types: tuple[str, ...]
    architecture: ec2.InstanceArchitecture
    units_per_instance: float | Mapping[str, float]
    max_instances: int
    min_instances: int = 0
    purchase: Purchase = field(default_factory=Purchase.on_demand)
    machine_image: ec2.IMachineImage | None = None
    boot: Duration = _BOOT
    usd_per_hour: float | Mapping[str, float] | None = None
    user_data: ec2.UserData | None = None
    root_volume_gib: int = 20
    root_device: str = "/dev/xvda"
    warm: WarmPool | None = None
    canary_share: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a pool that no group can be."""
        check_types(self._owner, self.instance_types, self.architecture)
        check_bought(self._owner, self.instance_types, self.purchase.option)
        if self.warm:
            state = WarmState.RUNNING if self.warm.is_running else WarmState.STOPPED
            check_warm(self._owner, self.instance_types, option=self.purchase.option, state=state)
        for name in ("max_instances", "min_instances", "root_volume_gib", "canary_share"):
            known_number(self._owner, name, getattr(self, name))
        for name in ("units_per_instance", "usd_per_hour"):
            for value in self._by_type(name).values():
                known_number(self._owner, name, value)
                if value <= 0:
                    raise SpecError(f"{self._owner}: {name} must be above 0, got {value:g}")
        if self.root_volume_gib < _LEAST_ROOT_VOLUME_GIB:
            raise SpecError(
                f"{self._owner}: root_volume_gib must be at least {_LEAST_ROOT_VOLUME_GIB}, "
                f"got {self.root_volume_gib}"
            )
        if not 0 <= self.boot_seconds <= MOST_WARMUP_SECONDS:
            raise SpecError(
                f"{self._owner}: boot must be at most {MOST_WARMUP_SECONDS} seconds, which is the "
                f"longest warm-up of a group, got {self.boot_seconds}"
            )
        if self.max_instances < 1 or self.min_instances < 0:
            raise SpecError(
                f"{self._owner}: max_instances must be at least 1 and min_instances at least 0, "
                f"got {self.max_instances} and {self.min_instances}"
            )
        if self.min_instances > self.max_instances:
            raise SpecError(
                f"{self._owner}: min_instances must be at most max_instances "
                f"{self.max_instances}, got {self.min_instances}"
            )
        self.to_planner(group=self.name)

    @property
    def boot_seconds(self) -> int:
        """From the launch to serving, in seconds."""
        return seconds(self._owner, "boot", self.boot)

    @property
    def weights(self) -> Weights:
        """The instance types in points of capacity."""
        return weigh(self._owner, self._by_type("units_per_instance"))

    def to_planner(
        self, *, group: str, prices: Prices | None = None, drain_seconds: int = 0
    ) -> PoolSpec:
        """Return what a decision needs to know of the pool.

        Args:
            group: Name of its Auto Scaling group.
            prices: What instances cost where `usd_per_hour` is not given. Default: unknown.
            drain_seconds: How long an instance that is told to leave may work on. Default: 0.
        """
        weights = self.weights
        usd = self._by_type("usd_per_hour") or prices_of_types(
            prices, self.instance_types, spot=self.purchase.is_spot
        )
        return PoolSpec(
            name=self.name,
            group=group,
            units_per_capacity=weights.units_per_point,
            max_capacity=self.max_instances * weights.smallest,
            min_capacity=self.min_instances * weights.smallest,
            boot_seconds=float(self.boot_seconds),
            usd_per_capacity_hour=max(
                (usd[kind] / weights.by_type[kind] for kind in usd), default=None
            ),
            instance_types=self.instance_types,
            purchase="spot" if self.purchase.is_spot else "on-demand",
            # LaunchInstances starts nothing that waits; only a desired capacity does.
            launch="desired" if self.warm else "direct",
            warm=self._warm_spec(usd, weights),
            drain_seconds=drain_seconds,
            canary_share=self.canary_share,
            chip=self._chip,
        )

    def _warm_spec(self, usd: Mapping[str, float], weights: Weights) -> WarmSpec | None:
        if self.warm is None:
            return None
        return self.warm.to_planner(
            root_volume_gib=self.root_volume_gib,
            points=weights.smallest,
            usd_per_hour=min(usd.values(), default=None),
            pool_max_instances=self.max_instances,
        )

    @property
    def _chip(self) -> str | None:
        """What does the work; the chips of all types, or None if one is not in the catalogue."""
        kinds = [find_type(name) for name in self.instance_types]
        chips = sorted({kind.chip.value for kind in kinds if kind})
        return "+".join(chips) if all(kinds) else None

    @property
    def _owner(self) -> str:
        return f"pool '{self.name}'"

    def _by_type(self, name: str) -> dict[str, float]:
        """Return a field that is given once or for each type, for each type."""
        given: float | Mapping[str, float] | None = getattr(self, name)
        if given is None:
            return {}
        if isinstance(given, Mapping):
            if set(given) != set(self.instance_types):
                raise SpecError(
                    f"{self._owner}: {name} must name the pool's instance types "
                    f"{', '.join(self.instance_types)}, got {', '.join(given)}"
                )
            return {kind: given[kind] for kind in self.instance_types}
        return dict.fromkeys(self.instance_types, given)
