"""What holds for a tick whatever fails."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import PaceSpec, ReportedBaseline
from tests.handlers.fake_aws import READS, RECORD, WRITES, FakeAws
from tests.handlers.scenes import BALANCED_FLEET, NOW, ON_PREMISES, minutes, remembers, tick
from tests.handlers.scenes import aws as steady

CODES = ("Throttling", "AccessDenied", "InternalFailure", "ScalingActivityInProgress")
FLEET = replace(
    BALANCED_FLEET,
    baseline=ReportedBaseline(metric=ON_PREMISES, declared_units=100),
    pace=PaceSpec(out_units=60, in_units=20),
)
GROUP_CALLS = ("SetDesiredCapacity g", "SetDesiredCapacity x")

SET_CAPACITY = "SetDesiredCapacity"
faults = st.dictionaries(st.sampled_from([*READS, *WRITES, *GROUP_CALLS]), st.sampled_from(CODES))
read_faults = st.dictionaries(st.sampled_from([*READS, RECORD]), st.sampled_from(CODES), min_size=1)
unreadable = st.dictionaries(
    st.sampled_from(["Streams", "HealthyUnits"]),
    st.sampled_from(["InternalError", "Forbidden", "PartialData"]),
)
demands = st.floats(min_value=0, max_value=1e4) | st.sampled_from([-1.0, 1e308])


@st.composite
def worlds(draw: st.DrawFn) -> FakeAws:
    fake = steady(
        draw(demands),
        graviton=draw(st.integers(min_value=0, max_value=10)),
        x86=draw(st.integers(min_value=0, max_value=20)),
    )
    if draw(st.booleans()):
        fake.metrics["HealthyUnits"] = minutes([draw(demands)] * 70)
    return remembers(fake) if draw(st.booleans()) else fake


@given(fake=worlds(), failing=read_faults, others=faults, statuses=unreadable)
def test_a_read_or_record_that_fails_never_lowers_a_capacity(
    fake: FakeAws, failing: dict[str, str], others: dict[str, str], statuses: dict[str, str]
) -> None:
    before = fake.desired
    fake.failing |= others | failing
    fake.statuses |= statuses
    said = tick(fake, FLEET)
    assert said["applied"]["failed_calls"] >= 1 or RECORD in failing
    assert all(fake.desired[name] >= capacity for name, capacity in before.items())


@given(fake=worlds(), failing=faults, statuses=unreadable)
def test_whatever_fails_every_capacity_stays_within_its_bounds_and_pace(
    fake: FakeAws, failing: dict[str, str], statuses: dict[str, str]
) -> None:
    before = fake.desired
    fake.failing |= failing
    fake.statuses |= statuses
    tick(fake, FLEET)
    assert 0 <= fake.desired["g"] <= 10
    assert 0 <= fake.desired["x"] <= 20
    added = [fake.desired[name] - capacity for name, capacity in before.items()]
    assert -20 <= 10 * sum(added) <= 60


def played_on(fake: FakeAws, failing: dict[str, str]) -> tuple[FakeAws, FakeAws]:
    """Return a world after a tick with faults and more without, and the same one without faults."""
    undisturbed = replace_state(fake)
    fake.failing |= failing
    tick(fake, replace(FLEET, pace=PaceSpec()))
    fake.failing.clear()
    for world in (fake, undisturbed):
        for seconds in (61, 66, 71, 76, 81):  # traffic moves by a third in a tick at most
            tick(world, replace(FLEET, pace=PaceSpec()), now=NOW + seconds)
    return fake, undisturbed


@given(fake=worlds(), failing=faults)
def test_faults_that_pass_leave_nothing_behind(fake: FakeAws, failing: dict[str, str]) -> None:
    # Whoever may not size a group waits for minutes, as for a launch that is not authorised.
    passing = {call: code for call, code in failing.items() if not call.startswith(SET_CAPACITY)}
    after, undisturbed = played_on(fake, passing)
    assert after.desired == undisturbed.desired
    assert after.weights == undisturbed.weights


@given(fake=worlds())
def test_a_throttle_that_passes_costs_a_minute_at_most(fake: FakeAws) -> None:
    after, undisturbed = played_on(fake, {SET_CAPACITY: "Throttling"})
    assert sum(after.desired.values()) == sum(undisturbed.desired.values())


def replace_state(fake: FakeAws) -> FakeAws:
    """Return a world that starts as *fake* does."""
    return FakeAws(
        metrics=fake.metrics,
        groups={name: replace(group) for name, group in fake.groups.items()},
        table={key: dict(item) for key, item in fake.table.items()},
    )
