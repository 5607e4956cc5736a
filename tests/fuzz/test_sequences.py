"""Ticks one after the other with random faults between them, on a fake and on moto's account."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from peakfleet_planner import PaceSpec
from tests.handlers.account import Account, of, opened
from tests.handlers.fake_aws import READS, WRITES, FakeAws
from tests.handlers.scenes import BALANCED_FLEET, FLEET, NOW, aws, minutes, tick

CODES = ("Throttling", "AccessDenied", "InternalFailure", "ScalingActivityInProgress")
PACED = replace(BALANCED_FLEET, pace=PaceSpec(out_units=60, in_units=20))
UNIT = 10
DEMANDS = st.floats(min_value=0, max_value=500) | st.sampled_from([-1.0, 1e308, float("nan")])


class FakeTicks(RuleBasedStateMachine):
    """A fake account of which any call may fail, between ticks of a minute each."""

    @initialize(graviton=st.integers(0, 10), x86=st.integers(0, 20))
    def begin(self, graviton: int, x86: int) -> None:
        self.fake: FakeAws = aws(200, graviton=graviton, x86=x86)
        self.now = NOW
        self.before = dict(self.fake.desired)
        self.failing = False
        self.ticked = False

    @rule(demand=DEMANDS)
    def demand_is(self, demand: float) -> None:
        self.fake.metrics["Streams"] = minutes([demand] * 70, until=self.now)

    @rule()
    def demand_falls_silent(self) -> None:
        self.fake.metrics["Streams"] = {}

    @rule(call=st.sampled_from([*READS, *WRITES]), code=st.sampled_from(CODES))
    def calls_fail(self, call: str, code: str) -> None:
        self.fake.failing[call] = code

    @rule()
    def calls_work_again(self) -> None:
        self.fake.failing.clear()

    @rule(name=st.sampled_from(["g", "x"]), size=st.integers(0, 10))
    def somebody_sets_a_size(self, name: str, size: int) -> None:
        self.fake.groups[name].resize(size)

    @rule()
    def the_table_is_lost(self) -> None:
        self.fake.table.clear()

    @rule(twice=st.booleans())
    def a_tick_runs(self, twice: bool) -> None:  # noqa: FBT001  Hypothesis gives it by name
        self.now += 60
        self.before = dict(self.fake.desired)
        self.failing = any(call in self.fake.failing for call in READS)
        tick(self.fake, PACED, self.now)
        if twice:
            after = dict(self.fake.desired)
            tick(self.fake, PACED, self.now)
            assert self.fake.desired == after or self.fake.failing
        self.ticked = True

    @invariant()
    def every_size_is_within_its_bounds(self) -> None:
        if hasattr(self, "fake"):
            assert 0 <= self.fake.desired["g"] <= 10
            assert 0 <= self.fake.desired["x"] <= 20

    @invariant()
    def no_tick_moves_further_than_its_pace(self) -> None:
        if hasattr(self, "fake") and self.ticked:
            moved = sum(self.fake.desired[name] - size for name, size in self.before.items())
            assert -20 <= UNIT * moved <= 60
            self.ticked = False

    @invariant()
    def what_cannot_be_read_lets_nothing_go(self) -> None:
        if hasattr(self, "fake") and self.failing:
            assert all(self.fake.desired[name] >= size for name, size in self.before.items())
            self.failing = False


class AccountTicks(RuleBasedStateMachine):
    """The same handlers on moto's account, with groups that boot and refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.account: Account = self.stack.enter_context(opened())
        self.account.put(100)
        self.most = {one.group: one.max_capacity for one in FLEET.pools}

    def teardown(self) -> None:
        self.stack.close()

    @rule(demand=st.floats(min_value=0, max_value=400))
    def demand_is(self, demand: float) -> None:
        self.account.put(demand)

    @rule(seconds=st.sampled_from([60, 120, 600]))
    def time_passes(self, seconds: int) -> None:
        self.account.world.advance(seconds)

    @rule(service=st.sampled_from(["autoscaling", "cloudwatch", "dynamodb"]))
    def a_service_throttles(self, service: str) -> None:
        until = self.account.world.now_epoch_seconds + 90
        self.account.world.throttle(service, until_epoch_seconds=until)

    @rule(
        item=st.dictionaries(
            st.text(max_size=4), st.builds(lambda s: {"S": s}, st.text(max_size=4))
        )
    )
    def a_record_is_damaged(self, item: dict[str, dict[str, str]]) -> None:
        key = {"fleet": {"S": FLEET.fleet}, "item": {"S": "LATEST"}}
        self.account.world.throttle("dynamodb", until_epoch_seconds=0)
        self.account.put_item({**item, **key})

    @rule()
    def a_tick_runs(self) -> None:
        self.account.world.advance(60)
        self.account.tick()

    @invariant()
    def every_size_is_within_its_bounds(self) -> None:
        for group in of("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]:
            assert 0 <= group["DesiredCapacity"] <= group["MaxSize"]


TestFakeTicks = FakeTicks.TestCase
TestAccountTicks = AccountTicks.TestCase
USUAL = settings.get_profile("fuzz")
IS_FUZZ = settings.get_current_profile_name() == "fuzz"
TestFakeTicks.settings = settings(
    max_examples=USUAL.max_examples if IS_FUZZ else 20, stateful_step_count=20
)
TestAccountTicks.settings = settings(
    max_examples=20 if IS_FUZZ else 1,
    stateful_step_count=8,
    phases=[Phase.generate],  # to explain a failure traces all of moto, which takes minutes
    suppress_health_check=[HealthCheck.too_slow],
)
