"""The Lambda code: our packages, Powertools, and nothing that depends on who deploys."""

from __future__ import annotations

import json
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from aws_cdk import App, Stack

from tests.infra.commands import run
from tests.infra.fleets import burst_fleet

COMES_WITH_THE_RUNTIME = (
    "boto3",
    "botocore",
    "dateutil",
    "jmespath",
    "s3transfer",
    "six",
    "urllib3",
)
APP = """
from aws_cdk import App, Stack
from tests.infra.fleets import burst_fleet
app = App(outdir="out"{options})
burst_fleet(Stack(app, "Media"))
app.synth()
"""


@pytest.fixture(name="code", scope="module")
def _code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    app = App(outdir=str(out))
    burst_fleet(Stack(app, "Media"))
    app.synth()
    template = json.loads((out / "Media.template.json").read_text())
    (key,) = {
        found["Properties"]["Code"]["S3Key"]
        for found in template["Resources"].values()
        if found["Type"] == "AWS::Lambda::Function"
    }
    with zipfile.ZipFile(out / f"asset.{key}") as archive:
        archive.extractall(out / "code")
    return out / "code"


def test_it_holds_our_packages_and_what_they_import_that_the_runtime_lacks(code: Path) -> None:
    assert sorted(path.name for path in code.iterdir()) == [
        "aws_lambda_powertools",
        "peakfleet_handlers",
        "peakfleet_learner",
        "peakfleet_planner",
        "peakfleet_table",
        "typing_extensions.py",
    ]


def test_it_holds_nothing_that_one_machine_has_and_another_has_not(code: Path) -> None:
    names = {path.name for path in code.rglob("*")}
    assert not {name for name in names if name.endswith((".pyc", ".dist-info"))}
    assert not names & {"__pycache__", "py.typed"}


def test_it_starts_with_what_the_runtime_has_and_nothing_else(code: Path, tmp_path: Path) -> None:
    for name in COMES_WITH_THE_RUNTIME:
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        source = origin.parent if spec.submodule_search_locations else origin
        (tmp_path / source.name).symlink_to(source)
    start = f"import sys; sys.path[:0] = [{str(code)!r}, {str(tmp_path)!r}]; "
    run(sys.executable, "-I", "-S", "-c", f"{start}import peakfleet_handlers.tick", cwd=tmp_path)


def synthesized(tmp_path: Path, options: str = "") -> list[Path]:
    """Synthesize in a process of its own and return what it left in the temporary folder."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    root = Path(__file__).parents[2]
    run(
        sys.executable,
        "-c",
        APP.format(options=options),
        cwd=tmp_path,
        TMPDIR=str(temporary),
        PYTHONPATH=str(root),
    )
    return sorted(temporary.glob("peakfleet-lambda-*"))


def test_the_staged_copy_is_gone_when_the_app_ends(tmp_path: Path) -> None:
    assert synthesized(tmp_path) == []


def test_the_staged_copy_stays_where_the_template_refers_to_it(tmp_path: Path) -> None:
    (kept,) = synthesized(tmp_path, ', context={"aws:cdk:disable-asset-staging": True}')
    assert kept.name in (tmp_path / "out" / "Media.assets.json").read_text()
    with zipfile.ZipFile(kept / "functions.zip") as archive:
        assert "peakfleet_handlers/tick/entry_point.py" in archive.namelist()


def test_lambda_may_read_every_file(code: Path) -> None:
    (archive,) = [path for path in code.parent.glob("asset.*.zip") if _is_ours(path)]
    with zipfile.ZipFile(archive) as opened:
        assert {info.external_attr >> 16 for info in opened.infolist()} == {0o644}


def _is_ours(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return "peakfleet_handlers/tick/entry_point.py" in archive.namelist()
