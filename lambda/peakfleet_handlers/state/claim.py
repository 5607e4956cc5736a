"""Which tick may act: the newest, and of those that know the same only one.

EventBridge delivers at least once and in any order, and an event asks for ticks of its own. So each
tick claims its time: before it acts, in one transaction with the record of what it is about to do,
and also if there is nothing to do. A claim holds only while the newest tick is still the one that
was read together with everything else: another one in between knows more, and this one stands back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from peakfleet_handlers.state.table import Only, Recorded, StateTable
from peakfleet_table import TICKS, Item, NewestTick

DAY_SECONDS = 24 * 3600
NO_TICK_YET: Final = "attribute_not_exists(#tick) OR NOT attribute_type(#tick, :number)"
BROKEN_CLOCK: Final = "#tick > :broken_clock"
"""A record that cannot be one must not block a fleet for ever. The scheduler delivers late, but
never more than a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The claim of one tick to act.

    Args:
        tick: Its time in epoch seconds.
        newest: The newest tick as it was read; None: there was none, or it is damaged.
        unmet_since: Since when each pool lacks what it was asked for, as this tick knows it.
            Default: none does.
        halted: Pools whose replacement this tick leaves halted. Default: none.
        was_read: Whether it could be read. Default: it could.
    """

    tick: int
    newest: int | None = None
    unmet_since: Mapping[str, int] = field(default_factory=dict)
    halted: tuple[str, ...] = ()
    was_read: bool = True

    @property
    def is_stale(self) -> bool:
        """Whether a later tick has decided already."""
        return self.newest is not None and self.tick < self.newest <= self.tick + DAY_SECONDS

    def write(self, table: StateTable) -> tuple[Item, Only]:
        """Return the record that claims the right to act, and under which condition."""
        known = NewestTick(tick=self.tick, unmet_since=self.unmet_since, halted=self.halted)
        item = TICKS.item(table.fleet, known)
        if not self.was_read:
            return item, later_tick_wins(self.tick, or_same=True)
        text, values = NO_TICK_YET, {":number": {"S": "N"}}
        if self.newest is not None:
            text, values = "#tick = :newest", {":newest": {"N": str(self.newest)}}
        return item, Only(text=text, names=TICKS.names("tick"), values=values)

    def take(self, table: StateTable | None) -> Recorded:
        """Claim the right to act where there is no change to record."""
        return Recorded.NOT_KEPT if table is None else table.put(*self.write(table))


def later_tick_wins(tick: int, *, or_same: bool = False) -> Only:
    """Return the condition that no later tick has written an item, nor the same one.

    Args:
        tick: Time of this tick in epoch seconds.
        or_same: Whether the same tick may have. Default: no.
    """
    earlier = "#tick <= :tick" if or_same else "#tick < :tick"
    values: dict[str, Any] = {
        ":tick": {"N": str(tick)},
        ":broken_clock": {"N": str(tick + DAY_SECONDS)},
        ":number": {"S": "N"},
    }
    return Only(
        text=f"{NO_TICK_YET} OR {earlier} OR {BROKEN_CLOCK}",
        names=TICKS.names("tick"),
        values=values,
    )
