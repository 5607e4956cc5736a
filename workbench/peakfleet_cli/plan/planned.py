"""What a synthesized app would cost and do, as one value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from json import loads
from pathlib import Path
from typing import Any

from peakfleet_cli.account import Account
from peakfleet_cli.errors import CommandError
from peakfleet_cli.fleet_spec import specs_of
from peakfleet_cli.operate import deployed_fleets, look_at
from peakfleet_cli.plan.assembly import Stack, fleets_of
from peakfleet_cli.plan.ceiling import with_ceiling, with_ceilings
from peakfleet_cli.plan.changes import Change, Side, Weight, changes_of
from peakfleet_cli.plan.list_prices import HOURS
from peakfleet_cli.plan.standing import (
    StandingCost,
    standing_of_fleet,
    standing_of_stack,
    total,
)
from peakfleet_planner import FleetSpec, PoolSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolCost:
    """What one pool costs at its maximum.

    Args:
        name: The pool.
        instance_types: What it may launch.
        purchase: How it is bought.
        most: Most instances.
        units: Units that they serve.
        usd_per_hour: One instance for an hour; None if its price is unknown.
        retired: Whether it gets no new instances.
        at_ceiling: Whether the price is that on demand, which Spot does not exceed.
    """

    name: str
    instance_types: tuple[str, ...]
    purchase: str
    most: int
    units: float
    usd_per_hour: float | None
    retired: bool = False
    at_ceiling: bool = False

    @property
    def usd_per_hour_at_most(self) -> float | None:
        """All of them for an hour."""
        return None if self.usd_per_hour is None else self.most * self.usd_per_hour


@dataclass(frozen=True, slots=True, kw_only=True)
class TypicalCost:
    """What a fleet costs on recorded demand.

    Args:
        demand: Where that comes from.
        hours: How long it is.
        usd_per_month: The instances, for a month of such demand.
        unserved_percent: Share of the burst that was not served.
        at_ceiling: Whether Spot counts at the price on demand, so that it costs no more.
    """

    demand: str
    hours: float
    usd_per_month: float | None
    unserved_percent: float
    at_ceiling: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFleet:
    """One fleet of the app.

    Args:
        name: Its name.
        stack: Its stack.
        pools: Its pools.
        standing: What it costs without demand.
        typical: What it costs on recorded demand. Default: none was given.
        spend_limit_usd_per_month: What it may spend at most. Default: no limit.
    """

    name: str
    stack: str
    pools: tuple[PoolCost, ...]
    standing: tuple[StandingCost, ...]
    typical: TypicalCost | None = None
    spend_limit_usd_per_month: float | None = None

    @property
    def usd_per_hour_at_most(self) -> float | None:
        """Every pool at its maximum for an hour; None if a price is unknown."""
        costs = [pool.usd_per_hour_at_most for pool in self.pools if not pool.retired]
        known = [cost for cost in costs if cost is not None]
        return sum(known) if len(known) == len(costs) else None

    @property
    def usd_per_month_at_most(self) -> float | None:
        """Every pool at its maximum for a whole month, or the limit if that is less."""
        at_most = self.usd_per_hour_at_most
        costs = [None if at_most is None else at_most * HOURS, self.spend_limit_usd_per_month]
        return min((cost for cost in costs if cost is not None), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """An app.

    Args:
        stacks: What the stacks cost without demand, fleets aside, by name.
        fleets: Its fleets.
        changes: What a deployment does to running capacity; None if nothing was compared.
        compared_with: With what it was compared, or why it was not.
    """

    stacks: Mapping[str, tuple[StandingCost, ...]]
    fleets: tuple[PlannedFleet, ...]
    changes: tuple[Change, ...] | None
    compared_with: str

    @property
    def standing_usd_per_month(self) -> float:
        """What everything costs without demand."""
        stacks = sum(total(costs) for costs in self.stacks.values())
        return stacks + sum(total(fleet.standing) for fleet in self.fleets)


def plan_of(
    stacks: Sequence[Stack],
    *,
    typical: Mapping[str, TypicalCost],
    changes: Sequence[Change] | None,
    compared_with: str,
) -> Planned:
    """Return what an app would cost and do.

    Args:
        stacks: The app.
        typical: What fleets cost on recorded demand, by name.
        changes: What a deployment does. None: unknown.
        compared_with: As in `Planned`.

    Raises:
        CommandError: The app has no fleet.
    """
    found = fleets_of(stacks)
    if not found:
        raise CommandError("the app has no fleet: no schedule in it sends a specification")
    return Planned(
        stacks={stack.name: tuple(standing_of_stack(stack.resources)) for stack in stacks},
        fleets=tuple(
            PlannedFleet(
                name=name,
                stack=stack.name,
                pools=tuple(map(_pool_cost, spec.pools)),
                standing=tuple(standing_of_fleet(spec, learns=_learns(stack, spec))),
                typical=typical.get(name),
            )
            for name, (stack, spec) in sorted(found.items())
        ),
        changes=None if changes is None else tuple(changes),
        compared_with=compared_with,
    )


def changes_between(before: Sequence[Stack], after: Sequence[Stack]) -> list[Change]:
    """Return what changes from one assembly to another; nobody knows what runs."""
    old = {name: Side(spec=spec, stack=stack) for name, (stack, spec) in fleets_of(before).items()}
    return _changes(old, after)


def changes_to_deployed(account: Account, after: Sequence[Stack]) -> list[Change]:
    """Return what deploying an assembly does to what runs now.

    Needs what `peakfleet status` needs, and `cloudformation:GetTemplate`.

    Args:
        account: Where it would be deployed.
        after: The assembly.
    """
    names = {stack.name for stack in after}
    deployed = [
        fleet
        for fleet in deployed_fleets(account)
        if fleet.kind == "spec" and fleet.name.partition("/")[0] in names
    ]
    running = {
        one.fleet: {pool.name: pool.in_service for pool in one.pools}
        for one in look_at(account, deployed, now=datetime.now(UTC))
    }
    cloudformation = account.client("cloudformation")
    stacks = [
        Stack(name=name, resources=_template(cloudformation, name)["Resources"])
        for name in sorted({fleet.name.partition("/")[0] for fleet in deployed})
    ]
    return _changes(
        {
            name: Side(spec=spec, stack=stack, running=running.get(name, {}))
            for name, (stack, spec) in fleets_of(stacks).items()
        },
        after,
    )


def typical_cost(template: Path | None, fleet: str, demand: Path) -> TypicalCost:
    """Return what a fleet costs on recorded demand, from a replay of the production decision.

    Args:
        template: The template that has the fleet.
        fleet: Which.
        demand: The recording.

    Raises:
        CommandError: The recording cannot be read.
        ModuleNotFoundError: The extra sim is not installed.
    """
    # Loads scipy, which nobody else waits for.
    from peakfleet_cli.trial.request import Physics, Source, TrialError  # noqa: PLC0415  see above
    from peakfleet_cli.trial.trial import make_trial  # noqa: PLC0415  see above
    from peakfleet_sim import DemandError  # noqa: PLC0415  see above
    from peakfleet_sim.replay import ladder_dollars  # noqa: PLC0415  see above

    try:
        trial = make_trial(
            Source(demand=demand, template=template, fleet=fleet),
            Physics(),
            policies=["peakfleet"],
        )
        tried = trial.try_out(trial.choices[0])
    except (DemandError, TrialError) as error:
        raise CommandError(str(error)) from error
    outcome, usd = tried.outcome, tried.outcome.usd
    if usd is None and trial.spec is not None:
        pools = (replace(one, spec=with_ceiling(one.spec)) for one in tried.run.pools)
        run = replace(tried.run, pools=tuple(pools))
        usd = run.usd if run.pools else ladder_dollars(with_ceilings(trial.spec), run)
    hours = trial.comparison.demand.minutes / 60
    return TypicalCost(
        demand=demand.name,
        hours=hours,
        usd_per_month=None if usd is None else usd / hours * HOURS,
        unserved_percent=outcome.unserved_percent,
        at_ceiling=outcome.usd is None and usd is not None,
    )


def _changes(before: Mapping[str, Side], after: Sequence[Stack]) -> list[Change]:
    new = {name: Side(spec=spec, stack=stack) for name, (stack, spec) in fleets_of(after).items()}
    found = [
        change
        for name in sorted(before.keys() | new.keys())
        for change in changes_of(before.get(name), new.get(name))
    ]
    order = list(Weight)
    return sorted(found, key=lambda change: order.index(change.weight))


def _template(cloudformation: Any, stack: str) -> dict[str, Any]:  # noqa: ANN401  a boto3 client
    """Return the template of a deployed stack, which may come as text or as data."""
    body = cloudformation.get_template(StackName=stack, TemplateStage="Processed")["TemplateBody"]
    document: dict[str, Any] = loads(body) if isinstance(body, str) else body
    return document


def _pool_cost(pool: PoolSpec) -> PoolCost:
    priced = with_ceiling(pool)
    return PoolCost(
        name=pool.name,
        instance_types=pool.instance_types,
        purchase=pool.purchase,
        most=pool.max_capacity,
        units=pool.max_units,
        usd_per_hour=priced.usd_per_capacity_hour,
        retired=pool.retired,
        at_ceiling=priced != pool,
    )


def _learns(stack: Stack, spec: FleetSpec) -> bool:
    """Whether more than one schedule sends the specification: the tick's, and the learner's."""
    return sum(one.fleet == spec.fleet for one in specs_of(stack.name, stack.resources)) > 1
