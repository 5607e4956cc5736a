"""The edge between AWS and the planner: one room for each trigger, above `state` above `aws`.

- `tick`: every minute, and out of turn; sizes one fleet. Read this room first.
- `events`: what AWS tells of a fleet, kept for its next decision.
- `learn`: every hour; learns the fleet's demand.
- `ledger`: every day; what each pool did for its money.
- `read`: every minute, where a control plane has one; reads the metrics of all its fleets at once.
- `gang`: every minute; all machines of a training group or none.
- `scaler`: what a control plane's schedules call: `tick` or `gang`.
- `state`: the state table, and which tick may act.
- `aws`: every call of AWS, bounded in time, and what its answers mean.
- `fleet_metrics`: what is read of CloudWatch for a fleet, by its tick or by the reader.
- `schedule_payload`: the specification that a schedule sends.

Each room's `entry_point` has `handler`, which Lambda calls, and `run`, the same with any clients.
"""

import sys

import peakfleet_handlers.aws  # noqa: F401  loads the modules that are named below

# Modules under the names that they had before the rooms, for one release.
for _former, _now in (
    ("calls", "calls"),
    ("clients", "clients"),
    ("deadline", "calls"),
    ("launches", "launches"),
    ("refusals", "launch_errors"),
):
    sys.modules[f"{__name__}.{_former}"] = sys.modules[f"{__name__}.aws.{_now}"]
