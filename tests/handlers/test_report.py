"""What a tick says: one log line, and metrics without a trace of the tick before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from peakfleet_planner import Hold
from peakfleet_table import HOLDS
from tests.handlers.conftest import Lines
from tests.handlers.fake_aws import RECORD
from tests.handlers.scenes import FLEET, NOW, REPORTING_FLEET, aws, remembers, tick

NAMES = {
    *("Ticks", "DemandUnits", "AheadUnits", "BaselineUnits", "BurstUnits", "WantedUnits"),
    *("GrantedUnits", "ServingUnits", "UnservedUnits", "MissingUnits", "StaleSignals"),
    *("RejectedSamples", "AtMaximum", "Held", "BaselineUnknown", "PoolsChanged", "FailedCalls"),
    *("PoolsOut", "PoolsBroken", "RefusedLaunches", "InstancesAtRisk", "OtherWriter"),
    *("ReplacementHalted", "StuckDrains", "IdleProtected", "SweptInstances", "RolledBack"),
    *("CapacityMissing", "CompleteShare", "HeldUnservedUnits", "IdleUnits", "ProcessesSuspended"),
    *("BaselineShortUnits", "CloudShare", "DownstreamLimited"),
}


def logged(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if "_aws" not in line]


def values(lines: list[dict[str, Any]], *dimensions: str) -> dict[str, float]:
    """Return the metrics of the only record with these dimensions, read as CloudWatch does."""
    records = [line for line in lines if "_aws" in line]
    (record,) = (
        r
        for r in records
        if [r[name] for name in r["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0]]
        == list(dimensions)
    )
    (directive,) = record["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "PeakFleet"
    assert record["_aws"]["Timestamp"] == NOW * 1000
    found = {}
    for metric in directive["Metrics"]:
        (found[metric["Name"]],) = record[metric["Name"]]
    return found


def test_a_tick_is_one_log_line_with_plan_and_reason(printed: Lines) -> None:
    tick(aws(155))
    (line,) = logged(printed())
    assert line["message"].startswith("demand 155.0")
    assert line["fleet"] == "Media/Live"
    assert line["plan"]["reason"] == "demand"
    assert line["applied"]["pools"] == {"Graviton": 6}
    assert line["level"] == "INFO"


def test_every_metric_is_sent_at_every_tick(printed: Lines) -> None:
    tick(aws(155))
    sent = values(printed(), "Media/Live")
    assert set(sent) == NAMES
    assert (
        sent
        | {
            "Ticks": 1,
            "DemandUnits": 155,
            "BaselineUnits": 100,
            "BurstUnits": 55,
            "WantedUnits": 55,
            "GrantedUnits": 60,
            "ServingUnits": 0,
            "UnservedUnits": 55,
            "PoolsChanged": 1,
            "FailedCalls": 0,
        }
        == sent
    )


def test_each_pool_reports_what_it_is_asked_to_run(printed: Lines) -> None:
    fake = aws(250)
    fake.failing["SetDesiredCapacity x"] = "ScalingActivityInProgress"
    tick(fake)
    lines = printed()
    assert values(lines, "Media/Live", "Graviton")["DesiredCapacity"] == 10
    assert values(lines, "Media/Live", "X86")["DesiredCapacity"] == 0


def test_each_pool_that_can_be_read_reports_what_serves(printed: Lines) -> None:
    fake = aws(250, graviton=3)
    fake.groups.pop("x")
    tick(fake)
    lines = printed()
    assert values(lines, "Media/Live", "Graviton")["InServiceCapacity"] == 3


def test_trouble_is_counted(printed: Lines) -> None:
    fake = remembers(aws(5000, graviton=6))
    fake.metrics["Streams"][NOW - 120] = -1.0
    fake.failing |= {RECORD: "ThrottlingException", "SetDesiredCapacity x": "AccessDenied"}
    tick(fake, REPORTING_FLEET)
    lines = printed()
    sent = values(lines, "Media/Live")
    assert sent["AtMaximum"] == sent["BaselineUnknown"] == sent["RejectedSamples"] == 1
    assert sent["FailedCalls"] == 2
    assert sent["MissingUnits"] > 0
    (line,) = logged(lines)
    assert line["level"] == "WARNING"
    assert [(call["operation"], call["cause"]) for call in line["failed_calls"]] == [
        (RECORD, "throttled"),
        ("SetDesiredCapacity", "not-authorised"),
    ]


def test_a_hold_and_a_stale_signal_are_counted(printed: Lines) -> None:
    fake = aws()
    fake.metrics.clear()
    hold = Hold(owner="ada", reason="audit", until_epoch_seconds=NOW + 60)
    fake.table["Media/Live", "HOLD"] = HOLDS.item("Media/Live", hold)
    tick(fake)
    sent = values(printed(), "Media/Live")
    assert sent["Held"] == sent["StaleSignals"] == 1


def test_one_tick_leaves_no_trace_in_the_next(
    printed: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "somebody")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Elsewhere")
    broken = aws(155)
    broken.failing["Query"] = "Throttling"
    tick(broken)
    printed()
    tick(aws(50), replace(FLEET, fleet="Media/Other"))
    lines = printed()
    assert values(lines, "Media/Other")["FailedCalls"] == 0
    (line,) = logged(lines)
    assert line["fleet"] == "Media/Other"
    assert line["failed_calls"] == []
    assert "Media/Live" not in str(lines)
