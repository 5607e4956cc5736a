"""What each event leaves behind for the next decision."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from peakfleet_handlers.aws import Calls, Happening, Kind, outage_cause, outages_of
from peakfleet_handlers.events import writes
from peakfleet_handlers.events.boots import forget_launch, launch_of, record_boot
from peakfleet_handlers.state import StateTable
from peakfleet_planner import Draining, FleetSpec, Notice, Outage, OutageCause, PoolSpec
from peakfleet_planner.pools import refused

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient

WARM_POOL, INSTANCES = "WarmPool", "DescribeAutoScalingInstances"
LEAST_WINDOW_SECONDS = 600
BOOTS_PER_WINDOW = 3
"""An instance that a health check ends within three boots of its launch has never served."""
_HEALTH_CHECK: Final = re.compile(r"health[ -]?check|status checks? failure", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules of one fleet.

    Args:
        spec: The fleet.
        table: Where its facts are kept.
        autoscaling: Client to ask whose an instance is.
        calls: Where failures are noted.
    """

    spec: FleetSpec
    table: StateTable
    autoscaling: AutoScalingClient
    calls: Calls

    def take(self, told: Happening) -> bool:
        """Leave behind what an event tells; whether that is a reason to decide at once."""
        if told.kind in (Kind.INTERRUPTION, Kind.REBALANCE):
            return self._at_risk(told)
        pool = self._pool_of(told.group)
        if pool is None:
            return False
        if told.kind is Kind.LAUNCHED:
            return self._launched(told, pool)
        if told.kind is Kind.NOT_LAUNCHED:
            return self._not_launched(told, pool)
        if told.kind is Kind.TERMINATED:
            return self._terminated(told, pool)
        return self._terminating(told, pool)

    def _launched(self, told: Happening, pool: PoolSpec) -> bool:
        if told.text("Destination") == WARM_POOL:
            return False  # it waits, and has not served
        if told.text("Origin") == WARM_POOL:  # so whatever drain is remembered has ended
            writes.gone(self.table, told.instance_id)
        instance = self._instance(told.instance_id)
        if instance is None:
            return False
        started, ended = told.started_epoch_seconds, told.ended_epoch_seconds
        window = _window_seconds(pool)
        launched = record_boot(
            self.table,
            pool.name,
            instance_id=told.instance_id,
            instance_type=str(instance.get("InstanceType", "")),
            seconds=None if told.text("Origin") == WARM_POOL else ended - started,
            launched_epoch_seconds=started,
            window_seconds=window,
        )
        others = [at for one, at in launched.items() if one != told.instance_id]
        serves = writes.forgive(
            self.table,
            pool.name,
            launched_epoch_seconds=ended,
            served_since=max((at for at in others if at + window <= ended), default=0),
        )

        def covers(outage: Outage) -> bool:
            about = outage.covers(
                pool=pool.name,
                purchase=pool.purchase,
                zone=instance.get("AvailabilityZone"),
                instance_type=instance.get("InstanceType"),
            )
            never_ready = outage.cause is OutageCause.NEVER_READY and serves
            return about and (never_ready or writes.is_refusal(outage))

        return writes.allow(self.table, covers, since_epoch_seconds=started)

    def _not_launched(self, told: Happening, pool: PoolSpec) -> bool:
        if told.text("StatusCode") == "Cancelled":
            return False
        at, message = told.ended_epoch_seconds, told.text("StatusMessage")
        cause = outage_cause("", message)
        strikes = 0
        if cause in (None, OutageCause.BAD_TEMPLATE):  # an unknown reason is nobody's fault
            strikes = self._strike(told, pool, reason=message, ran=False)
        if cause is None:
            return self._never_ready(pool, strikes, at)
        return self._refuse(outages_of(told, pool))

    def _terminated(self, told: Happening, pool: PoolSpec) -> bool:
        """Forget what is gone; also what waits in the warm pool now, which AWS tells likewise."""
        interrupted = writes.was_interrupted(self.table, told.instance_id)
        launched = launch_of(self.table, pool.name, told.instance_id)
        if self.calls.failed:
            return False  # delivered again, it has to find what it did not read now
        at, cause, is_news = told.started_epoch_seconds, told.text("Cause"), False
        is_new = launched is not None and at - launched <= _window_seconds(pool)
        if is_new and not interrupted and _HEALTH_CHECK.search(cause):
            is_news = self._never_ready(pool, self._strike(told, pool, reason=cause, ran=True), at)
        if not self.calls.failed:
            writes.gone(self.table, told.instance_id)
            forget_launch(self.table, pool.name, told.instance_id)
        return is_news

    def _terminating(self, told: Happening, pool: PoolSpec) -> bool:
        """Remember the drain, also on the way into a warm pool or out of one.

        A drain that never ends leaves an instance retained wherever it was going, and a stopped
        one cannot answer at all: without its drain nothing would ever end it.
        """
        writes.drain(
            self.table,
            Draining(
                instance_id=told.instance_id,
                pool=pool.name,
                since_epoch_seconds=told.at_epoch_seconds,
            ),
        )
        return False

    def _at_risk(self, told: Happening) -> bool:
        instance = self._instance(told.instance_id)
        pool = self._pool_of(instance.get("AutoScalingGroupName", "")) if instance else None
        if instance is None or pool is None:
            return False
        kind: Literal["interruption", "rebalance"] = (
            "interruption" if told.kind is Kind.INTERRUPTION else "rebalance"
        )
        is_news = writes.notice(
            self.table,
            Notice(
                instance_id=told.instance_id,
                pool=pool.name,
                kind=kind,
                seen_at_epoch_seconds=told.at_epoch_seconds,
                capacity=_points(instance.get("WeightedCapacity", "")),
            ),
        )
        outages = refused(
            pool,
            zones=(),
            zone=instance.get("AvailabilityZone"),
            instance_types=(instance["InstanceType"],) if instance.get("InstanceType") else (),
            cause=OutageCause.AT_RISK,
            outages=(),
            now=told.at_epoch_seconds,
        )
        return self._refuse(outages) or is_news

    def _refuse(self, outages: tuple[Outage, ...]) -> bool:
        """Remember every one; whether one of them is news."""
        news = [writes.refuse(self.table, outage) for outage in outages]
        return any(news)

    def _strike(self, told: Happening, pool: PoolSpec, *, reason: str, ran: bool) -> int:
        return writes.strike(
            self.table,
            pool.name,
            name=told.activity_id,
            at_epoch_seconds=told.started_epoch_seconds if ran else told.ended_epoch_seconds,
            reason=reason,
            ran=ran,
        )

    def _never_ready(self, pool: PoolSpec, strikes: int, at: int) -> bool:
        if strikes < writes.ENOUGH_STRIKES:
            return False
        outage = Outage(cause=OutageCause.NEVER_READY, asked_at_epoch_seconds=at, pool=pool.name)
        return writes.refuse(self.table, outage)

    def _pool_of(self, group: str) -> PoolSpec | None:
        return next((pool for pool in self.spec.pools if pool.group == group), None)

    def _instance(self, instance_id: str) -> dict[str, str] | None:
        """Return what is told of an instance of a group; None if it is of none, or unknown."""
        answer = self.calls.ask(
            self.autoscaling.describe_auto_scaling_instances, instance_id, InstanceIds=[instance_id]
        )
        if answer is None:
            return None

        def read() -> list[dict[str, str]]:
            return [
                {name: value for name, value in one.items() if isinstance(value, str)}
                for one in answer["AutoScalingInstances"]
            ]

        found = self.calls.reading(INSTANCES, instance_id, read)
        return found[0] if found else None


def _points(weight: str) -> int:
    """Return what an instance counts for: its weight, if it has one."""
    return max(1, int(weight)) if weight.isascii() and weight.isdecimal() else 1


def _window_seconds(pool: PoolSpec) -> float:
    """Return how long an instance is new: it has to serve within this time."""
    return max(LEAST_WINDOW_SECONDS, BOOTS_PER_WINDOW * pool.boot_seconds)
