"""What decides, learns and keeps the books of a fleet: one function for each, on a schedule."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from peakfleet.control_plane import numpy_layer as _numpy
from peakfleet.control_plane.fleet_function import (
    ARCHITECTURE,
    RUNTIME,
    FleetFunction,
    FunctionContext,
)
from peakfleet.control_plane.permissions import (
    may_create_fleets,
    may_read_metrics,
    may_roll_back,
)
from peakfleet.pools import CapacityPool
from peakfleet_planner import SpecError

TICK_TIMEOUT = Duration.seconds(50)
TICK_MEMORY_MIB = 512  # a quarter of a processor: boto3 loads in about a second
_LEARNER_MEMORY_MIB = 1769  # one whole processor; two weeks take about ten seconds of it
_READS_TRAFFIC = (
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeTargetHealth",
)
_LAYER_ID = "PeakFleetNumpy"


def define_scaler(
    scope: Construct,
    context: FunctionContext,
    *,
    pools: Sequence[CapacityPool],
    groups: Sequence[autoscaling.AutoScalingGroup],
    listener_arn: str | None,
    rolls_back: iam.IRole | None,
) -> FleetFunction:
    """Define what decides for a fleet every minute.

    Args:
        scope: Where to define it.
        context: The fleet.
        pools: Its pools.
        groups: Their groups, which it may size.
        listener_arn: The listener whose weights it may set.
        rolls_back: What the instances run as, where it may give a group an older version of its
            launch template.
    """
    scaler = FleetFunction(
        scope,
        "Scaler",
        context,
        purpose=f"Decides the size of the fleet {context.fleet} every minute",
        handler="peakfleet_handlers.tick.handler",
        every=Duration.minutes(1),
        timeout=TICK_TIMEOUT,
        memory_mib=TICK_MEMORY_MIB,
    )
    context.state.grant(scaler.role, fleet=context.fleet)
    for statement in _may_decide(groups, pools, listener_arn=listener_arn):
        scaler.role.add_to_policy(statement)
    for statement in may_roll_back(groups, rolls_back) if rolls_back else ():
        scaler.role.add_to_policy(statement)
    context.encryption.grant_launches(scope, scaler.role)
    return scaler


def _may_decide(
    groups: Sequence[autoscaling.AutoScalingGroup],
    pools: Sequence[CapacityPool],
    *,
    listener_arn: str | None,
) -> list[iam.PolicyStatement]:
    warm = [
        group.auto_scaling_group_arn for group, pool in zip(groups, pools, strict=True) if pool.warm
    ]
    statements = [
        iam.PolicyStatement(
            actions=[
                "autoscaling:DescribeAutoScalingGroups",
                "autoscaling:DescribeScalingActivities",
                "cloudwatch:GetMetricData",
                # LaunchInstances looks at its template with the permissions of who calls it.
                "ec2:DescribeLaunchTemplateVersions",
                *(["autoscaling:DescribeWarmPool"] if warm else []),
                *(_READS_TRAFFIC if listener_arn else []),
            ],
            resources=["*"],  # AWS knows no narrower resource for these reads
        ),
        iam.PolicyStatement(
            actions=[
                "autoscaling:LaunchInstances",
                "autoscaling:ResumeProcesses",
                "autoscaling:SetDesiredCapacity",
                "autoscaling:SuspendProcesses",
                "autoscaling:TerminateInstanceInAutoScalingGroup",
            ],
            resources=[group.auto_scaling_group_arn for group in groups],
        ),
        may_create_fleets(groups),
    ]
    if warm:
        statements.append(iam.PolicyStatement(actions=["autoscaling:PutWarmPool"], resources=warm))
    if listener_arn:
        split = ["elasticloadbalancing:ModifyListener"]
        statements.append(iam.PolicyStatement(actions=split, resources=[listener_arn]))
    return statements


def define_learner(
    scope: Construct, context: FunctionContext, *, dead_letters: sqs.IQueue
) -> FleetFunction:
    """Define what learns the demand of a fleet every hour.

    Args:
        scope: Where to define it.
        context: The fleet.
        dead_letters: Where lessons go that could not be delivered or failed.

    Raises:
        SpecError: The learner's numpy is not on this machine and cannot be fetched.
    """
    learner = FleetFunction(
        scope,
        "Learner",
        context,
        purpose=f"Learns the demand of the fleet {context.fleet} every hour",
        handler="peakfleet_handlers.learn.handler",
        every=Duration.hours(1),
        timeout=Duration.minutes(10),
        memory_mib=_LEARNER_MEMORY_MIB,
        dead_letters=dead_letters,
        layers=[_numpy_layer(scope)],
    )
    return _reads_and_remembers(learner, context)


def define_ledger(
    scope: Construct, context: FunctionContext, *, dead_letters: sqs.IQueue
) -> FleetFunction:
    """Define what keeps the books of a fleet every day.

    Args:
        scope: Where to define it.
        context: The fleet.
        dead_letters: Where runs go that could not be delivered or failed.
    """
    ledger = FleetFunction(
        scope,
        "Ledger",
        context,
        purpose=f"Writes down every day what the pools of the fleet {context.fleet} did for their "
        f"cost",
        handler="peakfleet_handlers.ledger.handler",
        every=Duration.days(1),
        timeout=Duration.minutes(5),
        memory_mib=512,
        dead_letters=dead_letters,
    )
    return _reads_and_remembers(ledger, context)


def _reads_and_remembers(function: FleetFunction, context: FunctionContext) -> FleetFunction:
    context.state.grant_query_and_put(function.role, fleet=context.fleet)
    function.role.add_to_policy(may_read_metrics())
    return function


def _numpy_layer(scope: Construct) -> lambda_.ILayerVersion:
    """Return the layer that the learners of a stack share, defining it once."""
    stack = Stack.of(scope)
    found = stack.node.try_find_child(_LAYER_ID)
    if isinstance(found, lambda_.LayerVersion):
        return found
    try:
        file = _numpy.fetch()
    except RuntimeError as error:
        raise SpecError(
            f"foresight needs numpy for Lambda, which is not at {_numpy.layer_file()} and "
            f"cannot be fetched now: run `{_numpy.FETCH_COMMAND}` once with a network, "
            f"or say foresight=Foresight.off(). {error}"
        ) from error
    return lambda_.LayerVersion(
        stack,
        _LAYER_ID,
        description=f"numpy {_numpy.VERSION} for what learns demand",
        # The hash is of what was fetched, not of how this machine has compressed it.
        code=lambda_.Code.from_asset(str(file), asset_hash=_numpy.ASSET_HASH),
        compatible_runtimes=[RUNTIME],
        compatible_architectures=[ARCHITECTURE],
        license="BSD-3-Clause",
    )
