"""The service model that functions bring along, so that no runtime's boto3 decides what they can.

`python -m tests.handlers.test_service_model` writes it anew from the installed botocore.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from peakfleet_handlers.aws import Clients
from peakfleet_handlers.aws.clients import MODELS

HANDLERS = MODELS.parents[1]
MODEL = MODELS / "autoscaling" / "2011-01-01" / "service-2.json"
METHODS = re.compile(r"(?<!boto3_)autoscaling\.(?:get_paginator\(\"([a-z_]+)\"\)|([a-z_]+)\b)")
DESCRIBED = {"documentation", "examples"}


def operations() -> set[str]:
    """Return what handlers call of EC2 Auto Scaling, as boto3 names it."""
    return {
        name
        for path in HANDLERS.rglob("*.py")
        for pair in METHODS.findall(path.read_text("utf-8"))
        for name in pair
        if name
    }


def pruned() -> dict[str, Any]:
    """Return the model of the operations that handlers call, without words."""
    loader = botocore.session.get_session().get_component("data_loader")
    whole = loader.load_service_model("autoscaling", "service-2")
    known = {name.lower(): name for name in whole["operations"]}
    kept = sorted(known[name.replace("_", "")] for name in operations())
    wanted = {name: _wordless(whole["operations"][name]) for name in kept}
    shapes: dict[str, Any] = {}
    waiting = [wanted]
    while waiting:
        for name in _shapes(waiting.pop()):
            if name not in shapes:
                shapes[name] = _wordless(whole["shapes"][name])
                waiting.append(shapes[name])
    return {
        "version": whole["version"],
        "metadata": whole["metadata"],
        "operations": wanted,
        "shapes": dict(sorted(shapes.items())),
    }


def _wordless(value: Any) -> Any:  # noqa: ANN401  JSON data
    if isinstance(value, dict):
        return {
            key: _wordless(one)
            for key, one in value.items()
            if not (key in DESCRIBED and isinstance(one, str | list))
        }
    return [_wordless(one) for one in value] if isinstance(value, list) else value


def _shapes(value: Any) -> set[str]:  # noqa: ANN401  as above
    if isinstance(value, dict):
        own = {value["shape"]} if isinstance(value.get("shape"), str) else set()
        return own.union(*(_shapes(one) for one in value.values()))
    return set().union(*map(_shapes, value)) if isinstance(value, list) else set()


def written() -> str:
    return json.dumps(pruned(), separators=(",", ":")) + "\n"


def test_it_is_what_botocore_says_of_the_calls_that_handlers_make() -> None:
    assert MODEL.read_text("utf-8") == written()


def test_it_has_every_call_that_handlers_make() -> None:
    assert {"launch_instances", "set_desired_capacity", "describe_warm_pool"} <= operations()
    client = Clients().autoscaling
    assert all(hasattr(client, name) for name in operations())


def test_a_runtime_that_knows_no_launch_instances_has_it_all_the_same(tmp_path: Path) -> None:
    """An older botocore: its own model comes after ours, and lacks what is newer than it."""
    older = json.loads(written())
    del older["operations"]["LaunchInstances"]
    folder = tmp_path / "autoscaling" / "2011-01-01"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text(json.dumps(older), "utf-8")
    code = (
        "import botocore.loaders, boto3; "
        f"botocore.loaders.Loader.BUILTIN_DATA_PATH = {str(tmp_path)!r}; "
        "botocore.loaders.Loader.CUSTOMER_DATA_PATH = botocore.__path__[0] + '/data'; "
        "from peakfleet_handlers.aws import Clients; "
        "print(hasattr(Clients().autoscaling, 'launch_instances'))"
    )
    region = {"AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run(  # noqa: S603  the test's own command
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **region},
    )
    assert done.stdout.strip() == "True"


@pytest.fixture(autouse=True)
def _region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


if __name__ == "__main__":
    MODEL.parent.mkdir(parents=True, exist_ok=True)
    MODEL.write_text(written(), "utf-8")
