"""The fleets that are deployed, found where their configuration lives: in their schedules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from peakfleet_local.functions import enabled_schedules
from peakfleet_local.server import ACCOUNT
from peakfleet_planner import FleetSpec
from peakfleet_planner.gang import GangSpec


def deployed_fleets(*, region: str, account: str = ACCOUNT) -> tuple[FleetSpec, ...]:
    """Return every fleet that an enabled schedule sends, by name and once.

    Args:
        region: Where to look.
        account: Whose schedules. Default: the account of the local AWS.

    Raises:
        SpecError: A schedule sends a specification that this version cannot read.
    """
    specs = (FleetSpec.from_json(one["spec"]) for one in _sent(region, account) if "spec" in one)
    by_name = {spec.fleet: spec for spec in specs}  # tick and learner send the same one
    return tuple(by_name[name] for name in sorted(by_name))


def deployed_gangs(*, region: str, account: str = ACCOUNT) -> tuple[GangSpec, ...]:
    """Return every gang that an enabled schedule sends, by name.

    Args:
        region: Where to look.
        account: Whose schedules. Default: the account of the local AWS.

    Raises:
        SpecError: A schedule sends a specification that this version cannot read.
    """
    gangs = (GangSpec.from_json(one["gang"]) for one in _sent(region, account) if "gang" in one)
    return tuple(sorted(gangs, key=lambda gang: gang.fleet))


def _sent(region: str, account: str) -> Iterator[dict[str, Any]]:
    for schedule in enabled_schedules(account=account, region=region):
        yield json.loads(schedule.input_template or "{}")
