"""Scenarios from the command line: deploy, run, show, write."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from peakfleet_demo.demo import DemoError, Outputs, Screen, screen_for
from peakfleet_demo.scenarios import show
from peakfleet_demo.scenarios.catalogue import ALL, CATALOGUE, LIST
from peakfleet_demo.scenarios.page import write_page
from peakfleet_demo.scenarios.runner import APP, Result, Theatre, by_fleet
from peakfleet_demo.scenarios.scenario import FleetKind, Scenario
from peakfleet_demo.scenarios.setup import opened
from peakfleet_local import DeployError


def rehearse_scenarios(
    name: str, *, app_directory: Path, port: int, outputs: Outputs, console: Console
) -> tuple[str, ...]:
    """Run scenarios by name and say what they came to.

    Args:
        name: Of a scenario; `all` runs every one, `list` only names them.
        app_directory: The checkout.
        port: Of the local AWS; 0 takes any.
        outputs: Where the outcome is written.
        console: Where progress and outcome are shown.

    Returns:
        The scenarios in which a promise was broken.

    Raises:
        DemoError: There is no such scenario, or its fleet cannot be deployed.
    """
    if name == LIST:
        for line in show.listing(tuple(CATALOGUE.values())):
            console.print(line, soft_wrap=True)
        return ()
    scenarios = chosen(name)
    if not (app_directory / APP / "cdk.json").exists():
        raise DemoError(f"there are no fleets for scenarios at {app_directory / APP}")
    began = time.monotonic()
    results = [
        result
        for kind, those in by_fleet(scenarios).items()
        for result in _played(kind, those, app_directory, port, console)
    ]
    _write(results, outputs)
    console.print(f"Report: {outputs.html}")
    broken = tuple(result.scenario.name for result in results if not result.kept)
    kept = len(results) - len(broken)
    console.print(
        f"{kept} of {len(results)} scenarios kept every promise"
        + (f"; broken in: {', '.join(broken)}" if broken else ""),
        style="bold",
    )
    console.print(f"Took {time.monotonic() - began:.0f} s")
    return broken


def chosen(name: str) -> tuple[Scenario, ...]:
    """Return the scenarios of a name.

    Raises:
        DemoError: There is none.
    """
    if name == ALL:
        return tuple(CATALOGUE.values())
    if name not in CATALOGUE:
        raise DemoError(f"there is no scenario '{name}': say `--scenario {LIST}` to see them")
    return (CATALOGUE[name],)


def _played(
    kind: FleetKind,
    scenarios: Sequence[Scenario],
    app_directory: Path,
    port: int,
    console: Console,
) -> list[Result]:
    screen, log = screen_for(console), list[str]()
    with ExitStack() as stack:
        try:
            with screen.step(f"Deploy the fleet '{kind}' with the CDK CLI") as say:

                def heard(line: str) -> None:
                    log.append(line)
                    say(line)

                theatre = stack.enter_context(
                    opened(kind, app_directory=app_directory, port=port, on_output=heard)
                )
        except DeployError as error:
            for line in log:
                console.print(line, soft_wrap=True)
            first, *_ = str(error).splitlines()
            raise DemoError(f"the fleet could not be deployed: {first.rstrip(':')}") from error
        return [_play(theatre, scenario, screen, console) for scenario in scenarios]


def _play(theatre: Theatre, scenario: Scenario, screen: Screen, console: Console) -> Result:
    with screen.replaying(
        specs=[theatre.stage.spec], title=scenario.name, phases=theatre.phases(scenario)
    ) as shown:
        result = theatre.play(scenario, show=shown)
    for line in show.outcome(result):
        console.print(line, soft_wrap=True)
    return result


def _write(results: Sequence[Result], outputs: Outputs) -> None:
    write_page(outputs.html, results)
    if outputs.json_file is not None:
        outputs.json_file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(show.document(results), indent=2)
        outputs.json_file.write_text(text + "\n", encoding="utf-8")
