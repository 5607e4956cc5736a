"""EventBridge Scheduler on a virtual clock: every schedule fires when it is told to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from moto.scheduler.models import scheduler_backends

from peakfleet_local._moto import Json
from peakfleet_local.functions import Functions

MOST_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A schedule whose target is a function.

    Args:
        name: Of the schedule.
        arn: Of the schedule.
        target_arn: The function.
        input_template: Its payload, with the attributes that the Scheduler replaces.
    """

    name: str
    arn: str
    target_arn: str
    input_template: str


def enabled_schedules(*, account: str, region: str) -> list[Schedule]:
    """Every enabled schedule with a Lambda target, by name."""
    return sorted(_schedules(account, region), key=lambda schedule: schedule.name)


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
        Neither rates nor windows nor time zones are looked at: what is enabled fires. A
        failed invocation is not repeated and reaches no dead-letter queue.
    """

    def __init__(self, *, functions: Functions, account: str, region: str) -> None:
        self._functions = functions
        self._account = account
        self._region = region
        self._pool = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="peakfleet-schedule")

    def fire(self, *, now_epoch_seconds: float) -> dict[str, Mapping[str, Any]]:
        """Invoke the target of every enabled schedule and wait for all of them.

        Args:
            now_epoch_seconds: The scheduled time.

        Returns:
            Each handler's answer, by the fleet that its payload names, or else by the
            schedule's name; a failure is answered as AWS does, with `errorMessage`.
        """
        schedules = enabled_schedules(account=self._account, region=self._region)
        events = [event_of(s, now_epoch_seconds=now_epoch_seconds) for s in schedules]
        answers = self._pool.map(
            lambda pair: self._functions.invoke(arn=pair[0].target_arn, event=pair[1]),
            zip(schedules, events, strict=True),
        )
        return {
            _fleet_of(event) or schedule.name: json.loads(answer.payload)
            for schedule, event, answer in zip(schedules, events, answers, strict=True)
        }

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
                )


def _fleet_of(event: object) -> str | None:
    spec = event.get("spec") if isinstance(event, dict) else None
    fleet = spec.get("fleet") if isinstance(spec, dict) else None
    return fleet if isinstance(fleet, str) else None
