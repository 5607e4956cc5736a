"""Open a theatre: a local AWS of its own, with one fleet deployed to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from peakfleet_demo.scenarios.environment import Stage
from peakfleet_demo.scenarios.gangs import GangTheatre, as_fleet
from peakfleet_demo.scenarios.runner import APP, Theatre
from peakfleet_demo.scenarios.scenario import FleetKind
from peakfleet_local import LocalAws, deploy
from peakfleet_local.groups import reservations_installed
from peakfleet_local.replay import deployed_fleets, deployed_gangs


@contextmanager
def opened(
    kind: FleetKind, *, app_directory: Path, port: int = 0, on_output: Callable[[str], None]
) -> Iterator[Theatre]:
    """Deploy a fleet with the CDK CLI to a local AWS of its own.

    Args:
        kind: Which fleet.
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
            stage = Stage.of(aws, as_fleet(gangs[0]), reservations=reservations)
            yield GangTheatre(stage=stage, gang=gangs[0])
        else:
            (spec,) = deployed_fleets(region=aws.region)
            yield Theatre(stage=Stage.of(aws, spec, reservations=reservations))
