"""Code that is deployed: our own packages as they are installed, and what the runtime lacks."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

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
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "py.typed")
_NO_STAGING = "aws:cdk:disable-asset-staging"


def runtime_code(scope: Construct) -> lambda_.Code:
    """Return the Lambda code: our packages and what they import that the runtime lacks.

    They are copied from wherever they are installed, so that a checkout and a wheel give the
    same asset, without Docker and without a download.
    """
    root = _staged()
    if others := [name for name, known in TESTED.items() if digest_of(root, name) != known]:
        Annotations.of(scope).add_warning_v2(
            "peakfleet:assets.untested",
            f"{' and '.join(others)}, which goes into the functions, is not byte for byte what "
            f"this release was tested with; install the versions of docs/dependencies.md, or "
            f"acknowledge peakfleet:assets.untested if you have tested yours",
        )
    if scope.node.try_get_context(_NO_STAGING):
        atexit.unregister(_remove)  # the template refers to the folder itself
    return lambda_.Code.from_asset(str(root))


@cache
def _staged() -> Path:
    root = Path(tempfile.mkdtemp(prefix="peakfleet-lambda-"))
    atexit.register(_remove, root)
    for name in (*_OWN_PACKAGES, *_THIRD_PARTY):
        source = installed(name)
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=_LEFT_OUT)
        else:
            shutil.copy(source, root / source.name)
    return root


@cache
def digest_of(root: Path, name: str) -> str:
    """Return the SHA-256 of all files of a package below *root*, with their names."""
    digest = hashlib.sha256()
    for file in sorted(path for path in root.glob(f"{name}*") for path in (path, *path.rglob("*"))):
        if file.is_file():
            digest.update(f"{file.relative_to(root).as_posix()}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
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
