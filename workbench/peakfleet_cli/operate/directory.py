"""The fleets of an account and region, found by their schedules: nobody has to know a table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from peakfleet_cli.account import Account
from peakfleet_cli.errors import CommandError
from peakfleet_planner import FleetSpec, SpecError, SpendLimitSpec
from peakfleet_planner.gang import GangSpec

_KINDS: Final = ("spec", "gang")
"""What a schedule's payload may hold, by its field."""
_AT_ONCE: Final = 8
_NEAR: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedFleet:
    """A fleet as its schedule knows it.

    Args:
        name: Its name: the stack's, and the construct's path within it.
        kind: `spec` for a fleet, `gang` for a training group.
        document: Its specification, as it is sent every minute.
        enabled: Whether the schedule runs.
    """

    name: str
    kind: str
    document: Mapping[str, Any]
    enabled: bool = True

    @property
    def table(self) -> str:
        """The state table.

        Raises:
            CommandError: It has none.
        """
        name = self.document.get("state_table")
        if not isinstance(name, str):
            raise CommandError(f"fleet '{self.name}' has no state table, so it remembers nothing")
        return name

    @property
    def spec(self) -> FleetSpec:
        """The specification.

        Raises:
            CommandError: It is a training group, or of another version of peakfleet.
        """
        read = self._read()
        if isinstance(read, GangSpec):
            raise CommandError(f"'{self.name}' is a training group, and this is for fleets")
        return read

    @property
    def pools(self) -> tuple[Any, ...]:
        """Its pools; a training group has one.

        Raises:
            CommandError: It is of another version of peakfleet.
        """
        read = self._read()
        return (read.pool,) if isinstance(read, GangSpec) else read.pools

    @property
    def spend_limits(self) -> tuple[SpendLimitSpec, ...]:
        """What it may cost.

        Raises:
            CommandError: It is of another version of peakfleet.
        """
        return self._read().spend_limits

    def _read(self) -> FleetSpec | GangSpec:
        try:
            if self.kind == "gang":
                return GangSpec.from_json(self.document)
            return FleetSpec.from_json(self.document)
        except SpecError as error:
            raise CommandError(
                f"fleet '{self.name}' was deployed by another version of peakfleet: {error}"
            ) from error


def deployed_fleets(account: Account) -> tuple[DeployedFleet, ...]:
    """Return every fleet and training group of an account and region, by name.

    Needs `scheduler:ListSchedules` and `scheduler:GetSchedule`.

    Raises:
        CommandError: No region is configured.
    """
    scheduler = account.client("scheduler")
    pages = scheduler.get_paginator("list_schedules").paginate()
    listed = [schedule for page in pages for schedule in page["Schedules"]]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        schedules = pool.map(
            lambda one: scheduler.get_schedule(Name=one["Name"], GroupName=one["GroupName"]), listed
        )
        found = {fleet.name: fleet for fleet in _fleets(schedules)}
    return tuple(found[name] for name in sorted(found))


def find_fleet(account: Account, name: str) -> DeployedFleet:
    """Return the fleet of this name.

    Args:
        account: Where.
        name: As `peakfleet status` prints it, such as Media/Transcode.

    Raises:
        CommandError: There is none; the message lists the nearest names.
    """
    found = {fleet.name: fleet for fleet in deployed_fleets(account)}
    if name in found:
        return found[name]
    if not found:
        raise CommandError(f"there is no fleet '{name}': {account.place} of this account has none")
    near = nearest(name, found)
    said = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(found)}"
    raise CommandError(f"there is no fleet '{name}' in {account.place}; {said}")


def nearest(name: str, names: Iterable[str]) -> list[str]:
    """Return the names that somebody may have meant, the likeliest first.

    >>> nearest("transcode", ["Media/Transcode", "Media/Live"])
    ['Media/Transcode']
    """
    folded = {known.casefold(): known for known in names}
    asked = name.casefold()
    parts = [known for known in folded if known.rsplit("/", 1)[-1] == asked.rsplit("/", 1)[-1]]
    close = get_close_matches(asked, folded, n=3, cutoff=_NEAR)
    return [folded[one] for one in dict.fromkeys([*parts, *close])][:3]


def _fleets(schedules: Iterable[Mapping[str, Any]]) -> Iterator[DeployedFleet]:
    for schedule in schedules:
        sent = _payload(schedule["Target"].get("Input", ""))
        for kind in _KINDS:
            document = sent.get(kind)
            if isinstance(document, Mapping) and isinstance(document.get("fleet"), str):
                yield DeployedFleet(
                    name=document["fleet"],
                    kind=kind,
                    document=document,
                    enabled=schedule.get("State", "ENABLED") == "ENABLED",
                )


def _payload(text: str) -> Mapping[str, Any]:
    """Return what a schedule sends; empty if it is another application's."""
    try:
        sent = json.loads(text)
    except ValueError:
        return {}
    return sent if isinstance(sent, Mapping) and "scheduled_time" in sent else {}
