"""Which tick may act: the newest, and of those that know the same only one.

EventBridge delivers at least once and in any order, and an event asks for ticks of its own. So each
tick claims its time: before it acts, in one transaction with the record of what it is about to do,
and also if there is nothing to do. A claim holds only while the newest tick is still the one that
was read together with everything else: another one in between knows more, and this one stands back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from peakfleet_handlers.state.table import Only, Recorded, StateTable, Write
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
        leaves: What it leaves for the next one; its time is the tick's.
        newest: What the newest tick has left, as it was read; None: there was none.
        is_sure: Whether that could be read, and is whole. Default: it is.
    """

    leaves: NewestTick
    newest: NewestTick | None = None
    is_sure: bool = True

    @property
    def is_stale(self) -> bool:
        """Whether a later tick has decided already."""
        tick = self.leaves.tick
        return self.newest is not None and tick < self.newest.tick <= tick + DAY_SECONDS

    @property
    def halted(self) -> tuple[str, ...] | None:
        """Pools whose replacement the fleet itself has suspended; None if nobody kept that."""
        return None if self.newest is None else self.newest.halted

    def leaving(self, *, read_at: int | None) -> Claim:
        """Return the claim of a tick that leaves which shared reading was used last.

        Args:
            read_at: When that was read which this tick has used; None: it used none.
        """
        if read_at is None:
            read_at = self.newest.read_at if self.newest else None
        return replace(self, leaves=replace(self.leaves, read_at=read_at))

    def write(self, table: StateTable) -> tuple[Item, Only]:
        """Return the record that claims the right to act, and under which condition."""
        item = TICKS.item(table.fleet, self.leaves)
        if not self.is_sure:
            return item, later_tick_wins(self.leaves.tick, or_same=True)
        if self.newest is None:
            return item, Only(text="attribute_not_exists(#tick)", names=TICKS.names("tick"))
        values = {":newest": {"N": str(self.newest.tick)}}
        return item, Only(text="#tick = :newest", names=TICKS.names("tick"), values=values)

    def take(self, table: StateTable | None, *, shared: tuple[Write, ...] = ()) -> Recorded:
        """Claim the right to act where there is no change to record.

        Args:
            table: Without one nothing is claimed.
            shared: What is written with it, of what fleets share. Default: nothing.
        """
        if table is None:
            return Recorded.NOT_KEPT
        item, only = self.write(table)
        if shared:
            return table.transact(("Put", {"Item": item}, only), shared=shared)
        return table.put(item, only)


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
