"""Functions and schedules as a deployment leaves them, made without one."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from peakfleet_local import LocalAws

Client = Any
"""A client of boto3, which makes them at run time."""
Json = Any
"""Whatever a request can carry."""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": ["lambda.amazonaws.com", "scheduler.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        }
    ],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What Invoke returned."""

    failed: bool
    payload: Json


def create_function(
    aws: LocalAws, name: str, files: Mapping[str, str], *, timeout: int = 20, **more: Json
) -> str:
    """Deploy files as a function whose handler is index.handler; return its ARN."""
    answer = aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role(aws),
        Handler="index.handler",
        Timeout=timeout,
        Code={"ZipFile": zipped(files)},
        **more,
    )
    return str(answer["FunctionArn"])


def role(aws: LocalAws) -> str:
    iam = aws.client("iam")
    try:
        answer = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(TRUST))
    except iam.exceptions.EntityAlreadyExistsException:
        answer = iam.get_role(RoleName="r")
    return str(answer["Role"]["Arn"])


def zipped(files: Mapping[str, str]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return data.getvalue()


def invoke(aws: LocalAws, name: str, event: object = None) -> Answer:
    answer = aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
    return Answer(failed="FunctionError" in answer, payload=json.loads(answer["Payload"].read()))


def create_schedule(
    aws: LocalAws,
    name: str,
    target: str,
    payload: object,
    *,
    expression: str = "rate(1 minutes)",
    **more: Json,
) -> None:
    aws.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression=expression,
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": target, "RoleArn": role(aws), "Input": json.dumps(payload)},
        **more,
    )
