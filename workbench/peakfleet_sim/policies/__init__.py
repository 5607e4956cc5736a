"""Policies: the production decision and other autoscalers, each in its own terms.

Comes in: an `Observation` of a minute, and the pools. Goes out: `Sizes`, what each pool was asked
to run and why. Read `policy` (what a policy is, and how one number is spread over pools), `gauge`
(the metric that other autoscalers follow), then each: `peakfleet_policy` (the production decision),
`ec2_auto_scaling` (target tracking, steps, predictive), `kubernetes` (HPA, KEDA) and `lcp`. The
room imports `world` and `demand`, the planner and the learner.
"""

from peakfleet_sim.policies.ec2_auto_scaling import Predictive, StepScaling, TargetTracking
from peakfleet_sim.policies.gauge import BacklogGauge, Gauge, LiveGauge
from peakfleet_sim.policies.kubernetes import KEEP_MINUTES, NODE_KEEP_MINUTES, Hpa
from peakfleet_sim.policies.lcp import LazyCapacityProvisioning
from peakfleet_sim.policies.peakfleet_policy import PeakfleetPolicy, backlog_spec, live_spec
from peakfleet_sim.policies.policy import (
    Decision,
    FleetPolicy,
    Observation,
    Policy,
    Seen,
    Sizes,
    SpreadPolicy,
)
