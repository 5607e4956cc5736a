"""Log lines become metrics exactly where CloudWatch Logs would make them."""

from __future__ import annotations

import json

import pytest

from peakfleet_local.metrics import MetricStore, embedded_values, publish_embedded
from tests.local.deployed import Json


def line(**changes: Json) -> str:
    document = {
        "_aws": {
            "Timestamp": 120_000,
            "CloudWatchMetrics": [
                {
                    "Namespace": "PeakFleet",
                    "Dimensions": [["Fleet"], ["Fleet", "Pool"]],
                    "Metrics": [{"Name": "Desired", "Unit": "Count"}],
                }
            ],
        },
        "Fleet": "Media/Live",
        "Pool": "Graviton",
        "Desired": 4,
    }
    return json.dumps({**document, **changes})


def test_each_set_of_dimensions_is_a_metric_of_its_own() -> None:
    values = list(embedded_values(line()))
    assert [v.dimensions for v in values] == [
        {"Fleet": "Media/Live"},
        {"Fleet": "Media/Live", "Pool": "Graviton"},
    ]
    assert {(v.name, v.value, v.epoch_seconds, v.unit) for v in values} == {
        ("Desired", 4.0, 120.0, "Count")
    }


def test_a_list_of_values_is_as_many_samples() -> None:
    store = MetricStore()
    publish_embedded(line(Desired=[1, 2]), store=store)
    rows = store.read(
        namespace="PeakFleet",
        name="Desired",
        dimensions={"Fleet": "Media/Live"},
        start_epoch_seconds=0,
        end_epoch_seconds=600,
        period_seconds=60,
        statistic="Sum",
    )
    assert rows == [(120, 3.0)]


@pytest.mark.parametrize(
    "text",
    [
        "plain text",
        '{"level": "INFO"}',
        '{"_aws": broken',
        '["_aws"]',
        line(_aws="no metadata"),
        line(Desired="four"),
        line(Desired=True),
        line(Fleet=7),
    ],
)
def test_a_line_that_carries_no_metric_yields_none(text: str) -> None:
    assert list(embedded_values(text)) == []
