"""The command: options in, a run or an exit status out."""

from __future__ import annotations

import argparse
import logging
import random
import shlex
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

from peakfleet_reporter import NAME
from peakfleet_reporter.publisher import (
    HEARTBEAT,
    TAKEN,
    NotPublishedError,
    Publisher,
    cloudwatch,
)
from peakfleet_reporter.reporter import Outcome, Reporter
from peakfleet_reporter.sources import (
    MOST_AGE_SECONDS,
    TIMEOUT_SECONDS,
    CommandSource,
    FileSource,
    HealthSource,
    PrometheusSource,
    Source,
    check_url,
)
from peakfleet_reporter.systemd import log_to_stderr

_WRONG_OPTIONS = 2
_WIDTH = 79
_EPILOG = f"""exit status of --once: 0 published, 1 healthy units could not be measured, 2 wrong
options, 3 not published. Beside the units, the metric {HEARTBEAT} is published: 1 with a value, 0
without. Credentials are those of boto3; docs/hybrid.md says how to have none that last."""


def run() -> NoReturn:
    """Run the command with the arguments of the process, and exit."""
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit status.

    Args:
        arguments: Those after the program, with or without the name of the command.
    """
    known = parser()
    options = known.parse_args(arguments[1:] if arguments[:1] == [NAME] else arguments)
    log_to_stderr()
    try:
        reporter = _reporter(known, options)
    except NotPublishedError as error:
        logging.error("%s", error)  # noqa: LOG015,TRY400  the one line that the operator needs
        return _WRONG_OPTIONS
    if options.dry_run:
        return _show(reporter)
    if options.once:
        return reporter.report()
    signal.signal(signal.SIGTERM, _stop)
    with suppress(KeyboardInterrupt):
        reporter.run()
    return 0


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _show(reporter: Reporter) -> int:
    found = reporter.measure()
    for one in reporter.publishers:
        where = f"{one.region}: {one.namespace}/{one.metric}"
        units = "nothing" if found is None else f"{found.units * one.share:g}"
        print(f"{where} = {units}; {HEARTBEAT} = {int(found is not None)}; not sent")  # noqa: T201  asked for
    return Outcome.PUBLISHED if found else Outcome.NOT_MEASURED


def _reporter(known: argparse.ArgumentParser, options: argparse.Namespace) -> Reporter:
    try:
        regions = _shares(options.region or [])
        dimensions = dict(_pair(one) for one in options.dimension or [])
        if options.endpoint_url:
            check_url(options.endpoint_url)
        source = _source(options)
        counter = _counter(options)
    except ValueError as error:
        known.error(str(error))
    publishers = []
    for region, share in regions:
        client = cloudwatch(region, options.endpoint_url, options.profile)
        publishers.append(
            Publisher(
                client=client,
                namespace=options.namespace,
                metric=options.metric,
                dimensions=dimensions,
                share=share,
                region=client.meta.region_name,
                endpoint=client.meta.endpoint_url,
            )
        )
    return Reporter(
        source=source,
        publishers=publishers,
        counter=counter,
        declared_units=options.declared_units,
        period_seconds=options.period,
        offset_seconds=random.uniform(0, options.period),
    )


def _source(options: argparse.Namespace) -> Source:
    if options.command:
        arguments = shlex.split(options.command)
        if not arguments:
            raise ValueError("--command must name a program")
        return CommandSource(arguments, options.timeout)
    if options.file:
        return FileSource(options.file, options.most_age)
    if options.health_url:
        urls = [check_url(url) for url in options.health_url]
        return HealthSource(urls, options.units_each, options.timeout)
    if not options.query:
        raise ValueError("--prometheus needs --query")
    return PrometheusSource(
        check_url(options.prometheus),
        options.query,
        options.time_query,
        options.most_age,
        options.timeout,
    )


def _counter(options: argparse.Namespace) -> Source | None:
    if not options.taken:
        return None
    if options.once:
        raise ValueError(
            "--taken needs more than one measurement, so it cannot be used with --once"
        )
    return CommandSource(shlex.split(options.taken), options.timeout)


def _shares(regions: Sequence[str]) -> list[tuple[str | None, float]]:
    found: list[tuple[str | None, float]] = []
    for one in regions:
        name, _, share = one.partition("=")
        found.append((name, float(share) if share else 1.0))
    if len({name for name, _ in found}) < len(found):
        raise ValueError("--region must name each region once")
    if any(not 0 < share <= 1 for _, share in found):
        raise ValueError("--region REGION=SHARE: a share must be above 0 and at most 1")
    if len(found) > 1 and sum(share for _, share in found) > 1 + 1e-9:
        raise ValueError("--region REGION=SHARE: the shares of all regions must be at most 1")
    return found or [(None, 1.0)]


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise ValueError(f"--dimension must be NAME=VALUE, got {text!r}")
    return name, value


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be above 0, got {text}")
    return value


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the options."""

    def error(self, message: str) -> NoReturn:
        self.exit(_WRONG_OPTIONS, f"{self.prog}: {message} (see {self.prog} --help)\n")


def parser() -> argparse.ArgumentParser:
    """Return what reads the options; its help is that of the command."""
    made = _Parser(
        prog=f"peakfleet {NAME}",
        usage="%(prog)s --namespace NAMESPACE SOURCE [options]",
        formatter_class=lambda prog: argparse.HelpFormatter(prog, width=_WIDTH),
        description="Report the healthy units of the company's own side to CloudWatch.",
        epilog=_EPILOG,
    )
    where = made.add_argument_group("where to")
    where.add_argument("--namespace", required=True, help="such as OnPrem/live/fra")
    where.add_argument("--metric", default="HealthyUnits", help="default: HealthyUnits")
    where.add_argument("--dimension", action="append", metavar="NAME=VALUE", help="of both metrics")
    where.add_argument(
        "--region",
        action="append",
        metavar="REGION[=SHARE]",
        help="repeat it where several regions share the site; default: AWS_REGION or boto3's",
    )
    where.add_argument("--profile", metavar="NAME", help="default: AWS_PROFILE")
    where.add_argument("--endpoint-url", help="such as of an interface endpoint")
    what = made.add_argument_group("healthy units, one of")
    one = what.add_mutually_exclusive_group(required=True)
    one.add_argument("--command", help="prints one number and exits with 0")
    one.add_argument("--file", type=Path, help="holds one number")
    one.add_argument("--health-url", action="append", help="repeat it for each server")
    one.add_argument("--prometheus", metavar="URL", help="of the server; needs --query")
    made.add_argument_group("what a queue's workers take").add_argument(
        "--taken",
        metavar="COMMAND",
        help=f"prints how many items they have finished so far; published as {TAKEN} in a minute",
    )
    how = made.add_argument_group("how it is measured")
    how.add_argument("--query", help="Prometheus query that returns one number")
    how.add_argument("--time-query", help="returns when it was sampled, where --query aggregates")
    how.add_argument("--units-each", type=_positive, default=1.0, help="of a healthy URL")
    how.add_argument(
        "--declared-units",
        type=_positive,
        help="more is never reported; as in the fleet's baseline",
    )
    how.add_argument(
        "--most-age",
        type=_positive,
        default=MOST_AGE_SECONDS,
        metavar="SECONDS",
        help="an older file or sample is no measurement; default: %(default)g",
    )
    how.add_argument(
        "--timeout",
        type=_positive,
        default=TIMEOUT_SECONDS,
        metavar="SECONDS",
        help="of the command, or of an answer; default: %(default)g",
    )
    run = made.add_argument_group("how it runs")
    run.add_argument(
        "--period", type=_positive, default=60.0, metavar="SECONDS", help="default: %(default)g"
    )
    run.add_argument("--once", action="store_true", help="report once and exit")
    run.add_argument("--dry-run", action="store_true", help="measure once, send nothing")
    return made
