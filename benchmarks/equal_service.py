"""Bills that may be compared: of fleets that miss no more than another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

Setting = TypeVar("Setting")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What a fleet used and missed in the scored minutes.

    Args:
        setting: What it was run with.
        spot_instances: Most instances on Spot. Default: 0.
        hours: Instance-hours that were paid for, by pool.
        unserved_units: Unit-minutes above the baseline that nobody served.
    """

    setting: float
    hours: Mapping[str, float]
    unserved_units: float
    spot_instances: int = 0

    def usd(self, usd_per_hour: Mapping[str, float]) -> float:
        """Return what it costs at these prices, by pool.

        >>> Bill(setting=0.7, hours={"Spot": 3, "Sure": 1}, unserved_units=0).usd(
        ...     {"Spot": 0.5, "Sure": 2}
        ... )
        3.5
        """
        return sum(hours * usd_per_hour[pool] for pool, hours in self.hours.items())


def equal_service(
    bill_at: Callable[[Setting], Bill], settings: Sequence[Setting], *, most_unserved_units: float
) -> Bill:
    """Return the bill of the first of *settings* that misses no more than another fleet.

    It is found by halving, so service must get better from setting to setting. If even the last
    one misses more, its bill is returned.

    Args:
        bill_at: Runs the fleet with a setting.
        settings: What may be set, in the order in which service gets better.
        most_unserved_units: What may be missed.
    """
    least, most = 0, len(settings) - 1
    found: dict[int, Bill] = {}
    while least < most:
        middle = (least + most) // 2
        found[middle] = bill_at(settings[middle])
        if found[middle].unserved_units <= most_unserved_units:
            most = middle
        else:
            least = middle + 1
    return found[least] if least in found else bill_at(settings[least])
