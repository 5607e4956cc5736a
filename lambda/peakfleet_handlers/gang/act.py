"""Act on a gang: launch all of it or nothing, form it, let it go."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from peakfleet_handlers.aws import Calls, Cause, Clients, Launcher, Resize, resize
from peakfleet_handlers.aws import instances as care
from peakfleet_handlers.gang import signs
from peakfleet_handlers.state import (
    Recorded,
    StateTable,
    Write,
    later_tick_wins,
    shared_writes,
)
from peakfleet_planner import Launch, Outage, PoolPlan, PoolReading
from peakfleet_planner.gang import (
    GangMemory,
    GangPlan,
    GangSnapshot,
    GangSpec,
    GangStep,
    failure,
    gang_claims,
)
from peakfleet_table import GANGS, OUTAGES, Gang


@dataclass(frozen=True, slots=True, kw_only=True)
class GangApplied:
    """What was done with a plan.

    Args:
        recorded: What became of the memory; None: there was nothing to remember.
        launched: Machines that were launched. Default: none.
        released: Whether machines were let go. Default: no.
        formed: Whether a formation was written. Default: no.
        swept: Instances that had outlived their drain, or were part of a gang that did not come
            whole. Default: none.
        refused: What was refused in this tick. Default: nothing.
    """

    recorded: Recorded | None = None
    launched: int = 0
    released: bool = False
    formed: bool = False
    swept: tuple[str, ...] = ()
    refused: Outage | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {
            "recorded": self.recorded,
            "launched": self.launched,
            "released": self.released,
            "formed": self.formed,
            "swept": list(self.swept),
            "refused": self.refused.cause if self.refused else None,
        }


def act_gang(
    spec: GangSpec, snapshot: GangSnapshot, plan: GangPlan, *, clients: Clients, calls: Calls
) -> GangApplied:
    """Do what the plan says. A tick that is not the latest changes nothing.

    What comes is remembered before it is done, so that no launch is forgotten: while nothing can
    be remembered, nothing is launched and nothing formed, but what has to go goes.

    Args:
        spec: The gang.
        snapshot: What the plan was decided from.
        plan: What to do.
        clients: AWS.
        calls: Where failures are noted.
    """
    if snapshot.group is None:
        return GangApplied()
    table = StateTable(
        name=spec.state_table, fleet=spec.fleet, dynamodb=clients.dynamodb, calls=calls
    )
    act = _Act(spec=spec, snapshot=snapshot, plan=plan, table=table, clients=clients, calls=calls)
    return act.run(snapshot.group)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Act:
    """One plan being done."""

    spec: GangSpec
    snapshot: GangSnapshot
    plan: GangPlan
    table: StateTable
    clients: Clients
    calls: Calls

    def run(self, group: PoolReading) -> GangApplied:
        recorded = self._begin(shared_writes(gang_claims(self.spec, self.snapshot, self.plan)))
        if recorded is Recorded.CONTESTED:
            if self.plan.step is GangStep.LAUNCH:  # another fleet was faster: the next tick looks
                return GangApplied(recorded=recorded)
            recorded = self._begin(())
        if recorded is Recorded.STALE:
            return GangApplied(recorded=recorded)
        may_grow = recorded is Recorded.WRITTEN
        done = GangApplied(recorded=recorded, swept=self._sweep())
        match self.plan.step:
            case GangStep.LAUNCH if may_grow and self.plan.zone:
                return self._launch(done, group, self.plan.zone)
            case GangStep.FORM if may_grow:
                return replace(done, formed=self._form())
            case GangStep.RELEASE:
                self._keep_outage(self.plan.outage)
                return replace(done, released=self._release(group))
            case GangStep.SAVE:
                self._ask_to_save()
        return done

    def _begin(self, claims: tuple[Write, ...]) -> Recorded | None:
        """Remember what is about to be done; who forms remembers it once it is done."""
        memory, known = self.plan.memory, self.snapshot.gang
        if memory is None or known is None:
            return None
        if self.plan.step is GangStep.FORM:
            return self._remember(known, claims)
        return self._remember(memory, claims) if memory != known or claims else None

    def _remember(self, memory: GangMemory, claims: tuple[Write, ...] = ()) -> Recorded:
        """Remember a gang, and say whether this tick may act: not if a later one has.

        What it claims of shared limits is written with it, or neither is.
        """
        tick = self.snapshot.now_epoch_seconds
        plan = json.dumps(self.plan.to_json(), separators=(",", ":"))
        item = GANGS.item(self.spec.fleet, Gang(tick=tick, memory=memory, plan=plan))
        only = later_tick_wins(tick, or_same=True)
        if claims:
            return self.table.transact(("Put", {"Item": item}, only), shared=claims)
        return self.table.put(item, only)

    def _launch(self, done: GangApplied, group: PoolReading, zone: str) -> GangApplied:
        """Ask for all machines at once; if a part comes, give it back in the same tick.

        A launch that has not answered is asked for again by the next tick, under the same name.
        """
        pool, whole = self.spec.pool, self.spec.machines
        begun = self.plan.memory.forming_since if self.plan.memory else None
        launcher = Launcher(
            fleet=self.spec.fleet,
            tick=self.snapshot.now_epoch_seconds if begun is None else begun,
            autoscaling=self.clients.autoscaling,
            calls=self.calls,
        )
        answer = launcher.ask(pool, Launch(zone=zone, capacity=whole))
        if launcher.unanswered:  # the group can still be told a size; the next ticks see the rest
            asked = self._resize(whole, grows=True)
            return replace(done, launched=whole if asked else 0)
        if not answer.refusals:
            return replace(done, launched=answer.capacity)
        refused = failure(self.spec, self.snapshot, answer.refusals[0].cause)
        self._keep_outage(refused)
        released = answer.capacity > 0 and self._release(
            replace(group, desired_capacity=answer.capacity)
        )
        if self.plan.memory is not None:
            at = self.snapshot.now_epoch_seconds if released else None
            self._remember(replace(self.plan.memory, forming_since=None, released_at=at))
        # What has only just begun to boot has nothing to save, and would not answer its hook.
        ended = self._end(launcher.launched) if released else ()
        return replace(
            done,
            launched=answer.capacity,
            released=released,
            swept=(*done.swept, *ended),
            refused=refused,
        )

    def _form(self) -> bool:
        """Tell the machines who they are; only then remember it."""
        memory = self.plan.memory
        addresses = self._addresses()
        if memory is None or addresses is None:
            return False
        members = [(name, addresses[name]) for name in self.plan.members]
        body = signs.members_document(memory.formation, members)
        written = self._put(signs.members_key(self.spec.prefix), body)
        return written and self._remember(memory) is Recorded.WRITTEN

    def _addresses(self) -> dict[str, str] | None:
        """Return the private address of every member; None if one is not known yet."""
        ids = self.plan.members
        pool = self.spec.pool.name
        said = self.calls.ask(self.clients.ec2.describe_instances, pool, InstanceIds=list(ids))
        if said is None:
            return None

        def read() -> dict[str, str]:
            return {
                instance["InstanceId"]: instance["PrivateIpAddress"]
                for reservation in said["Reservations"]
                for instance in reservation["Instances"]
                if instance.get("PrivateIpAddress")
            }

        found = self.calls.reading("DescribeInstances", pool, read)
        if found is None:
            return None
        if missing := sorted(set(ids) - set(found)):
            words = f"no address is known of {', '.join(missing)}"
            self.calls.note("DescribeInstances", pool, Cause.NOT_FOUND, words)
            return None
        return found

    def _release(self, group: PoolReading) -> bool:
        """Let all machines go: those that work by name, for they protect themselves."""
        goes = PoolPlan(
            name=self.spec.pool.name,
            desired_capacity=0,
            seen_capacity=group.desired_capacity,
            units=0,
            drains=tuple(sorted(group.serving)),
        )
        gone = care.drain(goes, group, autoscaling=self.clients.autoscaling, calls=self.calls)
        return group.desired_capacity <= gone or self._resize(0, grows=False)

    def _resize(self, capacity: int, *, grows: bool) -> bool:
        pool = self.spec.pool
        change = Resize(
            pool=pool.name, group=pool.group, capacity=capacity, grows=grows, direct=False
        )
        return bool(resize((change,), autoscaling=self.clients.autoscaling, calls=self.calls))

    def _ask_to_save(self) -> None:
        known = self.snapshot.gang
        if known is not None and known.formation:
            key = signs.save_key(self.spec.prefix, known.formation, self.plan.save_for)
            self._put(key, b"")

    def _sweep(self) -> tuple[str, ...]:
        autoscaling = self.clients.autoscaling
        return care.sweep(self.plan.sweeps, autoscaling=autoscaling, calls=self.calls)

    def _end(self, instance_ids: Iterable[str]) -> tuple[str, ...]:
        """End instances in EC2 itself: their group would wait for their hook."""
        ids = list(instance_ids)
        end = self.clients.ec2.terminate_instances
        answer = self.calls.ask(end, ", ".join(ids), InstanceIds=ids) if ids else None
        return tuple(ids) if answer is not None else ()

    def _put(self, key: str, body: bytes) -> bool:
        put = self.clients.s3.put_object
        return self.calls.ask(put, key, Bucket=self.spec.bucket, Key=key, Body=body) is not None

    def _keep_outage(self, outage: Outage | None) -> None:
        if outage is not None:
            self.table.put(OUTAGES.item(self.spec.fleet, outage))
