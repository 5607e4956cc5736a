"""A stand-in for the CDK CLI: deploys one fleet with boto3, or does what FAKE_CDK names.

Copied into an app folder as `node_modules/.bin/cdk`, so it imports nothing of the tests.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import boto3

SPEC = {
    "version": 1,
    "fleet": "Media/Live",
    "pools": [
        {"name": "Graviton", "group": "live", "units_per_capacity": 100.0, "max_capacity": 40}
    ],
    "signals": [
        {
            "kind": "rate",
            "name": "streams",
            "metrics": {"m": {"namespace": "Live", "metric_name": "Streams"}},
            "expression": "m",
        }
    ],
    "baseline": {"kind": "fixed", "units": 2000.0},
}
PLAN = {
    "version": 1,
    "pools": [{"name": "Graviton", "desired_capacity": 0, "seen_capacity": 0, "units": 0.0}],
    "reason": "baseline-suffices",
}
HANDLERS = {
    "works": f"def handler(event, context):\n    return {PLAN!r}\n",
    "broken": "def handler(event, context):\n    raise ValueError('no permission')\n",
}


def main() -> None:
    what = os.environ.get("FAKE_CDK", "works")
    if "deploy" in sys.argv:
        if what == "hangs":
            hang(Path("lock"))
        sys.stdout.write("deploying the fleet\n")
        sys.stdout.flush()
        if what == "fails":
            sys.exit("the stack cannot be made")
        deploy(HANDLERS[what])
        templates = Path(sys.argv[sys.argv.index("--output") + 1])
        (templates / "manifest.json").write_text(json.dumps({"artifacts": {}}))


def deploy(handler: str) -> None:
    role = boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", handler)
    function = boto3.client("lambda").create_function(
        FunctionName="tick",
        Runtime="python3.13",
        Role=role["Role"]["Arn"],
        Handler="index.handler",
        Timeout=20,
        Code={"ZipFile": code.getvalue()},
    )
    payload = {"scheduled_time": "<aws.scheduler.scheduled-time>", "spec": SPEC}
    boto3.client("scheduler").create_schedule(
        Name="tick",
        ScheduleExpression="rate(1 minutes)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": function["FunctionArn"],
            "RoleArn": role["Role"]["Arn"],
            "Input": json.dumps(payload),
        },
    )


def hang(lock: Path) -> None:
    """Sleep together with a child; both hold the lock for as long as they live."""
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        sleeper = [sys.executable, "-c", "import time; time.sleep(300)"]
        with subprocess.Popen(sleeper, pass_fds=[held.fileno()]):  # noqa: S603  this Python
            lock.with_name("hanging").touch()
            time.sleep(300)


if __name__ == "__main__":
    main()
