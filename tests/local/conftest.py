from __future__ import annotations

from collections.abc import Iterator

import pytest

from peakfleet_local import LocalAws


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    with LocalAws() as local:
        yield local
