"""The books of a fleet: each day once, from what instances and ticks have reported."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from peakfleet_handlers.aws import Deadline
from peakfleet_handlers.ledger import entry_point as ledger
from peakfleet_planner import EfficiencySpec, FleetSpec, MeasuredUnits, PoolSpec
from peakfleet_planner.efficiency import PoolDay
from peakfleet_table import DAYS, FIRST_READ, UNITS, PoolUnits
from tests.handlers.account import Account, of
from tests.handlers.conftest import Lines
from tests.handlers.fake_aws import FakeAws
from tests.handlers.scenes import FLEET, NOW, aws, event, tick

DAY = 24 * 3600
TODAY = NOW // DAY * DAY
POOLS = tuple(
    replace(pool, chip=chip, usd_per_capacity_hour=usd, instance_types=(kind,))
    for pool, chip, usd, kind in zip(
        FLEET.pools, ("graviton4", "intel"), (0.6, 0.7), ("c8g.4xlarge", "c7i.4xlarge"), strict=True
    )
)
BOOKED = replace(
    FLEET,
    pools=POOLS,
    efficiency=EfficiencySpec(baseline_pool="X86", namespace="W", at_most_change=0.2),
)


def worked(
    fake: FakeAws, pool: str, *, per_machine: float, days: int = 40, busy: float = 1
) -> None:
    """Let two machines of a pool serve so many units each, in the hours from 8 to 12."""
    hours = [TODAY - DAY * day + 3600 * hour for day in range(1, days + 1) for hour in range(8, 12)]
    fake.metrics[f"UsefulUnits {pool}"] = dict.fromkeys(hours, 60 * 2 * per_machine * busy)
    group = next(one.group for one in POOLS if one.name == pool)
    fake.metrics[f"GroupInServiceInstances {group}"] = dict.fromkeys(hours, 2.0)
    fake.metrics[f"BusyShare {pool}"] = dict.fromkeys(hours, busy)


def busy_account() -> FakeAws:
    fake = aws()
    worked(fake, "Graviton", per_machine=8)
    worked(fake, "X86", per_machine=5)
    return fake


def keep(fake: FakeAws, spec: FleetSpec = BOOKED, now: int = NOW) -> dict[str, Any]:
    fake.calls.clear()
    return ledger.run(event(spec, now), clients=fake.clients, deadline=Deadline.of(None))


def keep_for(fake: FakeAws, days: int, spec: FleetSpec = BOOKED) -> dict[str, Any]:
    """Run once a day up to now and return the last answer."""
    for before in reversed(range(days)):
        answer = keep(fake, spec, NOW - before * DAY)
    return answer


def days_in(fake: FakeAws) -> dict[str, PoolDay]:
    found = {name: item for (_, name), item in fake.table.items() if name.startswith("DAY#")}
    return {name: DAYS.read(item) for name, item in sorted(found.items())}


def test_a_day_holds_work_capacity_price_and_chip_of_each_pool() -> None:
    fake = busy_account()
    answer = keep(fake)
    day = days_in(fake)["DAY#2027-01-14#Graviton"]
    assert (day.chip, day.purchase, day.usd_per_capacity_hour) == ("graviton4", "on-demand", 0.6)
    assert (day.unit_hours, day.capacity_hours) == (64, 8)
    assert day.usd == pytest.approx(4.8)
    assert [hour.busy_share for hour in day.hours] == [1] * 4
    assert not day.is_baseline
    assert days_in(fake)["DAY#2027-01-14#X86"].is_baseline
    assert answer["failed_calls"] == 0


def test_neuron_cores_say_how_busy_an_instance_is_that_does_not_say_so_itself() -> None:
    fake = busy_account()
    hours = fake.metrics.pop("BusyShare Graviton")
    fake.metrics["NeuronCoreUtilization Graviton"] = dict.fromkeys(hours, 80.0)
    fake.metrics["NeuronCoreUtilization X86"] = dict.fromkeys(hours, 1.0)
    keep(fake)
    days = days_in(fake)
    assert {hour.busy_share for hour in days["DAY#2027-01-14#Graviton"].hours} == {0.8}
    assert {hour.busy_share for hour in days["DAY#2027-01-14#X86"].hours} == {1}


def test_days_that_were_missed_are_caught_up_and_none_is_written_twice() -> None:
    fake = busy_account()
    assert keep(fake)["recorded"] == [
        f"2027-01-{day} {pool}" for day in (12, 13, 14) for pool in ("Graviton", "X86")
    ]
    before = dict(fake.table)
    assert keep(fake)["recorded"] == []
    assert fake.table == before
    assert keep(fake, now=NOW + DAY)["recorded"] == ["2027-01-15 Graviton", "2027-01-15 X86"]


def test_a_day_keeps_the_price_that_it_had() -> None:
    fake = busy_account()
    keep(fake)
    dearer = tuple(replace(pool, usd_per_capacity_hour=9.0) for pool in POOLS)
    keep(fake, replace(BOOKED, pools=dearer))
    assert {day.usd_per_capacity_hour for day in days_in(fake).values()} == {0.6, 0.7}


def test_a_day_is_written_an_hour_after_its_end_and_not_before() -> None:
    fake = busy_account()
    early = keep(fake, now=TODAY + 3599)["recorded"]
    assert "2027-01-14 X86" not in early
    assert keep(fake, now=TODAY + 3600)["recorded"] == ["2027-01-14 Graviton", "2027-01-14 X86"]


def test_days_are_kept_for_400_days_and_no_tick_reads_them() -> None:
    fake = busy_account()
    keep(fake)
    item = fake.table["Media/Live", "DAY#2027-01-14#X86"]
    assert int(item["expires_at"]["N"]) == TODAY - DAY + 400 * DAY
    assert item["item"]["S"] < FIRST_READ


def test_a_day_that_cannot_be_read_is_not_written_as_an_idle_one() -> None:
    fake = busy_account()
    fake.statuses["UsefulUnits Graviton"] = "InternalError"
    answer = keep(fake)
    assert {name.split()[1] for name in answer["recorded"]} == {"X86"}
    assert answer["failed_calls"] > 0
    fake.statuses.clear()
    assert {name.split()[1] for name in keep(fake)["recorded"]} == {"Graviton"}


@pytest.mark.parametrize("operation", ["GetMetricData", "Query", "PutItem"])
def test_no_call_that_fails_breaks_the_ledger(operation: str) -> None:
    fake = busy_account()
    fake.failing[operation] = "ThrottlingException"
    answer = keep(fake)
    assert answer["recorded"] == []
    assert answer["failed_calls"] > 0


def test_a_record_that_is_damaged_is_left_out() -> None:
    fake = busy_account()
    keep(fake)
    fake.table["Media/Live", "DAY#2027-01-13#X86"]["day"] = {"S": "{"}
    assert keep(fake)["failed_calls"] == 1


def test_what_a_machine_serves_is_measured_once_there_are_enough_days() -> None:
    fake = busy_account()
    assert keep(fake)["measured"] == {}
    answer = keep_for(fake, 8)
    assert answer["measured"]["Graviton"]["units"] == pytest.approx(8)
    kept = UNITS.read(fake.table["Media/Live", "UNITS#Graviton"])
    assert kept.pool == "Graviton"
    assert kept.measured.units == pytest.approx(8)


def test_the_next_tick_plans_with_what_was_measured() -> None:
    fake = busy_account()
    keep_for(fake, 8)
    fake.metrics["Streams"] = aws(140).metrics["Streams"]
    answer = tick(fake, BOOKED)
    assert answer["measured_units"] == {"Graviton": pytest.approx(8), "X86": 8}
    assert fake.desired["g"] == 5
    assert fake.counted()["Query"] == 1


def test_an_estimate_that_still_holds_stays_as_it_is() -> None:
    fake = busy_account()
    for at in fake.metrics["UsefulUnits Graviton"]:
        fake.metrics["UsefulUnits Graviton"][at] *= 1 + 0.1 * (at // DAY % 3)
    keep_for(fake, 8)
    known = MeasuredUnits(units=8.75, low=8, high=9, days=9)
    fake.table["Media/Live", "UNITS#Graviton"] = UNITS.item(
        "Media/Live", PoolUnits(pool="Graviton", measured=known), kept_until=NOW + DAY
    )
    measured = keep(fake)["measured"]["Graviton"]
    assert measured["low"] < 8.75 < measured["high"]
    assert measured["units"] == 8.75


def test_a_pool_that_is_declared_anew_is_measured_anew() -> None:
    fake = busy_account()
    keep_for(fake, 8)
    other: tuple[PoolSpec, ...] = (replace(POOLS[0], instance_types=("c9g.4xlarge",)), POOLS[1])
    assert set(keep(fake, replace(BOOKED, pools=other))["measured"]) == {"X86"}


def test_aws_itself_takes_what_the_ledger_asks(account: Account) -> None:
    for day in range(1, 7):
        at = TODAY - DAY * day + 8 * 3600
        of_pool = {"Fleet": "Media/Live", "Pool": "Graviton"}
        of_group = {"AutoScalingGroupName": POOLS[0].group}
        for name, namespace, dimensions, value in (
            ("UsefulUnits", "W", of_pool, 60 * 16.0),
            ("BusyShare", "W", of_pool, 1.0),
            ("GroupInServiceInstances", "AWS/AutoScaling", of_group, 2.0),
        ):
            data = {
                "MetricName": name,
                "Dimensions": [{"Name": n, "Value": v} for n, v in dimensions.items()],
                "Timestamp": datetime.fromtimestamp(at, UTC),
                "Value": value,
            }
            of("cloudwatch").put_metric_data(Namespace=namespace, MetricData=[data])
    for now in (NOW - 3 * DAY, NOW):
        clients, deadline = account.clients, Deadline.of(None)
        answer = ledger.run(event(BOOKED, now), clients=clients, deadline=deadline)
        assert (answer["failed_calls"], len(answer["recorded"])) == (0, 6)
    assert answer["measured"]["Graviton"]["units"] == pytest.approx(8)
    account.put(100)
    assert account.tick(BOOKED)["applied"]["failed_calls"] == 0


def test_a_fleet_without_books_is_left_alone() -> None:
    fake = busy_account()
    for spec in (FLEET, replace(BOOKED, state_table=None)):
        assert keep(fake, spec) == {"recorded": [], "measured": {}, "failed_calls": 0}
        assert not fake.calls


def test_the_log_says_what_each_chip_does_for_its_money(printed: Lines) -> None:
    fake = busy_account()
    keep_for(fake, 8)
    printed()
    keep(fake)
    (line,) = (line for line in printed() if "_aws" not in line)
    chips = {chip["chip"]: chip["verdict"] for chip in line["chips"]}
    assert chips == {"graviton4": "reached", "intel": "baseline"}
