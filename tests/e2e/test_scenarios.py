"""Some short fault scenarios against the deployed handlers; `make faults` runs every one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from peakfleet_demo.scenarios import CATALOGUE, Result, Theatre, opened

ROOT = Path(__file__).parents[2]
SELECTED = ("quota-reached", "killed-before-recording", "foreign-writer")


@pytest.fixture(scope="module")
def theatre() -> Iterator[Theatre]:
    with opened("workers", app_directory=ROOT, on_output=lambda _line: None) as one:
        yield one


def broken(result: Result) -> list[str]:
    assert result.promises
    return [f"{one.text}: {one.measured}" for one in result.promises if not one.kept]


@pytest.mark.parametrize("name", SELECTED)
def test_every_promise_of_a_scenario_is_kept(theatre: Theatre, name: str) -> None:
    assert broken(theatre.play(CATALOGUE[name], show=lambda _minute: None)) == []
