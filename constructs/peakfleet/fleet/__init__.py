"""Fleet: `BurstFleet`, and what every fleet shares.

In: pools, signals and options of a user. Out: groups (`machines`), alarms, and a place in a
`control_plane`. A construct named by intent is an `IntentFleet`: it makes one BurstFleet
and hands on its parts.

Read `burst_fleet` first, then `options`, where every shared option is documented; `checks` says
what is refused where it is written, `template_checks` what is refused in the whole app
(`rendered`), `advice` what is warned of, `metrics` what ticks publish.
"""

from peakfleet.fleet.burst_fleet import BurstFleet
from peakfleet.fleet.checks import (
    AtSynth,
    check_fleet_options,
    checked_hop_limit,
    checked_pools,
    control_plane_of,
    named,
    private_subnets,
)
from peakfleet.fleet.intent import IntentFleet
from peakfleet.fleet.metrics import FleetMetrics
from peakfleet.fleet.options import FleetOptions, PlacementOptions
