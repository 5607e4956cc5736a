"""Lambda entry point: learn the demand of one fleet from its last two weeks.

Apart from the tick: it needs numpy and minutes of time, and may fail for days without harm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from peakfleet_handlers import aws
from peakfleet_handlers.aws import Calls, Cause, Deadline, emit, logger
from peakfleet_handlers.learn.history import Points, read_history
from peakfleet_handlers.schedule_payload import read_event
from peakfleet_handlers.state import Recorded, StateTable, read_memory
from peakfleet_learner import taught
from peakfleet_planner import DemandModel, FleetSpec, SpecError
from peakfleet_planner.forecast import (
    MOST_DAYS,
    RecordedDemand,
    basis_of,
    learned_signals,
    why_reactive,
)
from peakfleet_planner.pools import with_measured_boots, with_measured_units
from peakfleet_planner.spec import DAY_SECONDS
from peakfleet_table import (
    MODELS,
    MOST_PACKED_BYTES,
    PROPOSALS,
    RECORDINGS,
    DamagedRecordError,
    PackedModel,
)

HOUR_SECONDS = 3600
MOST_BYTES = MOST_PACKED_BYTES
"""Of a model."""


class Outcome(StrEnum):
    """What became of one lesson."""

    LEARNED = "learned"
    NOT_LEARNABLE = "not-learnable"
    NOT_KEPT = "not-kept"
    HISTORY_UNREADABLE = "history-unreadable"
    NO_HISTORY = "no-history"
    TOO_LARGE = "too-large"
    LOST = "lost"


_SENTENCES = {
    Outcome.LEARNED: "learned the demand of the fleet",
    Outcome.NOT_LEARNABLE: "demand of this fleet is not learned",
    Outcome.NOT_KEPT: "not learned: without a state table no model can be kept",
    Outcome.HISTORY_UNREADABLE: "not learned: a week of the history could not be read",
    Outcome.NO_HISTORY: "not learned: there is no history yet",
    Outcome.TOO_LARGE: f"not kept: the model is above {MOST_BYTES} bytes",
    Outcome.LOST: "not kept: the state table could not be written",
}
_TROUBLE = frozenset({Outcome.HISTORY_UNREADABLE, Outcome.TOO_LARGE, Outcome.LOST})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lesson:
    """One run of the learner.

    Args:
        outcome: What became of it.
        model: What was learned. Default: nothing.
        size_bytes: Of the model as it is kept.
    """

    outcome: Outcome
    model: DemandModel | None = None
    size_bytes: int = 0

    def metrics(self) -> dict[str, float]:
        """Return its metrics by name."""
        model = self.model
        if model is None:
            return {"ModelTrusted": 0}
        service: dict[str, float] = {}
        if model.service:
            service = {
                "MissedShareAsked": model.service.asked,
                "MissedShareGot": model.service.got,
                "UnservedCost": model.service.unserved_cost,
            }
        return {
            **service,
            "ModelTrusted": model.trusted and self.outcome is Outcome.LEARNED,
            "ForesightCost": model.grade.foresight_cost,
            "ReactiveCost": model.grade.reactive_cost,
            "ModelMinutes": model.minutes_seen,
            "ModelBytes": self.size_bytes,
        }


def handler(event: object, context: object = None) -> dict[str, Any]:
    """Learn the demand of one fleet and keep the model in the state table.

    Args:
        event: What the schedule sends: `{"scheduled_time": <ISO-8601>, "spec": <fleet spec>}`, and
            perhaps `"recorded": <text>`, see `RecordedDemand.packed`.
        context: Lambda's, for the time that is left. Default: there is time for everything.

    Returns:
        `outcome`, the metrics by name, and `failed_calls`.

    Raises:
        SpecError: The event is not such a document; the message names the field.
    """
    return run(event, clients=aws.clients(), deadline=Deadline.of(context))


def run(event: object, *, clients: aws.Clients, deadline: Deadline) -> dict[str, Any]:
    """Learn against *clients*; the handler without Lambda.

    Raises:
        SpecError: As `handler`.
    """
    spec, now = read_event(event)
    calls = Calls(deadline=deadline)
    sent = event.get("recorded") if isinstance(event, Mapping) else None
    lesson = _learn(spec, now, clients=clients, calls=calls, sent=sent)
    metrics = lesson.metrics()
    _report(spec, now, lesson.outcome, metrics, calls)
    return {"outcome": lesson.outcome, **metrics, "failed_calls": len(calls.failed)}


def _learn(
    spec: FleetSpec, now: int, *, clients: aws.Clients, calls: Calls, sent: object
) -> _Lesson:
    if basis_of(spec) is None:
        return _Lesson(outcome=Outcome.NOT_LEARNABLE)
    table = StateTable.of(spec.state_table, spec.fleet, clients, calls)
    if table is None:
        return _Lesson(outcome=Outcome.NOT_KEPT)
    spec = _as_measured(spec, now, table)
    history = read_history(spec, now, clients=clients, calls=calls)
    if history is None:
        return _Lesson(outcome=Outcome.HISTORY_UNREADABLE)
    delay_minutes = 0 if all(signal.is_fast for signal in learned_signals(spec)) else 1
    learner = taught(
        spec,
        history,
        metric_delay_minutes=delay_minutes,
        recorded=_recorded(table, sent) if _is_new(history, now) else None,
        now_epoch_seconds=now,
    )
    model = learner.model() if learner else None
    if learner is None or model is None:  # measured boots may be too long for one
        outcome = Outcome.NO_HISTORY if basis_of(spec) else Outcome.NOT_LEARNABLE
        return _Lesson(outcome=outcome)
    packed = PackedModel.of(model)
    size = len(packed.packed)
    if size > MOST_BYTES:
        return _Lesson(outcome=Outcome.TOO_LARGE, model=model, size_bytes=size)
    # Whichever of two models was written last does: one that is too old is not used by the tick.
    written = table.put(MODELS.item(spec.fleet, packed)) is Recorded.WRITTEN
    if peaks := learner.peaks():
        table.put(PROPOSALS.item(spec.fleet, peaks))
    outcome = Outcome.LEARNED if written else Outcome.LOST
    return _Lesson(outcome=outcome, model=model, size_bytes=size)


def _is_new(history: Points, now: int) -> bool:
    """Return whether a fleet has less demand of its own than can be learned from."""
    return not history or now - history[0][0] < MOST_DAYS * DAY_SECONDS - HOUR_SECONDS


def _recorded(table: StateTable, sent: object) -> RecordedDemand | None:
    """Return what was recorded before: what somebody put into the table, or what is sent."""
    try:
        kept = [RECORDINGS.read(item).packed for item in table.starting_with(RECORDINGS.prefix)]
        texts = [text for text in (*kept, sent) if isinstance(text, str)]
        return RecordedDemand.unpacked(texts[0]) if texts else None
    except (DamagedRecordError, SpecError) as error:
        table.calls.note("Query", RECORDINGS.prefix, Cause.UNREADABLE, str(error))
        return None


def _as_measured(spec: FleetSpec, now: int, table: StateTable) -> FleetSpec:
    memory = read_memory(table, now_epoch_seconds=now)
    if memory is None:
        return spec
    return with_measured_units(with_measured_boots(spec, memory.boots), memory.units)


def _report(
    spec: FleetSpec, now: int, outcome: Outcome, metrics: Mapping[str, float], calls: Calls
) -> None:
    log = logger().warning if outcome in _TROUBLE else logger().info
    log(
        _SENTENCES[outcome],
        extra={
            "fleet": spec.fleet,
            "lesson": now,
            "outcome": outcome,
            "why": why_reactive(spec) if outcome is Outcome.NOT_LEARNABLE else None,
            "model": dict(metrics),
            "failed_calls": calls.to_json(),
        },
    )
    if spec.metrics == "every":
        emit(now, {"Fleet": spec.fleet}, metrics)
    elif now % DAY_SECONDS < HOUR_SECONDS:  # a metric is billed for every hour that it has
        emit(now, {"Fleet": spec.fleet}, {"ModelTrusted": metrics["ModelTrusted"]})
