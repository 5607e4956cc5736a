"""How far replays are, for whoever waits for them."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Final

TOLD_EVERY: Final = 500
"""Minutes."""

TOLD: ContextVar[Callable[[int], None]] = ContextVar("TOLD", default=lambda _minutes: None)
"""What is told of replayed minutes, as they go by. Default: nothing is."""
