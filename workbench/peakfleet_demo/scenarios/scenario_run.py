"""Scenarios by name: deploy their fleets, run them, show and write the results."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from peakfleet_demo.demo import deploy_in_step, screen_for
from peakfleet_demo.options import DemoError, Outputs
from peakfleet_demo.scenarios import (
    broken,
    control,
    hybrid,
    inference,
    inputs,
    launches,
    matrix,
    no_capacity,
    queues,
    regions,
    spot,
    traffic,
    training,
)
from peakfleet_demo.scenarios.environment import Environment
from peakfleet_demo.scenarios.gangs import GangRunner, as_fleet
from peakfleet_demo.scenarios.regions import RegionRunner
from peakfleet_demo.scenarios.report import document, result_lines, write_page
from peakfleet_demo.scenarios.runner import ScenarioResult, ScenarioRunner
from peakfleet_demo.scenarios.scenario import FleetKind, Scenario
from peakfleet_local import LocalAws, deploy
from peakfleet_local.groups import reservations_installed
from peakfleet_local.replay import deployed_fleets, deployed_gangs

APP: Final = Path("examples") / "faults"
CATALOGUE: Final[Mapping[str, Scenario]] = {
    scenario.name: scenario
    for module in (
        no_capacity,
        spot,
        broken,
        control,
        inputs,
        queues,
        launches,
        hybrid,
        traffic,
        regions,
        inference,
        training,
        matrix,
    )
    for scenario in module.SCENARIOS
}


def run_scenarios(
    name: str, *, app_directory: Path, port: int, outputs: Outputs, console: Console
) -> tuple[str, ...]:
    """Run scenarios by name, show and write their results.

    Args:
        name: Of a scenario; `all` runs every one, `matrix` those of the fault matrix, `list` only
            names them.
        app_directory: The checkout.
        port: Of the local AWS; 0 takes any.
        outputs: Where the results are written.
        console: Where progress and results are shown.

    Returns:
        The scenarios in which a promise was broken.

    Raises:
        DemoError: There is no such scenario, or its fleet cannot be deployed.
    """
    if name == "list":
        width = max(map(len, CATALOGUE))
        for one in CATALOGUE.values():
            line = Text.assemble((f"{one.name:{width}}", "bold"), f"  {one.shows}")
            console.print(line, soft_wrap=True)
        return ()
    sets = {"all": list(CATALOGUE.values()), "matrix": list(matrix.SCENARIOS)}
    if name not in {*sets, *CATALOGUE}:
        raise DemoError(f"there is no scenario '{name}': say `--scenario list` to see them")
    if not (app_directory / APP / "cdk.json").exists():
        raise DemoError(f"there are no fleets for scenarios at {app_directory / APP}")
    began = time.monotonic()
    by_fleet: dict[FleetKind, list[Scenario]] = {}
    for one in sets.get(name) or [CATALOGUE[name]]:
        by_fleet.setdefault(one.fleet, []).append(one)
    results = [
        result
        for kind, scenarios in by_fleet.items()
        for result in _run_on_one_fleet(kind, scenarios, app_directory, port, console)
    ]
    write_page(outputs.html, results)
    outputs.write_json(document(results))
    console.print(f"Report: {outputs.html}")
    broken_ones = tuple(result.scenario.name for result in results if not result.passed)
    console.print(
        f"{len(results) - len(broken_ones)} of {len(results)} scenarios kept every promise"
        + (f"; broken in: {', '.join(broken_ones)}" if broken_ones else ""),
        style="bold",
    )
    console.print(f"Took {time.monotonic() - began:.0f} s")
    return broken_ones


@contextmanager
def deployed_runner(
    kind: FleetKind, *, app_directory: Path, port: int = 0, on_output: Callable[[str], None]
) -> Iterator[ScenarioRunner]:
    """Deploy a fleet with the CDK CLI to a local AWS of its own.

    Args:
        kind: The fleet.
        app_directory: The checkout.
        port: Of the local AWS. Default: any.
        on_output: Takes each line that the CLI prints.

    Raises:
        DeployError: It could not be deployed.
    """
    cdk = app_directory.resolve() / "node_modules" / ".bin" / "cdk"
    with LocalAws(port=port) as aws, reservations_installed(aws.world) as reservations:
        deploy(
            aws,
            app_directory=app_directory / APP,
            cdk_command=(str(cdk), "--context", f"fleet={kind}"),
            on_output=on_output,
        )
        if gangs := deployed_gangs(region=aws.region):
            environment = Environment.of(aws, as_fleet(gangs[0]), reservations=reservations)
            yield GangRunner(environment=environment, gang=gangs[0])
        else:
            environments = [
                Environment.of(aws, spec, reservations=reservations)
                for spec in deployed_fleets(region=aws.region)
            ]
            if len(environments) > 1:
                other, dry = environments
                yield RegionRunner(environment=dry, other=other)
            else:
                yield ScenarioRunner(environment=environments[0])


def _run_on_one_fleet(
    kind: FleetKind,
    scenarios: Sequence[Scenario],
    app_directory: Path,
    port: int,
    console: Console,
) -> Iterator[ScenarioResult]:
    screen = screen_for(console)
    with ExitStack() as stack:
        with deploy_in_step(
            screen, console, f"Deploy the fleet '{kind}' with the CDK CLI", "the fleet"
        ) as heard:
            runner = stack.enter_context(
                deployed_runner(kind, app_directory=app_directory, port=port, on_output=heard)
            )
        for scenario in scenarios:
            with screen.replaying(
                specs=[runner.environment.spec],
                title=scenario.name,
                phases=runner.phases(scenario),
            ) as shown:
                result = runner.run(scenario, show=shown)
            for line in result_lines(result):
                console.print(line, soft_wrap=True)
            yield result
