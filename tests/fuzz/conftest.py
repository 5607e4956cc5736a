"""What every law needs: credentials and a region that are nobody's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.handlers.account import REGION


@pytest.fixture(autouse=True, scope="session")
def _nobody() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        patch.setenv("AWS_ACCESS_KEY_ID", "nobody")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
        yield
