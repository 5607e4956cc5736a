"""`peakfleet prove`: its whole course on the local AWS, by the real CDK CLI, and its limits."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from moto.cloudwatch.models import cloudwatch_backends

from peakfleet_cli.account import Account
from peakfleet_cli.errors import CommandError
from peakfleet_cli.prove.budget import Budget
from peakfleet_cli.prove.command import Proof, cdk_command
from peakfleet_cli.prove.facts import CLAIMS, Fact, Verdict
from peakfleet_cli.prove.site import Clock
from peakfleet_local import LocalAws
from peakfleet_local.metrics import Watch
from peakfleet_local.server import ACCOUNT
from tests.infra.commands import run

ROOT = Path(__file__).parents[2]
CDK = ROOT / "node_modules" / ".bin" / "cdk"
STACK, LIMIT_USD = "peakfleet-proof-test", 2.0


@dataclass(slots=True, kw_only=True)
class Passing:
    """Virtual time, in which schedules fire and events are delivered as they do in AWS."""

    aws: LocalAws
    slept_seconds: float = field(default=0.0)

    def now(self) -> float:
        return self.aws.world.now_epoch_seconds

    def sleep(self, seconds: float) -> None:
        self.slept_seconds += seconds
        end = self.now() + seconds
        while self.now() < end:
            minute = self.now() - self.now() % 60 + 60
            self.aws.world.advance(min(end, minute) - self.now())
            self.aws.deliver_events()
            if self.now() >= minute:
                self.aws.fire_schedules(self.now())

    def ringing(self, fleet: str) -> frozenset[str]:
        """Evaluate the fleet's alarms, which the local AWS does only for scaling policies."""
        alarms = cloudwatch_backends[ACCOUNT][self.aws.region].alarms.values()
        watches = [watch for alarm in alarms if (watch := Watch.of_alarm(alarm))]
        now = int(self.now())
        return frozenset(
            watch.name
            for watch in watches
            if watch.dimensions == {"Fleet": fleet}
            and watch.state(self.aws.metrics, now_epoch_seconds=now, before="OK") == "ALARM"
        )


@pytest.fixture(scope="module", name="local")
def _local() -> Iterator[LocalAws]:
    with LocalAws() as aws, pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in aws.environment.items():
            patch.setenv(name, value)
        patch.setenv("CDK_VALIDATION", "false")
        aws.world.start_at(aws.world.now_epoch_seconds // 60 * 60)
        yield aws


def proof(aws: LocalAws, folder: Path, *, limit_usd: float = LIMIT_USD) -> Proof:
    passing = Passing(aws=aws)
    return Proof(
        account=Account(region=aws.region),
        stack=STACK,
        budget=Budget(limit_usd),
        cdk=cdk_command(
            Account(region=aws.region), STACK, vpc=None, folder=folder, command=[str(CDK)]
        ),
        tell=lambda _: None,
        clock=Clock(now=passing.now, sleep=passing.sleep),
        ringing=passing.ringing,
    )


@pytest.fixture(scope="module", name="facts")
def _facts(local: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Fact]:
    folder = tmp_path_factory.mktemp("proof")
    one = proof(local, folder)
    # Not in the app's folder, where bootstrap would synthesize it first.
    run(CDK, "bootstrap", f"aws://{ACCOUNT}/{local.region}", "--no-notices", cwd=folder)
    return {fact.check: fact for fact in one.run()}


def test_every_claim_is_confirmed_by_the_local_aws(facts: dict[str, Fact]) -> None:
    assert set(facts) == set(CLAIMS)
    wrong = {check: fact for check, fact in facts.items() if fact.verdict is not Verdict.CONFIRMED}
    assert wrong == {}


def test_the_table_has_measured_times(facts: dict[str, Fact]) -> None:
    for check in ("deploys", "ticks", "metric-delay", "launches", "drains", "warm-pool", "alarm"):
        assert facts[check].seconds is not None
    assert 0 < (facts["launches"].seconds or 0) < 480


def test_nothing_is_left(facts: dict[str, Fact], local: LocalAws) -> None:
    assert facts["removed"].verdict is Verdict.CONFIRMED
    assert local.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert local.client("dynamodb").list_tables()["TableNames"] == []


@dataclass(slots=True)
class FakeCdk:
    """A CDK CLI that deploys nothing, and remembers what it was asked."""

    fails: str = ""
    stops: bool = False
    asked: list[str] = field(default_factory=list)

    def __call__(self, arguments: Sequence[str]) -> None:
        self.asked.append(arguments[0])
        if self.stops and arguments[0] == "deploy":
            raise KeyboardInterrupt
        if arguments[0] == self.fails:
            raise CommandError(f"cdk {arguments[0]} failed")


@pytest.mark.parametrize("cdk", [FakeCdk(stops=True), FakeCdk(fails="deploy")])
def test_everything_is_removed_also_after_ctrl_c_or_a_failed_deployment(
    local: LocalAws, tmp_path: Path, cdk: FakeCdk
) -> None:
    one = proof(local, tmp_path)
    one.cdk = cdk
    with pytest.raises((KeyboardInterrupt, CommandError)):
        one.run()
    assert cdk.asked == ["deploy", "destroy"]


def test_a_removal_that_fails_is_a_refuted_claim_that_says_what_to_do(
    local: LocalAws, tmp_path: Path
) -> None:
    one = proof(local, tmp_path)
    one.cdk = FakeCdk(fails="destroy")
    with pytest.raises(CommandError):
        one.run()  # nothing was deployed, so that there is no fleet to look at
    (removed,) = [fact for fact in one.facts if fact.check == "removed"]
    assert removed.verdict is Verdict.REFUTED
    assert f"delete the stack {STACK} by hand" in removed.found


def test_a_limit_below_the_worst_case_is_refused_before_anything_is_deployed() -> None:
    with pytest.raises(CommandError, match="raise it with --limit-usd"):
        Budget(0.01)


def test_the_limit_stops_a_proof_that_takes_too_long() -> None:
    budget = Budget(0.35)
    with pytest.raises(CommandError, match="stopped"):
        budget.spend(instances=4, seconds=7200)


def test_every_check_is_in_the_list_of_what_was_never_verified() -> None:
    page = (ROOT / "docs" / "unverified.md").read_text(encoding="utf-8")
    assert [check for check in CLAIMS if f"`{check}`" not in page] == []
