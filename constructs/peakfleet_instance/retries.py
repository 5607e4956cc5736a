"""Calls that may fail and are tried again, later each time."""

from __future__ import annotations

import logging
from collections.abc import Callable

FIRST_WAIT_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 30.0

log = logging.getLogger(__name__)


class Retries:
    """Makes calls by name, and makes one that failed wait for its next try."""

    def __init__(self) -> None:
        self._not_before: dict[str, float] = {}
        self._waits: dict[str, float] = {}

    def attempt(self, name: str, call: Callable[[], object], now: float) -> bool:
        """Make the call, unless it is to wait, and return whether it was made and succeeded.

        Args:
            name: What is logged, and what later tries are recognised by.
            call: The call.
            now: In seconds since 1970.
        """
        if now < self._not_before.get(name, 0.0):
            return False
        try:
            call()
        except Exception as error:  # noqa: BLE001  throttled, no network, not waiting yet: all pass
            wait = min(2 * self._waits.get(name, FIRST_WAIT_SECONDS / 2), LONGEST_WAIT_SECONDS)
            self._waits[name] = wait
            self._not_before[name] = now + wait
            log.warning("%s failed, next try in %g s: %s", name, wait, error)
            return False
        self._waits.pop(name, None)
        self._not_before.pop(name, None)
        log.info("%s", name)
        return True
