"""For your own unit tests: what a stack will decide, without AWS.

`plans` has the specifications in a template and the decision at a demand, `world` plays minutes
one after the other, `demand` has demand to play, and `assertions` says in words what is not as
promised.

Example:
    def test_the_premiere_fits() -> None:
        template = Template.from_stack(MediaStack(App(), "Media"))
        assert_deployments_keep_capacity(template)
        fleet = fleet_specs(template)["Media/Live"]
        assert_serves(fleet, demand_units=900)
        night = FleetWorld(fleet).play(peak(at_least=200, at_most=900))
        assert night.unserved_share < 0.05
"""

from peakfleet.testing.assertions import assert_deployments_keep_capacity, assert_serves
from peakfleet.testing.demand import flash_crowd, peak, steady
from peakfleet.testing.plans import NOW_EPOCH_SECONDS, fleet_specs, plan_at, snapshot_at
from peakfleet.testing.world import FleetWorld, Minute, Played

__all__ = [
    "NOW_EPOCH_SECONDS",
    "FleetWorld",
    "Minute",
    "Played",
    "assert_deployments_keep_capacity",
    "assert_serves",
    "flash_crowd",
    "fleet_specs",
    "peak",
    "plan_at",
    "snapshot_at",
    "steady",
]
