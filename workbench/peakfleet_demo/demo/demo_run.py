"""A whole demo: local AWS, deployment, replay, comparison, report."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from peakfleet_demo.demo import results
from peakfleet_demo.demo.options import App, DemoError, Outputs, Wish
from peakfleet_demo.demo.outcomes import FleetOutcome, compare, physics_of
from peakfleet_demo.demo.peaks import Peak, choose_peak, read_recording
from peakfleet_demo.demo.report import write_report
from peakfleet_demo.demo.screen import Screen, screen_for
from peakfleet_local import DeployError, LocalAws, deploy
from peakfleet_local.metrics import ReplayError
from peakfleet_local.replay import Minute, ReplayedFleet, deployed_fleets, replay
from peakfleet_planner import FleetSpec, SpecError
from peakfleet_sim import Demand, DemandError

EXPECTED = (DemandError, DeployError, OSError, ReplayError, SpecError)
"""What can go wrong for reasons outside this code."""


def rehearse(app: App, wish: Wish, outputs: Outputs, *, console: Console) -> tuple[str, ...]:
    """Deploy *app*, replay a peak through its fleets, and say what it came to.

    Args:
        app: What is deployed.
        wish: Which demand is replayed.
        outputs: Where the outcome is written.
        console: Where progress and outcome are shown.

    Returns:
        What failed on the way, in words; empty if nothing did.

    Raises:
        DemoError: The demand cannot be read or does not fit the wish, the app cannot be
            deployed, or a fleet cannot be replayed.
    """
    try:
        return _rehearse(app, wish, outputs, console)
    except EXPECTED as error:
        raise DemoError(str(error)) from error


def _rehearse(app: App, wish: Wish, outputs: Outputs, console: Console) -> tuple[str, ...]:
    began = time.monotonic()
    screen = screen_for(console)
    cdk_command = _cdk_command(app)
    recording = _read(wish, screen)
    with _warnings_shown(console), LocalAws(port=app.port) as aws:
        console.print(f"Local AWS on {aws.endpoint_url}; nothing leaves this machine")
        specs = _deployed(app, cdk_command, aws, screen, console)
        peak = choose_peak(wish, recording, specs)
        _say_what_is_replayed(peak, console)
        minutes = _replayed(aws, specs, peak, screen)
    with screen.step("Compare with target tracking and perfect foresight"):
        outcomes = [compare(spec, peak, minutes) for spec in specs]
    problems = tuple(results.problems(minutes))
    write_report(outputs.html, outcomes=outcomes, peak=peak, minutes=minutes)
    if outputs.json_file is not None:
        _write_json(outputs.json_file, results.document(outcomes, peak, problems))
    _say_outcome(outcomes, peak, problems, console)
    console.print(f"Report: {outputs.html}")
    console.print(f"Took {time.monotonic() - began:.0f} s")
    return problems


def _read(wish: Wish, screen: Screen) -> Demand | None:
    if wish.file is None:
        return read_recording(wish)
    with screen.step(f"Read {wish.file}"):
        return read_recording(wish)


def _deployed(
    app: App, cdk_command: Sequence[str], aws: LocalAws, screen: Screen, console: Console
) -> tuple[FleetSpec, ...]:
    log: list[str] = []
    try:
        with screen.step("Bootstrap and deploy with the CDK CLI, verify every resource") as say:

            def heard(line: str) -> None:
                log.append(line)
                say(line)

            deploy(
                aws,
                app_directory=app.directory,
                cdk_command=cdk_command,
                on_output=heard,
            )
    except DeployError as error:
        for line in log:
            console.print(line, soft_wrap=True)
        first, *_ = str(error).splitlines()
        raise DemoError(f"the app could not be deployed: {first.rstrip(':')}") from error
    specs = deployed_fleets(region=aws.region)
    if not specs:
        raise DemoError("the app has no fleet: no schedule sends a specification")
    console.print(f"Fleets: {', '.join(spec.fleet for spec in specs)}")
    return specs


def _cdk_command(app: App) -> tuple[str, ...]:
    cdk = app.directory.resolve() / "node_modules" / ".bin" / "cdk"
    if not cdk.exists():
        raise DemoError(f"there is no CDK CLI at {cdk}: say `npm ci` in {app.directory}")
    return (str(cdk), "--context", f"environment={app.environment}")


def _say_what_is_replayed(peak: Peak, console: Console) -> None:
    phases = peak.phases
    console.print(
        f"Replay {peak.title}: {phases.scored_minutes} minutes are scored, from "
        f"{peak.scored_from:%Y-%m-%d %H:%M} UTC. Before that, {phases.history_minutes} minutes of "
        f"history are published and the fleets tick for {phases.warm_up_minutes} minutes unscored, "
        "so that every policy is in its stride when scoring begins."
    )
    if peak.repeated_minutes:
        console.print(
            f"The demand begins {peak.repeated_minutes} minutes too late for that; "
            "its first value stands for them."
        )


def _replayed(
    aws: LocalAws, specs: Sequence[FleetSpec], peak: Peak, screen: Screen
) -> list[Minute]:
    fleets = [
        ReplayedFleet(
            spec=spec,
            demand_units=peak.demands[spec.fleet].units.tolist(),
            physics=physics_of(spec),
        )
        for spec in specs
    ]
    minutes = []
    with screen.replaying(specs=specs, title=peak.title, phases=peak.phases) as show:
        for minute in replay(
            aws, fleets, start_epoch_seconds=int(peak.start.timestamp()), phases=peak.phases
        ):
            show(minute)
            minutes.append(minute)
    return minutes


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _say_outcome(
    outcomes: Sequence[FleetOutcome], peak: Peak, problems: Sequence[str], console: Console
) -> None:
    console.print(results.table(outcomes, f"Outcome of {peak.title}"))
    console.print(results.ASSUMPTIONS, style="dim")
    console.print(results.verdict(outcomes), style="bold")
    for problem in problems:
        console.print(f"Failed: {problem}", style="red", soft_wrap=True)


@contextmanager
def _warnings_shown(console: Console) -> Iterator[None]:
    """Show what the local AWS warns of, such as a busy port, as lines of the demo."""

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            console.print(record.getMessage(), style="yellow")

    logger, lines = logging.getLogger("peakfleet_local"), Lines(logging.WARNING)
    logger.addHandler(lines)
    try:
        yield
    finally:
        logger.removeHandler(lines)
