"""The outcome of a demo in figures: a table, one sentence, JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from rich import box
from rich.table import Table
from rich.text import Text

from peakfleet_demo.demo.outcomes import MINUTES_PER_HOUR, Contender, FleetOutcome
from peakfleet_demo.demo.peaks import Peak
from peakfleet_local.replay import Minute

NAMES: Final = ("peakfleet", "target tracking", "perfect foresight")
ASSUMPTIONS: Final = (
    "Target tracking (aiming at 0.7) and perfect foresight are simulated for the same minutes and "
    "the same demand, with one kind of instance: the units and boot time of the fleet's first "
    "pool, up to the units of all its pools. Their dollars fill the fleet's ladder in its order. "
    "A total counts burst in instances of each fleet's first pool."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One policy over one fleet or all, in instances of each fleet's first pool.

    Args:
        served_hours: Burst that was served in time, in instance-hours.
        unserved_hours: Burst that was not, in instance-hours.
        paid_hours: Instance-hours paid for, boot included.
        usd: What they cost; None if a price is unknown.
    """

    served_hours: float
    unserved_hours: float
    paid_hours: float
    usd: float | None

    @property
    def unserved_percent(self) -> float:
        """Unserved work in percent of the burst."""
        burst = self.served_hours + self.unserved_hours
        return 100 * self.unserved_hours / burst if burst else 0.0

    @property
    def cost(self) -> float:
        """Dollars, or instance-hours where a price is unknown."""
        return self.paid_hours if self.usd is None else self.usd


def figures(contenders: Sequence[Contender]) -> Figures:
    """Return one policy's figures, summed over fleets."""
    burst, missed, paid = 0.0, 0.0, 0.0
    prices = [contender.outcome.usd for contender in contenders]
    for contender in contenders:
        each = contender.run.world.units_per_instance * MINUTES_PER_HOUR
        burst += contender.outcome.burst_units / each
        missed += contender.outcome.unserved_units / each
        paid += contender.outcome.instance_minutes / MINUTES_PER_HOUR
    return Figures(
        served_hours=max(0.0, burst - missed),
        unserved_hours=missed,
        paid_hours=paid,
        usd=None if None in prices else sum(price or 0.0 for price in prices),
    )


def rows(outcomes: Sequence[FleetOutcome]) -> Iterator[tuple[str, tuple[Figures, ...]]]:
    """Yield a name and the figures of all policies, for each fleet and for all together."""
    for outcome in outcomes:
        yield outcome.spec.fleet, tuple(figures([one]) for one in outcome.contenders)
    policies = zip(*(outcome.contenders for outcome in outcomes), strict=True)
    yield "all fleets", tuple(figures(contenders) for contenders in policies)


def table(outcomes: Sequence[FleetOutcome], title: str) -> Table:
    """Return the outcome as a table, three rows for each fleet and for all together."""
    result = Table(
        title=Text(title),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    result.add_column("fleet", no_wrap=True)
    result.add_column("policy", no_wrap=True)
    for column in (
        "served\ninst-h",
        "unserved\ninst-h",
        "unserved\n%",
        "paid\ninst-h",
        "cost\nUSD",
    ):
        result.add_column(column, justify="right", no_wrap=True)
    for fleet, policies in rows(outcomes):
        for name, one in zip(NAMES, policies, strict=True):
            ours = name == NAMES[0]
            result.add_row(
                fleet if ours else "",
                name,
                f"{one.served_hours:,.1f}",
                f"{one.unserved_hours:,.2f}",
                f"{one.unserved_percent:.2f}",
                f"{one.paid_hours:,.1f}",
                "?" if one.usd is None else f"{one.usd:,.2f}",
                style="bold" if ours else "",
            )
        result.add_section()
    return result


def verdict(outcomes: Sequence[FleetOutcome]) -> str:
    """Return the outcome over all fleets in one sentence."""
    *_, (_, (ours, theirs, best)) = rows(outcomes)
    return (
        f"peakfleet left {ours.unserved_percent:.2f} % of the burst unserved and cost "
        f"{_against(ours.cost, theirs.cost)} target tracking, which left "
        f"{theirs.unserved_percent:.2f} % unserved; perfect foresight would have cost "
        f"{_against(best.cost, ours.cost)} peakfleet."
    )


def document(
    outcomes: Sequence[FleetOutcome], peak: Peak, failures: Sequence[str]
) -> dict[str, Any]:
    """Return the outcome as JSON-ready data."""
    return {
        "demand": peak.title,
        "history_from": peak.start.isoformat(),
        "scored_from": peak.scored_from.isoformat(),
        **asdict(peak.phases),
        "assumptions": ASSUMPTIONS,
        "fleets": {
            name: {
                policy: {**asdict(one), "unserved_percent": one.unserved_percent}
                for policy, one in zip(NAMES, policies, strict=True)
            }
            for name, policies in rows(outcomes)
        },
        "problems": list(failures),
    }


def problems(minutes: Sequence[Minute]) -> Iterator[str]:
    """Yield what went wrong in the ticks, each kind once with how often it did."""
    errors: Counter[tuple[str, str]] = Counter()
    for minute in minutes:
        for name, fleet in minute.fleets.items():
            if fleet.error:
                errors[name, fleet.error] += 1
            if fleet.failed_calls:
                errors[name, "calls to AWS failed within a tick"] += 1
    for (name, error), count in errors.items():
        yield f"{name}: {error} ({count} of {len(minutes)} ticks)"


def _against(cost: float, other: float) -> str:
    if other <= 0:
        return "as much as" if cost <= 0 else "more than the nothing of"
    percent = 100 * (cost / other - 1)
    return f"{abs(percent):.0f} % {'more' if percent > 0 else 'less'} than"
