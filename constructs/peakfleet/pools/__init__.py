"""Pools: what a fleet bursts into, as data, checked where it is written.

In: instance types and options of a user. Out: `CapacityPool`, which says what a decision needs to
know (`to_planner`), for `machines` to make a group of. Nothing here defines a resource.

Read `capacity_pool` first: the pool and the ways to make one; `pool_options` says what all of
them take, `weights` what an instance counts for.
`names` says what keeps a pool's group the same one, `chip_rules` what instance types forbid,
`purchase` and `warm_pool` how instances are bought and wait, `prices` what they cost, `efficiency`
how pools are compared.
"""

from peakfleet.pools.capacity_pool import CapacityPool
from peakfleet.pools.chip_rules import (
    ARCHITECTURES,
    architecture_words,
    check_capacity_block,
    check_chips,
    check_efa,
    check_gang,
    check_region,
    check_warm,
    types_with_local_nvme,
    unknown_types,
)
from peakfleet.pools.efficiency import EfficiencyLedger, Feedback
from peakfleet.pools.names import told_apart
from peakfleet.pools.pool_options import PoolOptions
from peakfleet.pools.prices import prices_of, tell_age
from peakfleet.pools.purchase import Purchase
from peakfleet.pools.warm_pool import WarmPool
