"""What is installed, deployed and run for us is pinned, and said."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from peakfleet import assets

ROOT = Path(__file__).parents[1]


def test_workflows_name_actions_by_commit() -> None:
    used = [
        line
        for file in (ROOT / ".github" / "workflows").glob("*.yml")
        for line in re.findall(r"uses: *(.*)", file.read_text())
    ]
    assert used
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line) for line in used)


def test_every_requirement_has_a_hash() -> None:
    text = (ROOT / "requirements.txt").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if "==" in line and not line.startswith("#")]
    assert lines
    assert all("--hash=sha256:" in line for line in lines)


def test_what_goes_into_lambda_is_what_was_tested() -> None:
    """After a new version: run the tests, and write the digests that this shows."""
    assert {name: assets.digest_of(name) for name in assets.TESTED} == assets.TESTED


def test_everything_that_is_pinned_is_in_the_bill_of_materials(tmp_path: Path) -> None:
    target = tmp_path / "sbom.json"
    subprocess.run(  # noqa: S603  our own program
        [sys.executable, ROOT / ".ci" / "sbom.py", target], check=True
    )
    document = json.loads(target.read_text())
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    references = [one["bom-ref"] for one in document["components"]]
    assert len(set(references)) == len(references)
    pinned = re.findall(r"^([\w.-]+)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    names = {one["name"] for one in document["components"]}
    assert {*pinned, "numpy", "aws-cdk"} <= names


def test_every_threat_has_a_test_that_exists() -> None:
    page = (ROOT / "docs" / "threat-model.md").read_text()
    rows = [line for line in page.splitlines() if re.search(r"\| [STRIDE](, [STRIDE])* \|", line)]
    assert len(rows) >= 12
    source = "\n".join(file.read_text() for file in (ROOT / "tests").rglob("test_*.py"))
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row)
        assert named or "matrix row" in row, row
        assert all(f"def {name}(" in source for name in named), row


@pytest.mark.parametrize("file", ["second_opinion/requirements.txt", "checkov.txt"])
def test_what_is_installed_apart_is_pinned_exactly(file: str) -> None:
    text = (ROOT / ".ci" / file).read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines
    assert all(re.match(r"[\w.-]+==[\d.]+(;|$)", line) for line in lines)
