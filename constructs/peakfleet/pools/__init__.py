"""Capacity pools: what a fleet bursts into."""

from peakfleet.pools.capacity_pool import CapacityPool
from peakfleet.pools.chip_rules import (
    check_capacity_block,
    check_chips,
    check_efa,
    check_gang,
    check_hibernation,
    check_warm,
    types_with_local_nvme,
    unknown_types,
)
from peakfleet.pools.instance_types import ARCHITECTURES, architecture_words
from peakfleet.pools.options import PoolOptions
from peakfleet.pools.price_age import tell_age
from peakfleet.pools.prices import prices_of
from peakfleet.pools.purchase import Purchase
from peakfleet.pools.warm_pool import WarmPool
from peakfleet.pools.weights import MOST_WEIGHT, weigh

__all__ = [
    "ARCHITECTURES",
    "MOST_WEIGHT",
    "CapacityPool",
    "PoolOptions",
    "Purchase",
    "WarmPool",
    "architecture_words",
    "check_capacity_block",
    "check_chips",
    "check_efa",
    "check_gang",
    "check_hibernation",
    "check_warm",
    "prices_of",
    "tell_age",
    "types_with_local_nvme",
    "unknown_types",
    "weigh",
]
