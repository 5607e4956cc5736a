"""Lambda entry point: one tick of one fleet, as observe, decide, act, report."""

from __future__ import annotations

from typing import Any

from peakfleet_handlers import aws
from peakfleet_handlers.aws import Calls, Deadline
from peakfleet_handlers.schedule_payload import read_event
from peakfleet_handlers.state import StateTable, read_known
from peakfleet_handlers.tick.act import act
from peakfleet_handlers.tick.observe import observe
from peakfleet_handlers.tick.report import report
from peakfleet_planner import decide


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
    known = read_known(table, now_epoch_seconds=now)
    listener = None
    if spec.traffic is not None:
        listener = aws.read_listener(spec.traffic, elbv2=clients.elbv2, calls=calls)
    snapshot = observe(spec, now, known, listener=listener, clients=clients, calls=calls)
    plan = decide(spec, snapshot)
    applied = act(spec, snapshot, plan, known, listener=listener, clients=clients, calls=calls)
    report(spec, snapshot, applied, calls)
    return {
        **applied.plan.to_json(),
        "applied": {**applied.to_json(), "failed_calls": len(calls.failed)},
    }
