"""What Spot costs, which moto invents: the prices of the world, the same in every zone."""

from __future__ import annotations

from datetime import UTC, datetime

from moto.core.responses import ActionResult
from moto.ec2.responses.spot_instances import SpotInstances

from peakfleet_local.moto import MotoObject, Patch, as_method
from peakfleet_local.world import World


class SpotPriceApi:
    """Answers DescribeSpotPriceHistory with the present price.

    Args:
        world: Whose `spot_usd` it is. A type without a price has no history.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def patches(self) -> list[Patch]:
        """Return what stands in moto's place."""
        describe = as_method(self._describe)
        return [Patch(owner=SpotInstances, name="describe_spot_price_history", value=describe)]

    def _describe(self, response: MotoObject) -> ActionResult:
        types = response._get_param("InstanceTypes", [])  # noqa: SLF001 - moto's own way
        zones = response.ec2_backend.describe_availability_zones()
        now = datetime.fromtimestamp(self._world.now_epoch_seconds, UTC)
        history = [
            {
                "AvailabilityZone": zone.name,
                "InstanceType": kind,
                "ProductDescription": "Linux/UNIX",
                "SpotPrice": f"{self._world.spot_usd[kind]:.6f}",
                "Timestamp": now,
            }
            for kind in types
            if kind in self._world.spot_usd
            for zone in zones
        ]
        return ActionResult({"SpotPriceHistory": history})
