"""The fleets that are deployed, found where their configuration lives: in their schedules."""

from __future__ import annotations

import json

from peakfleet_local.schedules import enabled_schedules
from peakfleet_local.server import ACCOUNT
from peakfleet_planner import FleetSpec


def deployed_fleets(*, region: str, account: str = ACCOUNT) -> tuple[FleetSpec, ...]:
    """Return every fleet that an enabled schedule sends, by name and once.

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
    by_name = {spec.fleet: spec for spec in specs}  # tick and learner send the same one
    return tuple(by_name[name] for name in sorted(by_name))
