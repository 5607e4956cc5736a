"""The documentation says what is: samples, options, reasons, alarms, metrics and links."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import typer

import peakfleet
from peakfleet_cli.main import app
from peakfleet_cli.reference import page
from peakfleet_planner import Reason
from peakfleet_reporter import NAME
from peakfleet_reporter.command import parser
from tests.infra.fleets import burst_fleet, new_stack

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if "adr" not in path.parts)
OWN = [ROOT / "README.md", *PAGES]
GENERATED = "command-line.md"
LINK = re.compile(r"\]\(([^)\s]+)\)")
BLOCK = re.compile(r"```(\w+)[^\n]*\n(.*?)```", re.DOTALL)
SNIPPET = re.compile(r'--8<-- "([^":]+)(?::[\d:]*)?"')


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", re.sub(r"`|\[|\]\([^)]*\)", "", one))
        .strip()
        .lower()
        .replace(" ", "-")
        for one in headings
    }


@pytest.mark.parametrize("path", OWN, ids=_named)
def test_every_link_leads_to_a_page_and_a_heading_that_are_there(path: Path) -> None:
    for target in LINK.findall(path.read_text(encoding="utf-8")):
        if target.startswith(("http://", "https://")):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        if there.name == GENERATED:
            continue
        assert there.exists(), target
        assert not anchor or anchor in _anchors(there), target


@pytest.mark.parametrize("path", OWN, ids=_named)
def test_a_python_sample_is_a_tested_file_or_at_least_names_what_there_is(path: Path) -> None:
    for kind, text in BLOCK.findall(path.read_text(encoding="utf-8")):
        if kind != "python":
            continue
        if found := SNIPPET.search(text):
            assert (ROOT / found[1]).is_file()
            continue
        for node in ast.walk(ast.parse(dedent(text))):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id in peakfleet.__all__
            ):
                assert hasattr(getattr(peakfleet, node.value.id), node.attr), ast.unparse(node)


def _commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401  of the library
    for name, command in group.commands.items():
        if getattr(command, "commands", None):
            yield from _commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(_commands(typer.main.get_command(app)))


@pytest.mark.parametrize("path", OWN, ids=_named)
def test_every_command_that_a_page_shows_has_the_options_that_it_is_shown_with(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    inline = re.findall(r"`(peakfleet [a-z][^`\n]*)`", BLOCK.sub("", text))
    blocks = "".join(body for _, body in re.findall(r"```(sh|)\n(.*?)```", text, re.DOTALL))
    for line in [*inline, *re.findall(r"^ *(peakfleet [a-z][^\n|#]*)", blocks, re.MULTILINE)]:
        words = line.split()[1:]
        named = next(
            (name for name in (tuple(words[:2]), tuple(words[:1])) if name in COMMANDS), None
        )
        if named is None:
            assert words[0] in {name[0] for name in COMMANDS if len(name) > 1}, line
            continue
        known = {o for one in COMMANDS[named].params for o in (*one.opts, *one.secondary_opts)}
        if named == (NAME,):
            known |= set(re.findall(r"--[a-z-]+", parser().format_help()))
        shown = {
            word.split("=")[0].strip("[]") for word in words if word.strip("[").startswith("--")
        }
        assert shown <= known | {"--help"}, line


def test_every_command_has_its_section_in_the_reference() -> None:
    text = page()
    for name in COMMANDS:
        assert f"\n## peakfleet {' '.join(name)}\n" in text


def test_every_reason_has_a_section_that_says_what_to_do() -> None:
    text = (DOCS / "reference" / "reasons.md").read_text(encoding="utf-8")
    sections = {one.partition("\n")[0]: one for one in text.split("\n## ")[1:]}
    assert set(sections) == {reason.value for reason in Reason}
    assert [name for name, section in sections.items() if "**What to do:**" not in section] == []


def test_every_alarm_has_a_section_that_says_what_to_do() -> None:
    text = (DOCS / "reference" / "alarms.md").read_text(encoding="utf-8")
    sections = {one.partition("\n")[0]: one for one in text.split("\n## ")[1:]}
    drains = burst_fleet(new_stack(), drain=peakfleet.Drain.when_idle())
    assert set(drains.alarms) <= set(sections)
    assert [name for name, section in sections.items() if "**What to do:**" not in section] == []


def test_every_metric_of_a_tick_has_its_line() -> None:
    text = (DOCS / "reference" / "metrics.md").read_text(encoding="utf-8")
    tick = ROOT / "lambda" / "peakfleet_handlers" / "tick"
    published = {
        name
        for path in tick.glob("*.py")
        if path.stem in {"report", "metrics"}
        for name in re.findall(r'^\s+"([A-Z][A-Za-z0-9]+)":', path.read_text(), re.MULTILINE)
    }
    assert published
    assert [name for name in sorted(published) if f"`{name}`" not in text] == []


def test_every_construct_is_in_the_reference() -> None:
    text = (DOCS / "reference" / "constructs.md").read_text(encoding="utf-8")
    assert [name for name in peakfleet.__all__ if f"- {name}\n" not in text] == []


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    site = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert [p for p in PAGES if str(p.relative_to(DOCS)) not in site] == []
