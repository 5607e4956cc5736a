"""ministack, with the resource types that it lacks as mere records; its decisions are written down.

`out/second-opinion/venv/bin/python .ci/second_opinion/emulator.py DECISIONS`, with ministack's own
settings in the environment.
"""

# ruff: noqa: ANN001, ANN002, ANN003, ANN202  ministack has no types
import importlib
import json
import sys
import uuid
from pathlib import Path

from ministack.core import iam_evaluator
from ministack.services import ssm, sts
from ministack.services.cloudformation import provisioners

RECORDED = {
    "AWS::AutoScaling::WarmPool": "",
    "AWS::CloudWatch::CompositeAlarm": "",
    "AWS::EC2::EIP": "eipalloc-",
    "AWS::EC2::FlowLog": "fl-",
    "AWS::EC2::NatGateway": "nat-",
    "AWS::EC2::SecurityGroupEgress": "sgr-",
    "AWS::EC2::SecurityGroupIngress": "sgr-",
}


def _record(prefix: str):
    def create(logical_id, _properties, _stack):
        made = prefix + uuid.uuid4().hex[:17] if prefix else logical_id
        arn = f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{made}"
        return made, {"Arn": arn, "AllocationId": made, "NatGatewayId": made, "Id": made}

    return {
        "create": create,
        "update": lambda physical_id, *_: (physical_id, {}),
        "delete": lambda *_: None,
    }


def _adapted(types) -> None:
    """Record alarms of expressions, which it refuses, and leave out layers of another machine."""
    alarm, function = types["AWS::CloudWatch::Alarm"], types["AWS::Lambda::Function"]
    record = _record("")

    def create_alarm(logical_id, properties, stack):
        chosen = record if properties.get("Metrics") else alarm
        return chosen["create"](logical_id, properties, stack)

    def create_function(logical_id, properties, stack):
        return function["create"](logical_id, {**properties, "Layers": []}, stack)

    types["AWS::CloudWatch::Alarm"] = {**alarm, "create": create_alarm}
    types["AWS::Lambda::Function"] = {**function, "create": create_function}


def _write_decisions(target: Path) -> None:
    """Write who was allowed or denied what, on what; root and the CDK's own roles too."""
    enforce = iam_evaluator.enforce

    def enforced(access_key, action, *where, **more):
        denied = enforce(access_key, action, *where, **more)
        who = sts._sessions.get(access_key, {}).get("Arn", "root")  # noqa: SLF001  as below
        with target.open("a") as file:
            on = more.get("resource_arn", "*")
            file.write(json.dumps([denied is None, who, action, on]) + "\n")
        return denied

    iam_evaluator.enforce = enforced


if __name__ == "__main__":
    types = provisioners._RESOURCE_HANDLERS  # noqa: SLF001  there is no other way in
    types |= {name: _record(prefix) for name, prefix in RECORDED.items()}
    _adapted(types)
    ssm._reserved_name_error = lambda _name: None  # noqa: SLF001  parameters of images are put
    _write_decisions(Path(sys.argv.pop()))
    app = importlib.import_module("ministack.app")
    app.main()
