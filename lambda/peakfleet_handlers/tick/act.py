"""Act: tell AWS what differs from the plan, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from peakfleet_handlers.aws import (
    Calls,
    Cause,
    Clients,
    Front,
    Launcher,
    Resize,
    growth,
    resize,
    resizes,
    shrinkage,
)
from peakfleet_handlers.aws import instances as care
from peakfleet_handlers.state import (
    Actual,
    Claim,
    Known,
    Recorded,
    StateTable,
    Write,
    confirm_change,
    plan_text,
    record_change,
    shared_writes,
)
from peakfleet_handlers.tick.findings import keep_findings, spot_instances
from peakfleet_handlers.tick.metrics import metrics_of, troubles
from peakfleet_handlers.tick.roll_back import behind, roll_back
from peakfleet_planner import (
    FleetSpec,
    Memory,
    OpenLaunch,
    Outage,
    OutageCause,
    Plan,
    Pursued,
    Snapshot,
    foreign_sizes,
    heights,
    pursue,
    remember_signals,
)
from peakfleet_planner.allocation import spend_claims, spent_after
from peakfleet_planner.pool_plan import Split, late_weights
from peakfleet_planner.pools import refused, remembered, shortfalls, unmet_since
from peakfleet_table import Latest

SET_CAPACITY: Final = "SetDesiredCapacity"
_REFUSED: Final = {
    Cause.NOT_AUTHORISED: OutageCause.NOT_AUTHORISED,
    Cause.OTHER: OutageCause.UNKNOWN,
    Cause.SCALING_IN_PROGRESS: OutageCause.THROTTLED,
    Cause.THROTTLED: OutageCause.THROTTLED,
}
"""A group that will not be told a size, as a refusal of capacity. Otherwise the request may have
been done, or another one is right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What was done with a plan.

    Args:
        plan: The plan as it was done: what one pool refused, another may have been asked for.
        recorded: What became of the record. Default: there was nothing to record.
        pools: Desired capacity that each changed pool now has.
        cloud_weight: Share of the traffic that was given to the fleet, of 999; None if unchanged.
        refused: Requests for capacity that were refused. Default: 0.
        swept: Instances that had outlived their drain. Default: none.
        warm: Size that each changed warm pool has from now on.
        rolled_back: Older version of its template, by pool that launches it and not the deployed.
        region_weight: What its region's record weighs from now on; None if unchanged.
    """

    plan: Plan
    recorded: Recorded | None = None
    pools: Mapping[str, int] = field(default_factory=dict)
    cloud_weight: int | None = None
    refused: int = 0
    swept: tuple[str, ...] = ()
    warm: Mapping[str, int] = field(default_factory=dict)
    rolled_back: Mapping[str, int] = field(default_factory=dict)
    region_weight: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-ready data, without the plan."""
        return {
            "recorded": self.recorded,
            "pools": dict(self.pools),
            "cloud_weight": self.cloud_weight,
            "refused": self.refused,
            "swept": list(self.swept),
            "warm": dict(self.warm),
            "rolled_back": dict(self.rolled_back),
            "region_weight": self.region_weight,
        }


def act(
    spec: FleetSpec,
    snapshot: Snapshot,
    plan: Plan,
    known: Known,
    *,
    front: Front | None = None,
    actual: Actual | None = None,
    clients: Clients,
    calls: Calls,
) -> Applied:
    """Record the change, then make it: more capacity, then traffic, then less capacity.

    Capacity that a pool refuses is asked of the next one before this returns. A tick that is not
    the latest changes nothing. While a change cannot be recorded, or traffic cannot be moved
    away, nothing is scaled in. Warm pools are sized before anything shrinks, so that scaled-in
    instances find their place; if that fails they end, which costs a boot later and no work.

    Args:
        spec: The fleet.
        snapshot: What the plan was decided from.
        plan: What to do.
        known: What was read of the state table, with the claim to act on it.
        front: What the fleet splits. Default: nothing, or it could not be read.
        actual: What the groups are and serve, for a fleet in shadow: what it would do is recorded,
            and nothing is done. Default: the fleet acts.
        clients: AWS.
        calls: Where failures are noted.
    """
    table = StateTable.of(spec.state_table, spec.fleet, clients, calls)
    leaves = replace(
        known.claim.leaves,
        unmet_since=unmet_since(snapshot),
        shortfalls=shortfalls(snapshot),
        halted=_halted(snapshot, plan),
        signals=remember_signals(spec, snapshot, plan),
        # No event is about a fleet that does nothing.
        groups=() if actual else tuple(pool.group for pool in spec.pools),
        spot=() if actual else spot_instances(spec, snapshot),
        shadow=True if actual else None,
        troubles=troubles(metrics_of(plan, calls)),
        spent=spent_after(spec, snapshot, plan.spend),
        spot_prices=snapshot.recalled.spot_prices,
        retired=_retired(spec, snapshot),
        weightless_since=_weightless_since(snapshot),
        weights=late_weights(spec, snapshot) or None,
    )
    before = known.memory.launches if known.memory else ()
    return _Act(
        spec=spec,
        snapshot=snapshot,
        claim=replace(known.claim, leaves=leaves),
        answered=tuple(one for one in before if one not in snapshot.recalled.launches),
        actual=actual,
        table=table,
        front=front,
        clients=clients,
        calls=calls,
    ).run(plan)


@dataclass(slots=True, kw_only=True)
class _Act:
    """One plan being done."""

    spec: FleetSpec
    snapshot: Snapshot
    claim: Claim
    answered: tuple[OpenLaunch, ...]
    actual: Actual | None
    table: StateTable | None
    front: Front | None
    clients: Clients
    calls: Calls
    pools: dict[str, int] = field(default_factory=dict)
    unchanged: dict[str, int] = field(default_factory=dict)

    def run(self, plan: Plan) -> Applied:
        if self.claim.is_stale:
            return Applied(plan=plan, recorded=Recorded.STALE)
        if self.actual is not None:
            return Applied(plan=plan, recorded=self._recorded(plan, moves=False))
        claims = spend_claims(self.spec, self.snapshot, plan.spend)
        shared = shared_writes(claims)
        directs = self.spec.split is not None and plan.cloud_weight is not None
        front = self.front if directs else None
        moves = _moves(front, plan)
        recorded = None
        if moves or self._changes(plan):
            recorded = self._recorded(plan, moves=moves, shared=shared)
        else:
            taken = self.claim.take(self.table, shared=shared)
            recorded = taken if taken in (Recorded.STALE, Recorded.CONTESTED) else None
        if recorded is Recorded.LOST and claims:  # nothing is drawn on what could not be claimed
            recorded = Recorded.CONTESTED
        if recorded in (Recorded.STALE, Recorded.CONTESTED):
            return Applied(plan=plan, recorded=recorded)
        if self.snapshot.shared_spend and plan.spend:
            bound = plan.spend.usd_per_hour
            self.snapshot = replace(self.snapshot, claimed_usd_per_hour=bound)
        launcher = Launcher(
            fleet=self.spec.fleet,
            tick=self.snapshot.now_epoch_seconds,
            autoscaling=self.clients.autoscaling,
            calls=self.calls,
        )
        pursued = self._grow(plan, launcher)
        plan = pursued.plan
        told = self._direct(front, plan)
        warm = self._keep_warm(plan)
        is_directed = front is not None and not _moves(front, plan)
        if recorded is not Recorded.LOST and (not directs or is_directed or told is not None):
            self._shrink(plan)
        changed = pursued.outages or self.unchanged or told is not None
        if recorded is Recorded.WRITTEN and changed:
            self._confirm(plan, cloud_weight=told)
        back = self._roll_back(plan) if recorded is Recorded.WRITTEN else {}
        keep_findings(
            self.table,
            self.spec,
            self.snapshot,
            pursued,
            launches=launcher.open,
            answered=self.answered,
            anew=back,
        )
        care.replace(plan, self.snapshot, autoscaling=self.clients.autoscaling, calls=self.calls)
        care.replace_unhealthy(
            self.spec, self.snapshot, plan, autoscaling=self.clients.autoscaling, calls=self.calls
        )
        return Applied(
            plan=plan,
            recorded=recorded,
            pools=self.pools,
            cloud_weight=told,
            refused=len(remembered(self.snapshot.refused, pursued.outages)),
            swept=self._sweep(plan),
            warm=warm,
            rolled_back={**behind(self.snapshot), **back},
        )

    def _direct(self, front: Front | None, plan: Plan) -> int | None:
        """Split the traffic where it is split otherwise; return the fleet's new weight."""
        weight = plan.cloud_weight
        if front is None or weight is None or not _moves(front, plan):
            return None
        split = _split_of(plan, weight)
        sent = front.send(split, clients=self.clients, calls=self.calls)
        return weight if sent else None

    def _changes(self, plan: Plan) -> bool:
        return bool(
            self.answered
            or resizes(self.spec, self.snapshot, plan)
            or any(
                pool.drains or pool.sweeps or pool.replacements or pool.roll_back_to
                for pool in plan.pools
            )
        )

    def _recorded(self, plan: Plan, *, moves: bool, shared: tuple[Write, ...] = ()) -> Recorded:
        memory = self.snapshot.memory or Memory()
        alone = self._left_alone(plan)
        seen = {
            pool.name: pool.desired_capacity
            for pool in self.snapshot.pools
            if pool.name not in alone
        }
        latest = Latest(
            tick=self.snapshot.now_epoch_seconds,
            desired=self._remembered(plan),
            before={**memory.desired, **seen},
            growth=growth(self.snapshot, plan),
            shrinkage=shrinkage(self.snapshot, plan),
            heights=heights(self.spec, self.snapshot),
            cloud_weight=None if moves else memory.cloud_weight,
            plan=plan_text(plan),
            shadow=True if self.actual else None,
        )
        return record_change(
            self.table, latest, plan, self.claim, actual=self.actual, shared=shared
        )

    def _remembered(self, plan: Plan) -> dict[str, int]:
        """Return what the fleet asks for; a size that somebody else has set does not become it."""
        remembered = dict(self.snapshot.memory.desired) if self.snapshot.memory else {}
        alone = self._left_alone(plan)
        asked = {pool.name: pool.desired_capacity for pool in plan.pools if pool.name not in alone}
        return {**remembered, **asked}

    def _left_alone(self, plan: Plan) -> set[str]:
        """Return the pools whose size somebody else has set and this plan does not change."""
        changed = {pool.name for pool in plan.pools if pool.changes}
        return {one.pool for one in foreign_sizes(self.snapshot)} - changed

    def _confirm(self, plan: Plan, *, cloud_weight: int | None) -> None:
        confirm_change(
            self.table,
            tick=self.snapshot.now_epoch_seconds,
            plan=plan,
            desired={**self._remembered(plan), **self.unchanged, **self.pools},
            cloud_weight=cloud_weight,
        )

    def _grow(self, plan: Plan, launcher: Launcher) -> Pursued:
        pursued = pursue(self.spec, self.snapshot, plan, ask=launcher.ask)
        for pool in pursued.plan.pools:
            launched = sum(launch.capacity for launch in pool.launches)
            if launched and pool.seen_capacity is not None:
                self.pools[pool.name] = pool.seen_capacity + launched
        refusals = self._resize(
            change
            for change in resizes(self.spec, self.snapshot, pursued.plan)
            if change.grows and (not change.direct or change.pool in launcher.unanswered)
        )
        return replace(pursued, outages=remembered(pursued.outages, self._outages(refusals)))

    def _outages(self, causes: Mapping[str, OutageCause]) -> tuple[Outage, ...]:
        """Return what to remember of groups that would not be told a size.

        To ask again costs nothing, so that a long wait does not double.
        """
        return tuple(
            outage if outage.cause is OutageCause.THROTTLED else replace(outage, attempts=1)
            for pool in self.spec.pools
            if pool.name in causes
            for outage in refused(
                pool,
                zones=(),
                zone=None,
                instance_types=(),
                cause=causes[pool.name],
                outages=self.snapshot.outages,
                now=self.snapshot.now_epoch_seconds,
            )
        )

    def _shrink(self, plan: Plan) -> None:
        """Let go by name what AWS takes back, then by number what is too much."""
        seen = {pool.name: pool for pool in self.snapshot.pools}
        for told in plan.pools:
            if not told.drains or told.name not in seen:
                continue
            gone = care.drain(
                told, seen[told.name], autoscaling=self.clients.autoscaling, calls=self.calls
            )
            asked = self.pools.get(told.name, seen[told.name].desired_capacity)
            self.pools[told.name] = asked - gone
        drained = {told.name for told in plan.pools if told.drains}
        self._resize(
            change
            for change in resizes(self.spec, self.snapshot, plan)
            if self.pools.get(change.pool) != change.capacity
            and (not change.grows or (change.pool in drained and not change.direct))
        )

    def _roll_back(self, plan: Plan) -> dict[str, int]:
        return roll_back(
            self.table,
            self.spec,
            self.snapshot,
            plan,
            autoscaling=self.clients.autoscaling,
            calls=self.calls,
        )

    def _resize(self, changes: Iterable[Resize]) -> dict[str, OutageCause]:
        """Set sizes; return the pools whose group would not be told, and why.

        Those keep the size that they have, and that is the fleet's own.
        """
        unsure = {pool.name for pool in self.snapshot.pools if pool.unanswered_capacity}
        known = (change for change in changes if change.pool not in unsure)
        before = len(self.calls.failed)
        self.pools |= resize(known, autoscaling=self.clients.autoscaling, calls=self.calls)
        refusals = {
            one.subject: _REFUSED[one.cause]
            for one in self.calls.failed[before:]
            if one.operation == SET_CAPACITY and one.cause in _REFUSED
        }
        seen = {pool.name: pool.desired_capacity for pool in self.snapshot.pools}
        self.unchanged |= {name: seen[name] for name in refusals}
        return refusals

    def _sweep(self, plan: Plan) -> tuple[str, ...]:
        ids = (one for pool in plan.pools for one in pool.sweeps)
        return care.sweep(ids, autoscaling=self.clients.autoscaling, calls=self.calls)

    def _keep_warm(self, plan: Plan) -> dict[str, int]:
        grows = {one.pool for one in resizes(self.spec, self.snapshot, plan) if one.grows}
        return care.keep_warm(
            self.spec,
            self.snapshot,
            plan,
            short=grows - set(self.pools),
            autoscaling=self.clients.autoscaling,
            calls=self.calls,
        )


def _moves(front: Front | None, plan: Plan) -> bool:
    """Whether the split of the traffic has to change."""
    return (
        front is not None
        and plan.cloud_weight is not None
        and front.differs(_split_of(plan, plan.cloud_weight))
    )


def _split_of(plan: Plan, cloud: int) -> Split:
    return Split(cloud=cloud, sites=plan.site_weights)


def _weightless_since(snapshot: Snapshot) -> int | None:
    if snapshot.traffic is None or snapshot.traffic.cloud_weight != 0:
        return None
    since = snapshot.recalled.weightless_since
    return snapshot.now_epoch_seconds if since is None else since


def _retired(spec: FleetSpec, snapshot: Snapshot) -> dict[str, int]:
    """Return what is still there of each pool that leaves the fleet."""
    leaving = {pool.name for pool in spec.pools if pool.retired}
    return {
        one.name: one.standing_capacity + one.leaving_capacity + len(one.retained)
        for one in snapshot.pools
        if one.name in leaving
    }


def _halted(snapshot: Snapshot, plan: Plan) -> tuple[str, ...]:
    """Return the pools whose replacement this tick halts, or leaves halted as the fleet's own."""
    seen = {reading.name: reading for reading in snapshot.pools}
    return tuple(
        sorted(
            told.name
            for told in plan.pools
            if not told.replaces_unhealthy
            and told.name in seen
            and care.REPLACE_UNHEALTHY not in seen[told.name].suspended
        )
    )
