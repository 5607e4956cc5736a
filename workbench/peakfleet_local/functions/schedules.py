"""EventBridge Scheduler on a virtual clock: schedules fire at the minutes that are theirs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from typing import Any
from uuid import uuid4

from moto.scheduler.models import scheduler_backends

from peakfleet_local.functions.functions import Functions
from peakfleet_local.moto import Json

MOST_AT_ONCE = 4
MINUTE_SECONDS = 60
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_UNIT_MINUTES = {"minute": 1, "hour": 60, "day": 1440}


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A schedule whose target is a function.

    Args:
        name: Of the schedule.
        arn: Of the schedule.
        target_arn: The function.
        input_template: Its payload, with the attributes that the Scheduler replaces.
        every_minutes: How often it fires; None if it has no rate.
    """

    name: str
    arn: str
    target_arn: str
    input_template: str
    every_minutes: int | None

    def is_due(self, epoch_seconds: float) -> bool:
        """Whether it fires in the minute of a moment; rates are counted from 1970."""
        minute = int(epoch_seconds // MINUTE_SECONDS)
        return self.every_minutes is not None and minute % self.every_minutes == 0


def enabled_schedules(*, account: str, region: str) -> list[Schedule]:
    """Every enabled schedule with a Lambda target: the most frequent first, then by name."""
    return sorted(
        _schedules(account, region),
        key=lambda schedule: (schedule.every_minutes or inf, schedule.name),
    )


def event_of(schedule: Schedule, *, now_epoch_seconds: float) -> Json:
    """Return the payload of one firing, with the context attributes filled in.

    Args:
        schedule: What fires.
        now_epoch_seconds: The scheduled time.
    """
    moment = datetime.fromtimestamp(now_epoch_seconds, tz=UTC)
    text = schedule.input_template
    for attribute, value in {
        "scheduled-time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "schedule-arn": schedule.arn,
        "execution-id": str(uuid4()),
        "attempt-number": "1",
    }.items():
        text = text.replace(f"<aws.scheduler.{attribute}>", value)
    return json.loads(text) if text else {}


class Firing:
    """Fires schedules, a few functions at a time.

    Args:
        functions: Where deployed code runs.
        account: Whose schedules.
        region: Whose schedules.

    Limitations:
        Only schedules with a rate fire, on every minute that is a multiple of it since 1970;
        on AWS a rate counts from when the schedule was made. Windows are not looked at. A
        failed invocation is not repeated and reaches no dead-letter queue.
    """

    def __init__(self, *, functions: Functions, account: str, region: str) -> None:
        self._functions = functions
        self._account = account
        self._region = region
        self._pool = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="peakfleet-schedule")

    def fire(self, *, now_epoch_seconds: float) -> dict[str, Mapping[str, Any]]:
        """Invoke the target of every schedule that is due and wait for all of them.

        Args:
            now_epoch_seconds: The scheduled time.

        Returns:
            Each handler's answer, by the fleet that its payload names; by the schedule's name
            if it names none, or if a more frequent schedule answers for that fleet. A failure
            is answered as AWS does, with `errorMessage`.
        """
        schedules = [
            schedule
            for schedule in enabled_schedules(account=self._account, region=self._region)
            if schedule.is_due(now_epoch_seconds)
        ]
        events = [event_of(s, now_epoch_seconds=now_epoch_seconds) for s in schedules]
        answers = self._pool.map(
            lambda pair: self._functions.invoke(arn=pair[0].target_arn, event=pair[1]),
            zip(schedules, events, strict=True),
        )
        said: dict[str, Mapping[str, Any]] = {}
        for schedule, event, answer in zip(schedules, events, answers, strict=True):
            fleet = _fleet_of(event)
            name = fleet if fleet and fleet not in said else schedule.name
            said[name] = json.loads(answer.payload)
        return said

    def close(self) -> None:
        """End the threads; what has not begun is dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _schedules(account: str, region: str) -> Iterator[Schedule]:
    for group in scheduler_backends[account][region].schedule_groups.values():
        for schedule in group.schedules.values():
            target = schedule.target
            if schedule.state == "ENABLED" and ":lambda:" in target["Arn"]:
                yield Schedule(
                    name=schedule.name,
                    arn=schedule.arn,
                    target_arn=target["Arn"],
                    input_template=target.get("Input") or "",
                    every_minutes=_every_minutes(schedule.schedule_expression),
                )


def _every_minutes(expression: str) -> int | None:
    rate = _RATE.fullmatch(expression)
    return int(rate[1]) * _UNIT_MINUTES[rate[2]] if rate else None


def _fleet_of(event: object) -> str | None:
    spec = event.get("spec") if isinstance(event, dict) else None
    fleet = spec.get("fleet") if isinstance(spec, dict) else None
    return fleet if isinstance(fleet, str) else None
