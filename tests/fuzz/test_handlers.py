"""Every handler against events that nobody sends: an answer, or an error that names the field."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from peakfleet_handlers import events, gang, learn, ledger, read, tick
from peakfleet_handlers.aws import Clients, Deadline
from peakfleet_planner import FleetSpec, PaceSpec, ReportedBaseline, SpecError
from peakfleet_planner.gang import GangSpec
from peakfleet_table import DamagedRecordError
from tests.handlers.fake_aws import FakeAws
from tests.handlers.faults import refusal
from tests.handlers.scenes import BALANCED_FLEET, NOW, ON_PREMISES, TABLE, aws, event, remembers
from tests.planner.gangs import BLOCK
from tests.planner.gangs import gang as gang_of

GANG = gang_of(BLOCK)
SPEC = replace(
    BALANCED_FLEET,
    baseline=ReportedBaseline(metric=ON_PREMISES, declared_units=100),
    pace=PaceSpec(out_units=60, in_units=20),
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**70), max_value=2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["", "NaN", "2027-01-01T00:00:00Z", "*", "g", "x", "m", -1, 0, 1e308])
)
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
NO_TIME = Deadline(remaining_milliseconds=lambda: 50_000)
PLANE = events.Plane(schedules={SPEC.fleet: "schedule-1"}, table=TABLE)
EVENT = {
    "id": "1",
    "source": "aws.autoscaling",
    "detail-type": "EC2 Instance Launch Unsuccessful",
    "time": "2027-01-01T00:00:00Z",
    "resources": ["arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:1:x/g"],
    "detail": {
        "AutoScalingGroupName": "g",
        "EC2InstanceId": "i-1",
        "StatusMessage": "no capacity",
        "Details": {"Availability Zone": "us-east-1a"},
        "StartTime": "2027-01-01T00:00:00Z",
    },
}


EFFORT = settings(
    max_examples=settings.get_profile("fuzz").max_examples
    if settings.get_current_profile_name() == "fuzz"
    else 20,
    suppress_health_check=[HealthCheck.too_slow],
)
"""A few examples in `make test`, as many as are asked for in `make fuzz`."""


class Refusing(FakeAws):
    """An AWS that refuses every call that the fake does not know."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  a client, or a call of one
        if name.startswith("_"):
            raise AttributeError(name)
        if name in Clients.__annotations__:
            return self

        def refuse(**_: object) -> None:
            raise refusal("AccessDenied")

        return refuse


def _account() -> FakeAws:
    fake = aws(300, graviton=3, x86=2)
    fake.__class__ = Refusing
    return fake


CLOCK = events.Clock(now=lambda: float(NOW), wait=lambda _: None)


def paths(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where everything in a document stands."""
    yield path
    inner = dict(enumerate(value)) if isinstance(value, list) else value
    for key, one in inner.items() if isinstance(inner, Mapping) else ():
        yield from paths(one, (*path, key))


@st.composite
def spoiled(draw: st.DrawFn, document: Any) -> Any:  # noqa: ANN401  any JSON
    """Return a document of which up to three parts are something else."""
    made = copy.deepcopy(document)
    for _ in range(draw(st.integers(min_value=1, max_value=3))):
        path = draw(st.sampled_from(list(paths(made))))
        if not path:
            return draw(JSON)
        at = made
        for key in path[:-1]:
            at = at[key]
        if draw(st.booleans()):
            at[path[-1]] = draw(JSON)
        else:
            del at[path[-1]]
    return made


def _tick(told: object, fake: FakeAws) -> object:
    return tick.run(told, clients=fake.clients, deadline=NO_TIME)


def _gang(told: object, fake: FakeAws) -> object:
    return gang.run(told, clients=fake.clients, deadline=NO_TIME)


def _learn(told: object, fake: FakeAws) -> object:
    return learn.run(told, clients=fake.clients, deadline=NO_TIME)


def _ledger(told: object, fake: FakeAws) -> object:
    return ledger.run(told, clients=fake.clients, deadline=NO_TIME)


def _read(told: object, fake: FakeAws) -> object:
    return read.run(told, clients=fake.clients, deadline=NO_TIME)


def _events(told: object, fake: FakeAws) -> object:
    return events.run(told, plane=PLANE, clients=fake.clients, deadline=NO_TIME, clock=CLOCK)


SENT: dict[Callable[[object, FakeAws], object], Mapping[str, Any]] = {
    _tick: event(SPEC),
    _gang: {"scheduled_time": event(SPEC)["scheduled_time"], "gang": GANG.to_json()},
    _learn: event(SPEC),
    _ledger: event(SPEC),
    _read: {"scheduled_time": event(SPEC)["scheduled_time"], "specs": [SPEC.to_json()]},
    _events: EVENT,
}


@pytest.mark.parametrize("handler", SENT, ids=lambda handler: handler.__name__.strip("_"))
@EFFORT
@given(data=st.data())
def test_handlers_survive_any_json(
    handler: Callable[[object, FakeAws], object], data: st.DataObject
) -> None:
    told = data.draw(spoiled(SENT[handler]) | JSON)
    fake = _account()
    before = dict(fake.desired)
    try:
        handler(told, fake)
    except (SpecError, events.UnfinishedEventError, read.ReadingError) as error:
        assert str(error)  # noqa: PT017  an error is one of two good answers
    assert all(0 <= fake.desired[name] <= 20 for name in before)


@EFFORT
@given(data=st.data())
def test_a_specification_is_refused_or_means_what_it_says(data: st.DataObject) -> None:
    kind, document = data.draw(
        st.sampled_from([(FleetSpec, SPEC.to_json()), (GangSpec, GANG.to_json())])
    )
    told = data.draw(spoiled(document).filter(lambda one: isinstance(one, dict)))
    try:
        spec = kind.from_json(told)
    except SpecError as error:
        assert str(error)  # noqa: PT017  an error is one of two good answers
    else:
        assert kind.from_json(spec.to_json()) == spec


@EFFORT
@given(data=st.data())
def test_a_damaged_record_is_worth_nothing_and_raises_nothing(data: st.DataObject) -> None:
    fake = remembers(aws(300, graviton=3, x86=2))
    tick.run(event(SPEC), clients=fake.clients, deadline=NO_TIME)
    told = {**event(SPEC, NOW + 60), "specs": [SPEC.to_json()]}
    read.run(told, clients=fake.clients, deadline=NO_TIME)
    keys = sorted(fake.table)
    key = data.draw(st.sampled_from(keys))
    kept = {name: fake.table[key][name] for name in ("fleet", "item")}
    fake.table[key] = data.draw(spoiled(fake.table[key]))
    if not isinstance(fake.table[key], dict):
        fake.table[key] = {}
    fake.table[key] |= kept
    before = dict(fake.desired)
    try:
        tick.run(event(SPEC, NOW + 60), clients=fake.clients, deadline=NO_TIME)
    except DamagedRecordError:
        pytest.fail("a damaged record stops a tick")
    assert all(0 <= fake.desired[name] <= 20 for name in before)


@EFFORT
@given(
    values=st.lists(st.floats() | st.floats(allow_nan=False) | st.just(1e308), max_size=70),
    demand=st.floats() | st.just(-1e308),
)
def test_any_metric_payload_moves_a_fleet_by_its_pace_at_most(
    values: list[float], demand: float
) -> None:
    fake = aws(300, graviton=3, x86=2)
    start = NOW - NOW % 60
    fake.metrics["HealthyUnits"] = {start - 60 * at: one for at, one in enumerate(values, 1)}
    fake.metrics["Streams"] = {**fake.metrics["Streams"], start - 60: demand}
    before = dict(fake.desired)
    tick.run(event(SPEC), clients=fake.clients, deadline=NO_TIME)
    moved = sum(fake.desired[name] - before[name] for name in before)
    assert -20 <= 10 * moved <= 60


@EFFORT
@given(reported=st.floats(), declared=st.floats(min_value=0.001, max_value=1e9))
def test_a_reported_baseline_never_counts_for_more_than_is_declared(
    reported: float, declared: float
) -> None:
    spec = replace(SPEC, baseline=ReportedBaseline(metric=ON_PREMISES, declared_units=declared))
    fake = aws(300, graviton=3, x86=2)
    fake.metrics["HealthyUnits"] = {NOW - NOW % 60 - 60 * at: reported for at in range(1, 70)}
    said = tick.run(event(spec), clients=fake.clients, deadline=NO_TIME)
    counted = said.get("baseline_units", 0.0)  # zero is left out
    assert math.isfinite(counted)
    assert 0 <= counted <= declared
