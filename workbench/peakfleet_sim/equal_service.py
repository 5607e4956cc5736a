"""Bills that may be compared: of fleets that miss no more than another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What a fleet used and missed in the scored minutes.

    Args:
        setting: What it was run with.
        hours: Instance-hours that were paid for, by pool.
        unserved_units: Unit-minutes above the baseline that nobody served.
    """

    setting: float
    hours: Mapping[str, float]
    unserved_units: float

    def usd(self, usd_per_hour: Mapping[str, float]) -> float:
        """Return what it costs at these prices, by pool.

        >>> Bill(setting=0.7, hours={"Spot": 3, "Sure": 1}, unserved_units=0).usd(
        ...     {"Spot": 0.5, "Sure": 2}
        ... )
        3.5
        """
        return sum(hours * usd_per_hour[pool] for pool, hours in self.hours.items())


def equal_service(
    bill_at: Callable[[float], Bill],
    settings: Sequence[float],
    *,
    most_unserved_units: float,
    first: float,
) -> Bill:
    """Return the bill of the first of *settings* that misses no more than another fleet.

    The search starts at *first* and walks to where the answer changes, so that few settings are
    tried. If even the last one misses more, its bill is returned.

    Args:
        bill_at: Runs the fleet with a setting.
        settings: What may be set, in the order in which service gets better.
        most_unserved_units: What may be missed.
        first: Where to start; one of *settings*.
    """
    index = settings.index(first)
    bill = bill_at(settings[index])
    while bill.unserved_units > most_unserved_units and index + 1 < len(settings):
        index += 1
        bill = bill_at(settings[index])
        if bill.unserved_units <= most_unserved_units:
            return bill
    while bill.unserved_units <= most_unserved_units and index > 0:
        index -= 1
        lesser = bill_at(settings[index])
        if lesser.unserved_units > most_unserved_units:
            break
        bill = lesser
    return bill
