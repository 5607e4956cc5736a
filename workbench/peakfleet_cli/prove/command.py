"""`peakfleet prove`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from botocore.exceptions import ClientError
from rich import box
from rich.table import Table

from peakfleet_cli.account import Account, Profile, Region
from peakfleet_cli.demo import stoppable
from peakfleet_cli.errors import FAILED, STOPPED, CommandError
from peakfleet_cli.output import Json, console, print_json, say
from peakfleet_cli.prove.budget import Budget
from peakfleet_cli.prove.course import course
from peakfleet_cli.prove.facts import CLAIMS, Fact, Verdict, confirmed, not_reached, refuted
from peakfleet_cli.prove.site import Clock, Ringing, Site

Cdk = Callable[[Sequence[str]], None]
"""Runs the CDK CLI on the proof's app, and raises a CommandError if that fails."""
_TAIL: Final = 15
_STYLES: Final = {Verdict.CONFIRMED: "green", Verdict.REFUTED: "bold red", Verdict.NOT_REACHED: ""}


@dataclass(slots=True, kw_only=True)
class Proof:
    """A proof: deployed, run through, and removed whatever happens.

    Args:
        account: Where.
        stack: Name of its stack.
        budget: What it may cost.
        cdk: Runs the CDK CLI.
        tell: Is told of each fact as it is found.
        clock: Default: real time.
        ringing: As in `Site`.
    """

    account: Account
    stack: str
    budget: Budget
    cdk: Cdk
    tell: Callable[[Fact], None]
    clock: Clock = field(default_factory=Clock)
    ringing: Ringing | None = None
    facts: list[Fact] = field(default_factory=list, init=False)

    def run(self) -> list[Fact]:
        """Return all facts; those that were not reached included.

        Raises:
            CommandError: The deployment failed, or the limit was reached. All is removed.
            KeyboardInterrupt: Somebody stopped it. All is removed.
        """
        site = Site(
            account=self.account,
            stack=self.stack,
            budget=self.budget,
            clock=self.clock,
            ringing=self.ringing,
        )
        try:
            began = self.clock.now()
            self.cdk(["deploy", "--require-approval", "never", self.stack])
            took = self.clock.now() - began
            self._found(confirmed("deploys", f"made in {took:.0f} s", seconds=took))
            for fact in course(site):
                self._found(fact)
        finally:
            self._found(self._remove())
        known = {fact.check for fact in self.facts}
        self.facts += [not_reached(check, "") for check in CLAIMS if check not in known]
        return self.facts

    def _found(self, fact: Fact) -> None:
        self.facts.append(fact)
        self.tell(fact)

    def _remove(self) -> Fact:
        began = self.clock.now()
        try:
            self.cdk(["destroy", "--force", self.stack])
        except CommandError as error:
            return refuted("removed", f"{error}; delete the stack {self.stack} by hand")
        left = self._left()
        if left:
            return refuted("removed", f"still there: {', '.join(left)}")
        took = self.clock.now() - began
        return confirmed("removed", f"nothing is left, after {took:.0f} s", seconds=took)

    def _left(self) -> list[str]:
        """Return what is left of the stack and costs: groups, instances, tables, functions."""
        left = []
        with suppress(ClientError):  # it does not exist, as it should
            stacks = self.account.client("cloudformation").describe_stacks(StackName=self.stack)
            left += [one["StackName"] for one in stacks["Stacks"]]
        scaling = self.account.client("autoscaling")
        for page in scaling.get_paginator("describe_auto_scaling_groups").paginate():
            names = [group["AutoScalingGroupName"] for group in page["AutoScalingGroups"]]
            left += [name for name in names if name.startswith(self.stack)]
        for page in self.account.client("dynamodb").get_paginator("list_tables").paginate():
            left += [name for name in page["TableNames"] if name.startswith(self.stack)]
        for page in (
            self.account.client("logs")
            .get_paginator("describe_log_groups")
            .paginate(logGroupNamePrefix=self.stack)
        ):
            left += [group["logGroupName"] for group in page["logGroups"]]
        return left


def prove(
    *,
    vpc: Annotated[
        str | None,
        typer.Option(
            "--vpc", metavar="ID", help="A network with private subnets. Default: a new one."
        ),
    ] = None,
    limit_usd: Annotated[
        float, typer.Option("--limit-usd", min=0, metavar="USD", help="The most that it may cost.")
    ] = 2.0,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before deploying.")] = False,
    json: Json = False,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Deploy a tiny fleet to your account, check what only AWS can tell, and remove everything.

    Takes about 25 minutes, and less than 0.40 USD at list prices. Needs a bootstrapped region and
    the CDK CLI. What was deployed is removed also after Ctrl-C. Ends with 1 if a claim is refuted.
    """
    account = Account(region=region, profile=profile)
    budget = Budget(limit_usd)
    number = account.client("sts").get_caller_identity()["Account"]
    if not yes:
        typer.confirm(
            f"deploy to account {number}, {account.place}, for at most {budget.worst_usd:.2f} USD?",
            abort=True,
        )
    stack = f"peakfleet-proof-{datetime.now(UTC):%m%d-%H%M}"
    with tempfile.TemporaryDirectory(prefix="peakfleet-proof-") as folder:
        run = cdk_command(account, stack, vpc=vpc, folder=Path(folder))
        proof = Proof(
            account=account,
            stack=stack,
            budget=budget,
            cdk=run,
            tell=(lambda _: None) if json else _tell,
        )
        try:
            with stoppable():
                facts = proof.run()
        except KeyboardInterrupt:
            say("Stopped.")
            raise typer.Exit(STOPPED) from None
    if json:
        print_json({"stack": stack, "spent_usd_at_most": budget.spent_usd, "facts": facts})
    else:
        console().print(facts_table(facts))
        say(f"at most {budget.spent_usd:.2f} USD were spent")
    if any(fact.verdict is Verdict.REFUTED for fact in facts):
        raise typer.Exit(FAILED)


def cdk_command(
    account: Account,
    stack: str,
    *,
    vpc: str | None,
    folder: Path,
    command: Sequence[str] = ("cdk",),
    environment: dict[str, str] | None = None,
) -> Cdk:
    """Return what runs the CDK CLI on the proof's app.

    Args:
        account: Where it deploys to.
        stack: Name of the stack.
        vpc: Id of a network. None: a new one.
        folder: Where templates go.
        command: How the CLI is started. Default: that of node_modules here, else of the PATH.
        environment: Its variables. Default: those of this process, with account and region.
    """
    local = Path("node_modules") / ".bin" / "cdk"
    start = [str(local.resolve())] if command == ("cdk",) and local.exists() else list(command)
    context = ["-c", f"proof={stack}", *(["-c", f"vpc={vpc}"] if vpc else [])]
    variables = {**os.environ, **(environment or _variables(account))}
    assembly = folder / "cdk.out"

    def run(arguments: Sequence[str]) -> None:
        app = ["--app", f"{sys.executable} -m peakfleet_cli.prove", "--output", str(assembly)]
        if arguments[0] == "destroy" and (assembly / "manifest.json").exists():
            app = ["--app", str(assembly)]  # as it was deployed
        done = _run([*start, *arguments, *app, "--no-notices", *context], cwd=folder, env=variables)
        if done.returncode:
            tail = " ".join((done.stdout + done.stderr).split("\n")[-_TAIL:])
            raise CommandError(f"cdk {arguments[0]} failed: {tail}")

    return run


def _run(command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:  # noqa: ANN401  of subprocess
    try:
        return subprocess.run(  # noqa: S603  the CDK CLI, with arguments made above
            command, capture_output=True, text=True, check=False, **options
        )
    except OSError as error:
        raise CommandError(
            f"the CDK CLI cannot be started: {error}; peakfleet doctor says which one to install"
        ) from error


def _variables(account: Account) -> dict[str, str]:
    named = {"AWS_PROFILE": account.profile} if account.profile else {}
    return {**named, "AWS_REGION": account.place, "AWS_DEFAULT_REGION": account.place}


def _tell(fact: Fact) -> None:
    say(f"{fact.verdict}: {CLAIMS[fact.check]}: {fact.found}")


def facts_table(facts: Sequence[Fact]) -> Table:
    """Return a row for each claim."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("check", "claim", "verdict", "found"):
        table.add_column(name, overflow="fold")
    for fact in facts:
        style = _STYLES[fact.verdict]
        table.add_row(fact.check, CLAIMS[fact.check], fact.verdict, fact.found, style=style)
    return table
