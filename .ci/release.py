"""Builds the release twice, compares it, checks its metadata, and uses it as another team would.

`make release` runs it. `--pythons 3.11 3.14` chooses the Pythons of the last step; the default is
each of 3.11 to 3.14 that this machine has. `--no-consumer` leaves that step out, which needs a
network.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from email.parser import BytesParser
from pathlib import Path

from packaging.metadata import Metadata

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def main() -> None:
    """Do all steps, and say what came of each."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--pythons", nargs="*", default=PYTHONS)
    parser.add_argument("--no-consumer", action="store_true")
    asked = parser.parse_args()
    shutil.rmtree(DIST, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="peakfleet-release-") as folder:
        first, second = built(DIST), built(Path(folder))
        if first != second:
            sys.exit(f"release: two builds differ: {first} and {second}")
    for name, digest in first.items():
        say(f"{digest}  {name}")
    for path in sorted(DIST.iterdir()):
        say(f"metadata of {path.name}: {checked(path)}")
    (wheel,) = DIST.glob("*.whl")
    for version in () if asked.no_consumer else asked.pythons:
        python = found(version)
        came = used(python, wheel) if python else "not on this machine"
        say(f"consumer on Python {version}: {came}")


def found(version: str) -> str | None:
    """Return the path of a Python that runs; pyenv has shims for some that do not."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    installed = sorted(pyenv.glob(f"{version}.*/bin/python"))
    return next(
        filter(_runs, filter(None, [shutil.which(f"python{version}"), *map(str, installed)])), None
    )


def _runs(python: str) -> bool:
    """Return whether a Python runs, with what an environment needs."""
    command = [python, "-c", "import ensurepip, ssl, venv"]
    return not subprocess.run(  # noqa: S603  a Python that was found
        command, capture_output=True, check=False
    ).returncode


def built(folder: Path) -> dict[str, str]:
    """Build wheel and sdist of the last commit into a folder, and return their hashes by name."""
    # What git says of the last commit, so that the same commit gives the same bytes.
    epoch = run("git", "log", "-1", "--format=%ct").strip()
    environment = {"SOURCE_DATE_EPOCH": epoch, "PYTHONHASHSEED": "0"}
    with tempfile.TemporaryDirectory(prefix="peakfleet-commit-") as text:
        commit = Path(text)
        run("git", "archive", "--output", str(commit / "commit.tar"), "HEAD")
        with tarfile.open(commit / "commit.tar") as archive:
            archive.extractall(commit / "peakfleet", filter="data")
        command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder)]
        run(*command, str(commit / "peakfleet"), environment=environment)
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
    }


def checked(path: Path) -> str:
    """Return name and version of a distribution whose metadata is valid."""
    metadata = Metadata.from_email(_metadata(path), validate=True)
    headers = BytesParser().parsebytes(_metadata(path))
    for name in ("Summary", "License-Expression", "Requires-Python", "Description-Content-Type"):
        if not headers[name]:
            sys.exit(f"release: {path.name} has no {name}")
    return f"{metadata.name} {metadata.version}"


def used(python: str, wheel: Path) -> str:
    """Install the wheel into an empty environment, write an app with it, and run its tests."""
    with tempfile.TemporaryDirectory(prefix="peakfleet-consumer-") as text:
        folder = Path(text)
        run(python, "-m", "venv", str(folder / "venv"))
        bin_ = folder / "venv" / "bin"
        run(str(bin_ / "python"), "-m", "pip", "install", "--quiet", str(wheel), "pytest>=9")
        run(str(bin_ / "peakfleet"), "init", "consumer", cwd=folder)
        path = os.pathsep.join([str(bin_), os.environ["PATH"]])
        variables = {"PATH": path, "PYTHONPATH": "", "CDK_VALIDATION": "false"}
        app = folder / "consumer"
        return run(str(bin_ / "pytest"), "-q", cwd=app, environment=variables).splitlines()[-1]


def _metadata(path: Path) -> bytes:
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as archive:
            (name,) = [one for one in archive.namelist() if one.endswith(".dist-info/METADATA")]
            return archive.read(name)
    with tarfile.open(path) as archive:
        (member,) = [one for one in archive.getmembers() if one.name.count("/") == 1
                     and one.name.endswith("/PKG-INFO")]  # fmt: skip
        file = archive.extractfile(member)
        return file.read() if file else b""


def run(*command: str, cwd: Path = ROOT, environment: Mapping[str, str] | None = None) -> str:
    """Run a command that must succeed, and return what it prints."""
    done = subprocess.run(  # noqa: S603  the commands above
        command, cwd=cwd, env={**os.environ, **(environment or {})}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"release: {_short(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _short(command: Sequence[str]) -> str:
    return " ".join(command[:4])


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
