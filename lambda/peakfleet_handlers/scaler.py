"""Lambda entry point of a control plane's scaler: one tick of whichever fleet is sent to it.

Each fleet has a schedule, and so an invocation, a deadline and a fault of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from peakfleet_handlers import tick


def handler(event: object, context: object = None) -> dict[str, Any]:
    """Run one tick, of a gang where one is sent.

    Args:
        event: As `tick.handler` or `gang.handler` takes it.
        context: Lambda's.

    Raises:
        SpecError: As those do.
    """
    if isinstance(event, Mapping) and "gang" in event:
        from peakfleet_handlers import gang  # noqa: PLC0415  most control planes train nothing

        return gang.handler(event, context)
    return tick.handler(event, context)
