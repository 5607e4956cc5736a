"""`peakfleet efficiency`: what the ledgers have written, in figures, words and a picture."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from peakfleet_cli.main import app
from peakfleet_planner.efficiency import Hour, PoolDay
from peakfleet_table import DAYS
from tests.cli.deployed import FLEET, TABLE, account, deploy, fleet_spec


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Yield a client of an account with two fleets and an empty state table."""
    monkeypatch.setenv("COLUMNS", "200")
    with account(monkeypatch) as client:
        deploy(fleet_spec())
        deploy(fleet_spec("Media/Live"))
        yield client


def put_days(
    client: Any,  # noqa: ANN401  boto3's own
    *,
    pool: str,
    units: float,
    days: int = 10,
    purchase: str = "on-demand",
    fleet: str = FLEET,
) -> None:
    """Put a pool's last days as the ledger writes them: 4 busy hours of 2 machines each."""
    for ago in range(1, days + 1):
        date = (datetime.now(UTC) - timedelta(days=ago)).date()
        start = int(datetime.combine(date, datetime.min.time(), UTC).timestamp())
        day = PoolDay(
            date=date.isoformat(),
            pool=pool,
            chip="intel" if pool == "X86" else "graviton4",
            purchase=purchase,
            instance_types=("c8g.4xlarge",),
            units_per_capacity=units,
            is_baseline=pool == "X86",
            usd_per_capacity_hour=0.5,
            hours=tuple(
                Hour(
                    start_epoch_seconds=start + 3600 * hour,
                    unit_hours=2 * units * (1 + 0.01 * (ago % 3)),
                    capacity_hours=2,
                    busy_share=0.9,
                )
                for hour in range(4)
            ),
        )
        client.put_item(TableName=TABLE, Item=DAYS.item(fleet, day))


def shown(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["efficiency", *arguments])


def test_each_chip_is_shown_beside_x86_with_its_bounds_and_a_verdict(client: Any) -> None:  # noqa: ANN401  boto3's own
    put_days(client, pool="X86", units=10)
    put_days(client, pool="Graviton", units=16)
    result = shown("--fleet", FLEET)
    assert result.exit_code == 0, result.output
    rows = {line.split()[0]: line for line in result.output.splitlines() if line.strip()}
    assert "baseline" in rows["intel"]
    assert "+60% (+60% to +60%)" in rows["graviton4"]
    assert "40%: reached" in rows["graviton4"]
    assert "watts: unknown" in result.output


def test_too_few_days_say_so_and_what_is_missing(client: Any) -> None:  # noqa: ANN401  as above
    put_days(client, pool="X86", units=10, days=3)
    put_days(client, pool="Graviton", units=16, days=3)
    output = shown("--fleet", FLEET).output
    assert "not enough data" in output
    assert "40%: cannot tell yet" in output
    assert "busy beside x86 on 3 days, 5 are needed" in output


def test_a_discount_of_spot_is_named(client: Any) -> None:  # noqa: ANN401  as above
    put_days(client, pool="X86", units=10)
    put_days(client, pool="GravitonSpot", units=16, purchase="spot")
    assert "bought as spot, x86 is not; the gain holds that discount" in shown().output


def test_without_days_of_x86_nothing_is_compared(client: Any) -> None:  # noqa: ANN401  as above
    put_days(client, pool="Graviton", units=16)
    output = shown("--fleet", FLEET).output
    assert "x86 baseline pool has not served" in output
    assert "cannot tell yet" in output


def test_without_a_name_every_fleet_is_shown(client: Any) -> None:  # noqa: ANN401  as above
    for fleet in (FLEET, "Media/Live"):
        put_days(client, pool="X86", units=10, fleet=fleet)
    client.put_item(
        TableName=TABLE, Item={"fleet": {"S": FLEET}, "item": {"S": "HOLD"}, "owner": {"S": "ana"}}
    )
    output = shown().output
    assert FLEET in output
    assert "Media/Live" in output


def test_only_the_days_asked_for_are_counted(client: Any, tmp_path: Path) -> None:  # noqa: ANN401  as above
    put_days(client, pool="X86", units=10, days=20)
    figures = {}
    for days in (3, 20):
        file = tmp_path / f"{days}.json"
        assert shown("--days", str(days), "--json", str(file)).exit_code == 0
        ((row,),) = json.loads(file.read_text("utf-8")).values()
        figures[days] = row["capacity_hours"]
    assert figures == {3: 24, 20: 160}


def test_figures_and_picture_are_written(client: Any, tmp_path: Path) -> None:  # noqa: ANN401  as above
    put_days(client, pool="X86", units=10)
    put_days(client, pool="Graviton", units=11)
    put_days(client, pool="Storage", units=10, days=2, fleet="Media/Live")
    picture, file = tmp_path / "out" / "efficiency.png", tmp_path / "out" / "efficiency.json"
    assert shown("--png", str(picture), "--json", str(file)).exit_code == 0
    with Image.open(picture) as image:
        assert image.format == "PNG"
        assert min(image.size) > 300
    _, graviton = json.loads(file.read_text("utf-8"))[FLEET]
    assert graviton["verdict"] == "not reached"
    assert graviton["gain"]["mean"] == pytest.approx(0.1)
    assert graviton["watts"] is None


def test_a_table_without_days_says_how_a_fleet_gets_them(client: Any) -> None:  # noqa: ANN401  as above
    assert client
    result = shown("--fleet", FLEET)
    assert result.exit_code == 1
    assert "efficiency=EfficiencyLedger()" in result.output


def test_a_record_of_another_version_is_named(client: Any) -> None:  # noqa: ANN401  as above
    put_days(client, pool="X86", units=10, days=1)
    (item,) = client.scan(TableName=TABLE)["Items"]
    client.put_item(TableName=TABLE, Item={**item, "day": {"S": '{"version": 9}'}})
    result = shown()
    assert result.exit_code == 1
    assert f"{item['item']['S']} cannot be read" in result.output
