"""Instance types that fleets are made of, and what they cost: facts with source and date."""

from peakfleet_chips.catalogue import CATALOGUE, find_type
from peakfleet_chips.chip import Architecture, Chip
from peakfleet_chips.instance_type import InstanceType, PurchaseOption
from peakfleet_chips.offerings import OFFERINGS_DAY, is_sold
from peakfleet_chips.prices import PRICE_FILE, Prices, PricesError

__all__ = [
    "CATALOGUE",
    "OFFERINGS_DAY",
    "PRICE_FILE",
    "Architecture",
    "Chip",
    "InstanceType",
    "Prices",
    "PricesError",
    "PurchaseOption",
    "find_type",
    "is_sold",
]
