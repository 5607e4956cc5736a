"""The page docs/reference/command-line.md, from the commands themselves.

`make docs` writes it (`python -m peakfleet_cli.reference`), so that it is never out of date.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from typing import Any

import typer

from peakfleet_cli.main import app
from peakfleet_reporter import NAME
from peakfleet_reporter.command import parser

_HEAD = """# The command

`peakfleet COMMAND --help` says the same. Region and profile come from `--region` and `--profile`,
then `AWS_REGION`, `AWS_DEFAULT_REGION` and `AWS_PROFILE`.
[Exit codes](../troubleshooting.md#exit-codes-of-the-command) are 0, 1, 2 and 130.
`peakfleet --install-completion` makes your shell complete commands and options. Times are ISO 8601
in UTC unless they have an offset, or lengths such as 30m, 2h and 7d: ago where a command looks
back, from now where it looks ahead. `--json` without a file prints to standard output.
"""


def page() -> str:
    """Return the page."""
    root: Any = typer.main.get_command(app)
    return _HEAD + "".join(_sections(root, ("peakfleet",)))


def _sections(command: Any, path: tuple[str, ...]) -> Iterator[str]:  # noqa: ANN401  of the library
    for name, below in sorted(getattr(command, "commands", {}).items()):
        if getattr(below, "commands", None):
            yield from _sections(below, (*path, name))
        else:
            yield _section(below, (*path, name))


def _section(command: Any, path: tuple[str, ...]) -> str:  # noqa: ANN401  as above
    if path[1:] == (NAME,):  # it reads its options itself, as it also runs without this command
        return f"\n## {' '.join(path)}\n\n```text\n{parser().format_help()}```\n"
    shown = [one for one in command.params if not one.hidden and one.name != "help"]
    arguments = [one for one in shown if one.param_type_name == "argument"]
    usage = " ".join([*path, *map(_argument, arguments)])
    lines = [
        f"\n## {' '.join(path)}\n",
        inspect.cleandoc(command.help or ""),
        "",
        f"    {usage}",
        "",
    ]
    lines += ["| option | |", "|---|---|"]
    for one in shown:
        names = one.metavar or one.name.upper() if one in arguments else _names(one)
        lines.append(f"| `{_cell(names)}` | {_cell(one.help or '')} |")
    return "\n".join(lines) + "\n"


def _argument(one: Any) -> str:  # noqa: ANN401  as above
    name = one.metavar or str(one.name).upper()
    return f"{name if one.required else f'[{name}]'}{'...' * (one.nargs != 1)}"


def _names(option: Any) -> str:  # noqa: ANN401  as above
    names = "/".join([*option.opts, *option.secondary_opts])
    return f"{names} {option.metavar}" if option.metavar else names


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "/")


if __name__ == "__main__":
    sys.stdout.write(page())
