"""What a fleet lets go waits and serves again: the tick, against groups that obey AWS's laws."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from peakfleet_planner import FleetSpec, WarmSpec
from tests.handlers.account import Account, of, opened
from tests.handlers.scenes import FLEET

QUIET, BURST = 90.0, 150.0
WAITS_MINUTES = 50
"""A boot of 90 seconds, at 3 % of the price while it waits."""


def reusing(*, least: int = 0) -> FleetSpec:
    (pool, *_) = FLEET.pools
    warm = WarmSpec(min_capacity=least, max_capacity=10, cost_fraction=0.03, reuse=True)
    return replace(FLEET, pools=(replace(pool, launch="desired", boot_seconds=90, warm=warm),))


@dataclass(slots=True, kw_only=True)
class Service:
    """A fleet of one group with a warm pool, as a deployment leaves it, minute by minute."""

    account: Account
    spec: FleetSpec = field(default_factory=reusing)
    launched: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        of("autoscaling").put_warm_pool(
            AutoScalingGroupName="g",
            MinSize=0,
            MaxGroupPreparedCapacity=0,
            InstanceReusePolicy={"ReuseOnScaleIn": True},
        )
        self.account.world.set_warm_start_seconds(group="g", seconds=30)
        self.account.put(QUIET)

    def serve(self, units: float, *, minutes: int) -> None:
        """Let demand be so high for so long, with a tick a minute."""
        metric = FLEET.signals[0].metrics["m"]
        for _ in range(minutes):
            self.account.world.advance(60)
            of("cloudwatch").put_metric_data(
                Namespace=metric.namespace,
                MetricData=[
                    {
                        "MetricName": metric.metric_name,
                        "Timestamp": datetime.fromtimestamp(
                            self.account.world.now_epoch_seconds - 60, UTC
                        ),
                        "Value": units,
                    }
                ],
            )
            self.account.tick(self.spec)
            self.launched |= set(self.account.world.machines)

    @property
    def waits(self) -> Counter[str]:
        """What waits, by its state."""
        found = of("autoscaling").describe_warm_pool(AutoScalingGroupName="g")
        return Counter(one["LifecycleState"] for one in found["Instances"])

    @property
    def serving(self) -> int:
        """What is in service."""
        return self.account.world.in_service("g")


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Yield the service before any burst."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with opened() as account:
        yield Service(account=account)


def test_what_is_let_go_serves_the_next_burst_and_nothing_boots_for_it(service: Service) -> None:
    service.serve(BURST, minutes=10)
    served = service.serving
    assert served >= 5
    service.serve(QUIET, minutes=30)
    assert (service.serving, service.waits) == (0, {"Warmed:Stopped": served})
    booted = set(service.launched)
    service.serve(BURST, minutes=3)
    assert service.serving >= 5
    assert service.launched == booted


def test_what_nobody_needs_again_ends_when_waiting_has_cost_a_boot(service: Service) -> None:
    service.serve(BURST, minutes=10)
    service.serve(QUIET, minutes=WAITS_MINUTES)
    assert service.waits.total() > 0
    service.serve(QUIET, minutes=20)
    assert service.waits.total() == 0
    assert service.account.world.machines == {}


def test_a_deployment_that_sets_the_warm_pool_back_boots_nothing_to_wait(
    service: Service,
) -> None:
    service.serve(BURST, minutes=10)
    service.serve(QUIET, minutes=30)
    of("autoscaling").put_warm_pool(
        AutoScalingGroupName="g",
        MinSize=0,
        MaxGroupPreparedCapacity=0,
        InstanceReusePolicy={"ReuseOnScaleIn": True},
    )
    booted = set(service.launched)
    service.serve(QUIET, minutes=5)
    assert service.launched == booted


def test_what_waits_does_not_serve_again_after_a_deployment(service: Service) -> None:
    service.serve(BURST, minutes=10)
    service.serve(QUIET, minutes=30)
    before = set(service.launched)
    deploy_new_version()
    service.serve(QUIET, minutes=5)
    assert service.waits.total() == 0
    service.serve(BURST, minutes=10)
    assert service.serving >= 5
    assert not before & set(service.account.world.machines)
    service.serve(QUIET, minutes=20)
    assert service.waits.total() >= 5


def test_the_fewest_that_wait_are_booted_anew_after_a_deployment(service: Service) -> None:
    service.spec = reusing(least=2)
    service.serve(QUIET, minutes=5)
    assert service.waits == {"Warmed:Stopped": 2}
    before = set(service.launched)
    deploy_new_version()
    service.serve(QUIET, minutes=10)
    assert service.waits == {"Warmed:Stopped": 2}
    assert not before & set(service.account.world.machines)
    booted = set(service.launched)
    service.serve(QUIET, minutes=10)
    assert service.launched == booted


def deploy_new_version() -> None:
    """Let the group launch another version of its template, as a deployment does."""
    (group,) = of("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=["g"])[
        "AutoScalingGroups"
    ]
    policy = group["MixedInstancesPolicy"]["LaunchTemplate"]
    template = policy["LaunchTemplateSpecification"]["LaunchTemplateId"]
    of("ec2").create_launch_template_version(
        LaunchTemplateId=template,
        LaunchTemplateData={"ImageId": "ami-12c6146b", "InstanceType": "c7g.large"},
    )
    policy["LaunchTemplateSpecification"] = {"LaunchTemplateId": template, "Version": "2"}
    of("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName="g", MixedInstancesPolicy={"LaunchTemplate": policy}
    )
