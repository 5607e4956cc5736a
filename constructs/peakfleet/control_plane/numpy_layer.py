"""numpy for the learner's function: fetched once per machine, packed with a stable hash."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from peakfleet.control_plane.plane_function import ARCHITECTURE, RUNTIME
from peakfleet_planner import SpecError

VERSION = "2.5.5"
_LAYER_ID = "PeakFleetNumpy"
FETCH_COMMAND = "python -m peakfleet.prefetch"
_WITHOUT_PIP = f"uv run --with pip {FETCH_COMMAND}"
SHA256 = "ae2b8285d0b4eed24739c3ca9ec0fa424a0247489c01e1d5fe2815a599e11d33"
_RECIPE = 1  # counts up when the layer is made of the wheel in another way
ASSET_HASH = hashlib.sha256(f"{SHA256} {_RECIPE}".encode()).hexdigest()
_PYTHON = "3.13"
_PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64")
_LEFT_OUT_FOLDERS = frozenset({"tests", "include", "__pycache__"})
_LEFT_OUT_SUFFIXES = frozenset({".pyi", ".pxd", ".a"})
_USER_ID = os.getuid() if hasattr(os, "getuid") else 0  # as stat says on Windows
_TIMESTAMP = (1980, 1, 1, 0, 0, 0)


def layer_file() -> Path:
    """Return where the layer lies once it has been fetched: in the user's cache.

    Without a home that can be written it is a folder of the user's own for temporary files.
    """
    cache = os.environ.get("XDG_CACHE_HOME") or Path(os.environ.get("HOME", "/")) / ".cache"
    kept = Path(cache) / "peakfleet" / f"numpy-{VERSION}-{ASSET_HASH[:12]}.zip"
    if kept.is_file() or _is_own(kept.parent):
        return kept
    temporary = Path(tempfile.gettempdir()) / f"peakfleet-{_USER_ID}" / kept.name
    return temporary if _is_own(temporary.parent) else kept


def _is_own(folder: Path) -> bool:
    """Return whether a folder can be written, and nobody else has put anything there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.access(folder, os.W_OK) and folder.stat().st_uid == _USER_ID
    except OSError:
        return False


def fetch(wheel: Path | None = None) -> Path:
    """Make the layer of numpy's wheel, unless it is there already.

    Args:
        wheel: The wheel, fetched in another way. Default: pip downloads it from its index.

    Raises:
        RuntimeError: That wheel is not to be had; the message says how it can be.
    """
    target = layer_file()
    if not target.is_file():
        try:
            with tempfile.TemporaryDirectory(dir=target.parent) as folder:
                made = Path(folder) / target.name
                make_layer(_checked(wheel) if wheel else _downloaded(Path(folder)), made)
                made.replace(target)  # whole or not at all, also with two at once
        except OSError as error:
            raise RuntimeError(
                f"{error}; set XDG_CACHE_HOME to a folder that can be written"
            ) from error
    return target


def _checked(wheel: Path) -> Path:
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != SHA256:
        raise RuntimeError(
            f"{wheel} is not the wheel of numpy {VERSION} for Lambda, whose SHA-256 is {SHA256}: "
            f"CPython {_PYTHON}, {_PLATFORMS[0]}"
        )
    return wheel


def make_layer(wheel: Path, target: Path) -> None:
    """Write the layer that a wheel makes: what runs, without tests and development files."""
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(target, "w") as layer:
        for entry in sorted(source.infolist(), key=lambda entry: entry.filename):
            if entry.is_dir() or not _runs(PurePosixPath(entry.filename)):
                continue
            info = zipfile.ZipInfo(f"python/{entry.filename}", _TIMESTAMP)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            layer.writestr(info, source.read(entry))


def _runs(path: PurePosixPath) -> bool:
    if path.parts[0].endswith(".dist-info"):
        return True  # with the licences, which go where the code goes
    return not _LEFT_OUT_FOLDERS & set(path.parts[:-1]) and path.suffix not in _LEFT_OUT_SUFFIXES


def _downloaded(folder: Path) -> Path:
    """Return the wheel; pip refuses one with another hash."""
    wanted = folder / "wanted.txt"
    wanted.write_text(f"numpy=={VERSION} --hash=sha256:{SHA256}\n")
    platforms = [part for platform in _PLATFORMS for part in ("--platform", platform)]
    done = subprocess.run(  # noqa: S603  the arguments are our own
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--only-binary", ":all:", "--python-version", _PYTHON, *platforms),
            *("--require-hashes", "--requirement", str(wanted), "--dest", str(folder)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    wheels = list(folder.glob("numpy-*.whl"))
    if done.returncode or len(wheels) != 1:
        without_pip = "No module named pip" in done.stderr
        raise RuntimeError(
            f"numpy {VERSION} for Lambda could not be fetched: {done.stderr.strip()}"
            + f". Without pip: `{_WITHOUT_PIP}`, or `{FETCH_COMMAND} WHEEL` with a wheel that was "
            f"fetched in another way" * without_pip
        )
    return wheels[0]


def numpy_layer(scope: Construct) -> lambda_.ILayerVersion:
    """Return the layer that the learners of a stack share, defining it once."""
    stack = Stack.of(scope)
    found = stack.node.try_find_child(_LAYER_ID)
    if isinstance(found, lambda_.LayerVersion):
        return found
    try:
        file = fetch()
    except RuntimeError as error:
        raise SpecError(
            f"foresight needs numpy for Lambda, which is not at {layer_file()} and "
            f"cannot be fetched now: run `{FETCH_COMMAND}` once with a network, "
            f"or say foresight=Foresight.off(). {error}"
        ) from error
    return lambda_.LayerVersion(
        stack,
        _LAYER_ID,
        description=f"numpy {VERSION} for what learns demand",
        # The hash is of what was fetched, not of how this machine has compressed it.
        code=lambda_.Code.from_asset(str(file), asset_hash=ASSET_HASH),
        compatible_runtimes=[RUNTIME],
        compatible_architectures=[ARCHITECTURE],
        license="BSD-3-Clause",
    )
