"""A scenario's outcome in a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from rich.text import Text

from peakfleet_demo.demo import sparkline
from peakfleet_demo.scenarios.measurements import Record
from peakfleet_demo.scenarios.runner import Result
from peakfleet_demo.scenarios.scenario import Scenario

SPARK_WIDTH: Final = 60
MOST_CALLS: Final = 6
WRITES: Final = ("Launch", "Set", "Terminate", "Put", "Update", "Delete", "Transact", "Batch")


def listing(scenarios: Sequence[Scenario]) -> Iterator[Text]:
    """Yield a line for each scenario."""
    width = max(len(scenario.name) for scenario in scenarios)
    for scenario in scenarios:
        yield Text.assemble((f"{scenario.name:{width}}", "bold"), f"  {scenario.shows}")


def outcome(result: Result) -> Iterator[Text]:
    """Yield what a scenario came to, line by line."""
    record = result.record
    yield Text.assemble((result.scenario.name, "bold"), f": {result.scenario.shows}")
    for label, values, style in _pictures(record):
        top = max(values)
        line = sparkline(values, top, SPARK_WIDTH)
        yield Text.assemble(f"  {label:9}", (line, style), f" at most {top:,.0f} units")
    yield Text(f"  missing  {_missing(record)}")
    yield Text(f"  launches {_launches(record)}")
    yield Text(f"  calls    {_calls(record)}")
    busy = sum(one.busy for one in record.endings)
    yield Text(f"  ended    {len(record.endings)} machines, {busy} of them busy")
    for promise in result.promises:
        word, style = ("PASS", "green") if promise.kept else ("FAIL", "bold red")
        yield Text.assemble("  ", (word, style), f" {promise.text}: ", (promise.measured, "bold"))


def document(results: Sequence[Result]) -> dict[str, Any]:
    """Return the outcomes as JSON-ready data."""
    return {
        "kept": all(result.kept for result in results),
        "scenarios": {result.scenario.name: _document(result) for result in results},
    }


def _document(result: Result) -> dict[str, Any]:
    record = result.record
    return {
        "shows": result.scenario.shows,
        "minutes": len(record.samples),
        "kept": result.kept,
        "promises": [asdict(promise) for promise in result.promises],
        "burst_unit_minutes": record.burst_units,
        "missing_unit_minutes": sum(record.missing_units),
        "missing_units_by_minute": record.missing_units,
        "missing_units_by_minute_without_the_fault": list(record.calm_missing_units),
        "in_service_by_minute": {
            pool.name: [record.capacity(pool.name, at) for at in range(len(record.samples))]
            for pool in record.spec.pools
        },
        "launches": _nested(record.tries),
        "requests_against_refusing_pools_in_worst_hour": {
            pool.name: record.asks_in_worst_hour(pool.name) for pool in record.spec.pools
        },
        "seconds_from_refusal_to_next_pool": {
            pool.name: record.seconds_to_next(pool.name)
            for pool in record.spec.pools
            if any(record.refused(pool.name, at) for at in range(len(record.samples)))
        },
        "api_calls": dict(record.calls.most_common()),
        "machines_ended": len(record.endings),
        "machines_ended_busy": sum(one.busy for one in record.endings),
    }


def _pictures(record: Record) -> Iterator[tuple[str, Sequence[float], str]]:
    work = [sample.fleet.work for sample in record.samples]
    yield "burst", [one.burst_units for one in work], "yellow"
    yield "capacity", [one.ready_units for one in work], "green"
    yield "unserved", record.missing_units, "red"


def _missing(record: Record) -> str:
    missing = sum(record.missing_units)
    percent = 100 * missing / record.burst_units if record.burst_units else 0.0
    said = f"{missing:,.0f} unit-minutes in {record.missing_minutes()} minutes, {percent:.1f} %"
    if record.calm_missing_units:
        said += f" of the burst; {sum(record.calm_missing_units):,.0f} without the fault"
    else:
        said += " of the burst"
    return said


def _launches(record: Record) -> str:
    pools = (
        f"{pool}: " + ", ".join(f"{count} {answer}" for answer, count in answers.items())
        for pool, answers in _nested(record.tries).items()
    )
    return "; ".join(pools) or "none"


def _calls(record: Record) -> str:
    writes = [
        (name, count)
        for name, count in record.calls.most_common()
        if name.partition(":")[2].startswith(WRITES)
    ]
    shown = ", ".join(f"{count} {name}" for name, count in writes[:MOST_CALLS])
    return f"{sum(record.calls.values()):,} in all; writes: {shown or 'none'}"


def _nested(tries: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    by_pool: dict[str, dict[str, int]] = {}
    for (pool, answer), count in tries.items():
        by_pool.setdefault(pool, {})[answer] = count
    return by_pool
