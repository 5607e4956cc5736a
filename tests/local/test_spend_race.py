"""Eight fleets, each a process of its own, never exceed a limit that they share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from peakfleet_local import LocalAws
from peakfleet_planner import SharedSpend
from peakfleet_planner.spec import SHARED_LIMIT
from peakfleet_table import SHARED_SPENDS
from tests.local.spend_racer import BEGIN, LIMIT, TABLE

PROCESSES = 8


def test_eight_processes_that_race_never_exceed_the_limit_that_they_share(aws: LocalAws) -> None:
    table = aws.client("dynamodb")
    table.create_table(
        TableName=TABLE,
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("fleet", "item")
        ],
        KeySchema=[
            {"AttributeName": "fleet", "KeyType": "HASH"},
            {"AttributeName": "item", "KeyType": "RANGE"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    begin = SharedSpend(version=1, since_epoch_seconds=BEGIN - 3600)
    table.put_item(TableName=TABLE, Item=SHARED_SPENDS.item(f"{SHARED_LIMIT}race", begin))
    racers = [
        subprocess.Popen(  # noqa: S603  this test's own file
            [sys.executable, str(Path(__file__).with_name("spend_racer.py")), f"Fleet/{number}"],
            env={**aws.environment, "PYTHONPATH": ":".join(sys.path)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    lines = [line.split() for racer in racers for line in racer.communicate()[0].splitlines()]
    assert all(racer.returncode == 0 for racer in racers)
    written = {int(version): float(total) for version, total, _, _ in lines}
    assert len(written) == len(lines)  # no version was written twice
    assert sorted(written) == list(range(2, len(lines) + 2))
    assert max(written.values()) <= LIMIT
    assert max(written.values()) > LIMIT / 2
    assert all(float(runs) <= float(claimed) for _, _, runs, claimed in lines)
