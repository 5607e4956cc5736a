"""A gang in an account in moto: its group, its reservation, its bucket, and its ticks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from peakfleet_handlers.aws import Clients, Deadline
from peakfleet_handlers.gang import run
from peakfleet_local.groups import CapacityReservations, reservations_installed
from peakfleet_planner.gang import GangSpec
from tests.handlers.account import ZONES, Account, session
from tests.handlers.scenes import TABLE, event
from tests.planner.gangs import KIND, gang

BUCKET, GROUP, ZONE = "checkpoints", "trn", ZONES[0]
DRAIN = "peakfleet-drain"


@cache
def of(service: str) -> Any:  # noqa: ANN401  a boto3 client
    """Return a client that all tests share: making one takes longer than a tick."""
    return session().client(service)


@cache
def clients() -> Clients:
    """Return the clients of ticks, shared as well. A test with faults makes its own."""
    return Clients()


@dataclass(kw_only=True)
class GangWorld:
    """A gang, and the account that it is in."""

    account: Account
    reservations: CapacityReservations
    spec: GangSpec
    clients: Clients = field(default_factory=clients)

    @property
    def now(self) -> int:
        return int(self.account.world.now_epoch_seconds)

    def tick(self) -> dict[str, Any]:
        """Run one tick at the present time."""
        sent = {**event(now=self.now), "gang": self.spec.to_json()}
        return run(sent, clients=self.clients, deadline=Deadline.of(None))

    def live(self, minutes: int) -> list[str]:
        """Let time pass with a tick a minute; return the reason of each."""
        reasons = []
        for _ in range(minutes):
            self.account.world.advance(60)
            reasons.append(str(self.tick()["reason"]))
        return reasons

    def desired(self) -> int:
        (found,) = of("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])[
            "AutoScalingGroups"
        ]
        return int(found["DesiredCapacity"])

    def states(self) -> Counter[str]:
        return Counter(self.account.world.machines_by_state(GROUP))

    def alive(self) -> int:
        """Machines that are there, in whatever state."""
        return len(self.account.world.machines_of(GROUP))

    def members(self) -> dict[str, Any]:
        """Return what the machines read of their formation."""
        key = f"{self.spec.prefix}/gang/members.json"
        said = of("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
        document: dict[str, Any] = json.loads(said)
        return document

    def keys(self) -> list[str]:
        """Return every key of the gang, without the prefix."""
        root = f"{self.spec.prefix}/gang/"
        found = of("s3").list_objects_v2(Bucket=BUCKET, Prefix=root).get("Contents", ())
        return sorted(one["Key"].removeprefix(root) for one in found)

    def say(self, word: str) -> None:
        """Speak as a machine: a word to the present formation, or `finished`."""
        folder = "" if word == "finished" else f"{self.members()['formation']:010d}/"
        key = f"{self.spec.prefix}/gang/{folder}{word}"
        of("s3").put_object(Bucket=BUCKET, Key=key, Body=b"")

    def put_hook(self) -> None:
        """Let machines finish before they leave."""
        of("autoscaling").put_lifecycle_hook(
            AutoScalingGroupName=GROUP,
            LifecycleHookName=DRAIN,
            LifecycleTransition="autoscaling:EC2_INSTANCE_TERMINATING",
            HeartbeatTimeout=300,
        )


@contextmanager
def gang_in(account: Account, **options: Any) -> Iterator[GangWorld]:  # noqa: ANN401  a gang's own
    """Yield a gang in an account. Its options are those of `tests.planner.gangs.gang`."""
    spec = gang(**options)
    spec = replace(
        spec,
        bucket=BUCKET,
        state_table=TABLE,
        pool=replace(spec.pool, group=GROUP, boot_seconds=90),
    )
    of("s3").create_bucket(Bucket=BUCKET)
    reservation = (
        {"CapacityReservationTarget": {"CapacityReservationId": spec.reservation.reservation_id}}
        if spec.reservation
        else {}
    )
    template = of("ec2").create_launch_template(
        LaunchTemplateName=GROUP,
        LaunchTemplateData={
            "ImageId": "ami-12c6146b",
            "InstanceType": KIND,
            "CapacityReservationSpecification": reservation,
        },
    )["LaunchTemplate"]["LaunchTemplateId"]
    of("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=GROUP,
        MinSize=0,
        MaxSize=spec.machines,
        VPCZoneIdentifier=account.subnets[0],
        LaunchTemplate={"LaunchTemplateId": template, "Version": "1"},
    )
    with reservations_installed(account.world) as reservations:
        yield GangWorld(account=account, reservations=reservations, spec=spec)
