"""Whose an event is: one look into the state table, which every tick tells what belongs to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from peakfleet_handlers.aws import Calls, Clients, Deadline, Happening, Kind
from peakfleet_table import TICKS, DamagedRecordError, Item, NewestTick, has_key

KEYS_PER_CALL = 100
_OF_SPOT = (Kind.INTERRUPTION, Kind.REBALANCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """The fleets that share the function which takes their events.

    Args:
        schedules: Name of the schedule that makes a fleet decide, by fleet.
        table: Name of their state table. Default: none, so that AWS is asked of every instance.
    """

    schedules: Mapping[str, str]
    table: str | None = None

    def may_be_of(self, told: Happening, *, clients: Clients, deadline: Deadline) -> list[str]:
        """Return the fleets that an event may be of; nearly always one, or none.

        What a fleet has told of itself decides. A fleet that has told nothing yet, or whose record
        cannot be read now, may be meant by every event. An instance is known from the tick after
        its launch on.
        """
        if told.kind is Kind.ALARM:
            # Only their own alarms are heard, so one that does not say whose it is may be any's.
            return [one for one in told.fleets if one in self.schedules] or [*self.schedules]
        records = dict(self._records(clients, deadline))
        of_spot = told.kind in _OF_SPOT
        name = told.instance_id if of_spot else told.group
        known = {fleet: one.spot if of_spot else one.groups for fleet, one in records.items()}
        sure = [fleet for fleet, names in known.items() if names and name in names]
        return sure or [fleet for fleet in self.schedules if known.get(fleet) is None]

    def _records(self, clients: Clients, deadline: Deadline) -> Iterator[tuple[str, NewestTick]]:
        """Yield the newest tick of every fleet that can be read.

        A look that fails is no failure: without it AWS is asked.
        """
        if self.table is None:
            return
        calls, fleets = Calls(deadline=deadline), sorted(self.schedules)
        for first in range(0, len(fleets), KEYS_PER_CALL):
            keys = [TICKS.key(fleet) for fleet in fleets[first : first + KEYS_PER_CALL]]
            answer = calls.ask(
                clients.dynamodb.batch_get_item,
                self.table,
                RequestItems={self.table: {"Keys": keys}},
            )
            items = calls.reading("BatchGetItem", self.table, partial(_items, answer, self.table))
            for item in items or ():
                try:
                    yield item["fleet"]["S"], TICKS.read(item)
                except DamagedRecordError:
                    continue  # every tick notes it


def _items(answer: Any, table: str) -> list[Item]:  # noqa: ANN401  whatever DynamoDB answers
    """Return the items of an answer that say whose they are."""
    return [item for item in answer["Responses"].get(table, ()) if has_key(item)] if answer else []
