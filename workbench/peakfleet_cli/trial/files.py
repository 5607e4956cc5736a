"""The files of a trial: series, figures, report and picture."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from peakfleet_cli.trial.trial import PEAKFLEET, Tried
from peakfleet_sim import Demand, Outcome, Run
from peakfleet_sim.replay import Choice, Rival
from peakfleet_sim.report import FleetRun, write_picture, write_report

SERIES = (
    "policy",
    "minute",
    "timestamp_utc",
    "demand_units",
    "desired_instances",
    "ready_instances",
    "billed_instances",
    "unserved_units",
)
CHART_HOURS = 7 * 24
MOST_CHARTED_HOURS = 8 * 24
FIGURES = (
    "instance_minutes",
    "burst_units",
    "unserved_units",
    "violation_minutes",
    "cost_ratio",
    "score",
)


def write_series(path: Path, tried: Sequence[Tried], *, ladder: Sequence[str] = ()) -> None:
    """Write one row for each policy and minute.

    Args:
        path: Where.
        tried: The policies.
        ladder: Pools that have columns of their own, in their own instances; empty for a policy
            without pools. Default: none.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(SERIES + _of_pools(ladder))
        for one in tried:
            run = one.run
            times = np.datetime64(run.demand.start.replace(tzinfo=None), "s") + np.arange(
                run.demand.minutes
            ) * np.timedelta64(60, "s")
            columns = (
                run.demand.units,
                run.desired_instances,
                run.ready_instances,
                run.billed_instances,
                run.unserved_units,
            )
            texts = [*map(_numbers, columns), *_pool_columns(one, ladder)]
            numbers = zip(*texts, strict=True)
            stamps = np.datetime_as_string(times, unit="s").tolist()
            rows.writerows(
                (one.choice.asked, minute, f"{stamp}Z", *row)
                for minute, (stamp, row) in enumerate(zip(stamps, numbers, strict=True))
            )


def write_figures(path: Path, tried: Sequence[Tried], *, ladder: Sequence[str] = ()) -> None:
    """Write the figures of each policy as JSON, by its name.

    Args:
        path: Where.
        tried: The policies.
        ladder: Pools whose figures are written as well. Default: none.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {}
    for one in tried:
        figures = {name: getattr(one.outcome, name) for name in FIGURES}
        if one.rival:
            figures["equal_service"] = _terms(one.rival.same_service)
            figures["equal_cost"] = _terms(one.rival.same_cost)
        if one.rival and one.rival.ours:
            figures["peakfleet_at_its_service"] = _terms(one.rival.ours)
        if ladder and one.run.pools:
            figures |= {"usd": one.outcome.usd, "pools": _pool_figures(one.run)}
        document[one.choice.asked] = figures
    path.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def write_page(
    path: Path,
    *,
    title: str,
    tried: Sequence[Tried],
    about: Sequence[tuple[str, str]],
    baseline_units: NDArray[np.float64],
    ladder: Sequence[str] = (),
) -> None:
    """Write the report: one policy by the minute, the others beside it.

    Of a long recording the chart shows the busiest week; a browser could not show it all.

    Args:
        path: Where.
        title: What was replayed.
        tried: The policies.
        about: What the run was, as terms and descriptions.
        baseline_units: What the on-premises side carried, minute by minute.
        ladder: Pools; if there are any, every policy that has them is shown by the minute.
            Default: none.
    """
    shown, *others = leading_first(tried)
    demand = shown.run.demand
    part = _charted(demand)
    if part != slice(0, demand.minutes):
        about = [*about, ("Chart", f"the busiest {CHART_HOURS // 24} days; figures are of all")]
    fleets = [
        replace(
            _by_minute(title, shown, baseline_units, part),
            outcomes=[one.outcome for one in named((shown, *others))],
            rivals=rivals(tried),
            rivals_units={
                one.choice.asked: (baseline_units + one.run.ready_units)[part].tolist()
                for one in others
            },
        )
    ]
    if ladder:
        fleets += [
            _by_minute(one.choice.asked, one, baseline_units, part)
            for one in others
            if one.run.pools
        ]
    write_report(path, title=title, fleets=fleets, about=about)


def write_image(path: Path, *, title: str, tried: Sequence[Tried]) -> None:
    """Write the picture: one policy by the minute, the scores of all."""
    ordered = leading_first(tried)
    chosen = best(tried)
    write_picture(
        path,
        title=title,
        runs=[replace(one.run, policy=one.choice.asked) for one in ordered],
        outcomes=[one.outcome for one in ordered],
        best=chosen.choice.asked if chosen else "",
    )


def leading_first(tried: Sequence[Tried]) -> list[Tried]:
    """Return the policies with ours first, if it is among them."""
    return sorted(tried, key=lambda one: one.choice.kind.name != PEAKFLEET)


def best(tried: Sequence[Tried]) -> Tried | None:
    """Return the policy with the least cost at equal service; None where nothing was compared."""

    def cost(one: Tried) -> float:
        if one.rival is None:
            return one.outcome.cost
        return one.rival.same_service.cost if one.rival.same_service else inf

    if not any(one.rival for one in tried):
        return None
    scored = [one for one in tried if one.choice.kind.takes_setting]
    return min(scored, key=cost, default=None)


def rivals(tried: Sequence[Tried]) -> dict[str, Rival]:
    """Return the policies at equal terms, by the names that reports read."""
    return {one.outcome.policy: one.rival for one in named(tried) if one.rival}


def named(tried: Sequence[Tried]) -> list[Tried]:
    """Return the policies with their settings in the names of their outcomes."""
    return [replace(one, outcome=replace(one.outcome, policy=_name(one.choice))) for one in tried]


def _terms(outcome: Outcome | None) -> dict[str, float | str | None] | None:
    """Return what a policy came to at another setting."""
    if outcome is None:
        return None
    return {
        "policy": outcome.policy,
        "instance_minutes": outcome.instance_minutes,
        "usd": outcome.usd,
        "unserved_units": outcome.unserved_units,
    }


def _of_pools(ladder: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{pool}_{what}_instances" for pool in ladder for what in ("ready", "billed"))


def _pool_columns(one: Tried, ladder: Sequence[str]) -> list[list[str]]:
    if not one.run.pools:
        return [[""] * one.run.demand.minutes] * len(_of_pools(ladder))
    pools = {pool.spec.name: pool for pool in one.run.pools}
    series = ((pools[name].ready, pools[name].billed) for name in ladder)
    return [_numbers(values) for both in series for values in both]


def _pool_figures(run: Run) -> dict[str, dict[str, float | None]]:
    """Return what each pool was used for; a price is that of its running instances."""
    return {
        pool.spec.name: {
            "instance_minutes": pool.instance_minutes,
            "usd": pool.usd,
            "requests": pool.requests,
            "reclaimed_instances": pool.reclaimed,
        }
        for pool in run.pools
    }


def _numbers(values: NDArray[np.float64]) -> list[str]:
    """Return values as text, exactly, whole numbers without a point."""
    return [f"{value:.0f}" if value.is_integer() else repr(value) for value in values.tolist()]


def _charted(demand: Demand) -> slice:
    """Return the minutes that a chart shows."""
    if demand.minutes <= MOST_CHARTED_HOURS * 60:
        return slice(0, demand.minutes)
    busiest = demand.busiest_window(hours=CHART_HOURS)
    first = int((busiest.start - demand.start).total_seconds() // 60)
    return slice(first, first + busiest.minutes)


def _by_minute(name: str, one: Tried, baseline_units: NDArray[np.float64], part: slice) -> FleetRun:
    """Return what a policy did in *part* of the minutes, with its own outcome.

    The headline compares policies by their names, so here it has words instead.
    """
    demand = one.run.demand
    return FleetRun(
        name=name,
        timestamps=[demand.timestamp(minute) for minute in range(demand.minutes)[part]],
        demand_units=demand.units[part].tolist(),
        baseline_units=baseline_units[part].tolist(),
        capacity_units=_capacity(one, part),
        unserved_units=one.run.unserved_units[part].tolist(),
        explanations=one.run.explanations[part],
        outcomes=[replace(one.outcome, policy=one.choice.kind.about)],
    )


def _capacity(one: Tried, part: slice) -> Mapping[str, Sequence[float]]:
    if not one.run.pools:
        return {"Cloud": one.run.ready_units[part].tolist()}
    return {
        pool.spec.name: (pool.ready[part] * pool.spec.units_per_capacity).tolist()
        for pool in one.run.pools
    }


def _name(choice: Choice) -> str:
    plain = choice.setting is None and choice.kind.default is not None
    return f"{choice.asked}:{choice.kind.default:g}" if plain else choice.asked
