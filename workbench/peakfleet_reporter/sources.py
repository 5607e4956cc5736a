"""Where healthy units are measured: a command, a file, health URLs, Prometheus.

Each source says how old the value is that it returns. A value that is too old, or is no number, is
no measurement: then nothing is reported, which the fleet knows how to take.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Protocol
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

TIMEOUT_SECONDS = 10.0
MOST_AGE_SECONDS = 120.0
_MOST_AT_ONCE = 32
_OK = range(200, 300)


class SourceError(Exception):
    """Healthy units could not be measured; the message says why."""


@dataclass(frozen=True)
class Measurement:
    """Healthy units, and how long ago that was measured.

    Args:
        units: Never negative, never infinite.
        age_seconds: How long ago, by the clock of whoever measured. Default: now.
    """

    units: float
    age_seconds: float = 0.0


class Source(Protocol):
    """What healthy units are read from."""

    def measure(self) -> Measurement:
        """Return healthy units.

        Raises:
            SourceError: They cannot be measured.
        """


@dataclass(frozen=True)
class CommandSource:
    """The output of a command: one number, exit status 0, in time. All else is no measurement.

    Args:
        arguments: Program and arguments; no shell reads them.
        timeout_seconds: It is killed after so long.
    """

    arguments: Sequence[str]
    timeout_seconds: float = TIMEOUT_SECONDS

    def measure(self) -> Measurement:
        """Run it."""
        try:
            done = subprocess.run(  # noqa: S603  the operator's own command, without a shell
                self.arguments,
                capture_output=True,
                text=True,
                timeout=self.timeout_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise SourceError(f"the command took over {self.timeout_seconds:g} s") from error
        except (OSError, ValueError) as error:
            raise SourceError(f"the command cannot be run: {error}") from error
        if done.returncode:
            said = done.stderr.strip()[-200:]
            raise SourceError(f"the command ended with status {done.returncode}: {said}")
        return Measurement(_number("the command", done.stdout))


@dataclass(frozen=True)
class FileSource:
    """A file that holds one number, as old as its last change.

    Args:
        path: Which file.
        most_age_seconds: An older one is no measurement.
    """

    path: Path
    most_age_seconds: float = MOST_AGE_SECONDS

    def measure(self) -> Measurement:
        """Read it."""
        try:
            age = max(0.0, time.time() - self.path.stat().st_mtime)
            text = self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SourceError(f"{self.path} cannot be read: {error}") from error
        return _young(f"{self.path}", _number(str(self.path), text), age, self.most_age_seconds)


@dataclass(frozen=True)
class HealthSource:
    """Servers that answer a GET with a status of 200 to 299.

    Args:
        urls: One for each server.
        units_each: Units of a server that answers.
        timeout_seconds: How long an answer may take.

    Limitations:
        A host that is cut off from its servers counts none of them, and reports 0.
    """

    urls: Sequence[str]
    units_each: float = 1.0
    timeout_seconds: float = TIMEOUT_SECONDS

    def measure(self) -> Measurement:
        """Ask them all."""
        with ThreadPoolExecutor(min(_MOST_AT_ONCE, len(self.urls))) as pool:
            healthy = sum(pool.map(self._answers, self.urls))
        return Measurement(healthy * self.units_each)

    def _answers(self, url: str) -> bool:
        try:
            with urlopen(url, timeout=self.timeout_seconds) as answer:  # noqa: S310  checked to be HTTP
                return answer.status in _OK
        except (OSError, ValueError):
            return False


@dataclass(frozen=True)
class PrometheusSource:
    """A query that returns one number, and the age of the sample that it came from.

    Args:
        url: Of the server, such as `http://prometheus:9090`.
        query: Returns a scalar, or a vector of one sample.
        time_query: Returns when the value was sampled, in seconds since 1970. Default: `timestamp`
            of the query, which knows the sample of a plain selector only.
        most_age_seconds: An older one is no measurement.
        timeout_seconds: How long an answer may take.

    Limitations:
        An instant query returns samples of up to 5 minutes ago as if they were of now. Of an
        aggregation, `timestamp` says when it was evaluated: give a `time_query` there, such as
        `min(timestamp(up{job="edge"}))`.
    """

    url: str
    query: str
    time_query: str | None = None
    most_age_seconds: float = MOST_AGE_SECONDS
    timeout_seconds: float = TIMEOUT_SECONDS

    def measure(self) -> Measurement:
        """Query both."""
        evaluated, value = self._ask(self.query)
        if (asked := self.time_query) is None and evaluated is not None:
            asked = f"timestamp({self.query})"
        age = 0.0
        if asked is not None:
            at, sampled = self._ask(asked)
            age = max(0.0, (at or evaluated or 0.0) - sampled)
        return _young("the sample", _counted("the query", value), age, self.most_age_seconds)

    def _ask(self, query: str) -> tuple[float | None, float]:
        """Return when a query was evaluated, None of a scalar, and its value."""
        url = f"{self.url.rstrip('/')}/api/v1/query?{urlencode({'query': query})}"
        try:
            with urlopen(url, timeout=self.timeout_seconds) as answer:  # noqa: S310  checked to be HTTP
                data = json.load(answer)["data"]
            return _sample(query, data)
        except HTTPError as error:
            raise SourceError(f"Prometheus refuses {query!r}: {error}") from error
        except OSError as error:
            raise SourceError(f"Prometheus cannot be reached: {error}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise SourceError(f"Prometheus answers {query!r} with something else") from error


def _sample(query: str, data: dict[str, Any]) -> tuple[float | None, float]:
    if data["resultType"] == "scalar":
        return None, float(data["result"][1])
    if data["resultType"] != "vector" or len(data["result"]) != 1:
        raise SourceError(
            f"{query!r} must return one sample, got a {data['resultType']} of {len(data['result'])}"
        )
    at, value = data["result"][0]["value"]
    return float(at), float(value)


def check_url(url: str) -> str:
    """Return *url*.

    Raises:
        ValueError: It is not of a web server.
    """
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise ValueError(f"must begin with http:// or https:// and name a server, got {url!r}")
    return url


def service_date(url: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> str | None:
    """Return the `Date` of any answer of a web server; None if it gives none."""
    try:
        with urlopen(Request(check_url(url)), timeout=timeout_seconds) as answer:  # noqa: S310  checked to be HTTP
            return str(answer.headers["Date"])
    except HTTPError as refused:  # an unsigned request is refused, with a date
        return refused.headers["Date"]
    except (OSError, ValueError):
        return None


def _young(what: str, units: float, age: float, most_age: float) -> Measurement:
    if age > most_age:
        raise SourceError(f"{what} is {age:.0f} s old, more than {most_age:g} s")
    return Measurement(units, age)


def _number(what: str, text: str) -> float:
    try:
        return _counted(what, float(text))
    except ValueError as error:
        raise SourceError(f"{what} must say one number, got {text.strip()[:80]!r}") from error


def _counted(what: str, value: float) -> float:
    if not isfinite(value) or value < 0:
        raise SourceError(f"{what} must say a number of at least 0, got {value}")
    return value
