"""Capacity pools: what a fleet bursts into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Unpack

from aws_cdk import aws_ec2 as ec2

from peakfleet.pools.neuron_pools import NEURON_OPTIONS, neuron_fields
from peakfleet.pools.options import PoolOptions, named
from peakfleet.pools.pool import PoolFields
from peakfleet.pools.prices import found_prices
from peakfleet_chips import Chip, Prices
from peakfleet_planner import SpecError


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityPool(PoolFields):
    """One Auto Scaling group to be: one chip, one way of buying, one or more instance types.

    Use `graviton`, `x86`, `inferentia`, `trainium` or `custom`. A fleet fills its pools in the
    order in which they are listed; `cheapest_first` orders them by price.

    Args:
        name: Unique within the fleet.
        instance_types: What may be launched. On demand they are tried in this order.
        architecture: What machine image and instance types must agree on.
        units_per_instance: Units that one instance serves: one number for all types, or one
            for each. Different numbers make the group count in weights.
        max_instances: Most instances, counted in instances of the smallest type.
        min_instances: Instances that are always kept, counted in the same way.
        purchase: How they are bought.
        machine_image: What they boot. None: Amazon Linux 2023, from its SSM parameter, renewed
            with each deployment.
        boot: From the launch to serving.
        usd_per_hour: Price of one instance: one number for all types, or one for each.
            Needed for `cheapest_first` and for reports. None: the list price on demand; on Spot
            that of the price file which `peakfleet prices refresh` writes; else unknown.
        user_data: What they run at boot. None: the fleet's.
        root_volume_gib: Size of the encrypted gp3 root volume.
        root_device: The root device's name in the machine image.
        warm: Instances that have booted once and wait. None: there are none.
        canary_share: Share of the wanted units that it serves while demand bursts, before its
            turn, so that its chip can be compared with the others. At most 0.5.

    Raises:
        SpecError: The pool contradicts itself.
    """

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

        The pool's name is `Graviton`, on Spot `GravitonSpot`, unless *options* name it.

        Args:
            instance_types: For example `"c8g.4xlarge", "c7g.4xlarge"`.
            units_per_instance: Units that one instance serves, for all types or for each.
            max_instances: Most instances, counted in instances of the smallest type.
            machine_image: Default: Amazon Linux 2023 for Arm, from its SSM parameter.
            options: See `PoolOptions`.

        Raises:
            SpecError: The pool contradicts itself.
        """
        return cls(
            instance_types=instance_types,
            architecture=ec2.InstanceArchitecture.ARM_64,
            units_per_instance=units_per_instance,
            max_instances=max_instances,
            machine_image=machine_image,
            **named("Graviton", options),
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

        The pool's name is `X86`, on Spot `X86Spot`, unless *options* name it.

        Args:
            instance_types: For example `"c7i.4xlarge", "m7a.4xlarge"`.
            units_per_instance: Units that one instance serves, for all types or for each.
            max_instances: Most instances, counted in instances of the smallest type.
            machine_image: Default: Amazon Linux 2023 for x86, from its SSM parameter.
            canary_share: Share of the wanted units that the pool serves while demand bursts,
                before its turn: whole instances, at least one, so that the comparison with x86
                stays honest. Default: 0, none.
            options: See `PoolOptions`.

        Raises:
            SpecError: The pool contradicts itself.
        """
        return cls(
            instance_types=instance_types,
            architecture=ec2.InstanceArchitecture.X86_64,
            units_per_instance=units_per_instance,
            max_instances=max_instances,
            machine_image=machine_image,
            canary_share=canary_share,
            **named("X86", options),
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

        The pool's name is `Inferentia`, on Spot `InferentiaSpot`, unless *options* name it.

        Args:
            instance_types: For example `"inf2.xlarge", "inf2.24xlarge"`.
            max_instances: Most instances, counted in instances of the smallest type.
            units_per_instance: Default: the NeuronCores of each type.
            machine_image: Default: the base image of the Neuron SDK, Amazon Linux 2023, from its
                SSM parameter: driver and tools, no framework.
            options: See `PoolOptions`. Defaults that differ: a boot of 10 minutes, for a model
                has to be loaded, and a root volume of 100 GiB.

        Raises:
            SpecError: The pool contradicts itself.
        """
        return cls(
            instance_types=instance_types,
            max_instances=max_instances,
            **neuron_fields(
                named("Inferentia", {**NEURON_OPTIONS, **options}),
                instance_types,
                chips=(Chip.INFERENTIA2,),
                units_per_instance=units_per_instance,
                machine_image=machine_image,
            ),
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

        The pool's name is `Trainium`, on Spot `TrainiumSpot`, unless *options* name it.

        Args:
            instance_types: For example `"trn2.48xlarge"`.
            max_instances: Most instances, counted in instances of the smallest type.
            units_per_instance: Default: the NeuronCores of each type as programs see them, which
                on Trainium2 are pairs of physical ones.
            machine_image: Default: the base image of the Neuron SDK, Amazon Linux 2023, from its
                SSM parameter: driver and tools, no framework.
            options: See `PoolOptions`. Defaults that differ: a boot of 10 minutes, for a model
                has to be loaded, and a root volume of 100 GiB.

        Raises:
            SpecError: The pool contradicts itself.
        """
        return cls(
            instance_types=instance_types,
            max_instances=max_instances,
            **neuron_fields(
                named("Trainium", {**NEURON_OPTIONS, **options}),
                instance_types,
                chips=(Chip.TRAINIUM1, Chip.TRAINIUM2),
                units_per_instance=units_per_instance,
                machine_image=machine_image,
            ),
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

        The pool's name is `Custom`, on Spot `CustomSpot`, unless *options* name it.

        Args:
            instance_types: For example `"inf2.xlarge"`.
            architecture: What image and instance types are built for.
            machine_image: What the instances boot.
            units_per_instance: Units that one instance serves, for all types or for each.
            max_instances: Most instances, counted in instances of the smallest type.
            options: See `PoolOptions`.

        Raises:
            SpecError: The pool contradicts itself.
        """
        return cls(
            instance_types=instance_types,
            architecture=architecture,
            units_per_instance=units_per_instance,
            max_instances=max_instances,
            machine_image=machine_image,
            **named("Custom", options),
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


def _usd_per_unit_hour(pool: CapacityPool, prices: Prices) -> float:
    spec = pool.to_planner(group=pool.name, prices=prices)
    if spec.usd_per_capacity_hour is None:
        raise SpecError(
            f"pool '{pool.name}': usd_per_hour is needed to order pools by price, as no price of "
            f"{', '.join(pool.instance_types)} is known; give usd_per_hour, or run "
            f"`peakfleet prices refresh`"
        )
    return spec.usd_per_capacity_hour / spec.units_per_capacity
