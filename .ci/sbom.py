"""Write what is pinned, as a CycloneDX 1.6 document: `python .ci/sbom.py FILE`."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from peakfleet.control_plane import numpy_layer

ROOT = Path(__file__).parents[1]


def python_components() -> Iterator[dict[str, Any]]:
    """Yield the packages of requirements.txt, each with the hashes of its files."""
    text = (ROOT / "requirements.txt").read_text().replace("\\\n", " ")
    for name, version, rest in re.findall(r"^([\w.-]+)==(\S+)(.*)$", text, flags=re.MULTILINE):
        hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})", rest)
        if not hashes:
            raise ValueError(f"{name} has no hash in requirements.txt")
        yield _component("pypi", name, version, [("SHA-256", one) for one in hashes])


def layer_components() -> Iterator[dict[str, Any]]:
    """Yield the wheel that the learner's layer is made of."""
    hashes = [("SHA-256", numpy_layer.SHA256)]
    yield _component("pypi", "numpy", numpy_layer.VERSION, hashes, scope="required")


def node_components() -> Iterator[dict[str, Any]]:
    """Yield the packages of package-lock.json."""
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    for path, one in packages.items():
        if path:
            yield _component("npm", path.rpartition("node_modules/")[2], one["version"], [])


def _component(
    kind: str, name: str, version: str, hashes: list[tuple[str, str]], scope: str = "optional"
) -> dict[str, Any]:
    purl = f"pkg:{kind}/{name.replace('@', '%40')}@{version}"
    return {
        "type": "library",
        "bom-ref": f"{purl}#{scope}",
        "name": name,
        "version": version,
        "purl": purl,
        "scope": scope,
        **(
            {"hashes": [{"alg": algorithm, "content": value} for algorithm, value in hashes]}
            if hashes
            else {}
        ),
    }


def document() -> dict[str, Any]:
    """Return the whole document; the same pins give the same document."""
    project = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    if project is None:
        raise ValueError("pyproject.toml names no version")
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {"type": "library", "name": "peakfleet", "version": project.group(1)}
        },
        "components": [*python_components(), *layer_components(), *node_components()],
    }


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    made = document()
    target.write_text(json.dumps(made, indent=2) + "\n")
    sys.stdout.write(f"{len(made['components'])} components: {target}\n")
