"""Capacity pools: what a fleet bursts into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Unpack

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2

from peakfleet._values import check_name, check_options, is_late, known_count, known_number, seconds
from peakfleet.pools.chip_rules import (
    check_bought,
    check_chips,
    check_types,
    check_warm,
    neuron_cores,
)
from peakfleet.pools.pool_options import PoolOptions
from peakfleet.pools.prices import found_prices, prices_of_types
from peakfleet.pools.purchase import Purchase
from peakfleet.pools.warm_pool import WarmPool
from peakfleet.pools.weights import Weights
from peakfleet_chips import Chip, Prices, PurchaseOption, find_type
from peakfleet_planner import PoolSpec, SpecError, WarmSpec

NEURON_IMAGE_PARAMETER = "/aws/service/neuron/dlami/base/amazon-linux-2023/latest/image_id"
"""The SSM parameter of the Neuron SDK's base image: driver and tools, no framework."""
MOST_WARMUP_SECONDS = 3600
"""The longest default instance warm-up of an Auto Scaling group."""
_LEAST_ROOT_VOLUME_GIB = 8  # the size of Amazon Linux 2023's own snapshot
_OF_EXISTING = frozenset({"boot", "min_instances", "name", "purchase", "usd_per_hour"})
_BOOT = Duration.minutes(3)
_NEURON_BOOT = Duration.minutes(10)  # a machine with an accelerator, until its model is loaded
_NEURON_ROOT_VOLUME_GIB = 100  # what AWS recommends for its base images for deep learning


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityPool:
    """One Auto Scaling group to be: one chip, one way of buying, one or more instance types.

    Use `graviton`, `x86`, `inferentia`, `trainium` or `custom`. A fleet fills its pools in the
    order in which they are listed; `cheapest_first` orders them by price.

    Args:
        instance_types: What may be launched. On demand they are tried in this order.
        architecture: What machine image and instance types must agree on.
        units_per_instance: Units that one instance serves: one number for all types, or one
            for each. What runs counts for its own type; new instances are planned as the first
            type on demand, and as the smallest on Spot, where AWS chooses.
        max_instances: Most instances, of whatever type.
        machine_image: What they boot. None: Amazon Linux 2023, from its SSM parameter, renewed
            with each deployment.
        canary_share: Share of the wanted units that it serves while demand bursts, before its
            turn, so that its chip can be compared with the others. At most 0.5.
        is_retired: Whether it leaves the fleet, see `retired`.
        is_named: Whether its name was given, so that no fleet gives it another one.
        group_name: Name of the group, where it exists already, see `existing`. Default: the fleet
            makes one.
        name: This and all others: see `PoolOptions`.

    Raises:
        SpecError: The pool contradicts itself.
    """

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
    root_device: str | None = None
    warm: WarmPool | None = None
    canary_share: float = 0.0
    is_retired: bool = False
    is_named: bool = True
    group_name: str | None = None

    def __post_init__(self) -> None:
        """Refuse a pool that no group can be."""
        check_name("pool", self.name)
        check_types(self._owner, self.instance_types, self.architecture)
        check_bought(self._owner, self.instance_types, self.purchase.option)
        if self.warm:
            check_warm(self._owner, self.instance_types, option=self.purchase.option)
        for name in ("max_instances", "min_instances", "root_volume_gib"):
            known_count(self._owner, name, getattr(self, name))
        known_number(self._owner, "canary_share", self.canary_share)
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

    @classmethod
    def graviton(
        cls,
        *instance_types: str,
        units_per_instance: float | Mapping[str, float],
        max_instances: int,
        machine_image: ec2.IMachineImage | None = None,
        **options: Unpack[PoolOptions],
    ) -> CapacityPool:
        """Burst into Graviton (64-bit Arm) instances.

        The pool's name is `Graviton`, unless *options* name it.

        Args:
            instance_types: For example `"c8g.4xlarge", "c7g.4xlarge"`.
            units_per_instance: Units that one instance serves, for all types or for each.
            max_instances: Most instances, of whatever type.
            machine_image: Default: Amazon Linux 2023 for Arm, from its SSM parameter.
            options: See `PoolOptions`.

        Raises:
            SpecError: The pool contradicts itself.
        """
        return cls._of(
            "Graviton",
            options,
            instance_types=instance_types,
            architecture=ec2.InstanceArchitecture.ARM_64,
            units_per_instance=units_per_instance,
            max_instances=max_instances,
            machine_image=machine_image,
        )

    @classmethod
    def x86(
        cls,
        *instance_types: str,
        units_per_instance: float | Mapping[str, float],
        max_instances: int,
        machine_image: ec2.IMachineImage | None = None,
        canary_share: float = 0.0,
        **options: Unpack[PoolOptions],
    ) -> CapacityPool:
        """Burst into Intel or AMD (64-bit x86) instances.

        The pool's name is `X86`, unless *options* name it.

        Args:
            instance_types: For example `"c7i.4xlarge", "m7a.4xlarge"`.
            units_per_instance: Units that one instance serves, for all types or for each.
            max_instances: Most instances, of whatever type.
            machine_image: Default: Amazon Linux 2023 for x86, from its SSM parameter.
            canary_share: Share of the wanted units that the pool serves while demand bursts,
                before its turn: whole instances, at least one, so that the comparison with x86
                stays honest. Default: 0, none.
            options: See `PoolOptions`.

        Raises:
            SpecError: The pool contradicts itself.
        """
        return cls._of(
            "X86",
            options,
            instance_types=instance_types,
            architecture=ec2.InstanceArchitecture.X86_64,
            units_per_instance=units_per_instance,
            max_instances=max_instances,
            machine_image=machine_image,
            canary_share=canary_share,
        )

    @classmethod
    def inferentia(
        cls,
        *instance_types: str,
        max_instances: int,
        units_per_instance: float | Mapping[str, float] | None = None,
        machine_image: ec2.IMachineImage | None = None,
        **options: Unpack[PoolOptions],
    ) -> CapacityPool:
        """Burst into Inferentia2 instances. Their host is x86_64.

        The pool's name is `Inferentia`, unless *options* name it.

        Args:
            instance_types: For example `"inf2.xlarge", "inf2.24xlarge"`.
            max_instances: Most instances, of whatever type.
            units_per_instance: Default: the NeuronCores of each type.
            machine_image: Default: the base image of the Neuron SDK, Amazon Linux 2023, from its
                SSM parameter: driver and tools, no framework.
            options: See `PoolOptions`. Defaults that differ: a boot of 10 minutes, for a model
                has to be loaded, and a root volume of 100 GiB.

        Raises:
            SpecError: The pool contradicts itself.
        """
        return cls._neuron(
            "Inferentia",
            options,
            chips=(Chip.INFERENTIA2,),
            instance_types=instance_types,
            units_per_instance=units_per_instance,
            max_instances=max_instances,
            machine_image=machine_image,
        )

    @classmethod
    def trainium(
        cls,
        *instance_types: str,
        max_instances: int,
        units_per_instance: float | Mapping[str, float] | None = None,
        machine_image: ec2.IMachineImage | None = None,
        **options: Unpack[PoolOptions],
    ) -> CapacityPool:
        """Burst into Trainium instances. Their host is x86_64.

        The pool's name is `Trainium`, unless *options* name it.

        Args:
            instance_types: For example `"trn2.48xlarge"`.
            max_instances: Most instances, of whatever type.
            units_per_instance: Default: the NeuronCores of each type as programs see them, which
                on Trainium2 are pairs of physical ones.
            machine_image: Default: the base image of the Neuron SDK, Amazon Linux 2023, from its
                SSM parameter: driver and tools, no framework.
            options: See `PoolOptions`. Defaults that differ: a boot of 10 minutes, for a model
                has to be loaded, and a root volume of 100 GiB.

        Raises:
            SpecError: The pool contradicts itself.
        """
        return cls._neuron(
            "Trainium",
            options,
            chips=(Chip.TRAINIUM1, Chip.TRAINIUM2),
            instance_types=instance_types,
            units_per_instance=units_per_instance,
            max_instances=max_instances,
            machine_image=machine_image,
        )

    @classmethod
    def custom(
        cls,
        *instance_types: str,
        architecture: ec2.InstanceArchitecture,
        machine_image: ec2.IMachineImage,
        units_per_instance: float | Mapping[str, float],
        max_instances: int,
        **options: Unpack[PoolOptions],
    ) -> CapacityPool:
        """Burst into any instances, with your own machine image.

        The pool's name is `Custom`, unless *options* name it.

        Args:
            instance_types: For example `"inf2.xlarge"`.
            architecture: What image and instance types are built for.
            machine_image: What the instances boot.
            units_per_instance: Units that one instance serves, for all types or for each.
            max_instances: Most instances, of whatever type.
            options: See `PoolOptions`.

        Raises:
            SpecError: The pool contradicts itself.
        """
        return cls._of(
            "Custom",
            options,
            instance_types=instance_types,
            architecture=architecture,
            units_per_instance=units_per_instance,
            max_instances=max_instances,
            machine_image=machine_image,
        )

    @classmethod
    def existing(
        cls,
        group_name: str,
        *instance_types: str,
        units_per_instance: float | Mapping[str, float],
        max_instances: int,
        **options: Unpack[PoolOptions],
    ) -> CapacityPool:
        """Burst into an Auto Scaling group that exists already.

        Nothing in the template touches the group: neither its launch template nor its bounds nor
        its policies. A fleet with `Mode.shadow()` only reads it; one that is active sets its
        desired capacity, so that policies which scale it in must be removed before. The pool's
        name is the group's, unless *options* name it.

        Args:
            group_name: Its name; a group of the app has `auto_scaling_group_name`.
            instance_types: What it launches, for prices and units.
            units_per_instance: Units that one instance serves, for all types or for each.
            max_instances: Most instances, at most what the group allows.
            options: See `PoolOptions`; only name, min_instances, purchase, boot and usd_per_hour,
                as all else is the group's own.

        Raises:
            SpecError: The pool contradicts itself.

        Limitations:
            Instances get no drain and no readiness hook from the fleet. The group launches by
            itself, so that a refusal of capacity is known a tick later.
        """
        owner = f"pool '{options.get('name') or group_name}'"
        if others := sorted(set(options) - _OF_EXISTING):
            raise SpecError(
                f"{owner}: {others[0]} is the group's own, as the group exists already; allowed "
                f"are {', '.join(sorted(_OF_EXISTING))}"
            )
        if not is_late(group_name) and not group_name.strip():
            raise SpecError(f"{owner}: group_name must not be empty")
        if is_late(group_name) and not options.get("name"):
            raise SpecError("pool: name is needed where only the deployment knows the group's name")
        if not instance_types:
            raise SpecError(f"{owner}: at least one instance type is needed, got none")
        return cls._of(
            group_name,
            options,
            instance_types=instance_types,
            architecture=ec2.InstanceType(instance_types[0]).architecture,
            units_per_instance=units_per_instance,
            max_instances=max_instances,
            machine_image=None,
            group_name=group_name,
        )

    @staticmethod
    def cheapest_first(
        *pools: CapacityPool, prices: Prices | None = None
    ) -> tuple[CapacityPool, ...]:
        """Return the pools ordered by price per unit, the lowest first.

        Args:
            pools: What to order.
            prices: What instances cost where a pool has no `usd_per_hour`. Default: the price
                file in the working directory, or the shipped list prices.

        Raises:
            SpecError: The price of a pool is unknown.
        """
        known = prices or found_prices()
        return tuple(sorted(pools, key=lambda pool: _usd_per_unit_hour(pool, known)))

    @property
    def usd_per_unit_hour(self) -> float:
        """Price of one unit for an hour, of the dearest instance type.

        Where the pool has no `usd_per_hour`, that of the price file in the working directory, or
        the shipped list price.

        Raises:
            SpecError: It is unknown.
        """
        return _usd_per_unit_hour(self, found_prices())

    def relies_on(self, prices: Prices) -> bool:
        """Return whether the pool's price is one of these, and not its own `usd_per_hour`."""
        priced = self.to_planner(group=self.name, prices=prices).usd_per_capacity_hour is not None
        return priced and self.usd_per_hour is None

    @property
    def boot_seconds(self) -> int:
        """From the launch to serving, in seconds."""
        return seconds(self._owner, "boot", self.boot)

    @property
    def weights(self) -> Weights:
        """What an instance of each type counts for in desired capacity: always one."""
        units = self._by_type("units_per_instance")
        planned = min(units.values()) if self.purchase.is_spot else units[self.instance_types[0]]
        return Weights(by_type=dict.fromkeys(units, 1), units_per_point=float(planned))

    def retired(self) -> CapacityPool:
        """Return the pool as it leaves a fleet: nothing new is launched, and what runs drains.

        List it beside the pools that take over, deploy, and leave it out of a later deployment,
        once its group is empty. Instances go as soon as others serve in their place, busy ones
        when their work is done. So a pool is renamed or removed without a loss of capacity.
        """
        return replace(self, is_retired=True, min_instances=0, canary_share=0.0, warm=None)

    def to_planner(
        self,
        *,
        group: str,
        prices: Prices | None = None,
        drain_seconds: int = 0,
        pays_at_most: bool = False,
    ) -> PoolSpec:
        """Return what a decision needs to know of the pool.

        Args:
            group: Name of its Auto Scaling group.
            prices: What instances cost where `usd_per_hour` is not given. Default: unknown.
            drain_seconds: How long an instance that is told to leave may work on. Default: 0.
            pays_at_most: Whether it has to know what Spot costs at most. Default: no.
        """
        units = self._by_type("units_per_instance")
        planned = self.weights.units_per_point
        usd = self._by_type("usd_per_hour") or prices_of_types(
            prices, self.instance_types, spot=self.purchase.is_spot
        )
        most: dict[str, float] = {}
        if pays_at_most and self.purchase.is_spot:
            listed = prices_of_types(prices, self.instance_types, spot=False)
            most = {k: max(usd.get(k, 0.0), listed.get(k, 0.0)) for k in {**usd, **listed}}
        return PoolSpec(
            name=self.name,
            group=group,
            units_per_capacity=planned,
            max_capacity=self.max_instances,
            min_capacity=self.min_instances,
            boot_seconds=float(self.boot_seconds),
            usd_per_capacity_hour=max(
                (usd[kind] * planned / units[kind] for kind in usd), default=None
            ),
            most_usd_per_capacity_hour=max(most.values(), default=None),
            instance_types=self.instance_types,
            purchase="spot" if self.purchase.is_spot else "on-demand",
            # LaunchInstances starts nothing that waits; only a desired capacity does.
            launch="desired" if self.warm or self.group_name else "direct",
            warm=self._warm_spec(usd),
            drain_seconds=drain_seconds,
            canary_share=self.canary_share,
            chip=self._chip,
            units_by_type={kind: float(each) for kind, each in units.items()}
            if len(set(units.values())) > 1
            else {},
            retired=self.is_retired,
        )

    @property
    def might_wait(self) -> bool:
        """Whether its instances could wait in a warm pool, and do not."""
        is_sole = self.purchase.option is PurchaseOption.ON_DEMAND and len(self.instance_types) == 1
        return is_sole and not (self.warm or self.is_retired or self.group_name)

    def _warm_spec(self, usd: Mapping[str, float]) -> WarmSpec | None:
        if self.warm is None:
            return None
        return self.warm.to_planner(
            root_volume_gib=self.root_volume_gib,
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

    @classmethod
    def _of(cls, chip: str, options: PoolOptions, **fields: Any) -> CapacityPool:  # noqa: ANN401  fields of any type
        """Return the pool with these options; it is named after its chip unless they name it."""
        check_options("pool", options, PoolOptions)
        given: dict[str, Any] = {k: value for k, value in options.items() if value is not None}
        return cls(**{"name": chip, "is_named": "name" in given, **fields, **given})

    @classmethod
    def _neuron(
        cls,
        chip: str,
        options: PoolOptions,
        *,
        chips: Sequence[Chip],
        instance_types: tuple[str, ...],
        units_per_instance: float | Mapping[str, float] | None,
        max_instances: int,
        machine_image: ec2.IMachineImage | None,
    ) -> CapacityPool:
        owner = f"pool '{options.get('name') or chip}'"
        check_chips(owner, instance_types, chips)
        if units_per_instance is None:
            units_per_instance = neuron_cores(owner, instance_types)
        return cls._of(
            chip,
            options,
            instance_types=instance_types,
            architecture=ec2.InstanceArchitecture.X86_64,
            units_per_instance=units_per_instance,
            max_instances=max_instances,
            machine_image=machine_image
            or ec2.MachineImage.from_ssm_parameter(NEURON_IMAGE_PARAMETER),
            boot=_NEURON_BOOT,
            root_volume_gib=_NEURON_ROOT_VOLUME_GIB,
        )


def _usd_per_unit_hour(pool: CapacityPool, prices: Prices) -> float:
    spec = pool.to_planner(group=pool.name, prices=prices)
    if spec.usd_per_capacity_hour is None:
        raise SpecError(
            f"pool '{pool.name}': usd_per_hour is needed to order pools by price, as no price of "
            f"{', '.join(pool.instance_types)} is known; give usd_per_hour, or run "
            f"`peakfleet prices refresh`"
        )
    return spec.usd_per_capacity_hour / spec.units_per_capacity
