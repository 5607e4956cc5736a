"""CloudWatch: datapoints, alarms, embedded metrics.

Values come in through the API (`cloudwatch`), out of log lines (`emf`) or without a request
from a replay (`publishing`), lie in the `store`, and are read by the API. `alarms` change their
state when they are told to; those of scaling policies are watched.
"""

from peakfleet_local.metrics.alarms import Watch, set_alarm
from peakfleet_local.metrics.cloudwatch import metrics_installed
from peakfleet_local.metrics.emf import embedded_values, publish_embedded
from peakfleet_local.metrics.publishing import (
    Datapoint,
    ReplayError,
    backlog_datapoints,
    baseline_datapoints,
    demand_datapoints,
    past_datapoints,
    value_for_units,
)
from peakfleet_local.metrics.store import MINUTE_SECONDS, Completeness, MetricStore, Sample
