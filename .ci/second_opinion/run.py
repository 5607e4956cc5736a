"""Deploy the consumer's app and the reference app to an emulator that is not ours, under its IAM.

`make second-opinion` installs what it needs and runs this. The emulator listens on this machine
only, and keeps what it has in out/second-opinion. All functions run under the roles that were
deployed, and nothing may be denied. Then a tick is told of another fleet's groups, and roles lose
their policies, and that must be denied: an emulator that allows everything does not pass.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import boto3

ROOT = Path(__file__).parents[2]
OUT = ROOT / "out" / "second-opinion"
APPS = (ROOT / "examples" / "consumer", ROOT)
DECISIONS, CERTIFICATE = (
    OUT / "kept" / "decisions.jsonl",
    OUT / "kept" / "ministack-tls" / "server.crt",
)
IMAGES = (
    "ami-amazon-linux-latest/al2023-ami-kernel-6.1-arm64",
    "ami-amazon-linux-latest/al2023-ami-kernel-6.1-x86_64",
    "neuron/dlami/base/amazon-linux-2023/latest/image_id",
)
ACCOUNT, REGION = "123456789012", "us-east-1"
SETTINGS = {
    "AUTH": "true",
    "BIND_HOST": "127.0.0.1",
    "IOT_MTLS_ENABLED": "0",
    "MINISTACK_ACCOUNT_ID": ACCOUNT,
    "SFTP_ENABLED": "0",
    "TMPDIR": str(OUT / "kept"),
    "USE_SSL": "1",
}
CLIENTS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_CA_BUNDLE": str(CERTIFICATE),
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_REGION": REGION,
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "NODE_EXTRA_CA_CERTS": str(CERTIFICATE),
}


@contextmanager
def emulator() -> Iterator[None]:
    """Run it until the end of the block; every client of this process is its client."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    shutil.rmtree(OUT / "kept", ignore_errors=True)
    (OUT / "kept").mkdir()
    os.environ |= CLIENTS
    with (OUT / "emulator.log").open("w") as log:
        process = subprocess.Popen(  # noqa: S603  our own program
            [OUT / "venv" / "bin" / "python", Path(__file__).with_name("emulator.py"), DECISIONS],
            cwd=OUT,
            env={**os.environ, **SETTINGS, "GATEWAY_PORT": str(port)},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        while True:
            time.sleep(0.5)
            if process.poll() is not None:
                raise SystemExit(f"the emulator has ended: see {log.name}")
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
        os.environ["AWS_ENDPOINT_URL"] = f"https://localhost:{port}"
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # and the functions that it has started
        process.wait()
        for code in (OUT / "kept").glob("ministack-lambda-*"):
            shutil.rmtree(code, ignore_errors=True)


def cdk(where: Path, *arguments: str) -> None:
    """Run the CDK's own command line."""
    command = [str(ROOT / "node_modules" / ".bin" / "cdk"), *arguments, "--no-notices"]
    quiet = {"CDK_VALIDATION": "false", "CDK_DISABLE_CLI_TELEMETRY": "true"}
    done = subprocess.run(  # noqa: S603  our own tool
        command, cwd=where, env={**os.environ, **quiet}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"cdk {arguments[0]} has failed:\n{done.stdout}\n{done.stderr}")


def decided() -> set[tuple[bool, str, str, str]]:
    """Return whether which function was allowed what, on what, and forget all of it."""
    lines = DECISIONS.read_text().splitlines()
    DECISIONS.unlink()
    return {
        (allowed, who.rpartition("/")[2], action, on)
        for allowed, who, action, on in map(json.loads, lines)
        if "PeakFleetControlPlane" in who
    }


@cache
def client(service: str) -> Any:  # noqa: ANN401  boto3 makes its clients at run time
    """Return a client of the emulator, as root."""
    return boto3.Session().client(service)


def scheduled() -> list[tuple[str, dict[str, Any]]]:
    """Return the function and the payload of each schedule."""
    targets = [
        client("scheduler").get_schedule(Name=one["Name"])["Target"]
        for one in client("scheduler").list_schedules()["Schedules"]
    ]
    return [(one["Arn"].rpartition(":")[2], json.loads(one["Input"])) for one in targets]


def listeners() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the functions that take events, and whose."""
    for one in client("lambda").list_functions()["Functions"]:
        if fleets := one.get("Environment", {}).get("Variables", {}).get("PEAKFLEET_SCHEDULES"):
            yield one["FunctionName"], json.loads(fleets)


def invoke(function: str, payload: Mapping[str, Any]) -> None:
    """Run a function as AWS would."""
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    text = json.dumps(payload).replace("<aws.scheduler.scheduled-time>", now)
    answer = client("lambda").invoke(FunctionName=function, Payload=text.encode())
    if "FunctionError" in answer:
        raise SystemExit(f"{function} has failed: {answer['Payload'].read().decode()}")


def demand(spec: Mapping[str, Any]) -> None:
    """Publish much of whatever a fleet reads, for the last minutes."""
    metrics = [
        metric
        for one in spec["signals"]
        for metric in [*one.get("metrics", {}).values(), one.get("visible")]
        if metric
    ]
    for metric in metrics:
        point = {
            "MetricName": metric["metric_name"],
            "Dimensions": [
                {"Name": name, "Value": value}
                for name, value in metric.get("dimensions", {}).items()
            ],
            "Value": 1e5,
        }
        client("cloudwatch").put_metric_data(
            Namespace=metric["namespace"],
            MetricData=[{**point, "Timestamp": time.time() - 60 * ago} for ago in range(6)],
        )


def happenings(spec: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what AWS may tell of a fleet."""
    envelope = {"account": ACCOUNT, "region": REGION, "time": f"{datetime.now(UTC):%FT%TZ}"}
    group = spec["pools"][0]["group"]
    yield {
        **envelope,
        "id": "1",
        "source": "aws.autoscaling",
        "detail-type": "EC2 Instance Launch Unsuccessful",
        "detail": {
            "AutoScalingGroupName": group,
            "StatusCode": "Failed",
            "StatusMessage": "We currently do not have sufficient capacity",
        },
    }
    yield {
        **envelope,
        "id": "2",
        "source": "aws.ec2",
        "detail-type": "EC2 Spot Instance Interruption Warning",
        "detail": {"instance-id": "i-0123456789abcdef0", "instance-action": "terminate"},
    }


def opinions() -> Iterator[tuple[str, bool]]:
    """Yield what must be true, and whether it is."""
    ticks = scheduled()
    specs = [payload["spec"] for _, payload in ticks]
    heard = [
        (function, event)
        for function, fleets in listeners()
        for spec in specs
        if spec["fleet"] in fleets
        for event in happenings(spec)
    ]
    for spec in specs:
        demand(spec)
    DECISIONS.unlink()
    function, payload = next(one for one in ticks if "Scaler" in one[0])
    other = next(one["spec"] for name, one in ticks if "Scaler" in name and name != function)
    pools = [{**one, "group": other["pools"][0]["group"]} for one in payload["spec"]["pools"]]
    invoke(function, {**payload, "spec": {**payload["spec"], "pools": pools, "state_table": None}})
    yield (
        "a tick that is told of another stack's group may not size it",
        any(
            not allowed and action == "autoscaling:SetDesiredCapacity"
            for allowed, _, action, _ in decided()
        ),
    )

    for function, payload in [*heard, *ticks, *ticks]:
        invoke(function, payload)
    seen = decided()
    refused = sorted(one for one in seen if not one[0])
    for _, *denied in refused:
        say(f"  denied: {' '.join(denied)}")
    say(f"asked for: {', '.join(sorted({action for _, _, action, _ in seen}))}")
    yield f"{len(ticks)} schedules and {len(heard)} events run, and nothing is denied", not refused
    groups = client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    yield "their ticks have sized groups", any(one["DesiredCapacity"] for one in groups)

    functions = {name for name, _ in [*ticks, *heard]}
    for one in client("lambda").list_functions()["Functions"]:
        role = one["Role"].rpartition("/")[2]
        if one["FunctionName"] in functions:
            for policy in client("iam").list_role_policies(RoleName=role)["PolicyNames"]:
                client("iam").delete_role_policy(RoleName=role, PolicyName=policy)
    for name, payload in [*ticks, *heard]:
        with suppress(SystemExit):  # an event that cannot be written down has to fail
            invoke(name, payload)
    without = {who for allowed, who, _, _ in decided() if not allowed}
    yield "without its policies every function is denied something", functions <= without


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run it all; return whether anything was not as it must be."""
    wrong = 0
    with emulator(), tempfile.TemporaryDirectory() as empty:
        for image in IMAGES:
            client("ssm").put_parameter(
                Name=f"/aws/service/{image}", Value="ami-0123456789abcdef0", Type="String"
            )
        # Where a cdk.json is, bootstrap would synthesize the whole app first.
        cdk(Path(empty), "bootstrap", f"aws://{ACCOUNT}/{REGION}")
        for app in APPS:
            cdk(
                app,
                "deploy",
                "--all",
                "--require-approval",
                "never",
                "--output",
                f"{empty}/{app.name}",
            )
            say(f"deployed: {app.relative_to(ROOT)}")
        for what, holds in opinions():
            say(f"{'yes' if holds else 'NO'}: {what}")
            wrong += not holds
        for app in reversed(APPS):
            cdk(app, "destroy", "--all", "--force", "--output", f"{empty}/{app.name}")
        left = [
            one["StackName"]
            for one in client("cloudformation").describe_stacks()["Stacks"]
            if one["StackName"] != "CDKToolkit"
        ]
        say(f"{'NO' if left else 'yes'}: nothing is left, {left}")
        wrong += bool(left)
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
