"""Known peaks are written as dates and reach the tick as times."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aws_cdk import Duration, Stack, Token
from aws_cdk.assertions import Annotations, Match, Template

from peakfleet import (
    Baseline,
    CapacityPool,
    DemandSignal,
    KnownPeak,
    QueueFleet,
    SpecError,
    StreamFleet,
)
from peakfleet.testing import NOW_EPOCH_SECONDS, fleet_specs, plan_at
from peakfleet_planner import KnownPeakSpec
from tests.infra.fleets import GRAVITON, burst_fleet, metric, network, new_stack

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime.fromtimestamp(NOW_EPOCH_SECONDS, UTC)


def finale(**options: Any) -> KnownPeak:  # noqa: ANN401  the options of a peak
    given = {"start": NOW, "duration": Duration.hours(3), "units": 700, **options}
    return KnownPeak("season finale", **given)


def sent(stack: Stack, fleet: str) -> tuple[KnownPeakSpec, ...]:
    return fleet_specs(Template.from_stack(stack))[fleet].known_peaks


def test_a_peak_arrives_in_seconds_since_1970_whatever_its_time_zone() -> None:
    start = datetime(2027, 3, 5, 20, tzinfo=BERLIN)
    stack = new_stack()
    burst_fleet(stack, known_peaks=[finale(start=start, repeats="weekly")])
    assert sent(stack, "Media/Live") == (
        KnownPeakSpec(
            name="season finale",
            start_epoch_seconds=1_804_273_200,
            end_epoch_seconds=1_804_273_200 + 3 * 3600,
            units=700,
            repeats="weekly",
            utc_offsets=finale(start=start, repeats="weekly").to_planner().utc_offsets,
        ),
    )


def test_a_fleet_is_ready_for_what_it_was_told() -> None:
    stack = new_stack()
    fleet = burst_fleet(stack, known_peaks=[finale()], baseline=Baseline.fixed(400))
    plan = plan_at(fleet.spec, demand_units=0)
    assert plan.wanted_units == 300
    assert plan.missing_units == 0


def test_every_kind_of_fleet_takes_known_peaks() -> None:
    stack = new_stack()
    vpc = network(stack)
    pools: list[CapacityPool] = [GRAVITON]
    QueueFleet(
        stack, "Jobs", vpc=vpc, pools=pools, seconds_per_message=9,
        drain_within=Duration.minutes(10), known_peaks=[finale()],
    )  # fmt: skip
    StreamFleet(
        stack, "Edge", vpc=vpc, pools=pools, signals=[DemandSignal.metric(metric())],
        on_premises_targets=["10.9.0.4"], known_peaks=[finale()],
    )  # fmt: skip
    for name in ("Media/Jobs", "Media/Edge"):
        assert [peak.name for peak in sent(stack, name)] == ["season finale"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: finale(start=datetime(2027, 3, 5, 20)),  # noqa: DTZ001  what is refused
            "known peak 'season finale': start must have a time zone, got 2027-03-05T20:00:00",
        ),
        (lambda: finale(duration=Duration.seconds(0)), "its length in seconds must be above 0"),
        (lambda: finale(units=0), "units must be above 0, got 0"),
        (lambda: finale(units=Token.as_number({"Ref": "Units"})), "units must be known at synth"),
        (
            lambda: finale(duration=Duration.hours(25), repeats="daily"),
            "its length in seconds must be between 1 and 86400, got 90000",
        ),
        (
            lambda: burst_fleet(new_stack(), known_peaks=[finale(), finale()]),
            "Media/Live: fleet 'Media/Live': known peak names must differ, got season finale",
        ),
    ],
)
def test_a_peak_that_cannot_be_meant_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        make()


@pytest.mark.parametrize(("units", "warned"), [(1201, True), (1200, False)])
def test_a_peak_above_all_that_may_run_is_warned_of(*, units: float, warned: bool) -> None:
    stack = new_stack()
    baseline = Baseline.fixed(400)
    burst_fleet(stack, known_peaks=[finale(units=units)], baseline=baseline)
    found = Annotations.from_stack(stack).find_warning(
        "/Media/Live", Match.string_like_regexp("is of 1201 units, .* carry 1200")
    )
    assert bool(found) is warned


def test_a_peak_that_repeats_follows_its_time_zone_for_ten_years() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    peak = KnownPeak(
        "evening",
        start=datetime(2027, 3, 5, 20, tzinfo=berlin),
        duration=Duration.hours(3),
        units=900,
        repeats="daily",
    ).to_planner()
    for year, month, day in ((2027, 3, 27), (2027, 3, 28), (2027, 10, 31), (2036, 7, 1)):
        evening = datetime(year, month, day, 20, tzinfo=berlin).timestamp()
        assert peak.expected_at(evening, lead_seconds=0)
        assert not peak.expected_at(evening - 1, lead_seconds=0)
    change = int(datetime(2027, 3, 28, 1, tzinfo=UTC).timestamp())
    assert peak.utc_offsets[1] == (change, 7200)


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=5, minutes=30))])
def test_a_zone_without_daylight_saving_needs_no_offsets(zone: tzinfo) -> None:
    start = datetime(2027, 3, 5, 20, tzinfo=zone)
    peak = KnownPeak("e", start=start, duration=Duration.hours(3), units=9, repeats="weekly")
    assert peak.to_planner().utc_offsets == ()
