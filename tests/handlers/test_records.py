"""The state table's records: read as they were written, whole or not at all."""

from __future__ import annotations

import copy
import zlib
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

import peakfleet_table as records
from peakfleet_planner import (
    Draining,
    ForeignSize,
    Hold,
    MeasuredUnits,
    MetricSeries,
    Notice,
    Outage,
    OutageCause,
    Plan,
    Reason,
    RolledBack,
    SharedSpend,
    Shortfall,
    SignalMemory,
    SpendClaim,
    SpendOverride,
    Spent,
)
from peakfleet_planner.efficiency import Hour, PoolDay
from peakfleet_planner.gang import GangMemory
from peakfleet_table import DamagedRecordError, Kind, has_expired, read_all

NOW = 1_800_000_000
DAY = PoolDay(
    date="2027-01-14",
    pool="X86",
    chip="intel",
    purchase="spot",
    instance_types=("c7i.large",),
    units_per_capacity=8,
    hours=(Hour(start_epoch_seconds=NOW, unit_hours=3, capacity_hours=2),),
)
CLAIM = SpendClaim(
    priority="batch",
    spent=Spent(month_epoch_seconds=1798761600, usd=1.5, at_epoch_seconds=NOW, usd_per_hour=2.0),
)
KEPT: Final[tuple[tuple[Kind[Any], Any, dict[str, Any]], ...]] = (
    (
        records.HOLDS,
        Hold(owner="ana", reason="audit", until_epoch_seconds=NOW),
        {
            "item": {"S": "HOLD"},
            "owner": {"S": "ana"},
            "reason": {"S": "audit"},
            "until": {"N": "1800000000"},
            "expires_at": {"N": "1800000000"},
        },
    ),
    (
        records.LATESTS,
        records.Latest(
            tick=NOW,
            desired={"P": 3},
            growth={"P": ((NOW, 2),)},
            shrinkage={},
            cloud_weight=40,
        ),
        {
            "item": {"S": "LATEST"},
            "tick": {"N": "1800000000"},
            "desired": {"M": {"P": {"N": "3"}}},
            "before": {"M": {}},
            "growth": {"M": {"P": {"L": [{"L": [{"N": "1800000000"}, {"N": "2"}]}]}}},
            "heights": {"M": {}},
            "shrinkage": {"M": {}},
            "cloud_weight": {"N": "40"},
            "plan": {"S": "{}"},
        },
    ),
    (
        records.DECISIONS,
        records.Decision(tick=NOW, plan=Plan(pools=(), reason=Reason.DEMAND)),
        {
            "item": {"S": "DECISION#2027-01-15T08:00:00Z"},
            "tick": {"N": "1800000000"},
            "plan": {"S": '{"version":1,"pools":[],"reason":"demand"}'},
            "expires_at": {"N": "1801209600"},
        },
    ),
    (
        records.OUTAGES,
        Outage(cause=OutageCause.QUOTA, asked_at_epoch_seconds=NOW, zone="z", purchase="spot"),
        {
            "item": {"S": "OUTAGE#*#spot#z#*"},
            "cause": {"S": "quota"},
            "asked_at": {"N": "1800000000"},
            "attempts": {"N": "1"},
            "expires_at": {"N": "1800004200"},
        },
    ),
    (
        records.NOTICES,
        Notice(instance_id="i-1", pool="P", kind="rebalance", seen_at_epoch_seconds=NOW),
        {
            "item": {"S": "NOTICE#i-1"},
            "pool": {"S": "P"},
            "kind": {"S": "rebalance"},
            "seen_at": {"N": "1800000000"},
            "capacity": {"N": "1"},
            "expires_at": {"N": "1800003600"},
        },
    ),
    (
        records.BOOTS,
        records.PoolBoots(pool="P", seconds={"c8g.large": (90.5, 100)}, launched={"i-1": NOW}),
        {
            "item": {"S": "READY#P"},
            "seconds": {"M": {"c8g.large": {"L": [{"N": "90.5"}, {"N": "100"}]}}},
            "launched": {"M": {"i-1": {"N": "1800000000"}}},
        },
    ),
    (
        records.STRIKES,
        records.Strikes(pool="P", count=2, last=NOW, reason="r", seen=frozenset({"a"})),
        {
            "item": {"S": "STRIKES#P"},
            "count": {"N": "2"},
            "last": {"N": "1800000000"},
            "reason": {"S": "r"},
            "seen": {"SS": ["a"]},
            "expires_at": {"N": "1800021600"},
        },
    ),
    (
        records.SIZES,
        ForeignSize(pool="P", capacity=7, since_epoch_seconds=NOW),
        {
            "item": {"S": "SIZE#P"},
            "capacity": {"N": "7"},
            "since": {"N": "1800000000"},
            "expires_at": {"N": "1800086400"},
        },
    ),
    (
        records.DRAINS,
        Draining(instance_id="i-1", pool="P", since_epoch_seconds=NOW),
        {
            "item": {"S": "DRAIN#i-1"},
            "pool": {"S": "P"},
            "since": {"N": "1800000000"},
            "expires_at": {"N": "1800172800"},
        },
    ),
    (
        records.ROLLBACKS,
        RolledBack(pool="P", version=5, to_version=4, at_epoch_seconds=NOW),
        {
            "item": {"S": "ROLLBACK#P"},
            "version": {"N": "5"},
            "to": {"N": "4"},
            "at": {"N": "1800000000"},
            "expires_at": {"N": "2115360000"},
        },
    ),
    (
        records.UNITS,
        records.PoolUnits(pool="P", measured=MeasuredUnits(units=8.75, low=8, high=9, days=9)),
        {
            "item": {"S": "UNITS#P"},
            "units": {"N": "8.75"},
            "low": {"N": "8"},
            "high": {"N": "9"},
            "days": {"N": "9"},
        },
    ),
    (
        records.ASKED,
        records.Asked(at_milliseconds=1000 * NOW),
        {
            "item": {"S": "ASKED"},
            "at": {"N": "1800000000000"},
            "expires_at": {"N": "1800003600"},
        },
    ),
    (
        records.DAYS,
        DAY,
        {
            "item": {"S": "DAY#2027-01-14#X86"},
            "day": {
                "S": '{"version":1,"date":"2027-01-14","pool":"X86","chip":"intel","purchase":'
                '"spot","instance_types":["c7i.large"],"units_per_capacity":8,"hours":[{'
                '"start_epoch_seconds":1800000000,"unit_hours":3,"capacity_hours":2}]}'
            },
            "expires_at": {"N": "1834444800"},
        },
    ),
    (
        records.MODELS,
        records.PackedModel(packed=b"bytes", learned=NOW),
        {
            "item": {"S": "MODEL"},
            "learned": {"N": "1800000000"},
            "model": {"B": b"bytes"},
            "expires_at": {"N": "1800086400"},
        },
    ),
    (
        records.TICKS,
        records.NewestTick(
            tick=NOW,
            unmet_since={"P": NOW - 60},
            shortfalls={"P": Shortfall(since_epoch_seconds=NOW - 60, least_capacity=3)},
            halted=("P",),
            signals={"s": SignalMemory(units=3.5, reads=((NOW, 1, 2.5),))},
            groups=("g",),
            spot=("i-1",),
            troubles=(),
            retired={"Old": 4},
        ),
        {
            "item": {"S": "TICK"},
            "tick": {"N": "1800000000"},
            "unmet_since": {"M": {"P": {"N": "1799999940"}}},
            "shortfalls": {
                "M": {"P": {"S": '{"since_epoch_seconds":1799999940,"least_capacity":3}'}}
            },
            "halted": {"L": [{"S": "P"}]},
            "signals": {"M": {"s": {"S": '{"units":3.5,"reads":[[1800000000,1,2.5]]}'}}},
            "groups": {"L": [{"S": "g"}]},
            "spot": {"L": [{"S": "i-1"}]},
            "troubles": {"L": []},
            "retired": {"M": {"Old": {"N": "4"}}},
        },
    ),
    (
        records.TICKS,
        records.NewestTick(tick=NOW, weightless_since=NOW - 60, weights=((NOW, 333),)),
        {
            "item": {"S": "TICK"},
            "tick": {"N": "1800000000"},
            "unmet_since": {"M": {}},
            "shortfalls": {"M": {}},
            "halted": {"L": []},
            "signals": {"M": {}},
            "retired": {"M": {}},
            "weightless_since": {"N": "1799999940"},
            "weights": {"L": [{"L": [{"N": "1800000000"}, {"N": "333"}]}]},
        },
    ),
    (
        records.SERIES,
        records.SharedReading(
            read_at=NOW,
            since=NOW - 7200,
            series={"m": MetricSeries(points=((60, 5.0), (180, 2.5)), ahead_seconds=9)},
        ),
        {
            "item": {"S": "SERIES"},
            "read_at": {"N": "1800000000"},
            "since": {"N": "1799992800"},
            "packed": {"B": zlib.compress(b'{"m":[9,[60,120],[5.0,2.5]]}')},
            "expires_at": {"N": "1800000600"},
        },
    ),
    (
        records.GANGS,
        records.Gang(tick=NOW, plan="{}", memory=GangMemory(formation=3, members=("i-1",))),
        {
            "item": {"S": "GANG"},
            "tick": {"N": "1800000000"},
            "plan": {"S": "{}"},
            "formation": {"N": "3"},
            "members": {"L": [{"S": "i-1"}]},
            "failures": {"N": "0"},
            "saved_for": {"N": "0"},
        },
    ),
    (
        records.HOURS,
        records.Decision(
            tick=NOW,
            plan=Plan(pools=(), reason=Reason.DEMAND),
            actual={"P": 2},
            actual_units=8.5,
        ),
        {
            "item": {"S": "DECIDED#2027-01-15T08"},
            "tick": {"N": "1800000000"},
            "plan": {"S": '{"version":1,"pools":[],"reason":"demand"}'},
            "actual": {"M": {"P": {"N": "2"}}},
            "actual_units": {"N": "8.5"},
            "expires_at": {"N": "1834214400"},
        },
    ),
    (
        records.SPEND_OVERRIDES,
        SpendOverride(owner="ana", reason="launch", until_epoch_seconds=NOW),
        {
            "item": {"S": "SPEND"},
            "owner": {"S": "ana"},
            "reason": {"S": "launch"},
            "until": {"N": "1800000000"},
            "expires_at": {"N": "1800000000"},
        },
    ),
    (
        records.SHARED_SPENDS,
        SharedSpend(claims={"F": CLAIM}, version=3, since_epoch_seconds=NOW, unknown_usd=5.0),
        {
            "item": {"S": "SHARED"},
            "claims": {
                "M": {
                    "F": {
                        "S": '{"priority":"batch","spent":{"month_epoch_seconds":1798761600,'
                        '"usd":1.5,"at_epoch_seconds":1800000000,"usd_per_hour":2.0}}'
                    }
                }
            },
            "version": {"N": "3"},
            "since": {"N": "1800000000"},
            "unknown": {"N": "5"},
        },
    ),
)
OTHERS: Final[tuple[Any, ...]] = (
    {"S": "x"},
    {"N": "nan"},
    {"N": "-7"},
    {"N": "1.5"},
    {"N": ""},
    {"L": [{"N": "1"}]},
    {"M": {"a": {"S": "x"}}},
    {"NULL": True},
    {"B": b"\x00"},
    {"SS": []},
    "bare",
    None,
)


@pytest.mark.parametrize(("kind", "value", "item"), KEPT)
def test_every_record_is_kept_as_it_always_was_and_read_as_it_was_written(
    kind: Kind[Any], value: object, item: dict[str, Any]
) -> None:
    assert kind.item("Media/Live", value) == {"fleet": {"S": "Media/Live"}, **item}
    assert kind.read({"fleet": {"S": "Media/Live"}, **item}) == value


@given(kept=st.sampled_from(KEPT), data=st.data(), other=st.sampled_from(OTHERS))
def test_a_damaged_record_is_read_whole_or_refused_by_its_path(
    kept: tuple[Kind[Any], Any, dict[str, Any]], data: st.DataObject, other: object
) -> None:
    kind, _, item = kept
    name = data.draw(st.sampled_from(sorted(kind.attributes)))
    damaged = {"fleet": {"S": "f"}, **copy.deepcopy(item), name: other}
    said = ""
    try:
        kind.read(damaged)
    except DamagedRecordError as error:
        said = str(error)
    path = f"f#{item['item']['S']}: "
    assert said.startswith((path + name, path + "measured units")) or not said


@pytest.mark.parametrize(("kind", "_value", "item"), KEPT)
def test_a_record_that_lacks_what_it_needs_is_refused(
    kind: Kind[Any], _value: object, item: dict[str, Any]
) -> None:
    for name, attribute in kind.attributes.items():
        if not attribute.optional:
            lacking = {key: value for key, value in item.items() if key != name}
            with pytest.raises(DamagedRecordError, match=f"{name} is missing"):
                kind.read(lacking)


def test_the_message_names_the_record_the_attribute_and_what_was_found() -> None:
    _, _, item = KEPT[3]
    damaged = {"fleet": {"S": "Media/Live"}, **item, "attempts": {"N": "x"}}
    with pytest.raises(DamagedRecordError) as refused:
        records.OUTAGES.read(damaged)
    assert str(refused.value) == (
        "Media/Live#OUTAGE#*#spot#z#*: attempts must be a number, got 'x'"
    )


def test_what_an_older_or_newer_version_has_besides_is_no_damage() -> None:
    _, value, item = KEPT[1]
    assert records.LATESTS.read({**item, "shiny": {"S": "new"}}) == value
    old = {name: item[name] for name in ("item", "tick", "desired", "plan")}
    assert records.LATESTS.read(old).growth == {}
    assert records.LATESTS.read(old).shrinkage is None


def test_one_damaged_record_costs_none_of_the_others() -> None:
    _, value, item = KEPT[4]
    damaged = {**item, "item": {"S": "NOTICE#i-2"}, "seen_at": {"S": "noon"}}
    refused: list[DamagedRecordError] = []
    read = read_all(records.NOTICES, [damaged, item], now_epoch_seconds=NOW, refuse=refused.append)
    assert list(read) == [value]
    assert len(refused) == 1


def test_a_record_that_does_not_say_until_when_it_is_kept_is_damaged() -> None:
    _, _, item = KEPT[4]
    assert not has_expired(item, NOW)
    assert has_expired(item, NOW + 3600)
    for until in ({}, {"expires_at": {"S": "soon"}}):
        with pytest.raises(DamagedRecordError, match="expires_at"):
            has_expired({"item": item["item"], **until}, NOW)


def test_a_record_kind_knows_the_names_of_its_own_attributes_alone() -> None:
    assert records.STRIKES.names("count", "expires_at") == {
        "#count": "count",
        "#expires_at": "expires_at",
    }
    with pytest.raises(KeyError, match="counts"):
        records.STRIKES.names("counts")
