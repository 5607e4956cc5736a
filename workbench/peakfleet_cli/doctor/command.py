"""`peakfleet doctor`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich import box
from rich.table import Table

from peakfleet_cli.account import Account, Profile, Region
from peakfleet_cli.doctor.account_checks import on_account
from peakfleet_cli.doctor.capacity import on_images, on_offerings, on_quotas
from peakfleet_cli.doctor.finding import Finding, Level, checked, error, warning
from peakfleet_cli.doctor.machine import on_machine
from peakfleet_cli.doctor.metrics import on_metrics
from peakfleet_cli.errors import FAILED, CommandError, in_one_line
from peakfleet_cli.operate import deployed_fleets
from peakfleet_cli.output import Json, console, print_json
from peakfleet_cli.plan import Stack, fleets_of, read_assembly
from peakfleet_planner import FleetSpec

_SIGNS: Final = {Level.GOOD: "ok", Level.WARNING: "!", Level.ERROR: "no"}
_STYLES: Final = {Level.GOOD: "green", Level.WARNING: "yellow", Level.ERROR: "bold red"}


def doctor(
    *,
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="FOLDER", help="What cdk synth has written. Default: cdk.out, if there is one."
        ),
    ] = None,
    json: Json = False,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Look for what this machine and this account lack, and say how to mend it.

    Looks at Node and the CDK CLI, credentials, permissions, bootstrap, quotas for every fleet at
    its maximum, instance types, images, and whether signals and baseline arrive. Changes nothing.
    Ends with 1 if something must be mended.
    """
    account = Account(region=region, profile=profile)
    usual = Path("cdk.out")
    there = folder is not None or (usual / "manifest.json").is_file()
    stacks = read_assembly(folder or usual) if there else ()
    found = list(_findings(account, stacks))
    if json:
        print_json({"findings": found})
    else:
        console().print(_table(found))
    if any(one.level is Level.ERROR for one in found):
        raise typer.Exit(FAILED)


def _findings(account: Account, stacks: Sequence[Stack]) -> Iterator[Finding]:
    yield from on_machine(Path.cwd())
    try:
        yield from on_account(account)
    except (BotoCoreError, ClientError, CommandError) as refused:
        says, _, fix = (in_one_line(refused) or str(refused)).partition(": ")
        yield error("account", says, fix)
        return
    deployed: list[FleetSpec] = []
    yield from checked("fleets", "scheduler:GetSchedule", partial(_deployed, account, deployed))
    known = {fleet.fleet: fleet for fleet in deployed}
    fleets = [*{**{n: spec for n, (_, spec) in fleets_of(stacks).items()}, **known}.values()]
    if not fleets:
        yield warning(
            "fleets", "there is no cdk.out here, and no fleet is deployed", "run cdk synth first"
        )
        return
    parameters = {
        f"{stack.name}/{name}": one for stack in stacks for name, one in stack.parameters.items()
    }
    for about, action, check in (
        ("quotas", "servicequotas:ListServiceQuotas", partial(on_quotas, account, fleets)),
        (
            "instance types",
            "ec2:DescribeInstanceTypeOfferings",
            partial(on_offerings, account, fleets),
        ),
        ("images", "ssm:GetParameters", partial(on_images, account, parameters)),
        ("metrics", "cloudwatch:GetMetricData", partial(on_metrics, account, deployed)),
    ):
        yield from checked(about, action, check)


def _deployed(account: Account, into: list[FleetSpec]) -> Iterator[Finding]:
    for fleet in deployed_fleets(account):
        if fleet.kind != "spec":
            continue
        try:
            into.append(fleet.spec)
        except CommandError as refused:
            yield warning("fleets", str(refused), "deploy it with this version")
    if not into:
        yield warning(
            "metrics", "no fleet is deployed, so signals and baseline were not looked at",
            "run peakfleet doctor again after the deployment",
        )  # fmt: skip


def _table(found: Sequence[Finding]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("")
    for name in ("what", "found", "fix"):
        table.add_column(name, overflow="fold")
    for one in found:
        table.add_row(_SIGNS[one.level], one.about, one.says, one.fix, style=_STYLES[one.level])
    return table
