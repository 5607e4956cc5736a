"""What is known fails: metrics are missing, late, wrong or poisoned, the own side is silent."""

from __future__ import annotations

from typing import Final

from peakfleet_demo.scenarios.environment import Environment
from peakfleet_demo.scenarios.matrix import in_simulator as sim
from peakfleet_demo.scenarios.matrix.control import throttled
from peakfleet_demo.scenarios.matrix.row import (
    BEGINS,
    HOLDS_ON,
    Case,
    Promise,
    each_minute,
    lasting,
    never_more_than,
    nothing_let_go,
    row,
    until,
)
from peakfleet_demo.scenarios.scenario import Fault
from peakfleet_local.metrics import Completeness

_LIMITED = "the step of a tick and the maxima bound it; nothing busy is let go"


def _curve(*shares: tuple[float, float]) -> Fault:
    def set_curve(at: Environment) -> None:
        curves = (Completeness(shares=shares),) if shares else ()
        for read in (one for signal in at.spec.signals for one in signal.metrics.values()):
            at.aws.metrics.set_completeness(read.namespace, read.metric_name, *curves)

    return set_curve


def _silent(minutes: int) -> Case:
    hidden = {BEGINS + minute: _curve((60.0 * (minute + 3), 1.0)) for minute in range(minutes)}
    return Case(
        words=lasting(minutes),
        faults={**hidden, BEGINS + minutes: _curve()},
        lasts=minutes,
        promises=(nothing_let_go(minutes), never_more_than(30)),
        simulated=sim.InSimulator(see=sim.silent),
    )


def _seen(words: str, lasts: int, *shares: tuple[float, float], see: sim.See) -> Case:
    return Case(
        words=words,
        faults=until(lasts, _curve(*shares), _curve()),
        lasts=lasts,
        promises=(nothing_let_go(lasts),),
        simulated=sim.InSimulator(see=see),
    )


def _publish(value: float, *, seconds_ahead: int = -120) -> Fault:
    def publish(at: Environment) -> None:
        for signal in at.spec.signals:
            for read in signal.metrics.values():
                at.aws.put_metric(
                    namespace=read.namespace,
                    name=read.metric_name,
                    dimensions=read.dimensions,
                    epoch_seconds=at.world.now_epoch_seconds + seconds_ahead,
                    value=value,
                )

    return publish


def _published(words: str, value: float, *promises: Promise, ahead: int = -120) -> Case:
    lasts = 15
    fault = _publish(value, seconds_ahead=ahead)
    see = sim.beside(value) if ahead < 0 else sim.ahead(ahead // 60, value)
    return Case(
        words=words,
        faults=each_minute(lasts, fault),
        lasts=lasts,
        promises=promises,
        simulated=sim.InSimulator(see=see),
    )


def _without_baseline(minutes: int) -> Case:
    def hide(*shares: tuple[float, float]) -> Fault:
        def curve(at: Environment) -> None:
            curves = (Completeness(shares=shares),) if shares else ()
            at.aws.metrics.set_completeness("Scenarios", "HealthyUnits", *curves)

        return curve

    hidden = {BEGINS + minute: hide((60.0 * (minute + 3), 1.0)) for minute in range(minutes)}
    return Case(
        words=lasting(minutes),
        faults={**hidden, BEGINS + minutes: hide()},
        lasts=minutes,
        promises=(nothing_let_go(minutes), never_more_than(40)),
        simulated=sim.InSimulator(see=sim.baseline_silent, reported=True),
    )


ROWS: Final = (
    row(
        1,
        "metrics-throttled",
        "GetMetricData is refused",
        HOLDS_ON,
        *(throttled(minutes, "cloudwatch") for minutes in (3, 10, 30)),
    ),
    row(
        2,
        "metrics-missing",
        "the signal has no data",
        "no data is not no demand",
        *map(_silent, (5, 15, 45)),
    ),
    row(
        3,
        "metrics-partial",
        "a part of the newest minutes' data is missing",
        "a part is not the whole; nothing is let go",
        *(
            _seen(
                f"{share:.0%} of the newest minute can be read",
                30,
                (60, share),
                (240, 1.0),
                see=sim.partly(share),
            )
            for share in (0.9, 0.7, 0.4)
        ),
    ),
    row(
        4,
        "metrics-late",
        "data comes late",
        "old data lets nothing go",
        *(
            _seen(f"{late} minutes late", 30, (60.0 * late, 1.0), see=sim.late(late))
            for late in (2, 5, 15)
        ),
    ),
    row(
        5,
        "metrics-implausible",
        "values that cannot be are published",
        _LIMITED,
        _published("negative", -1e6),
        _published("a million million", 1e12),
        _published("the largest number there is", 1e300),
    ),
    row(
        6,
        "metrics-low",
        "values far too low are published beside the right ones",
        _LIMITED,
        *(_published(f"{value:g} units", value) for value in (200.0, 100.0, 0.0)),
    ),
    row(
        7,
        "metrics-poisoned",
        "somebody publishes demand that is not there",
        _LIMITED,
        *(_published(f"{value:g} units", value) for value in (600.0, 1_500.0, 100_000.0)),
    ),
    row(
        8,
        "clock-ahead",
        "data has a time that has not come",
        "the future is not read",
        *(
            _published(
                f"{lasting(minutes)} ahead", 5_000.0, never_more_than(30), ahead=60 * minutes
            )
            for minutes in (90, 240, 1_440)  # what has come is a value like any other: row 7
        ),
    ),
    row(
        22,
        "baseline-lost",
        "the own side does not report",
        "unknown is not gone",
        *map(_without_baseline, (10, 60, 240)),
    ),
    row(
        27,
        "cloudwatch-down",
        "CloudWatch is down for hours",
        HOLDS_ON,
        *(throttled(minutes, "cloudwatch") for minutes in (60, 120, 240)),
    ),
)
