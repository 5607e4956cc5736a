"""The demand model as a value: JSON, odd documents, and rolling it over what came since."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peakfleet_planner import DemandModel, SpecError, read_model
from peakfleet_planner.forecast import (
    DIFFERENCES,
    DIFFERENCES_KNOWN_AFTER,
    ROOTS,
    ROOTS_KNOWN_AFTER,
    ForecastSizes,
    Points,
    RolledModel,
    aims,
    forecast_sizes,
    grow_quantile,
    keep_quantile,
    roll,
)
from tests.learner.patterns import learned_model

MODEL = learned_model()
LEARNED_AT = MODEL.learned_at_epoch_seconds

histories = st.lists(st.floats(min_value=0, max_value=1e4), min_size=2, max_size=40)


def document() -> dict[str, Any]:
    return dict(json.loads(json.dumps(MODEL.to_json())))


def since_learned(values: list[float]) -> Points:
    return tuple(zip(range(LEARNED_AT, LEARNED_AT + 60 * len(values), 60), values, strict=True))


def sizes(
    values: list[float], model: DemandModel = MODEL, rolled: RolledModel | None = None
) -> ForecastSizes | None:
    now = LEARNED_AT + 60 * (len(values) + 1)
    return forecast_sizes(model, since_learned(values), baseline_units=100, now=now, rolled=rolled)


def test_a_model_survives_json() -> None:
    assert DemandModel.from_json(document()) == MODEL


def test_a_model_is_small_enough_to_be_read_every_minute() -> None:
    assert len(json.dumps(MODEL.to_json())) < 60_000


@pytest.mark.parametrize("name", [field.name for field in fields(DemandModel)])
@pytest.mark.parametrize("value", [None, "x", -1, [], [[nan]], {}, inf, [[1.0], [2.0]]])
def test_an_odd_document_is_no_model_or_one_that_can_be_rolled(name: str, value: object) -> None:
    model = read_model({**document(), name: value})
    if model is not None:
        sizes([90.0, 400.0], model)


@pytest.mark.parametrize("value", [None, [], "model", 7, {}, {"version": 3}])
def test_what_is_no_document_is_no_model(value: object) -> None:
    assert read_model(value) is None


def test_a_model_of_the_version_before_is_refused_by_number_and_ends_no_tick() -> None:
    with pytest.raises(SpecError, match="demand model: version must be 2, got 1"):
        DemandModel.from_json({**document(), "version": 1})
    assert read_model({**document(), "version": 1, "start_table": [[0.0]]}) is None


@pytest.mark.parametrize("side", ["grow", "keep"])
@pytest.mark.parametrize(
    "name", ["difference_weights", "root_weights", "residuals", "spread_weights"]
)
def test_numbers_beyond_reason_are_refused(side: str, name: str) -> None:
    changed = document()
    rows = changed[side][name]
    while isinstance(rows[0], list):
        rows = rows[0]
    rows[0] = 1e300
    assert read_model(changed) is None


@settings(max_examples=25)
@given(histories=st.lists(histories, min_size=1, max_size=4), end=st.integers(1, 40))
def test_a_model_that_was_rolled_before_gives_what_a_fresh_one_gives(
    histories: list[list[float]], end: int
) -> None:
    onward, kept = None, []
    for history in histories:
        for shown in (history[:end], history):
            onward = roll(MODEL, since_learned(shown), onward=onward)
            kept.append((onward, shown))
            assert sizes(shown, rolled=onward) == sizes(shown)
    for rolled, shown in kept:  # an older one, which was used up, does no harm
        assert sizes(shown, rolled=rolled) == sizes(shown)


def test_going_on_from_a_rolled_model_sees_new_minutes_only() -> None:
    first = roll(MODEL, since_learned([90.0] * 10))
    forecasts = first.rolling
    assert roll(MODEL, since_learned([90.0] * 11), onward=first).rolling is forecasts


def test_a_rolled_model_of_another_model_or_of_other_minutes_is_not_used() -> None:
    high = roll(MODEL, since_learned([400.0] * 12))
    assert sizes([90.0] * 12, rolled=high) == sizes([90.0] * 12)
    other = replace(MODEL, mean=2 * MODEL.mean)
    assert sizes([400.0] * 12, other, rolled=high) == sizes([400.0] * 12, other)


def test_a_minute_that_was_corrected_later_counts_as_corrected() -> None:
    before = roll(MODEL, since_learned([90.0] * 10))
    corrected = [90.0] * 8 + [400.0] * 4
    after = roll(MODEL, since_learned(corrected), onward=before)
    assert sizes(corrected, rolled=after) == sizes(corrected) != sizes([90.0] * 12)


def test_newest_minutes_that_change_are_all_that_is_rolled_again() -> None:
    """A fall is believed a minute late, so a replay corrects a minute at every second step."""
    onward = roll(MODEL, since_learned([90.0] * 10))
    for minute in range(11, 40):
        forecasts = {id(one) for _, one in onward.earlier}
        shown = [90.0 - at for at in range(minute - 1)] + [90.0 - minute + 2]
        onward = roll(MODEL, since_learned(shown), onward=onward)
        assert minute == 11 or id(onward.rolling) in forecasts
        assert sizes(shown, rolled=onward) == sizes(shown)


def test_a_minute_without_a_sample_counts_as_the_one_before() -> None:
    sparse = tuple((LEARNED_AT + 60 * minute, 300.0) for minute in (0, 3, 4))
    now = LEARNED_AT + 360
    found = forecast_sizes(MODEL, sparse, baseline_units=100, now=now)
    assert found == sizes([300.0] * 5)


def test_nothing_is_foreseen_before_a_minute_was_seen() -> None:
    assert forecast_sizes(MODEL, (), baseline_units=0, now=LEARNED_AT + 60) is None


def test_every_feature_says_from_when_on_it_is_known() -> None:
    assert len(DIFFERENCES_KNOWN_AFTER) == DIFFERENCES
    assert len(ROOTS_KNOWN_AFTER) == ROOTS


@given(
    levels=st.lists(st.floats(min_value=-50, max_value=150), min_size=2, max_size=3),
    seen=st.lists(st.floats(min_value=0, max_value=150), min_size=1, max_size=3),
    most=st.integers(min_value=0, max_value=200),
    cost=st.floats(min_value=4, max_value=1000),
    reuse=st.booleans(),
)
def test_whatever_is_forecast_what_was_needed_now_and_two_minutes_before_is_asked_for(
    levels: list[float], seen: list[float], most: int, cost: float, *, reuse: bool
) -> None:
    found = aims(levels, seen, quantile=grow_quantile(cost), most=most, reuse=reuse)
    here = min(most, min(seen[0], seen[-1]) - 0.5)
    assert min(found.grow, found.start) >= here
    assert found.keep >= min(most, max(seen) - 0.5)
    assert max(found) <= most


@given(cost=st.floats(min_value=1, max_value=1e6), more=st.floats(min_value=0, max_value=1e6))
def test_the_dearer_missed_work_is_the_more_is_grown_to_and_kept(cost: float, more: float) -> None:
    assert 0 < grow_quantile(cost) <= grow_quantile(cost + more) < 1
    assert grow_quantile(cost) < keep_quantile(cost) <= keep_quantile(cost + more) < 1 or cost > 500
