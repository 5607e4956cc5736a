"""`peakfleet prices`: read anew from AWS, found by the next synth, shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from peakfleet_chips import PRICE_FILE, Prices
from peakfleet_cli.main import app
from peakfleet_cli.prices.aws_prices import mean_price
from tests.cli.price_services import PriceServices

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)


@pytest.fixture(name="aws")
def _aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PriceServices]:
    """Return what answers boto3 in an empty working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    services = PriceServices()
    boto3.setup_default_session()
    events = boto3._get_default_session().events  # noqa: SLF001  boto3 has no public name for it
    events.register("before-send.pricing.GetProducts", services.get_products)
    events.register("before-send.ec2.DescribeSpotPriceHistory", services.spot_history)
    yield services
    boto3.DEFAULT_SESSION = None


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["prices", *arguments])


def refresh(*more: str) -> Result:
    return run("refresh", "--region", "eu-west-1", *more)


def test_refresh_writes_a_file_that_the_next_synth_finds(aws: PriceServices) -> None:
    aws.add("c8g.large", 0.09)
    aws.add("c8g.xlarge", 0.18)
    aws.add("inf2.xlarge", 0.84)
    aws.spot = [("c8g.large", "eu-west-1a", 30, 0.03), ("c8g.large", "eu-west-1b", 30, 0.05)]

    result = refresh()

    assert result.exit_code == 0, result.output
    assert f"{PRICE_FILE}: 3 list prices and 1 Spot prices of eu-west-1" in result.output
    prices = Prices.found()
    assert prices.region == "eu-west-1"
    assert prices.day == datetime.now(UTC).date()
    assert prices.on_demand_usd_per_hour == {
        "c8g.large": 0.09,
        "c8g.xlarge": 0.18,
        "inf2.xlarge": 0.84,
    }
    assert prices.spot_usd_per_hour == {"c8g.large": 0.04}


def test_only_linux_on_demand_in_that_region_counts(aws: PriceServices) -> None:
    aws.add("c8g.large", 0.09)
    aws.add("c8g.xlarge", 0.5, operatingSystem="Windows")
    aws.add("c8g.2xlarge", 0.5, tenancy="Dedicated")
    aws.add("c8g.4xlarge", 0.5, regionCode="us-east-1")
    aws.add("c8g.8xlarge", 0.0, capacitystatus="UnusedCapacityReservation")
    aws.add("c8g.12xlarge", 0.0)

    refresh()

    assert Prices.found().on_demand_usd_per_hour == {"c8g.large": 0.09}


def test_all_types_of_a_region_are_one_paged_question(aws: PriceServices) -> None:
    for size in ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge"):
        aws.add(f"c8g.{size}", 1)

    refresh()

    assert len(Prices.found().on_demand_usd_per_hour) == 5
    assert sum('"PriceList"' in text or '"Filters"' in text for text in aws.asked) == 3


def test_types_beside_the_catalogues_are_read_when_named(aws: PriceServices) -> None:
    aws.add("c8g.large", 0.09)
    aws.add("c6g.large", 0.08)
    aws.spot = [("c6g.large", "eu-west-1a", 1, 0.02), ("z9.large", "eu-west-1a", 1, 0.02)]

    refresh("c6g.large", "--out", "all.json")

    prices = Prices.read(Path("all.json"))
    assert prices.on_demand_usd_per_hour == {"c6g.large": 0.08, "c8g.large": 0.09}
    assert prices.spot_usd_per_hour == {"c6g.large": 0.02}


def test_a_spot_price_is_the_mean_over_the_time_that_it_stood(aws: PriceServices) -> None:
    aws.add("c8g.large", 0.09)
    aws.spot = [("c8g.large", "eu-west-1a", 6, 0.08), ("c8g.large", "eu-west-1a", 40, 0.04)]

    refresh()

    assert Prices.found().spot_usd_per_hour == {"c8g.large": pytest.approx(0.05)}


@pytest.mark.slow
def test_a_refusal_of_aws_names_the_permission_and_keeps_the_file(aws: PriceServices) -> None:
    Path(PRICE_FILE).write_text("kept")
    aws.denied = frozenset({"GetProducts"})

    result = refresh()

    assert result.exit_code == 1
    assert "allow pricing:GetProducts" in result.output
    assert Path(PRICE_FILE).read_text() == "kept"


def test_a_region_without_prices_is_said(aws: PriceServices) -> None:
    aws.add("c8g.large", 0.09, regionCode="us-east-1")

    result = refresh()

    assert result.exit_code == 1
    assert "no prices of Linux instances in eu-west-1" in result.output


def test_without_credentials_refresh_says_what_to_do(
    aws: PriceServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "none")

    result = refresh()

    assert result.exit_code == 1
    assert "name a profile" in result.output
    assert aws.asked == []


def test_refresh_needs_a_region(aws: PriceServices) -> None:
    result = run("refresh")

    assert result.exit_code == 1
    assert "no AWS region is configured" in result.output
    assert aws.asked == []


@pytest.mark.usefixtures("aws")
def test_show_prints_prices_per_vcpu_and_unit_and_their_age() -> None:
    result = run("show", "trn2.48xlarge", "inf2.48xlarge", "c8g.4xlarge")

    lines = {line.split()[0]: line.split() for line in result.output.splitlines() if line.split()}
    assert lines["inf2.48xlarge"][1:] == [
        *("inferentia2", "192", "12.9813", "0.0676", "-", "24", "cores", "0.5409")
    ]
    assert lines["trn2.48xlarge"][1:] == ["trainium2", "192", "-", "-", "-", "64", "cores", "-"]
    assert lines["c8g.4xlarge"][1:] == ["graviton4", "16", "0.6381", "0.0399", "-"]
    age = Prices.shipped().age_days(datetime.now(UTC).date())
    assert f"us-east-1, 2026-07-20, {age} days old" in result.output


def test_show_takes_families_and_the_refreshed_file(aws: PriceServices) -> None:
    aws.add("inf2.xlarge", 0.84)
    aws.spot = [("inf2.xlarge", "eu-west-1a", 30, 0.3)]
    refresh()

    result = run("show", "inf2")

    assert "Linux in eu-west-1" in result.output
    assert "0.8400  0.2100  0.3000" in result.output
    assert sum(line.strip().startswith("inf2.") for line in result.output.splitlines()) == 4


@pytest.mark.usefixtures("aws")
def test_show_refuses_names_that_the_catalogue_does_not_have() -> None:
    result = run("show", "c8g", "nonsense")

    assert result.exit_code == 2
    assert "does not have nonsense" in result.output


@pytest.mark.usefixtures("aws")
def test_show_says_that_a_file_is_damaged() -> None:
    Path(PRICE_FILE).write_text(json.dumps({"version": 9}))

    result = run("show")

    assert result.exit_code == 1
    assert f"{PRICE_FILE} is damaged (version 9, expected 1)" in result.output


@given(st.lists(st.tuples(st.integers(-9999, 1439), st.floats(0.001, 100)), min_size=1))
def test_a_mean_price_is_between_the_least_and_the_most(changes: list[tuple[int, float]]) -> None:
    start = NOON - timedelta(days=1)
    moments = [(start + timedelta(minutes=minute), usd) for minute, usd in changes]
    mean = mean_price(moments, start=start, end=NOON)
    paid = [usd for _, usd in changes]
    assert min(paid) * (1 - 1e-9) <= mean <= max(paid) * (1 + 1e-9)
