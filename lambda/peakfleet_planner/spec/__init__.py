"""The specification of a fleet: what a schedule sends, as values that refuse what cannot be.

In: the JSON document that was written at synth. Out: `FleetSpec`. Read `fleet` first, then

- `pool`: one Auto Scaling group, how it is bought and launched, its warm pool;
- `signals` over `metrics` and `arithmetic`: what demand is read from;
- `baseline`: what the company's own side carries;
- `known_peaks`: the calendar;
- `spend`: what it may cost;
- `traffic`: what splits the traffic between the two;
- `published`: which metrics there are of it.
"""

from peakfleet_planner.spec.arithmetic import evaluate
from peakfleet_planner.spec.baseline import (
    HEARTBEAT,
    REPORT,
    TAKEN,
    BaselineSpec,
    FixedBaseline,
    ReportedBaseline,
    SitesBaseline,
    SiteSpec,
    reports_of,
    sides_of,
    site_read,
)
from peakfleet_planner.spec.calendar import KnownPeakSpec, MaintenanceSpec, Repetition
from peakfleet_planner.spec.downstream import DownstreamLimitSpec
from peakfleet_planner.spec.fleet import (
    EfficiencySpec,
    FleetSpec,
    OtherWriterSpec,
    PaceSpec,
    ServiceLevelSpec,
)
from peakfleet_planner.spec.metrics import DAY_SECONDS, MINUTE_SECONDS, SUMS, Metric, MetricSeries
from peakfleet_planner.spec.pool import PoolSpec, PurchaseOption, WarmSpec, hold_seconds
from peakfleet_planner.spec.published import (
    ALWAYS,
    CAPACITY_TROUBLE,
    DEMAND,
    LASTING_TROUBLE,
    POOL_TROUBLE,
    TROUBLES,
    Detail,
    check_published,
    published,
)
from peakfleet_planner.spec.signals import (
    IN_FLIGHT,
    SECOND,
    WAITING,
    WITNESS,
    BacklogSignal,
    RateSignal,
    SecondSignalSpec,
    Signal,
    SilenceRule,
    WhenSilent,
    finish_within_seconds,
)
from peakfleet_planner.spec.spend import PRIORITIES, SHARED_LIMIT, Priority, SpendLimitSpec
from peakfleet_planner.spec.traffic import RegionShareSpec, TrafficSpec, WeightedRecordsSpec
