"""What holds for every group, whatever is asked of it."""

from __future__ import annotations

from collections import Counter
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.local.groups import ZONES, scene


def test_a_group_is_never_above_its_maximum() -> None:
    with scene() as it:

        @settings(max_examples=10)
        @given(
            steps=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 120)), max_size=5),
            maximum=st.integers(1, 6),
        )
        def law(steps: list[tuple[int, int]], maximum: int) -> None:
            it.create(maximum=maximum)
            for capacity, seconds in steps:
                if capacity > maximum:
                    with pytest.raises(ClientError, match="above max value"):
                        it.set_desired(capacity)
                else:
                    it.set_desired(capacity)
                it.world.advance(seconds)
                assert len(it.staying()) == it.describe()["DesiredCapacity"] <= maximum

        law()


def test_scarce_capacity_is_never_exceeded() -> None:
    with scene() as it:

        @settings(max_examples=10)
        @given(steps=st.lists(st.integers(0, 9), max_size=5), scarce=st.integers(0, 3))
        def law(steps: list[int], scarce: int) -> None:
            name = f"rare-{uuid4()}"
            it.create(weights={name: None})
            for zone in ZONES:
                it.world.limit_capacity(instance_type=name, zone=zone, instances=scarce)
            for capacity in steps:
                it.set_desired(capacity)
                by_zone = Counter(i["AvailabilityZone"] for i in it.describe()["Instances"])
                assert max(by_zone.values(), default=0) <= scarce
                it.world.advance(30)

        law()


def test_weights_reach_desired_capacity_with_less_than_one_instance_too_much() -> None:
    with scene() as it:

        @settings(max_examples=10)
        @given(
            steps=st.lists(st.integers(0, 20), min_size=1, max_size=4),
            weights=st.lists(st.integers(1, 5), min_size=1, max_size=2),
        )
        def law(steps: list[int], weights: list[int]) -> None:
            it.create(weights=dict(zip(("c8g.large", "c7g.large"), weights, strict=False)))
            for capacity in steps:
                it.set_desired(capacity)
                present = sum(int(i["WeightedCapacity"]) for i in it.staying())
                assert capacity <= present < capacity + max(weights)

        law()


def test_zones_stay_balanced() -> None:
    with scene() as it:

        @settings(max_examples=10)
        @given(steps=st.lists(st.integers(0, 12), min_size=1, max_size=4))
        def law(steps: list[int]) -> None:
            it.create()
            for capacity in steps:
                it.set_desired(capacity)
                by_zone = Counter(dict.fromkeys(ZONES, 0))
                by_zone.update(i["AvailabilityZone"] for i in it.staying())
                assert max(by_zone.values()) - min(by_zone.values()) <= 1

        law()
