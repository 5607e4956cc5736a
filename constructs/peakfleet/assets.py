"""Code that is deployed: our own packages as they are installed, and what the runtime lacks."""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from aws_cdk import Annotations
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

_OWN_PACKAGES = (
    "peakfleet_planner",
    "peakfleet_table",
    "peakfleet_handlers",
    "peakfleet_learner",
)
# boto3 and jmespath come with the Lambda runtime; these two do not. Powertools is taken whole:
# a later version may import another part of itself, and only the tick would notice.
_THIRD_PARTY = ("aws_lambda_powertools", "typing_extensions")
TESTED = {
    "aws_lambda_powertools": "b1f346de5b3502a0651ee323135d932f4c0bbb3e72d69dd08e4fbbd9779ae4d0",
    "typing_extensions": "39d26a2d6362d136969eae61763486141ae47fab0034ccf1d4cf0bf55975cf76",
}
"""SHA-256 of what is deployed of them, in the versions that a release was tested with."""
_LEFT_OUT = {"__pycache__", "py.typed"}
_COMPRESSION = 1  # the least: a third of its size in half the time
_NO_STAGING = "aws:cdk:disable-asset-staging"


def runtime_code(scope: Construct) -> lambda_.Code:
    """Return the Lambda code: our packages and what they import that the runtime lacks.

    They are taken from wherever they are installed, so that a checkout and a wheel give the same
    asset, without Docker and without a download. It is one archive: the CDK would read, hash and
    copy half a thousand files one by one.
    """
    if others := [name for name, known in TESTED.items() if digest_of(name) != known]:
        Annotations.of(scope).add_warning_v2(
            "peakfleet:assets.untested",
            f"{' and '.join(others)}, which goes into the functions, is not byte for byte what "
            f"this release was tested with; install the versions of docs/dependencies.md, or "
            f"acknowledge peakfleet:assets.untested if you have tested yours",
        )
    archive = _archive()
    if scope.node.try_get_context(_NO_STAGING):
        atexit.unregister(_remove)  # the template refers to the archive itself
    # The hash is of what is in it, not of how this machine has compressed it.
    return lambda_.Code.from_asset(str(archive), asset_hash=digest_of())


@cache
def _files() -> dict[PurePosixPath, bytes]:
    """Return what is deployed, by its path in the functions."""
    found = {}
    for name in (*_OWN_PACKAGES, *_THIRD_PARTY):
        source = installed(name)
        for file in _files_below(source) if source.is_dir() else [source]:
            if file.name not in _LEFT_OUT and file.suffix != ".pyc":
                path = PurePosixPath(file.relative_to(source.parent).as_posix())
                found[path] = file.read_bytes()
    return dict(sorted(found.items()))


def _files_below(folder: Path) -> Iterator[Path]:
    for below, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in _LEFT_OUT]
        yield from (Path(below, name) for name in names)


@cache
def _archive() -> Path:
    root = Path(tempfile.mkdtemp(prefix="peakfleet-lambda-"))
    atexit.register(_remove, root)
    archive = root / "functions.zip"
    with zipfile.ZipFile(archive, "w") as written:
        for path, content in _files().items():
            info = zipfile.ZipInfo(str(path))  # of 1980, whenever it is written
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            written.writestr(info, content, compresslevel=_COMPRESSION)
    return archive


@cache
def digest_of(name: str = "") -> str:
    """Return the SHA-256 of all that is deployed of a package, with its names; default: of all."""
    digest = hashlib.sha256()
    for path, content in _files().items():
        if not name or path.parts[0] in {name, f"{name}.py"}:
            digest.update(f"{path}\0".encode())
            digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


def _remove(root: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)


def installed(name: str) -> Path:
    """Return where a package is installed, without importing it."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{name} is part of the Lambda code and is not installed")
    origin = Path(spec.origin)
    return origin.parent if spec.submodule_search_locations else origin
