"""What a tick says of the lead time: boots as measured, and what is covered until the next tick."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from peakfleet_handlers.tick import report_lead
from peakfleet_planner import BootTimes, FleetSpec, Memory, MetricSeries, Snapshot, decide
from tests.handlers.conftest import Lines
from tests.handlers.scenes import FLEET, NOW

QUICK = BootTimes(seconds={"c8g.large": (90, 100, 110, 120), "c7g.large": (95, 105, 300)})
MIDNIGHT = NOW - NOW % 86_400
FEW = BootTimes(seconds={"c7i.large": (60, 60)})


def fast() -> FleetSpec:
    (signal,) = FLEET.signals
    metrics = {key: replace(one, period_seconds=10) for key, one in signal.metrics.items()}
    return replace(FLEET, signals=(replace(signal, metrics=metrics),))


def reported(
    printed: Lines, spec: FleetSpec, *, memory: Memory | None, now: int = NOW
) -> list[dict[str, Any]]:
    snapshot = Snapshot(
        now_epoch_seconds=now,
        signals={"streams": {"m": MetricSeries(points=((now - 60, 155.0),))}},
        memory=memory,
    )
    report_lead(spec, snapshot, replace(decide(spec, snapshot), granted_units=60))
    return printed()


def test_what_is_covered_is_said_for_every_ten_seconds_until_the_next_tick(printed: Lines) -> None:
    lines = reported(printed, fast(), memory=Memory(), now=NOW + 23)
    assert [line["_aws"]["Timestamp"] // 1000 - NOW for line in lines] == list(range(23, 93, 10))
    assert [line["CoveredUnits"] for line in lines] == [[160.0]] * 7  # 100 of them on premises
    for line in lines:
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Dimensions"] == [["Fleet"]]
        assert [metric["StorageResolution"] for metric in directive["Metrics"]] == [1]


def test_a_fleet_by_the_minute_says_nothing_of_that(printed: Lines) -> None:
    assert reported(printed, FLEET, memory=Memory()) == []


def test_measured_boots_are_said_by_pool_once_there_are_enough(printed: Lines) -> None:
    boots = {"Graviton": QUICK, "X86": FEW}
    (line,) = reported(printed, FLEET, memory=Memory(boots=boots), now=MIDNIGHT)
    assert (line["Fleet"], line["Pool"]) == ("Media/Live", "Graviton")
    assert (line["BootSecondsP50"], line["BootSecondsP95"]) == ([105], [300])
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert {metric["Unit"] for metric in directive["Metrics"]} == {"Seconds"}


def test_measured_boots_are_said_once_a_day_or_always_with_every_detail(printed: Lines) -> None:
    memory = Memory(boots={"Graviton": QUICK})
    assert reported(printed, FLEET, memory=memory, now=MIDNIGHT + 60) == []
    spec = replace(FLEET, metrics="every")
    assert len(reported(printed, spec, memory=memory, now=MIDNIGHT + 60)) == 1


def test_without_a_memory_no_boots_are_known(printed: Lines) -> None:
    assert reported(printed, FLEET, memory=None) == []
