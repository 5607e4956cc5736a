"""Lambda entry point: what AWS tells of the fleets of a control plane, for their next decisions.

An event decides nothing. It leaves a fact in the state table and, where that is a reason to decide
at once, has the scaler tick.
"""

from __future__ import annotations

import json
import os
from typing import Any

from peakfleet_handlers import aws
from peakfleet_handlers.aws import Calls, Deadline, Happening, Kind, logger, read_happening
from peakfleet_handlers.events.rules import Rules
from peakfleet_handlers.events.ticks import Clock, ask_for_a_tick, read_scheduled
from peakfleet_handlers.events.whose import Plane
from peakfleet_handlers.state import StateTable

SCHEDULES_VARIABLE, TABLE_VARIABLE = "PEAKFLEET_SCHEDULES", "PEAKFLEET_TABLE"
"""Environment variables: a JSON object with the schedule of each fleet, and their state table."""


class UnfinishedEventError(Exception):
    """AWS has refused calls that an event needed. Trying again can help, and repeats nothing."""


def handler(event: object, context: object = None) -> dict[str, Any]:
    """Take one event of EventBridge.

    Args:
        event: The event: of Auto Scaling, of Spot, or of an alarm. Anything else is logged and
            dropped.
        context: Lambda's, for the time that is left. Default: there is time for everything.

    Returns:
        `kind`, what it told, and `ticks`, whether a tick was asked for.

    Raises:
        UnfinishedEventError: Calls have failed; Lambda delivers the event again.
    """
    return run(
        event,
        plane=Plane(
            schedules=json.loads(os.environ[SCHEDULES_VARIABLE]),
            table=os.environ.get(TABLE_VARIABLE),
        ),
        clients=aws.clients(),
        deadline=Deadline.of(context),
        clock=Clock(),
    )


def run(
    event: object, *, plane: Plane, clients: aws.Clients, deadline: Deadline, clock: Clock
) -> dict[str, Any]:
    """Take one event against *clients*; the handler without Lambda.

    Raises:
        UnfinishedEventError: As `handler`.
    """
    try:
        told = read_happening(event)
    except ValueError as error:
        logger().warning("dropped an event", extra={"error": str(error)})
        return {"kind": None, "ticks": False}
    calls = Calls(deadline=deadline)
    fleets = plane.may_be_of(told, clients=clients, deadline=deadline)
    ticked = [
        fleet
        for fleet in fleets
        if _take(told, schedule=plane.schedules[fleet], clients=clients, calls=calls, clock=clock)
    ]
    said = {"kind": told.kind.value, "ticks": bool(ticked)}
    if not fleets:  # somebody else's, of which there may be thousands: nothing is worth a line
        return said
    failed = [f"{one.operation} {one.subject}: {one.message}" for one in calls.failed]
    logger().info(
        "event",
        extra={
            **said,
            "fleets": fleets,
            "group": told.group,
            "instance": told.instance_id,
            "message_of_aws": told.text("StatusMessage"),
            "failed_calls": failed,
        },
    )
    if failed:
        raise UnfinishedEventError("; ".join(failed))
    return said


def _take(
    told: Happening, *, schedule: str, clients: aws.Clients, calls: Calls, clock: Clock
) -> bool:
    """Leave facts behind; whether a tick was asked for.

    A fact that could not be kept is no reason to let the fleet wait.
    """
    scheduled = calls.attempt(
        "GetSchedule", schedule, lambda: read_scheduled(schedule, clients.scheduler)
    )
    if scheduled is None:
        return False
    spec = scheduled.spec
    table = StateTable.of(spec.state_table, spec.fleet, clients, calls)
    decides = told.kind is Kind.ALARM
    if table is not None and not decides:
        rules = Rules(spec=spec, table=table, autoscaling=clients.autoscaling, calls=calls)
        decides = rules.take(told)
    if not decides and not calls.failed:
        return False
    return ask_for_a_tick(
        scheduled,
        at_epoch_seconds=told.at_epoch_seconds,
        table=table,
        functions=clients.functions,
        calls=calls,
        clock=clock,
    )
