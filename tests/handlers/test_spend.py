"""Spend limits through the tick: what is claimed, remembered, rebuilt and lifted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from peakfleet_planner import Plan, SharedSpend, SpendClaim, SpendLimitSpec, SpendOverride, Spent
from peakfleet_planner.snapshot import month_of
from peakfleet_planner.spec import SHARED_LIMIT
from peakfleet_table import (
    DECISIONS,
    HOURS,
    SHARED_SPENDS,
    SPEND_OVERRIDES,
    TICKS,
    Decision,
)
from tests.handlers.fake_aws import FakeAws
from tests.handlers.scenes import FLEET, NOW, aws, remembers, tick

PRICED = replace(
    FLEET, pools=tuple(replace(pool, usd_per_capacity_hour=1.0) for pool in FLEET.pools)
)
HOURLY = replace(PRICED, spend_limits=(SpendLimitSpec(usd_per_hour=3),))
MONTHLY = replace(PRICED, spend_limits=(SpendLimitSpec(usd_per_month=7440),))
SHARED = replace(PRICED, spend_limits=(SpendLimitSpec(shared="media", usd_per_hour=8),))
MONTH, MONTH_END = month_of(NOW)


def put(fake: FakeAws, item: dict[str, Any]) -> FakeAws:
    fake.table[item["fleet"]["S"], item["item"]["S"]] = item
    return fake


def shared(fake: FakeAws) -> SharedSpend:
    return SHARED_SPENDS.read(fake.table[f"{SHARED_LIMIT}media", "SHARED"])


def with_claims(fake: FakeAws, **claims: float) -> FakeAws:
    """Return *fake* with a shared limit that others have claimed of."""
    spent = Spent(month_epoch_seconds=MONTH, usd=0, at_epoch_seconds=NOW - 30)
    made = {
        name: SpendClaim(priority="live", spent=replace(spent, usd_per_hour=usd))
        for name, usd in claims.items()
    }
    limit = SharedSpend(claims=made, version=4, since_epoch_seconds=NOW - 3600)
    return put(fake, SHARED_SPENDS.item(f"{SHARED_LIMIT}media", limit))


def test_growth_ends_at_the_limit_and_the_trouble_is_counted() -> None:
    fake = remembers(aws(180))
    answer = tick(fake, HOURLY)
    assert fake.desired == {"g": 3, "x": 0}
    assert answer["reason"] == "spend-limit"
    newest = TICKS.read(fake.table["Media/Live", "TICK"])
    assert newest.troubles is not None
    assert "SpendReached" in newest.troubles
    assert newest.spent is not None
    assert newest.spent.usd_per_hour == 3


def test_a_limit_that_is_nearly_used_up_is_told_before() -> None:
    fake = remembers(aws(100, graviton=3))
    tick(fake, replace(PRICED, spend_limits=(SpendLimitSpec(usd_per_hour=3.5),)))
    assert TICKS.read(fake.table["Media/Live", "TICK"]).troubles == ("SpendNear",)


def test_who_has_leave_to_spend_more_does_until_it_ends() -> None:
    leave = SpendOverride(owner="ada", reason="launch day", until_epoch_seconds=NOW + 60)
    fake = put(remembers(aws(180)), SPEND_OVERRIDES.item("Media/Live", leave))
    assert "spend-overridden" in tick(fake, HOURLY)["limits"]
    assert fake.desired["g"] > 3
    later = put(remembers(aws(180)), SPEND_OVERRIDES.item("Media/Live", leave))
    later.metrics = {"Streams": {at + 60: value for at, value in later.metrics["Streams"].items()}}
    tick(later, HOURLY, NOW + 60)
    assert later.desired == {"g": 3, "x": 0}


def test_what_was_spent_grows_with_time_and_is_kept_by_every_tick() -> None:
    fake = remembers(aws(150, graviton=6))
    begin = Spent(month_epoch_seconds=MONTH, usd=10, at_epoch_seconds=NOW - 3600, usd_per_hour=5.0)
    assert begin.until(NOW).usd == 15
    fake = put(fake, TICKS.item("Media/Live", replace(_tick(), spent=begin)))
    tick(fake, MONTHLY)
    spent = TICKS.read(fake.table["Media/Live", "TICK"]).spent
    assert spent is not None
    assert spent.usd == pytest.approx(15)
    assert spent.usd_per_hour >= 6


def _tick() -> Any:  # noqa: ANN401  a NewestTick
    return TICKS.value(tick=NOW - 3600)


def test_a_month_is_rebuilt_from_its_decisions_if_nobody_remembers_it() -> None:
    made = tick(remembers(aws(150)), PRICED)
    plan = Plan.from_json({key: value for key, value in made.items() if key != "applied"})
    capacity = sum(pool.desired_capacity for pool in plan.pools)
    fake = remembers(aws(100))
    for kind, at in ((HOURS, MONTH - 60), (DECISIONS, NOW - 7200)):
        put(fake, kind.item("Media/Live", Decision(tick=at, plan=plan)))
    answer = tick(fake, MONTHLY)
    assert answer["spend"]["spent_usd"] == pytest.approx(capacity * (NOW - MONTH) / 3600)
    assert "spend-assumed" not in answer.get("limits", ())


def test_a_month_that_nobody_can_know_goes_by_the_limits_own_pace() -> None:
    answer = tick(aws(100), MONTHLY)
    share = (NOW - MONTH) / (MONTH_END - MONTH)
    assert answer["spend"]["spent_usd"] == pytest.approx(7440 * share)
    assert "spend-assumed" in [answer["reason"], *answer.get("limits", ())]


def test_a_fleet_claims_what_it_grows_by_in_the_record_that_lets_it_act() -> None:
    fake = with_claims(remembers(aws(180)), other=5.0)
    tick(fake, SHARED)
    assert fake.desired == {"g": 3, "x": 0}
    assert shared(fake).claims["Media/Live"].usd_per_hour == 3
    assert shared(fake).claims["Media/Live"].wanted_usd_per_hour > 3
    assert shared(fake).version == 5


def test_whoever_is_outrun_looks_again() -> None:
    fake = with_claims(remembers(aws(180)), other=0.0)
    once = iter([6.0])
    query = fake.query

    def outrun(**asked: Any) -> dict[str, Any]:  # noqa: ANN401  AWS's own shape
        answer = query(**asked)
        if asked["ExpressionAttributeValues"][":fleet"]["S"] == f"{SHARED_LIMIT}media":
            for usd in once:
                with_claims(fake, other=usd)
                fake.table[f"{SHARED_LIMIT}media", "SHARED"]["version"] = {"N": "5"}
        return answer

    fake.query = outrun  # type: ignore[method-assign]  # another fleet writes in between
    tick(fake, SHARED)
    assert fake.desired == {"g": 2, "x": 0}
    assert shared(fake).claims["Media/Live"].usd_per_hour == 2


def test_a_limit_that_cannot_be_claimed_lets_nothing_grow() -> None:
    fake = with_claims(remembers(aws(180, graviton=1)), other=0.0)
    fake.failing["TransactWriteItems"] = "InternalServerError"
    tick(fake, SHARED)
    assert fake.desired == {"g": 1, "x": 0}


def test_a_new_shared_limit_is_drawn_on_only_after_everybody_has_claimed() -> None:
    fake = remembers(aws(180, graviton=2))
    tick(fake, SHARED)
    assert fake.desired == {"g": 2, "x": 0}
    assert shared(fake).claims["Media/Live"].usd_per_hour == 2


def test_a_refused_pool_is_replaced_within_what_was_claimed() -> None:
    direct = replace(
        SHARED,
        pools=(
            replace(SHARED.pools[0], launch="direct"),
            replace(SHARED.pools[1], launch="direct", usd_per_capacity_hour=2.0),
        ),
    )
    fake = with_claims(remembers(aws(140)), other=0.0)
    for group in fake.groups.values():
        group.zones = ("a",)
    fake.groups["g"].dry = {"a": "InsufficientInstanceCapacity"}
    tick(fake, direct)
    claimed = shared(fake).claims["Media/Live"].usd_per_hour
    assert 0 < 2 * fake.desired["x"] <= claimed


SPOT = replace(
    HOURLY,
    pools=(
        replace(
            HOURLY.pools[0],
            purchase="spot",
            instance_types=("c8g.large", "c7g.large"),
            most_usd_per_capacity_hour=1.5,
        ),
        HOURLY.pools[1],
    ),
)
PAID = {
    ("c8g.large", "a"): 0.3,
    ("c8g.large", "b"): 0.5,
    ("c7g.large", "a"): 0.4,
    ("c7g.large", "far"): 9.0,
}


def selling(**prices: Any) -> FakeAws:  # noqa: ANN401  fields of the fake
    fake = replace(remembers(aws(180)), spot=PAID, **prices)
    fake.groups["g"].zones = ("a", "b")
    return fake


def test_spot_counts_at_what_it_costs_now_in_the_dearest_zone_of_its_group() -> None:
    fake = selling()
    answer = tick(fake, SPOT)
    assert answer["spend"]["spot_usd"] == {"Graviton": 0.5}
    assert fake.desired == {"g": 6, "x": 0}


def test_prices_of_spot_are_read_once_an_hour_and_kept_in_between() -> None:
    fake = selling()
    reads = []
    for minute in range(0, 122, 1):
        tick(fake, SPOT, NOW + 60 * minute)
        reads.append(fake.counted()["DescribeSpotPriceHistory"])
    assert [minute for minute, count in enumerate(reads) if count] == [0, 60, 120]
    newest = TICKS.read(fake.table["Media/Live", "TICK"])
    assert newest.spot_prices is not None
    assert newest.spot_prices.usd_by_type == {"c8g.large": 0.5, "c7g.large": 0.4}


def test_nobody_asks_what_spot_costs_where_no_limit_or_no_spot_is() -> None:
    for spec in (HOURLY, replace(SPOT, spend_limits=())):
        fake = selling()
        tick(fake, spec)
        assert not fake.counted()["DescribeSpotPriceHistory"]


@pytest.mark.parametrize(
    "broken",
    [
        {"failing": {"DescribeSpotPriceHistory": "UnauthorizedOperation"}},
        {"spot": {}},
        {"spot": {**PAID, ("c8g.large", "a"): float("nan")}},
        {"spot": {**PAID, ("c8g.large", "a"): -1.0}},
    ],
)
def test_prices_that_cannot_be_read_count_as_on_demand(broken: dict[str, Any]) -> None:
    fake = replace(selling(), **broken)
    answer = tick(fake, SPOT)
    assert fake.desired == {"g": 2, "x": 0}
    assert "spot-price-unknown" in [answer["reason"], *answer["limits"]]


def test_an_old_price_counts_while_a_newer_one_cannot_be_read() -> None:
    fake = selling()
    tick(fake, SPOT)
    fake.failing["DescribeSpotPriceHistory"] = "RequestLimitExceeded"
    answer = tick(fake, SPOT, NOW + 7200)
    assert answer["spend"]["spot_usd"] == {"Graviton": 0.5}
    answer = tick(fake, SPOT, NOW + 6 * 3600)
    assert "spot_usd" not in answer["spend"]
