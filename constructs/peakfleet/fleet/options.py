"""Options that all fleets share, documented once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns

from peakfleet.control_plane import ControlPlane, Encryption, FleetState, Functions
from peakfleet.policy import (
    BrokenImage,
    Drain,
    Foresight,
    KnownPeak,
    Metrics,
    Mode,
    OtherWriter,
    Pace,
    Readiness,
    RegionShare,
    SafetyNet,
    ServiceLevel,
    SpendLimit,
)
from peakfleet.pools import EfficiencyLedger
from peakfleet.signals import Baseline, DownstreamLimit


class PlacementOptions(TypedDict, total=False):
    """Where and how the instances and functions of a fleet run; every fleet takes these.

    Args:
        user_data: What instances run at boot, in every pool without its own. Default: an empty
            script, to be filled through the attribute `user_data`.
        vpc_subnets: Default: the private subnets, or the isolated ones if there are none.
        security_groups: Of the instances. Default: one of the fleet's own, which admits nobody.
        metadata_hop_limit: Network hops that an answer of the instance metadata service may take,
            1 to 64; containers with a network of their own need 2. Default: 1.
        session_manager: Whether people may open a shell on the instances with Session Manager of
            AWS Systems Manager. Default: yes; nothing else of Systems Manager is allowed, and
            whoever needs more adds it to the attribute `role`.
        permissions_boundary: The most that the instances may ever do. Default: what their policies
            say. That of the functions is said in `Functions`.
        control_plane: What decides for it. Default: one for all fleets of the stack.
        state: What the fleets of the stack's control plane remember in. Default: one table.
        functions: How the Lambda functions of the stack's control plane run: network, concurrency,
            logs, tracing. Default: as another fleet has said, else `Functions()`.
        encryption: KMS keys of your own. Those of state, logs and dead letters are the control
            plane's, so that all fleets of a stack have the same. Default: the keys that AWS
            manages.
        alarm_topic: Told when an alarm goes off. Default: nobody.
    """

    user_data: ec2.UserData | None
    vpc_subnets: ec2.SubnetSelection | None
    security_groups: Sequence[ec2.ISecurityGroup]
    metadata_hop_limit: int
    session_manager: bool
    permissions_boundary: iam.IManagedPolicy | None
    control_plane: ControlPlane | None
    state: FleetState | None
    functions: Functions | None
    encryption: Encryption | None
    alarm_topic: sns.ITopic | None


class FleetOptions(PlacementOptions, total=False):
    """What every fleet accepts besides its own arguments, and besides `PlacementOptions`.

    A `TrainingFleet` takes `PlacementOptions` alone: its machines come and go as one.

    Args:
        baseline: What the company's own side carries. Default: nothing, so that the fleet
            carries all demand.
        service_level: What missed work is worth. Default: `ServiceLevel.standard()`.
        pace: How far one tick may move the fleet. Default: half of all pools' maximum out, a
            tenth of it in.
        foresight: Whether it learns its demand. Default: `Foresight.learned()`.
        known_peaks: Demand that is sure to come, which the fleet is ready for. Default: none.
        safety_net: The native policy that adds capacity while no tick runs. Default: late
            messages, if every signal given to the fleet is a queue's backlog, else CPU above 90%.
        drain: How instances leave. Default: `Drain.none()`, at once.
        readiness: When a new instance counts. Default: `Readiness.in_service()`, when it runs.
        other_writer: What becomes of sizes that somebody else sets. Default:
            `OtherWriter.taken_back()`, after ten minutes.
        broken_image: What becomes of a launch template that does not work. Default:
            `BrokenImage.take_out()`.
        metrics: How much it publishes in CloudWatch. Default: `Metrics.essential()`.
        downstream_limits: Loads that it must not drive over a bound. Default: none.
        spend_limits: What it may cost: one limit of its own, and those that it shares. Default: no
            limit but the pools' maxima.
        region: Its region's share of a service that several regions serve. Default: it is alone.
        mode: Whether it acts on what it decides. Default: `Mode.active()`.
        efficiency: Whether it measures what each chip does for its money. Default: it does not.
    """

    baseline: Baseline | None
    service_level: ServiceLevel | None
    pace: Pace | None
    foresight: Foresight | None
    known_peaks: Sequence[KnownPeak]
    safety_net: SafetyNet | None
    drain: Drain | None
    readiness: Readiness | None
    other_writer: OtherWriter | None
    broken_image: BrokenImage | None
    metrics: Metrics | None
    downstream_limits: Sequence[DownstreamLimit]
    spend_limits: Sequence[SpendLimit]
    region: RegionShare | None
    mode: Mode | None
    efficiency: EfficiencyLedger | None
