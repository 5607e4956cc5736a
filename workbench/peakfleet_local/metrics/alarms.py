"""Alarms: set by hand, or found by what their metric was in the newest periods."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from peakfleet_local.metrics.store import MetricStore
from peakfleet_local.moto import Client, MotoObject
from peakfleet_local.world import Place, World, alarm_state_change

MORE_PERIODS = 2
"""How many periods CloudWatch looks further back for values that are late."""
_FILL = re.compile(r"FILL\((?P<id>\w+), (?P<value>-?[0-9.]+)\)")
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A metric against a threshold.

    Args:
        namespace: Of the metric.
        name: Of the metric.
        dimensions: Of the metric.
        statistic: Of each period.
        period_seconds: Length of a period.
        periods: How many of the newest periods count.
        breaching_periods: In how many of them the threshold must be breached.
        threshold: The threshold.
        comparison: As CloudWatch names it, such as GreaterThanThreshold.
        missing: What a period without values is: missing, ignore, breaching or notBreaching.
        filled: Value of a period without values. Default: it has none.
    """

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    statistic: str
    period_seconds: int
    periods: int
    breaching_periods: int
    threshold: float
    comparison: str
    missing: str = "missing"
    filled: float | None = None

    @classmethod
    def of_alarm(cls, alarm: MotoObject) -> Watch | None:
        """Return what an alarm of moto watches; None if it evaluates another expression than FILL.

        That is `FILL(m, 0)` of one metric, which gives a period without values one.
        """
        if alarm.comparison_operator not in _COMPARISONS:
            return None
        periods = int(alarm.evaluation_periods)
        what = _filled(alarm.metric_data_queries) if alarm.metric_data_queries else _plain(alarm)
        if what is None:
            return None
        return cls(
            **what,
            periods=periods,
            breaching_periods=int(alarm.datapoints_to_alarm or periods),
            threshold=float(alarm.threshold),
            comparison=alarm.comparison_operator,
            missing=alarm.treat_missing_data or "missing",
        )

    def newest(self, store: MetricStore, *, now_epoch_seconds: float) -> list[float]:
        """Return the values of the newest whole periods, the newest last."""
        end = now_epoch_seconds // self.period_seconds * self.period_seconds
        values = store.read(
            namespace=self.namespace,
            name=self.name,
            dimensions=self.dimensions,
            start_epoch_seconds=end - (self.periods + MORE_PERIODS) * self.period_seconds,
            end_epoch_seconds=end,
            period_seconds=self.period_seconds,
            statistic=self.statistic,
        )
        if self.filled is not None:
            known = dict(values)
            starts = range(
                int(end) - self.periods * self.period_seconds, int(end), self.period_seconds
            )
            return [known.get(start, self.filled) for start in starts]
        return [value for _, value in values][-self.periods :]

    def state(self, store: MetricStore, *, now_epoch_seconds: float, before: str) -> str:
        """Return OK, ALARM or INSUFFICIENT_DATA.

        Args:
            store: Where the metric is.
            now_epoch_seconds: When.
            before: The state until now, which missing values that are ignored keep.
        """
        values = self.newest(store, now_epoch_seconds=now_epoch_seconds)
        breaches = _COMPARISONS[self.comparison]
        breaching = sum(breaches(value, self.threshold) for value in values)
        if self.missing == "breaching":
            breaching += self.periods - len(values)
        if breaching >= self.breaching_periods:
            return "ALARM"
        if values or self.missing in {"breaching", "notBreaching"}:
            return "OK"
        return before if self.missing == "ignore" else "INSUFFICIENT_DATA"


def _plain(alarm: MotoObject) -> dict[str, Any]:
    return {
        "namespace": alarm.namespace,
        "name": alarm.metric_name,
        "dimensions": {one.name: one.value for one in alarm.dimensions},
        "statistic": alarm.extended_statistic or alarm.statistic,
        "period_seconds": int(alarm.period),
    }


def _filled(queries: Sequence[MotoObject]) -> dict[str, Any] | None:
    """Return the metric that one `FILL` of a number fills, and the number."""
    stats = {one.id: one.metric_stat for one in queries if one.metric_stat}
    calls = [_FILL.fullmatch(one.expression) for one in queries if one.expression]
    if len(stats) != 1 or len(calls) != 1 or calls[0] is None or calls[0]["id"] not in stats:
        return None
    stat = stats[calls[0]["id"]]
    return {
        "namespace": stat.metric.namespace,
        "name": stat.metric.metric_name,
        "dimensions": {one.name: one.value for one in stat.metric.dimensions},
        "statistic": stat.stat,
        "period_seconds": int(stat.period),
        "filled": float(calls[0]["value"]),
    }


class Alarmed(Protocol):
    """What has alarms; `LocalAws` has them."""

    @property
    def world(self) -> World:
        """Clock and events."""

    @property
    def place(self) -> Place:
        """Account and Region."""

    def client(self, service: str) -> Client:
        """Return a client of a service."""


def set_alarm(aws: Alarmed, name: str, state: str, *, reason: str = "set by hand") -> None:
    """Change the state of an alarm, which is an event; `LocalAws.deliver_events` delivers it.

    Args:
        aws: Where the alarm is.
        name: Of the alarm.
        state: OK, ALARM or INSUFFICIENT_DATA. The one that it has already is no change.
        reason: Why.

    Raises:
        ValueError: There is no such alarm.
    """
    cloudwatch = aws.client("cloudwatch")
    found = cloudwatch.describe_alarms(
        AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    alarms = [*found["MetricAlarms"], *found["CompositeAlarms"]]
    if not alarms:
        raise ValueError(f"there is no alarm '{name}'")
    before = alarms[0]["StateValue"]
    if before == state:
        return
    cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason=reason)
    event = alarm_state_change(
        name=name,
        arn=alarms[0]["AlarmArn"],
        before=before,
        state=state,
        reason=reason,
        place=aws.place,
        at=aws.world.now_epoch_seconds,
        metrics=alarms[0].get("Metrics", ()),
    )
    aws.world.events.append(event)
