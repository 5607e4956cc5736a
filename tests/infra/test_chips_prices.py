"""Prices: shipped ones, files, and damage."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_chips import CATALOGUE, PRICE_FILE, Prices, PricesError

USD = st.dictionaries(st.sampled_from(sorted(CATALOGUE)), st.floats(1e-4, 1e3))


def written(folder: Path, **changes: object) -> Path:
    """Write a price file and return its path."""
    prices = Prices(
        region="eu-west-1",
        day=date(2026, 9, 1),
        source="a test",
        on_demand_usd_per_hour={"c8g.large": 0.09},
        spot_usd_per_hour={"c8g.large": 0.04},
    )
    path = folder / PRICE_FILE
    path.write_text(json.dumps({**prices.to_json(), **changes}))
    return path


def test_list_prices_are_shipped_and_spot_prices_are_not_invented() -> None:
    prices = Prices.shipped()
    assert prices.usd_per_hour("c8g.4xlarge", spot=False) == 0.63808
    assert prices.usd_per_hour("c8g.4xlarge", spot=True) is None
    assert prices.usd_per_hour("trn2.48xlarge", spot=False) is None


def test_a_price_file_replaces_the_shipped_prices_as_a_whole(tmp_path: Path) -> None:
    written(tmp_path)
    prices = Prices.found(tmp_path)
    assert prices.usd_per_hour("c8g.large", spot=False) == 0.09
    assert prices.usd_per_hour("c8g.large", spot=True) == 0.04
    assert prices.usd_per_hour("c8g.4xlarge", spot=False) is None


def test_without_a_price_file_the_shipped_prices_are_found(tmp_path: Path) -> None:
    assert Prices.found(tmp_path) == Prices.shipped()


def test_prices_say_how_old_they_are() -> None:
    assert Prices.shipped().age_days(date(2026, 7, 30)) == 10


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "version 2, expected 1"),
        ({"date": "yesterday"}, "yesterday"),
        ({"on_demand_usd_per_hour": {"c8g.large": 0}}, "c8g.large costs 0"),
        ({"spot_usd_per_hour": {"c8g.large": -1}}, "c8g.large costs -1"),
        ({"spot_usd_per_hour": {"c8g.large": "dear"}}, "dear"),
        ({"spot_usd_per_hour": None}, "damaged"),
        ({"on_demand_usd_per_hour": [1]}, "damaged"),
    ],
)
def test_a_damaged_price_file_is_named_with_the_way_out(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    path = written(tmp_path, **changes)
    with pytest.raises(PricesError, match=message) as caught:
        Prices.read(path)
    assert str(path) in str(caught.value)
    assert "peakfleet prices refresh" in str(caught.value)


def test_a_file_that_is_no_json_is_damaged(tmp_path: Path) -> None:
    (tmp_path / PRICE_FILE).write_text("c8g.large,0.08")
    with pytest.raises(PricesError, match="is damaged"):
        Prices.found(tmp_path)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(PricesError, match=r"mine\.json: No such file"):
        Prices.read(tmp_path / "mine.json")


@given(on_demand=USD, spot=USD, day=st.dates())
def test_what_is_written_is_what_is_read(
    on_demand: dict[str, float], spot: dict[str, float], day: date
) -> None:
    prices = Prices(
        region="eu-west-1",
        day=day,
        source="a test",
        on_demand_usd_per_hour=on_demand,
        spot_usd_per_hour=spot,
    )
    assert Prices.from_json(json.loads(json.dumps(prices.to_json()))) == prices
