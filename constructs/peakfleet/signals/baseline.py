"""The baseline: what the company's own side carries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from aws_cdk import Duration

from peakfleet._values import check_kind, known_number, seconds
from peakfleet.calendar import window
from peakfleet.signals.metrics import checked_statistic
from peakfleet_planner import (
    BaselineSpec,
    FixedBaseline,
    MaintenanceSpec,
    Metric,
    ReportedBaseline,
    SitesBaseline,
    SiteSpec,
    SpecError,
)


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Work on the company's own side, which carries less meanwhile.

    The burst rises before it begins, so that nothing is unserved when it does.

    Args:
        name: Unique within the baseline.
        start: When it begins, with a time zone. One that is over changes nothing.
        duration: How long it lasts.
        remaining_fraction: Share of the declared units that is carried meanwhile. Default: 0.
        repeats: `daily` or `weekly`: it comes back at the same local time. Default: once.

    Raises:
        SpecError: A value is out of range, or the start has no time zone.

    Limitations:
        As of a `KnownPeak`. A site whose maintenance leaves nothing is not unknown: its silence
        meanwhile keeps no capacity.
    """

    name: str
    start: datetime = field(kw_only=True)
    duration: Duration = field(kw_only=True)
    remaining_fraction: float = field(default=0, kw_only=True)
    repeats: Literal["daily", "weekly"] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        """Refuse maintenance that cannot be."""
        self.to_planner()

    def to_planner(self) -> MaintenanceSpec:
        """Return it as the planner reads it."""
        owner = f"maintenance '{self.name}'"
        known_number(owner, "remaining_fraction", self.remaining_fraction)
        return MaintenanceSpec(
            name=self.name,
            remaining_fraction=self.remaining_fraction,
            **window(owner, start=self.start, duration=self.duration, repeats=self.repeats),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Units that the company's own servers carry, so that only what is above them bursts.

    Use `none`, `fixed`, `reported` or `sites`.

    Args:
        spec: The baseline as the planner reads it.
    """

    spec: BaselineSpec

    @classmethod
    def none(cls) -> Baseline:
        """Nothing runs on premises: the fleet carries all demand."""
        return cls(spec=FixedBaseline(units=0))

    @classmethod
    def fixed(
        cls,
        units: float,
        *,
        usable_fraction: float = 1,
        maintenance: Sequence[Maintenance] = (),
    ) -> Baseline:
        """Take the baseline to be up always, but for its maintenance.

        Args:
            units: Units it carries.
            usable_fraction: Share of them that may be counted on. Default: 1.
            maintenance: When it carries less. Default: never.

        Raises:
            SpecError: A number is out of range.
        """
        for name, value in (("units", units), ("usable_fraction", usable_fraction)):
            known_number("baseline", name, value)
        return cls(
            spec=FixedBaseline(
                units=units,
                usable_fraction=usable_fraction,
                maintenance=_windows(maintenance),
            )
        )

    @classmethod
    def reported(
        cls,
        *,
        namespace: str,
        metric_name: str,
        declared_units: float,
        dimensions: Mapping[str, str] | None = None,
        period: Duration | None = None,
        statistic: str = "Minimum",
        usable_fraction: float = 1,
        healthy_fraction: float = 0.95,
        unknown_fraction: float = 0.5,
        fresh_for: Duration | None = None,
        heartbeat: str | None = None,
        steady_for: Duration | None = None,
        maintenance: Sequence[Maintenance] = (),
        taken: str | None = None,
    ) -> Baseline:
        """Read the healthy units from a metric that the on-premises side publishes.

        `peakfleet report-baseline` publishes it; docs/hybrid.md says how, and what anything else
        that publishes must do.

        Args:
            namespace: CloudWatch namespace of the report.
            metric_name: Its name. The value is in units.
            declared_units: Units when all is well. A higher report counts as this much.
            dimensions: Its dimensions. Default: none.
            period: How often it is published. Default: a minute.
            statistic: How several reports of one period are combined. Default: `Minimum`.
            usable_fraction: Share of the healthy units that may be counted on. Default: 1.
            healthy_fraction: Degraded below this share of the declared units. Default: 0.95.
            unknown_fraction: Share of the declared units that is assumed at most while no
                report comes. Default: 0.5.
            fresh_for: A newest report older than this means unknown. Default: 5 minutes.
            heartbeat: Name of a metric beside it, 1 while whoever reports has a value, 0 while it
                has none, published without a time: `Reporting`, if that is
                `peakfleet report-baseline`. It tells a lost link from a lost source and from a
                wrong clock. Default: none.
            steady_for: More units than before, or a report after silence, count after this long.
                Default: 3 minutes.
            maintenance: When it carries less. Default: never.
            taken: Name of a metric beside it, the items of a queue that its workers finish in a
                minute: `TakenItems`, if `peakfleet report-baseline --taken` publishes it. While
                items wait that they could take, they count for what they are seen to take, and
                never for more than their healthy units. Only for a fleet of one queue. Default:
                they count for their healthy units.

        Raises:
            SpecError: A number is out of range.
        """
        for name, value in (
            ("declared_units", declared_units),
            ("usable_fraction", usable_fraction),
            ("healthy_fraction", healthy_fraction),
            ("unknown_fraction", unknown_fraction),
        ):
            known_number("baseline", name, value)
        metric = Metric(
            namespace=namespace,
            metric_name=metric_name,
            dimensions=dict(dimensions or {}),
            statistic=checked_statistic("baseline", statistic),
            period_seconds=seconds("baseline", "period", period) if period else 60,
        )
        return cls(
            spec=ReportedBaseline(
                metric=metric,
                declared_units=declared_units,
                usable_fraction=usable_fraction,
                healthy_fraction=healthy_fraction,
                unknown_fraction=unknown_fraction,
                fresh_seconds=seconds("baseline", "fresh_for", fresh_for) if fresh_for else 300,
                heartbeat=replace(metric, metric_name=heartbeat, statistic="Maximum")
                if heartbeat
                else None,
                steady_seconds=seconds("baseline", "steady_for", steady_for) if steady_for else 180,
                maintenance=_windows(maintenance),
                taken=replace(metric, metric_name=taken) if taken else None,
            )
        )

    @classmethod
    def sites(cls, *sites: Site) -> Baseline:
        """Add up several places, each with its own state, so that a lost one is its own share.

        Args:
            sites: Data centres, or other providers that carry everyday demand.

        Raises:
            SpecError: Two have one name, or one report.

        Example:
            Baseline.sites(
                Site("fra", Baseline.reported(namespace="OnPrem/live/fra", ...)),
                Site("ams", Baseline.reported(namespace="OnPrem/live/ams", ...)),
            )
        """
        for site in sites:
            check_kind("baseline", "sites", site, Site)
        return cls(spec=SitesBaseline(sites=tuple(site.spec for site in sites)))


@dataclass(frozen=True, slots=True)
class Site:
    """One of several places that carry the baseline.

    Args:
        name: Unique within the fleet, such as `fra`.
        baseline: What it carries; not sites again.

    Raises:
        SpecError: It has no name, or consists of sites.
    """

    name: str
    baseline: Baseline

    def __post_init__(self) -> None:
        """Refuse a site that is none."""
        _ = self.spec

    @property
    def spec(self) -> SiteSpec:
        """The site as the planner reads it."""
        if isinstance(self.baseline.spec, SitesBaseline):
            raise SpecError(f"site '{self.name}': its baseline must be one place, got sites")
        return SiteSpec(name=self.name, baseline=self.baseline.spec)


def _windows(maintenance: Sequence[Maintenance]) -> tuple[MaintenanceSpec, ...]:
    return tuple(one.to_planner() for one in maintenance)
