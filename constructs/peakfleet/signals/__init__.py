"""Signals: what demand and the baseline are read from.

In: queues, load balancers and CloudWatch metrics of a user. Out: values whose `spec` the schedule
sends, and the metrics that they read.

Read `demand_signal` first, then `baseline` and `downstream_limit`; `silence` says what missing data
means, `metrics` how a metric of the CDK is read, `pressure` which signals need not wait for the
next minute.
"""

from peakfleet.signals.baseline import Baseline, Maintenance, Site
from peakfleet.signals.demand_signal import DemandSignal
from peakfleet.signals.downstream_limit import DownstreamLimit
from peakfleet.signals.metrics import read
from peakfleet.signals.pressure import PressureAlarm
from peakfleet.signals.silence import WhenSilent
