"""The `peakfleet` command: which commands there are, and how each of them ends.

Exit codes: 0 done; 1 it could not be done, or was looked at and is not well; 2 wrong use; 130
stopped by Ctrl-C.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Annotated, Any, Final

import typer
from typer.exceptions import TyperException

from peakfleet_cli import operate
from peakfleet_cli.demand import demand
from peakfleet_cli.demo import demo
from peakfleet_cli.doctor import doctor
from peakfleet_cli.efficiency.command import efficiency
from peakfleet_cli.errors import FAILED, in_one_line
from peakfleet_cli.foresight import learn, peaks
from peakfleet_cli.help import Command, Group
from peakfleet_cli.init import init
from peakfleet_cli.plan import plan
from peakfleet_cli.prices import prices
from peakfleet_cli.prove import prove
from peakfleet_cli.record import record
from peakfleet_cli.trial import compare, simulate
from peakfleet_reporter import NAME


class OneLineErrors(Group):
    """Commands that end with one line on standard error when they cannot do what was asked."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: FBT001, FBT002  the signature of the library
        windows_expand_args: bool = True,  # noqa: FBT001, FBT002  as above
        **extra: Any,  # noqa: ANN401  as above
    ) -> Any:  # noqa: ANN401  as above
        """Run a command and end the process with its exit code."""
        del standalone_mode
        try:
            code = super().main(
                args,
                prog_name or self.name,
                complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )
        except TyperException as error:
            context = getattr(error, "ctx", None)
            path = context.command_path if context else "peakfleet"
            # A group without a command has shown its help, which is message enough.
            if message := " ".join(error.format_message().split()):
                _say(f"{path}: {message} (see {path} --help)")
            sys.exit(error.exit_code)
        except Exception as error:
            text = in_one_line(error)
            if text is None:
                raise
            _say(f"peakfleet: {text}")
            sys.exit(FAILED)
        sys.exit(code if isinstance(code, int) else 0)


def _say(line: str) -> None:
    typer.echo(typer.style(line, fg="red"), err=True)


def _version(wanted: bool) -> None:  # noqa: FBT001  the library calls it by position
    if wanted:
        typer.echo(f"peakfleet {version('peakfleet')}")
        raise typer.Exit


app = typer.Typer(
    name="peakfleet",
    cls=OneLineErrors,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
)


@app.callback()
def peakfleet(
    *,
    version_: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_version),
    ] = False,
) -> None:
    """Compute fleets in AWS for the demand above your own baseline."""
    del version_


_OPERATE, _BEFORE, _TRY = "Fleets that run", "Before a deployment", "Without an AWS account"
_COMMANDS: Final[tuple[tuple[str, tuple[Callable[..., None], ...]], ...]] = (
    (_OPERATE, (operate.status, operate.explain, operate.hold, operate.resume, operate.release)),
    (_OPERATE, (operate.spend_override, operate.shadow, operate.report, efficiency, record)),
    (_OPERATE, (learn, peaks)),
    (_TRY, (demo, simulate, compare)),
    (_BEFORE, (init, plan, doctor, prove)),
)
for panel, commands in _COMMANDS:
    for command in commands:
        app.command(cls=Command, rich_help_panel=panel)(command)
app.add_typer(demand, name="demand", rich_help_panel=_TRY)
app.add_typer(prices, name="prices", rich_help_panel=_BEFORE)


@app.command(
    NAME,
    cls=Command,
    rich_help_panel=_OPERATE,
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
)
def report_baseline(context: typer.Context) -> None:
    """Report the healthy units of the company's own side to CloudWatch."""
    from peakfleet_reporter.command import main  # noqa: PLC0415  loads boto3, and --help needs none

    sys.exit(main(context.args))
