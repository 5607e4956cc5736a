"""The wheel as another team uses it: installed elsewhere, without this checkout."""

from __future__ import annotations

import json
import os
import shutil
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.infra.commands import run

ROOT = Path(__file__).parents[2]
CONSUMER = ROOT / "examples" / "consumer"


@pytest.fixture(name="elsewhere", scope="module")
def _elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of an empty environment with the wheel in it.

    Third-party packages are lent by the environment that runs the tests, so that no network is
    needed. Only their folder is lent: a folder named by a `.pth` file is searched, but its own
    `.pth` files are not read, and it is one of those that leads to this checkout.
    """
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("peakfleet-*.whl")
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    run(*pip, "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=folder)
    (site_packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    lent = site_packages / "lent.pth"
    lent.write_text(f"{sysconfig.get_path('purelib')}\n")
    return python


def test_the_wheel_is_imported_and_not_the_checkout(elsewhere: Path, tmp_path: Path) -> None:
    shown = run(
        elsewhere,
        "-c",
        "import peakfleet, peakfleet_planner, sys\n"
        "print(peakfleet.__file__, peakfleet_planner.__file__, *sys.path, sep='\\n')",
        cwd=tmp_path,
        PYTHONPATH="",
    ).splitlines()
    installed, planner, *path = shown
    home = str(elsewhere.parents[1])
    assert installed.startswith(home)
    assert planner.startswith(home)
    assert not {str(ROOT / folder) for folder in ("constructs", "lambda", "workbench")} & set(path)


def test_a_consumer_gets_the_same_lambda_code_as_from_the_checkout(
    elsewhere: Path, tmp_path: Path
) -> None:
    app = tmp_path / "app"
    shutil.copytree(CONSUMER, app)
    for python, out in ((elsewhere, "wheel"), (Path(sys.executable), "checkout")):
        run(python, "app.py", cwd=app, CDK_OUTDIR=str(tmp_path / out), PYTHONPATH="")
    assert _functions(tmp_path / "wheel") == _functions(tmp_path / "checkout")
    assert len(_functions(tmp_path / "wheel")) == 1


def _functions(out: Path) -> set[str]:
    """Return the names of the Lambda assets, which are hashes of what is in them."""
    template = json.loads((out / "Consumer.template.json").read_text())
    return {
        found["Properties"]["Code"]["S3Key"]
        for found in template["Resources"].values()
        if found["Type"] == "AWS::Lambda::Function"
        and found["Properties"]["Handler"].startswith("peakfleet_handlers.")
    }


def test_the_wheel_says_that_it_is_typed(elsewhere: Path) -> None:
    (site_packages,) = elsewhere.parents[1].glob("lib/python*/site-packages")
    typed = (
        "peakfleet",
        "peakfleet_chips",
        "peakfleet_instance",
        "peakfleet_planner",
        "peakfleet_handlers",
        "peakfleet_table",
        "peakfleet_learner",
    )
    for package in typed:
        assert (site_packages / package / "py.typed").is_file()


def test_the_wheel_holds_all_that_an_instance_needs(elsewhere: Path) -> None:
    (site_packages,) = elsewhere.parents[1].glob("lib/python*/site-packages")
    package = ROOT / "constructs" / "peakfleet_instance"
    needed = {path.name for path in package.iterdir() if path.is_file()}
    assert {"install.sh", "peakfleet-agent.service", "peakfleet-agent.conf"} <= needed
    assert needed <= {path.name for path in (site_packages / "peakfleet_instance").iterdir()}


def test_the_consumer_passes_the_cdks_own_validation_without_an_account(tmp_path: Path) -> None:
    app = tmp_path / "app"
    shutil.copytree(CONSUMER, app)
    out = tmp_path / "out"
    shown = run(
        sys.executable,
        "app.py",
        cwd=app,
        CDK_OUTDIR=str(out),
        CDK_VALIDATION="true",
        AWS_EC2_METADATA_DISABLED="true",
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    )
    assert shown == ""
    assert (out / "Consumer.template.json").is_file()
