"""Lambda entry point: one tick of one fleet, as observe, decide, act, report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from peakfleet_handlers import clients as aws
from peakfleet_handlers.act import act
from peakfleet_handlers.calls import Calls
from peakfleet_handlers.deadline import Deadline
from peakfleet_handlers.observe import observe
from peakfleet_handlers.report import report
from peakfleet_planner import FleetSpec, SpecError, decide


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
    spec, now = _read(event)
    calls = Calls(deadline=deadline)
    snapshot = observe(spec, now, clients=clients, calls=calls)
    plan = decide(spec, snapshot)
    applied = act(spec, snapshot, plan, clients=clients, calls=calls)
    report(spec, now, plan, applied, tuple(calls.failed))
    return {**plan.to_json(), "applied": {**applied.to_json(), "failed_calls": len(calls.failed)}}


def _read(event: object) -> tuple[FleetSpec, int]:
    """Return the specification in an event, and the tick's time in epoch seconds."""
    if not isinstance(event, Mapping):
        raise SpecError(f"event must be an object, got {event!r}")
    for name in ("scheduled_time", "spec"):
        if name not in event:
            raise SpecError(f"event: missing field {name}")
    if not isinstance(event["spec"], Mapping):
        raise SpecError(f"event.spec must be an object, got {event['spec']!r}")
    return FleetSpec.from_json(event["spec"]), _epoch_seconds(event["scheduled_time"])


def _epoch_seconds(text: object) -> int:
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise SpecError(
            f"event.scheduled_time must be a time such as 2022-03-22T18:59:43Z, got {text!r}"
        )
    return int(time.timestamp())
