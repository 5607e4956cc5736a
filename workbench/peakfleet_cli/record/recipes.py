"""How demand in units follows from CloudWatch metrics."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from peakfleet_planner import (
    WAITING,
    BacklogSignal,
    FleetSpec,
    Metric,
    Signal,
    SilenceRule,
    SpecError,
)

SUMS = ("Sum", "SampleCount")
"""Statistics that grow with the period."""


class RecordError(Exception):
    """Demand cannot be recorded; the message says why and the way out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One series of demand.

    Args:
        metrics: What to read, by id.
        units: Units that the values of one period ask for; a statistic that grows with the
            period comes as it would be for the metric's own period. None where there is none.
        silent_is_zero: Whether a period without any value had no demand.
    """

    metrics: Mapping[str, Metric]
    units: Callable[[Mapping[str, float]], float | None]
    silent_is_zero: bool = False


def recipe_of_metric(
    metric: Metric, *, units_per_value: float = 1.0, silent_is_zero: bool = False
) -> Recipe:
    """Return the recipe of one metric; a sum counts by the second.

    Args:
        metric: The metric.
        units_per_value: Units for each 1 of its value. Default: 1.
        silent_is_zero: As in `Recipe`. Default: it is a gap.
    """
    seconds = metric.period_seconds if metric.statistic in SUMS else 1

    def units(values: Mapping[str, float]) -> float | None:
        value = values.get("m")
        return None if value is None else value / seconds * units_per_value

    return Recipe(metrics={"m": metric}, units=units, silent_is_zero=silent_is_zero)


def recipes_of_fleet(spec: FleetSpec) -> tuple[Recipe, ...]:
    """Return a recipe for each signal of a fleet.

    A backlog says what waits, not what arrives, so the messages sent to its SQS queue are read
    instead: as many units as they keep busy.

    Raises:
        RecordError: A backlog is not that of an SQS queue.
    """
    return tuple(_recipe_of_signal(spec, signal) for signal in spec.signals)


def deployed_spec(fleet: str, *, region: str | None = None) -> FleetSpec:
    """Return the specification that the fleet's schedule sends now.

    Needs `scheduler:ListSchedules` and `scheduler:GetSchedule`.

    Args:
        fleet: The fleet, by its construct path.
        region: AWS region. Default: that of the environment or profile.

    Raises:
        RecordError: There is no such fleet, or AWS cannot be asked.
    """
    try:
        documents = list(_sent_specs(boto3.client("scheduler", region_name=region)))
        for document in documents:
            if document.get("fleet") == fleet:
                return FleetSpec.from_json(document)
    except (BotoCoreError, ClientError, SpecError) as error:
        raise RecordError(f"the schedule of fleet '{fleet}' cannot be read: {error}") from error
    names = ", ".join(sorted(str(document.get("fleet")) for document in documents)) or "none"
    raise RecordError(f"no schedule sends a fleet '{fleet}'; fleets found: {names}")


def _recipe_of_signal(spec: FleetSpec, signal: Signal) -> Recipe:
    if isinstance(signal, BacklogSignal):
        return _arrivals(signal)

    def units(values: Mapping[str, float]) -> float | None:
        return signal.units(values, spec.lead_seconds)

    zero = signal.when_silent.rule is SilenceRule.ZERO
    return Recipe(metrics=signal.metrics, units=units, silent_is_zero=zero)


def _arrivals(signal: BacklogSignal) -> Recipe:
    waiting = signal.metrics[WAITING]
    if waiting.namespace != "AWS/SQS":
        raise RecordError(
            f"signal '{signal.name}' is a backlog of {waiting.namespace}/{waiting.metric_name}, "
            "which says what waits and not what arrives; record the metric that counts "
            "arrivals with --namespace and --metric"
        )
    sent = replace(waiting, metric_name="NumberOfMessagesSent", statistic="Sum")
    return recipe_of_metric(sent, units_per_value=signal.seconds_per_item, silent_is_zero=True)


def _sent_specs(scheduler: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401  boto3 has no types for it
    for page in scheduler.get_paginator("list_schedules").paginate():
        for found in page["Schedules"]:
            schedule = scheduler.get_schedule(Name=found["Name"], GroupName=found["GroupName"])
            try:
                payload = json.loads(schedule["Target"].get("Input", ""))
            except ValueError:
                continue  # another schedule's input need not be JSON
            if isinstance(payload, dict) and isinstance(payload.get("spec"), dict):
                yield payload["spec"]
