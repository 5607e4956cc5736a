"""Lambda entry point: one tick of one fleet, as observe, decide, act, report."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from peakfleet_handlers import aws
from peakfleet_handlers.aws import Calls, Deadline
from peakfleet_handlers.fleet_metrics import FleetMetrics
from peakfleet_handlers.schedule_payload import read_event
from peakfleet_handlers.state import (
    Actual,
    Recorded,
    StateTable,
    read_known,
    read_shared,
    with_rebuilt_spend,
)
from peakfleet_handlers.tick.act import act
from peakfleet_handlers.tick.metric_reads import read_metrics
from peakfleet_handlers.tick.observe import observe
from peakfleet_handlers.tick.report import report
from peakfleet_handlers.tick.spill import spill
from peakfleet_planner import FleetSpec, Snapshot, decide
from peakfleet_planner.pools import in_shadow

TRIES: Final = 5
"""How often a tick decides anew because another fleet has claimed of a shared limit meanwhile."""


def handler(event: object, context: object = None) -> dict[str, Any]:
    """Run one tick.

    Args:
        event: What the schedule sends: `{"scheduled_time": <ISO-8601>, "spec": <fleet spec>}`.
        context: Lambda's, for the time that is left. Default: there is time for everything.

    Returns:
        The plan as JSON data, with `applied`: what was recorded, resized and failed.

    Raises:
        SpecError: The event is not such a document; the message names the field.
    """
    return run(event, clients=aws.clients(), deadline=Deadline.of(context))


def run(event: object, *, clients: aws.Clients, deadline: Deadline) -> dict[str, Any]:
    """Run one tick against *clients*; the handler without Lambda.

    Raises:
        SpecError: As `handler`.
    """
    spec, now = read_event(event)
    calls = Calls(deadline=deadline)
    table = StateTable.of(spec.state_table, spec.fleet, clients, calls)
    shadow = spec.mode == "shadow"
    known = read_known(table, now_epoch_seconds=now, shadow=shadow)
    known = with_rebuilt_spend(spec, known, table, now_epoch_seconds=now)
    front, actual = None, None
    if spec.split is not None:
        front = aws.read_front(spec.split, clients=clients, calls=calls)
    read = read_metrics(FleetMetrics.of(spec), now, known, clients=clients, calls=calls)
    known = replace(known, claim=known.claim.leaving(read_at=read.read_at))
    snapshot = observe(spec, now, known, read, front=front, clients=clients, calls=calls)
    if shadow:
        actual = _actual(spec, snapshot)
        snapshot = in_shadow(spec, snapshot)
    for left in reversed(range(TRIES)):
        # Whoever was outrun each time draws nothing more on what is shared.
        shared = read_shared(spec.spend_limits, table, shadow=shadow) if left else {}
        snapshot = replace(snapshot, shared_spend=shared)
        applied = act(
            spec,
            snapshot,
            decide(spec, snapshot),
            known,
            front=front,
            actual=actual,
            clients=clients,
            calls=calls,
        )
        if applied.recorded is not Recorded.CONTESTED:
            break
    spilled = spill(spec, snapshot, applied, clients=clients, calls=calls)
    applied = replace(applied, region_weight=spilled)
    report(spec, snapshot, applied, calls, read=read.to_json(now))
    return {
        **applied.plan.to_json(),
        "applied": {**applied.to_json(), "failed_calls": len(calls.failed)},
    }


def _actual(spec: FleetSpec, snapshot: Snapshot) -> Actual:
    units = {pool.name: pool.units_per_capacity for pool in spec.pools}
    return (
        {one.name: one.desired_capacity for one in snapshot.pools},
        sum(one.in_service_capacity * units[one.name] for one in snapshot.pools),
    )
