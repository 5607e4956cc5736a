"""What every handler test needs."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator
from io import TextIOBase
from typing import Any

import pytest

from peakfleet_handlers.aws import SERVICE
from tests.handlers.account import REGION, Account, opened

Lines = Callable[[], list[dict[str, Any]]]


class CurrentOutput(TextIOBase):
    """The standard output of whichever test runs."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)


@pytest.fixture(autouse=True)
def _log_to_this_test() -> None:
    """Point the logger at this test: it was made once, on the output of the first one."""
    for handler in logging.getLogger(SERVICE).handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.stream = CurrentOutput()


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Lines:
    """Return a reader of the JSON lines printed since it was last asked."""
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """Yield a fresh account in moto."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with opened() as account:
        yield account
