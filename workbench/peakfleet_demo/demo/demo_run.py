"""A whole demo: local AWS, deployment, replay, comparison, report."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress

from rich.console import Console

from peakfleet_demo.demo import report
from peakfleet_demo.demo.outcomes import FleetOutcome, compare, physics_of
from peakfleet_demo.demo.peaks import Peak, choose_peak, read_recording
from peakfleet_demo.demo.screen import Screen, screen_for
from peakfleet_demo.options import App, DemoError, DemoOptions, Outputs
from peakfleet_local import DeployError, LocalAws, deploy
from peakfleet_local.metrics import ReplayError, past_datapoints
from peakfleet_local.replay import Minute, ReplayedFleet, backlog_of, deployed_fleets, replay
from peakfleet_planner import FleetSpec, SpecError
from peakfleet_sim import DemandError

EXPECTED = (DemandError, DeployError, OSError, ReplayError, SpecError)
"""What can go wrong for reasons outside this code."""


def run_demo(
    app: App, options: DemoOptions, outputs: Outputs, *, console: Console
) -> tuple[str, ...]:
    """Deploy *app*, replay a peak through its fleets, show and write the outcome.

    Args:
        app: What is deployed.
        options: Which demand is replayed.
        outputs: Where the outcome is written.
        console: Where progress and outcome are shown.

    Returns:
        What failed on the way, in words; empty if nothing did.

    Raises:
        DemoError: The demand cannot be read or does not fit *options*, the app cannot be
            deployed, or a fleet cannot be replayed.
    """
    try:
        return _run(app, options, outputs, console)
    except EXPECTED as error:
        raise DemoError(str(error)) from error


@contextmanager
def deploy_in_step(
    screen: Screen, console: Console, doing: str, what: str
) -> Iterator[Callable[[str], None]]:
    """Show a deployment as one step; the function takes each line of the CDK CLI.

    Raises:
        DemoError: *what* could not be deployed; all that the CLI said is printed before.
    """
    log: list[str] = []
    try:
        with screen.step(doing) as say:

            def heard(line: str) -> None:
                log.append(line)
                say(line)

            yield heard
    except DeployError as error:
        for line in log:
            console.print(line, soft_wrap=True)
        first, *_ = str(error).splitlines()
        raise DemoError(f"{what} could not be deployed: {first.rstrip(':')}") from error


def _run(app: App, options: DemoOptions, outputs: Outputs, console: Console) -> tuple[str, ...]:
    began = time.monotonic()
    screen = screen_for(console)
    cdk = _cdk_cli(app)
    understood: list[str] = []
    with screen.step(f"Read {options.file}") if options.file else nullcontext():
        recording = read_recording(options, say=understood.append)
    for line in understood:
        console.print(line, soft_wrap=True)
    with _warnings_shown(console), LocalAws(port=app.port) as aws:
        console.print(f"Local AWS on {aws.endpoint_url}; nothing leaves this machine")
        with deploy_in_step(
            screen,
            console,
            "Bootstrap and deploy with the CDK CLI, verify every resource",
            "the app",
        ) as heard:
            deploy(
                aws,
                app_directory=app.directory,
                cdk_command=(cdk, "--context", f"environment={app.environment}"),
                stacks=app.stacks,
                on_output=heard,
            )
        specs = deployed_fleets(region=aws.region)
        if not specs:
            raise DemoError("the app has no fleet: no schedule sends a specification")
        if options.quick:
            specs = tuple(spec for spec in specs if spec.signals[0].kind == "rate")[:1] or specs[:1]
        console.print(f"Fleets: {', '.join(spec.fleet for spec in specs)}")
        peak = choose_peak(options, recording, specs)
        _say_what_is_replayed(peak, console)
        if peak.past:
            with screen.step("Publish two weeks of evenings, from which the learners learn"):
                _publish_past(aws, specs, peak)
        minutes = _replayed(aws, specs, peak, screen)
        with screen.step("Compare with target tracking and perfect foresight, at equal service"):
            outcomes = [compare(spec, peak, minutes, act) for act in peak.acts for spec in specs]
        problems = tuple(report.problems(minutes))
        _show(outcomes, peak, minutes, outputs, problems=problems, console=console)
        console.print(f"Took {time.monotonic() - began:.0f} s")
        if app.keep:
            _keep(aws, specs, console)
    return problems


def _show(
    outcomes: Sequence[FleetOutcome],
    peak: Peak,
    minutes: Sequence[Minute],
    outputs: Outputs,
    *,
    problems: tuple[str, ...],
    console: Console,
) -> None:
    report.write_report(
        outputs.html, outcomes=outcomes, peak=peak, minutes=minutes, command=outputs.command
    )
    outputs.write_json(report.document(outcomes, peak, problems))
    for act, some in report.by_act(outcomes).items():
        console.print(report.table(some, act))
        console.print(report.verdict(some), style="bold")
        console.print()
    console.print(report.ASSUMPTIONS, style="dim")
    if len(peak.acts) > 1:
        console.print(f"Over both acts: {report.verdict(outcomes)}", style="bold")
    for problem in problems:
        console.print(f"Failed: {problem}", style="red", soft_wrap=True)
    console.print(f"Report: {outputs.html}")


def _cdk_cli(app: App) -> str:
    """Return the CDK CLI of the app's folder, else the one that is installed."""
    own = app.directory.resolve() / "node_modules" / ".bin" / "cdk"
    if own.exists():
        return str(own)
    installed = None if (app.directory / "package.json").exists() else shutil.which("cdk")
    if installed is None:
        raise DemoError(
            f"there is no CDK CLI at {own}: say `npm ci` in {app.directory}, or, without a "
            "checkout, `npm install --global aws-cdk`"
        )
    return installed


def _publish_past(aws: LocalAws, specs: Sequence[FleetSpec], peak: Peak) -> None:
    """Publish what fleets that learn saw before the replay, without passing through it."""
    for spec in specs:
        past = peak.past[spec.fleet]
        if backlog_of(spec) is None:
            aws.publish(past_datapoints(spec, past.start_epoch_seconds, past.units.tolist()))


def _keep(aws: LocalAws, specs: Sequence[FleetSpec], console: Console) -> None:
    """Print how to use the local AWS, and leave it up until somebody stops it."""
    console.print("The local AWS stays up; time stands still in it. In another terminal:")
    for name, value in aws.environment.items():
        console.print(f"  export {name}={value}", soft_wrap=True)
    for spec in specs:
        for verb in ("status", "explain"):
            console.print(f"  peakfleet {verb} {spec.fleet}", soft_wrap=True)
    command = f"  peakfleet hold {specs[0].fleet} --reason trying --until 2h"
    console.print(command, soft_wrap=True)
    with suppress(KeyboardInterrupt):
        console.print("Ctrl-C ends it.")
        threading.Event().wait()


def _say_what_is_replayed(peak: Peak, console: Console) -> None:
    phases = peak.phases
    console.print(
        f"Replay {peak.title}: {phases.scored_minutes} minutes are scored, from "
        f"{peak.scored_from:%Y-%m-%d %H:%M} UTC. Before that, {phases.history_minutes} minutes of "
        f"history are published and the fleets tick for {phases.warm_up_minutes} minutes unscored, "
        "so that no policy is scored on its start."
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


@contextmanager
def _warnings_shown(console: Console) -> Iterator[None]:
    """Show warnings of the local AWS, such as a busy port, as lines of the demo."""

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            console.print(record.getMessage(), style="yellow")

    logger, lines = logging.getLogger("peakfleet_local"), Lines(logging.WARNING)
    logger.addHandler(lines)
    try:
        yield
    finally:
        logger.removeHandler(lines)
