"""The fleets that are deployed, found where their configuration lives: in their schedules."""

from __future__ import annotations

import json

from peakfleet_local.schedules import enabled_schedules
from peakfleet_local.server import ACCOUNT
from peakfleet_planner import FleetSpec


def deployed_fleets(*, region: str, account: str = ACCOUNT) -> tuple[FleetSpec, ...]:
    """Return the fleet of every enabled schedule that sends one, by name.

    Args:
        region: Where to look.
        account: Whose schedules. Default: the account of the local AWS.

    Raises:
        SpecError: A schedule sends a specification that this version cannot read.
    """
    payloads = (
        json.loads(schedule.input_template or "{}")
        for schedule in enabled_schedules(account=account, region=region)
    )
    specs = (FleetSpec.from_json(payload["spec"]) for payload in payloads if "spec" in payload)
    return tuple(sorted(specs, key=lambda spec: spec.fleet))
