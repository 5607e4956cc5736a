"""One function ticks for many fleets: each tick is of the fleet that is sent, and fails alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from peakfleet_handlers import scaler
from peakfleet_planner import SpecError
from tests.handlers.account import Account
from tests.handlers.scenes import FLEET, NOW, event


def test_a_fleet_whose_tick_fails_leaves_the_others_alone(account: Account) -> None:
    account.put(155)
    broken = {**event(FLEET), "spec": {"fleet": "Media/Broken"}}
    with pytest.raises(SpecError):
        scaler.handler(broken)
    answer = scaler.handler(event(replace(FLEET, fleet="Media/Other"), NOW))
    assert answer["applied"]["pools"]


@pytest.mark.parametrize("gang", [{}, {"version": 1}])
def test_a_gang_is_read_as_one(gang: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match="gang"):
        scaler.handler({"scheduled_time": "2027-01-15T08:00:00Z", "gang": gang})
