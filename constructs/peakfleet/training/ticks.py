"""What ticks may do for a gang, and its alarms."""

from __future__ import annotations

from collections.abc import Callable

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from constructs import Construct

from peakfleet.alarms import Watch, alarms_of
from peakfleet.control_plane import Permission, may_create_fleets, may_sweep
from peakfleet.machines import PoolGroup
from peakfleet_planner.gang import GangSpec

_PLACES = ("capacity-reservation", "placement-group")


def may_train(spec: GangSpec, group: PoolGroup) -> list[Permission]:
    """Return what ticks do for one gang.

    Args:
        spec: The gang.
        group: Its group.
    """
    reserved = spec.reservation
    reads = [
        "autoscaling:DescribeAutoScalingGroups",
        "ec2:DescribeInstances",
        # LaunchInstances looks at its template with the permissions of who calls it.
        "ec2:DescribeLaunchTemplateVersions",
    ]
    reads += ["ec2:DescribeCapacityReservations"] if reserved else []
    reads += ["cloudwatch:GetMetricData"] if reserved and reserved.priority else []
    sizes = [
        "autoscaling:LaunchInstances",
        "autoscaling:SetDesiredCapacity",
        "autoscaling:TerminateInstanceInAutoScalingGroup",
    ]
    return [
        Permission(actions=reads, resources=["*"]),  # AWS knows no narrower resource
        Permission(actions=sizes, resources=[group.arn]),
        *may_create_fleets([group], also=_PLACES),
        may_sweep([group]),
    ]


def define_gang_alarms(
    scope: Construct,
    *,
    fleet: str,
    metric: Callable[[str], cloudwatch.Metric],
    topic: sns.ITopic | None,
    limited: bool,
) -> dict[str, cloudwatch.Alarm]:
    """Define the alarms of a gang, by name.

    Args:
        scope: Where to define them.
        fleet: Name of the gang.
        metric: Returns one of its metrics by its name.
        topic: Told when one goes off.
        limited: Whether its spend is limited.
    """
    watches = [
        Watch(
            name="NoTicks",
            metric=metric("GangMachines").with_(statistic="SampleCount"),
            minutes=3,
            threshold=1,
            below=True,
            silence_rings=True,
            description=(
                f"Nobody has decided for the gang {fleet} for 3 minutes. What trains goes on, but "
                f"nobody lets it go before its reservation ends. Look at the scaler's log group "
                f"and the dead-letter queue of the control plane, and at the gang's schedule; "
                f"until it runs again, set the group's desired capacity by hand."
            ),
        ),
        Watch(
            name="GivenUp",
            metric=metric("GangGivenUp"),
            minutes=1,
            description=(
                f"The machines of {fleet} were let go: its program failed three times in a row, "
                f"or some of them never came into service. It is tried again later. Read the "
                f"program's output on the machines (journalctl -u peakfleet-training), or their "
                f"console output if they did not boot."
            ),
        ),
        Watch(
            name="ReservationIdle",
            metric=metric("ReservationIdle"),
            minutes=30,
            description=(
                f"The reservation of {fleet} is active and paid for, but nothing has trained in "
                f"it for 30 minutes. The function's log says why: another type or zone, others "
                f"that use it, or machines that do not come."
            ),
        ),
        Watch(
            name="FailedCalls",
            metric=metric("FailedCalls"),
            minutes=5,
            description=(
                f"AWS has refused calls of the gang {fleet} for 5 minutes. The log names call and "
                f"error; check permissions, throttling and AWS's health."
            ),
        ),
    ]
    if limited:
        reached = Watch(
            name="SpendReached",
            metric=metric("SpendReached"),
            minutes=5,
            description=(
                f"A spend limit has not allowed the machines of {fleet} for 5 minutes, so it does "
                f"not start. The log says which limit, and what it leaves; raise it, wait for "
                f"those who share it, or `peakfleet spend-override`."
            ),
        )
        watches.append(reached)
    return alarms_of(scope, watches, topic)
