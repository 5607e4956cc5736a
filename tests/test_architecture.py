"""The ways through the files that `docs/architecture.md` describes are short and lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
WAYS = {
    section.splitlines()[0]: re.findall(r"^\d+\. `([^`]+)`: ", section, flags=re.MULTILINE)
    for section in PAGE.split("\n## ")
    if section.startswith("The way of")
}


def test_three_ways_are_described() -> None:
    assert list(WAYS) == [
        "The way of one datapoint",
        "The way of one Spot notice",
        "The way of one learner run",
    ]


@pytest.mark.parametrize("files", WAYS.values(), ids=list(WAYS))
def test_a_way_has_at_most_twelve_files_none_twice_and_all_exist(files: list[str]) -> None:
    assert 0 < len(files) <= 12
    assert len(set(files)) == len(files)
    assert [file for file in files if not (ROOT / file).is_file()] == []


@pytest.mark.parametrize(
    "page", [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")], ids=lambda page: page.name
)
def test_links_between_pages_lead_to_files_that_exist(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    made = "reference/command-line.md"  # `make docs` writes it
    assert [link for link in links if link != made and not (page.parent / link).exists()] == []
