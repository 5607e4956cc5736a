"""What the metadata service of EC2 tells."""

from __future__ import annotations

import urllib.error

import pytest

from peakfleet_instance.metadata import Metadata
from tests.instance.fakes import GROUP, INSTANCE, REGION, FakeMetadata


def test_a_machine_knows_itself_with_one_token(metadata: FakeMetadata) -> None:
    machine = Metadata(metadata.url)
    assert (machine.instance_id, machine.region, machine.group) == (INSTANCE, REGION, GROUP)
    assert machine.target_state == "InService"
    assert machine.reclaimed_at is None
    assert len(metadata.tokens) == 1


def test_a_token_that_is_not_known_any_more_is_renewed(metadata: FakeMetadata) -> None:
    machine = Metadata(metadata.url)
    assert machine.target_state == "InService"
    metadata.forget_tokens()
    assert machine.target_state == "InService"


def test_the_metadata_are_never_asked_of_a_proxy(
    metadata: FakeMetadata, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert Metadata(metadata.url).instance_id == INSTANCE


def test_an_instance_outside_a_group_says_so(metadata: FakeMetadata) -> None:
    del metadata.items["tags/instance/aws:autoscaling:groupName"]
    with pytest.raises(LookupError, match="in no Auto Scaling group, or its metadata has no tags"):
        _ = Metadata(metadata.url).group


def test_a_service_in_trouble_is_not_a_missing_item(metadata: FakeMetadata) -> None:
    metadata.is_down = True
    with pytest.raises(urllib.error.HTTPError):
        _ = Metadata(metadata.url).reclaimed_at
