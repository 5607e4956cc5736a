"""The company's own side: how many units it carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from peakfleet_planner.codec import (
    SpecError,
    check_above,
    check_at_least,
    check_distinct,
    check_named,
    check_within,
)
from peakfleet_planner.spec.calendar import MaintenanceSpec
from peakfleet_planner.spec.metrics import Metric

REPORT: Final = "report"
HEARTBEAT: Final = "heartbeat"
TAKEN: Final = "taken"
"""Metric ids of a reported baseline; those of a site begin with its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedBaseline:
    """A baseline that is taken to be up always, but for its maintenance.

    Args:
        units: Units it carries. 0 means that the fleet carries all demand.
        usable_fraction: Share of them that may be counted on. Default: 1.
        maintenance: When it carries less. Default: never.
    """

    units: float
    usable_fraction: float = 1.0
    maintenance: tuple[MaintenanceSpec, ...] = ()
    kind: Literal["fixed"] = "fixed"

    def __post_init__(self) -> None:
        """Refuse a negative baseline."""
        check_at_least("baseline", "units", self.units, 0)
        check_within("baseline", "usable_fraction", self.usable_fraction, 0, 1)
        _check_maintenance(self.maintenance)

    @property
    def declared_units(self) -> float:
        """Units when all is well."""
        return self.units

    @property
    def carried_units(self) -> float:
        """Units that may be counted on when all is well."""
        return self.units * self.usable_fraction

    @property
    def reads(self) -> Mapping[str, Metric]:
        """What is read of it, by id."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedBaseline:
    """A baseline that reports its healthy units as a metric.

    It is healthy while it reports at least `healthy_fraction` of what is declared, degraded
    below that (the report counts), and unknown without a fresh report, or heartbeat where it has
    one: then it is taken to carry the last report, but never more than `unknown_fraction` of what
    is declared. What it reports counts once it has reported no less for `steady_seconds`; what
    falls counts at once; where CloudWatch sums up reports, a minute late: the newest may still
    fill.

    Args:
        metric: Healthy units, reported by the on-premises side.
        declared_units: Units when all is well; a report above it counts as this much.
        usable_fraction: Share of the healthy units that may be counted on. Default: 1.
        healthy_fraction: Degraded below this share of the declared units. Default: 0.95.
        unknown_fraction: Share of the declared units assumed at most while the baseline is
            unknown. Default: 0.5.
        fresh_seconds: A newest report older than this means unknown. Default: 300.
        heartbeat: 1 while whoever reports has a value, 0 while it has none, with the time at
            which it arrived. It tells a lost link from a lost source and from a wrong clock.
            Default: none.
        steady_seconds: More units than before, or a report after silence, count after this long.
            Default: 180.
        maintenance: When it carries less. Default: never.
        taken: Items that its workers finish in a minute: they count for no more than that, as long
            as items wait that they could have taken. Default: not measured.
    """

    metric: Metric
    declared_units: float
    usable_fraction: float = 1.0
    healthy_fraction: float = 0.95
    unknown_fraction: float = 0.5
    fresh_seconds: int = 300
    heartbeat: Metric | None = None
    steady_seconds: int = 180
    maintenance: tuple[MaintenanceSpec, ...] = ()
    taken: Metric | None = None
    kind: Literal["reported"] = "reported"

    def __post_init__(self) -> None:
        """Refuse shares outside 0 to 1."""
        check_above("baseline", "declared_units", self.declared_units, 0)
        check_within("baseline", "usable_fraction", self.usable_fraction, 0, 1)
        check_within("baseline", "healthy_fraction", self.healthy_fraction, 0, 1)
        check_within("baseline", "unknown_fraction", self.unknown_fraction, 0, 1)
        check_at_least("baseline", "fresh_seconds", self.fresh_seconds, self.metric.period_seconds)
        check_within("baseline", "steady_seconds", self.steady_seconds, 0, 3600)
        if self.heartbeat and self.heartbeat.period_seconds > self.fresh_seconds:
            raise SpecError(
                f"baseline: fresh_seconds must be at least the heartbeat's period of "
                f"{self.heartbeat.period_seconds}, got {self.fresh_seconds}"
            )
        _check_maintenance(self.maintenance)

    @property
    def carried_units(self) -> float:
        """Units that may be counted on when all is well."""
        return self.declared_units * self.usable_fraction

    @property
    def reads(self) -> Mapping[str, Metric]:
        """What is read of it, by id."""
        also = {HEARTBEAT: self.heartbeat, TAKEN: self.taken}
        return {REPORT: self.metric, **{name: metric for name, metric in also.items() if metric}}


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSpec:
    """One of several places that carry the baseline: a data centre, or another provider.

    Args:
        name: Unique within the fleet.
        baseline: What it carries.
    """

    name: str
    baseline: FixedBaseline | ReportedBaseline

    def __post_init__(self) -> None:
        """Refuse a site without a name."""
        check_named("site", "name", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class SitesBaseline:
    """Several sites, each with its own state; a lost one is its own share.

    Args:
        sites: At least one.
    """

    sites: tuple[SiteSpec, ...]
    kind: Literal["sites"] = "sites"

    def __post_init__(self) -> None:
        """Refuse no site, and two of one name or of one report."""
        if not self.sites:
            raise SpecError("baseline: at least one site is needed, got none")
        check_distinct("baseline", "site names", tuple(site.name for site in self.sites))
        metrics = [one.baseline.reads[REPORT] for one in self.sites if one.baseline.reads]
        twice = [f"{m.namespace}/{m.metric_name}" for m in metrics if metrics.count(m) > 1]
        if twice:
            raise SpecError(f"baseline: each site needs a report of its own, {twice[0]} is of two")

    @property
    def declared_units(self) -> float:
        """Units when all is well."""
        return sum(site.baseline.declared_units for site in self.sites)

    @property
    def carried_units(self) -> float:
        """Units that may be counted on when all is well."""
        return sum(site.baseline.carried_units for site in self.sites)

    @property
    def reads(self) -> Mapping[str, Metric]:
        """What is read of them, by id."""
        return {
            site_read(site.name, name): metric
            for site in self.sites
            for name, metric in site.baseline.reads.items()
        }


BaselineSpec = FixedBaseline | ReportedBaseline | SitesBaseline
"""How much of the baseline may be counted on."""


def site_read(site: str, name: str) -> str:
    """Return the id of what is read of a site."""
    return f"{site}/{name}"


def sides_of(spec: BaselineSpec) -> Mapping[str, FixedBaseline | ReportedBaseline]:
    """Return the sites of a baseline by name; one without sites has no name."""
    if isinstance(spec, SitesBaseline):
        return {site.name: site.baseline for site in spec.sites}
    return {"": spec}


def reports_of(spec: BaselineSpec, healthy_share: float = 1.0) -> Mapping[str, float]:
    """Return what each read of a baseline says while this share of every site is healthy.

    >>> reports_of(
    ...     ReportedBaseline(metric=Metric(namespace="N", metric_name="M"), declared_units=400), 0.5
    ... )
    {'report': 200.0}
    """
    if isinstance(spec, FixedBaseline):
        return {}
    if isinstance(spec, ReportedBaseline):
        units = {REPORT: spec.declared_units * healthy_share}
        return {**units, **({HEARTBEAT: 1.0} if spec.heartbeat else {})}
    return {
        site_read(site.name, name): value
        for site in spec.sites
        for name, value in reports_of(site.baseline, healthy_share).items()
    }


def _check_maintenance(windows: tuple[MaintenanceSpec, ...]) -> None:
    check_distinct("baseline", "maintenance names", tuple(window.name for window in windows))
