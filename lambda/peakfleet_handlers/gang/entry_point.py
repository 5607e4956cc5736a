"""Lambda entry point: one tick of one gang, as observe, decide, act, report."""

from __future__ import annotations

from typing import Any, Final

from peakfleet_handlers import aws
from peakfleet_handlers.aws import Calls, Deadline, emit, logger
from peakfleet_handlers.gang.act import GangApplied, act_gang
from peakfleet_handlers.gang.observe import observe_gang
from peakfleet_handlers.schedule_payload import read_parts
from peakfleet_planner.gang import ACTIVE, GangPlan, GangReason, GangSnapshot, GangSpec, decide_gang

FIELD = "gang"
"""Where an event has the specification."""
_ALWAYS: Final = ("GangMachines", "GangServing")
_WAITS_FOR_OTHERS: Final = frozenset(
    {
        GangReason.FINISHED,
        GangReason.HELD,
        GangReason.NO_ROOM,
        GangReason.PRIORITY_SILENT,
        GangReason.SPEND_LIMIT,
    }
)


def handler(event: object, context: object = None) -> dict[str, Any]:
    """Run one tick.

    Args:
        event: What the schedule sends: `{"scheduled_time": <ISO-8601>, "gang": <gang spec>}`.
        context: Lambda's, for the time that is left. Default: there is time for everything.

    Returns:
        The plan as JSON data, with `applied`: what was done.

    Raises:
        SpecError: The event is not such a document; the message names the field.
    """
    return run(event, clients=aws.clients(), deadline=Deadline.of(context))


def run(event: object, *, clients: aws.Clients, deadline: Deadline) -> dict[str, Any]:
    """Run one tick against *clients*; the handler without Lambda.

    Raises:
        SpecError: As `handler`.
    """
    document, now = read_parts(event, FIELD)
    spec = GangSpec.from_json(document)
    calls = Calls(deadline=deadline)
    snapshot = observe_gang(spec, now, clients=clients, calls=calls)
    plan = decide_gang(spec, snapshot)
    applied = act_gang(spec, snapshot, plan, clients=clients, calls=calls)
    _report(spec, snapshot, plan, applied, calls)
    failed = {"failed_calls": len(calls.failed)}
    return {**plan.to_json(), "applied": {**applied.to_json(), **failed}}


def _report(
    spec: GangSpec, snapshot: GangSnapshot, plan: GangPlan, applied: GangApplied, calls: Calls
) -> None:
    """Write the tick's log line and its metrics to standard output."""
    metrics = {**gang_metrics(snapshot, plan, applied), "FailedCalls": len(calls.failed)}
    log = logger().warning if calls.failed else logger().info
    log(
        plan.explain(),
        extra={
            "fleet": spec.fleet,
            "tick": snapshot.now_epoch_seconds,
            "plan": plan.to_json(),
            "applied": applied.to_json(),
            "failed_calls": calls.to_json(),
        },
    )
    emit(
        snapshot.now_epoch_seconds,
        {"Fleet": spec.fleet},
        {
            name: value
            for name, value in metrics.items()
            if value or name in _ALWAYS  # a metric is billed for every hour that it has a value in
        },
    )


def gang_metrics(snapshot: GangSnapshot, plan: GangPlan, applied: GangApplied) -> dict[str, float]:
    """Return the metrics of a gang, by name."""
    group, seen = snapshot.group, snapshot.reservation
    trains = plan.reason is GangReason.RUNNING
    paid_for_nothing = seen is not None and seen.state == ACTIVE and not trains
    return {
        "GangMachines": plan.alive,
        "GangServing": len(group.serving) if group else 0,
        "GangTraining": trains,
        "GangIncomplete": 0 < plan.alive < plan.machines,
        "GangFailures": plan.memory.failures if plan.memory else 0,
        "GangGivenUp": plan.reason in (GangReason.FAILING, GangReason.NEVER_READY),
        "RefusedLaunches": applied.refused is not None,
        "ReservationIdle": paid_for_nothing and plan.reason not in _WAITS_FOR_OTHERS,
        "Held": plan.reason is GangReason.HELD,
        "SpendReached": plan.reason is GangReason.SPEND_LIMIT,
        "SpendUsdPerHour": plan.spend.usd_per_hour if plan.spend else 0,
    }
