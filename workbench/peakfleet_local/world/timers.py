from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

Action = Callable[[], None]


class Timers:
    """What will happen at moments of the virtual clock, in order."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Action]] = []
        self._numbers = count()

    def add(self, at: float, action: Action) -> None:
        """Let something happen at a moment; what was added first happens first."""
        heapq.heappush(self._heap, (at, next(self._numbers), action))

    def take(self, until: float) -> tuple[float, Action] | None:
        """Return the next moment until another one, or None."""
        if not self._heap or self._heap[0][0] > until:
            return None
        at, _, action = heapq.heappop(self._heap)
        return at, action

    def shift(self, seconds: float) -> None:
        """Move every moment by the same time, which keeps their order."""
        self._heap = [(at + seconds, number, action) for at, number, action in self._heap]
