"""One machine for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.instance.fakes import FakeGroup, FakeMetadata


@pytest.fixture(name="metadata")
def _metadata() -> Iterator[FakeMetadata]:
    with FakeMetadata().served() as fake:
        yield fake


@pytest.fixture(name="group")
def _group(metadata: FakeMetadata) -> FakeGroup:
    return FakeGroup(metadata)
