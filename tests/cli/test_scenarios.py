from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from peakfleet_cli.main import app
from peakfleet_demo.scenarios import (
    CATALOGUE,
    LAUNCHED,
    Assertion,
    Measurements,
    Sample,
    Scenario,
    ScenarioResult,
    document,
    result_lines,
    steady,
    write_page,
)
from peakfleet_demo.scenarios import assertions as a
from peakfleet_local.replay import FleetMinute, PoolMinute, Work
from peakfleet_local.world import Ending
from peakfleet_planner import (
    BaselineState,
    FixedBaseline,
    FleetSpec,
    Metric,
    Plan,
    PoolSpec,
    RateSignal,
    Reason,
    TrafficSpec,
)

START = 900_000
DRY = ("Spot", "InsufficientInstanceCapacity")
SPEC = FleetSpec(
    fleet="Faults/Workers",
    pools=tuple(
        PoolSpec(name=name, group=name, units_per_capacity=10, max_capacity=9)
        for name in ("Spot", "OnDemand")
    ),
    signals=(
        RateSignal(name="s", metrics={"m": Metric(namespace="N", metric_name="M")}, expression="m"),
    ),
    baseline=FixedBaseline(units=100),
)


def sample(
    minute: int,
    *,
    missing: float = 0,
    refused: int = 0,
    asks: int = 0,
    launched_at: Sequence[float] = (),
    in_service: int = 2,
    error: str = "",
) -> Sample:
    """Return a minute in which Spot may refuse and On-Demand may launch."""
    pools = tuple(
        PoolMinute(name=name, in_service_capacity=size, billed_capacity=size, desired_capacity=size)
        for name, size in (("Spot", in_service), ("OnDemand", 0))
    )
    work = Work(
        demand_units=120, burst_units=20, ready_units=20, unserved_units=missing, due_units=20
    )
    return Sample(
        start_epoch_seconds=START + 60 * minute,
        fleet=FleetMinute(work=work, pools=pools, plan=None, error=error),
        tries={DRY: refused, ("OnDemand", LAUNCHED): len(launched_at)} if refused else {},
        asks={"Spot": asks},
        calls={"autoscaling:LaunchInstances": asks},
        launched_at={"Spot": (), "OnDemand": launched_at},
    )


def record(*samples: Sample, endings: Sequence[Ending] = ()) -> Measurements:
    return Measurements(spec=SPEC, samples=list(samples), endings=list(endings))


def ending(*, busy: bool, instance_id: str = "i-1") -> Ending:
    return Ending(
        instance_id=instance_id,
        group="Spot",
        purchase="spot",
        zone="a",
        ended_at=START,
        cause="",
        busy=busy,
    )


def test_the_next_pool_is_asked_in_the_same_tick_or_the_assertion_fails() -> None:
    at_once = record(sample(0), sample(1, refused=1, launched_at=(START + 120,)))
    later = record(sample(0, refused=1), sample(1, launched_at=(START + 120,)))
    never = record(sample(0, refused=1))
    said = [a.next_pool_in_same_tick(one, "Spot") for one in (at_once, later, never)]
    assert [one.passed for one in said] == [True, False, False]
    assert [one.measured for one in said] == [
        "0 s after the refusal",
        "60 s after the refusal",
        "never",
    ]


@pytest.mark.parametrize(("asks", "kept"), [(10, True), (11, False)])
def test_a_dry_pool_may_be_asked_ten_times_in_any_hour(asks: int, kept: bool) -> None:  # noqa: FBT001  pytest's
    minutes = [sample(minute, refused=minute < asks, asks=1) for minute in range(60)]
    assert a.rarely_asked(record(*minutes), "Spot").passed is kept


def test_requests_that_were_granted_are_not_counted_against_a_dry_pool() -> None:
    assert record(*(sample(minute, asks=1) for minute in range(60))).asks_in_worst_hour("Spot") == 0


def test_a_busy_machine_that_ends_breaks_a_promise_unless_ec2_took_it() -> None:
    lost = record(sample(0), endings=[ending(busy=True), ending(busy=False, instance_id="i-2")])
    assert not a.nothing_busy_lost(lost).passed
    assert a.nothing_busy_lost(lost, besides={"i-1"}).passed
    assert "1 of 2" in a.nothing_busy_lost(lost).measured


def test_missing_units_are_counted_from_the_minute_that_the_promise_names() -> None:
    late = record(sample(0), sample(1, missing=5), sample(2, missing=7), sample(3))
    assert not a.nothing_missing(late).passed
    assert a.nothing_missing(late, first=3).passed
    assert a.missing_at_most(late, minutes=2).measured == (
        "2 minutes, 12 unit-minutes, at worst 7 units"
    )
    assert a.serves_all_again(late, since=1, within=2).passed
    assert not a.serves_all_again(late, since=1, within=1).passed


def test_a_fault_may_not_cost_more_than_the_same_demand_without_it() -> None:
    one = record(sample(0, missing=5))
    one.missing_units_without_fault = [5]
    assert a.fault_adds_nothing(one).passed
    one.missing_units_without_fault = [4]
    assert not a.fault_adds_nothing(one).passed


def test_what_serves_at_first_goes_on_serving() -> None:
    assert a.never_below_start(record(sample(0), sample(1, in_service=3))).passed
    assert not a.never_below_start(record(sample(0), sample(1, in_service=1))).passed
    assert not a.never_above(record(sample(0, in_service=3)), instances=2).passed


def test_a_tick_that_does_not_answer_breaks_a_promise_unless_it_was_killed() -> None:
    one = record(sample(0, error="Runtime exited"), sample(1))
    assert not a.every_tick_answers(one).passed
    assert a.every_tick_answers(one, besides=1).passed


def test_an_alarm_has_to_ring_in_time_and_not_before_the_fault() -> None:
    quiet, ringing = sample(0), replace(sample(1), alarms=frozenset({"PoolTrouble"}))

    def rings(*samples: Sample, since: int = 0) -> Assertion:
        return a.rings(record(*samples), "OtherWriter", since=since, within=2)

    assert rings(quiet, ringing).measured == "after 2 minutes"
    assert rings(quiet, ringing).passed
    assert not rings(quiet, quiet, ringing).passed
    assert not rings(quiet, ringing, since=2).passed
    assert not rings(quiet).passed


def test_a_reason_has_to_be_given_in_time_by_the_plan_or_its_limits() -> None:
    plan = Plan(
        pools=(),
        reason=Reason.DEMAND,
        limits=(Reason.NO_WORK_TAKEN,),
        demand_units=0,
        ahead_units=0,
        baseline_units=0,
        baseline_state=BaselineState.HEALTHY,
        burst_units=0,
        wanted_units=0,
        granted_units=0,
        serving_units=0,
    )
    failed = sample(0)
    said = replace(failed, fleet=replace(failed.fleet, plan=plan))
    given = record(failed, said)
    assert a.gives_reason(given, Reason.NO_WORK_TAKEN, since=0, within=2).passed
    assert not a.gives_reason(given, Reason.NO_WORK_TAKEN, since=0, within=1).passed
    assert a.gives_reason(given, Reason.HELD, since=0, within=9).measured == "never"


def test_the_traffic_s_share_is_read_from_the_listener_and_not_from_what_was_decided() -> None:
    groups = [{"TargetGroupArn": "b", "Weight": 300}, {"TargetGroupArn": "c", "Weight": 100}]
    forward = {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}
    actions = ({"Type": "authenticate-oidc"}, forward)
    traffic = TrafficSpec(
        listener_arn="l", baseline_target_group_arn="b", cloud_target_group_arn="c"
    )
    spec = replace(SPEC, traffic=traffic)
    measured = Measurements(spec=spec, samples=[replace(sample(0), actions=actions)])
    assert measured.cloud_share(0) == 0.25


def result(*, kept: bool) -> ScenarioResult:
    assertion = Assertion(text="something", measured="what came", passed=kept)
    return ScenarioResult(
        scenario=Scenario(
            name="dry",
            shows="nothing can be had",
            minutes=1,
            demand_units=steady(120),
            faults={},
            assertions=lambda _measured: [assertion],
        ),
        measured=record(sample(0, missing=4, refused=3, asks=1, launched_at=(START + 60,))),
        assertions=(assertion,),
    )


def test_a_terminal_is_told_every_promise_and_what_was_tried() -> None:
    text = "\n".join(line.plain for line in result_lines(result(kept=False)))
    assert "FAIL something: what came" in text
    assert "Spot: 3 InsufficientInstanceCapacity; OnDemand: 1 launched" in text
    assert "4 unit-minutes in 1 minutes, 20.0 % of the burst" in text


def test_json_and_page_have_what_was_measured(tmp_path: Path) -> None:
    said = document([result(kept=True), result(kept=True)])
    assert said["kept"] is True
    assert said["scenarios"]["dry"]["launches"] == {
        "Spot": {"InsufficientInstanceCapacity": 3},
        "OnDemand": {"launched": 1},
    }
    assert said["scenarios"]["dry"]["seconds_from_refusal_to_next_pool"] == {"Spot": 0.0}
    write_page(tmp_path / "page.html", [result(kept=False)])
    page = (tmp_path / "page.html").read_text()
    assert "BROKEN" in page
    assert "what came" in page


def test_every_scenario_is_listed_with_its_line() -> None:
    said = CliRunner().invoke(app, ["demo", "--scenario", "list"])
    assert said.exit_code == 0, said.output
    for scenario in CATALOGUE.values():
        assert scenario.name in said.output
        assert scenario.shows in said.output


def test_a_scenario_that_does_not_exist_is_refused_with_the_way_out() -> None:
    said = CliRunner().invoke(app, ["demo", "--scenario", "rain"])
    assert said.exit_code == 1
    assert "there is no scenario 'rain': say `--scenario list`" in said.output
