"""When healthy units are measured and sent, and what becomes of those that cannot be."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum

from peakfleet_reporter.publisher import NotPublishedError, Publisher
from peakfleet_reporter.sources import Measurement, Source, SourceError
from peakfleet_reporter.systemd import notify

MOST_SKEW_SECONDS = 30.0
log = logging.getLogger(__name__)


class Outcome(IntEnum):
    """How a report ended; the exit status of `--once`."""

    PUBLISHED = 0
    NOT_MEASURED = 1
    NOT_PUBLISHED = 3


@dataclass
class _Link:
    """What was dropped since a region took no report."""

    dropped: list[float] = field(default_factory=list)


@dataclass
class Reporter:
    """Measures and sends, once in a period.

    What cannot be sent is dropped: the next value is newer, and an old one could be taken for it.

    Args:
        source: Measures healthy units.
        publishers: One for each region.
        counter: Says how many items the site's workers have finished so far: what that rises by is
            reported as items in a minute. Default: that is not reported.
        declared_units: More than this is never reported. Default: no bound.
        period_seconds: How often.
        offset_seconds: Where in the period, so that sites and hosts do not report at once.
        tell: Tells systemd.
        ticking: Seconds that never jump.
        wall: This host's clock.
        sleep: Waits.
    """

    source: Source
    publishers: Sequence[Publisher]
    counter: Source | None = None
    declared_units: float | None = None
    period_seconds: float = 60.0
    offset_seconds: float = 0.0
    tell: Callable[[str], None] = notify
    ticking: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    _links: dict[int, _Link] = field(default_factory=dict)
    _failed: str | None = None
    _counted: tuple[float, float] | None = None
    """When the counter was read last, by `ticking`, and what it said."""
    _uncounted: str | None = None
    _skewed: bool = False

    def run(self, *, stopped: Callable[[], bool] = lambda: False) -> None:
        """Report until stopped; ready once the first report was tried, whether or not it went."""
        while not stopped():
            self.report()
            self.tell("READY=1\nWATCHDOG=1")
            self.sleep(self._until_next())

    def _until_next(self) -> float:
        """Return the seconds to the next report; a step of the clock delays it by a period."""
        past = (self.wall() - self.offset_seconds) % self.period_seconds
        return self.period_seconds - past

    def measure(self) -> Measurement | None:
        """Return healthy units, at most what was declared; None, and a log line, without."""
        try:
            found = self.source.measure()
        except SourceError as error:
            if str(error) != self._failed:
                log.error("not measured, so no units are reported: %s", error)  # noqa: TRY400  a line of the journal needs no traceback
            self._failed = str(error)
            return None
        if self._failed is not None:
            log.info("measured again")
            self._failed = None
        if self.declared_units is not None and found.units > self.declared_units:
            log.warning("%g units measured, %g declared", found.units, self.declared_units)
            return Measurement(self.declared_units, found.age_seconds)
        return found

    def report(self) -> Outcome:
        """Measure once, send to every region, and say how that ended."""
        found = self.measure()
        measured = self.ticking() - (found.age_seconds if found else 0.0)
        units = found.units if found else None
        taken = self.taken()
        sent = [self._send(one, units, measured, taken) for one in self.publishers]
        self._check_clock()
        if not all(sent):
            return Outcome.NOT_PUBLISHED
        return Outcome.PUBLISHED if found else Outcome.NOT_MEASURED

    def taken(self) -> float | None:
        """Return the items in a minute that were finished since the counter was read last.

        None the first time, without a counter, and after a counter that began anew.
        """
        if self.counter is None:
            return None
        last, self._counted = self._counted, None
        try:
            count = self.counter.measure().units
        except SourceError as error:
            if str(error) != self._uncounted:
                log.error("finished items are not counted: %s", error)  # noqa: TRY400  as above
            self._uncounted = str(error)
            return None
        self._uncounted = None
        self._counted = (self.ticking(), count)
        if last is None or count < last[1] or self._counted[0] <= last[0]:
            return None
        return 60 * (count - last[1]) / (self._counted[0] - last[0])

    def _send(
        self, publisher: Publisher, units: float | None, measured: float, taken: float | None
    ) -> bool:
        link = self._links.setdefault(id(publisher), _Link())
        try:
            publisher.publish(units, measured, taken)
        except NotPublishedError as error:
            if not link.dropped:
                log.error("%s takes no report; values are dropped: %s", publisher.region, error)  # noqa: TRY400  as above
            link.dropped.append(self.wall())
            return False
        if link.dropped:
            log.warning(
                "%s takes reports again; %d of %s to %s were dropped, none is sent late",
                publisher.region,
                len(link.dropped),
                _clock(link.dropped[0]),
                _clock(link.dropped[-1]),
            )
            link.dropped.clear()
        return True

    def _check_clock(self) -> None:
        known = [one.slow_seconds for one in self.publishers if one.slow_seconds is not None]
        slow = max(known, key=abs, default=0.0)
        skewed = abs(slow) > MOST_SKEW_SECONDS
        if skewed and not self._skewed:
            log.error(
                "this host's clock is %.0f s %s; times are taken from AWS until it is mended, and "
                "AWS refuses reports once it is some minutes off",
                abs(slow),
                "slow" if slow > 0 else "fast",
            )
        if self._skewed and not skewed:
            log.info("this host's clock is right again")
        self._skewed = skewed


def _clock(epoch_seconds: float) -> str:
    return datetime.fromtimestamp(epoch_seconds, UTC).strftime("%H:%M:%S UTC")
