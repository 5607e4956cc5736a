"""Deployed code runs as in Lambda: on its own, warm, with an end to its time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from peakfleet_local import LocalAws
from tests.local.deployed import create_function, invoke, role, zipped


def handler(body: str, head: str = "") -> dict[str, str]:
    return {"index.py": f"{head}\ndef handler(event, context):\n    {body}\n"}


def test_a_handler_gets_the_event_and_its_answer_comes_back(aws: LocalAws) -> None:
    create_function(aws, "f", handler("return {'twice': event['n'] * 2}"))
    answer = invoke(aws, "f", {"n": 21})
    assert (answer.failed, answer.payload) == (False, {"twice": 42})


def test_code_comes_from_the_deployment_and_not_from_the_checkout(aws: LocalAws) -> None:
    import_it = "import peakfleet_planner"
    files = handler("return peakfleet_planner.__file__", import_it)
    create_function(aws, "with", {**files, "peakfleet_planner/__init__.py": ""})
    create_function(aws, "without", files)
    found = Path(str(invoke(aws, "with").payload))
    checkout = Path(__file__).resolve().parents[2]
    assert found.parts[-2:] == ("peakfleet_planner", "__init__.py")
    assert checkout not in found.resolve().parents
    assert invoke(aws, "without").payload["errorType"] == "ModuleNotFoundError"


@pytest.mark.parametrize("package", ["moto", "numpy", "aws_cdk", "aws_lambda_powertools"])
def test_what_lambda_does_not_bring_must_be_deployed(aws: LocalAws, package: str) -> None:
    create_function(aws, "f", handler("return 1", f"import {package}"))
    assert invoke(aws, "f").payload["errorMessage"] == f"No module named '{package}'"


def test_a_layer_lends_the_packages_that_it_names_as_they_are_installed_here(
    aws: LocalAws,
) -> None:
    for_another_chip = {"python/numpy/__init__.py": "", "python/numpy/core.so": "of another chip"}
    layer = aws.client("lambda").publish_layer_version(
        LayerName="l", Content={"ZipFile": zipped(for_another_chip)}
    )["LayerVersionArn"]
    files = handler("return int(numpy.ones(3).sum())", "import numpy")
    create_function(aws, "with", files, Layers=[layer])
    create_function(aws, "without", files)
    assert invoke(aws, "with").payload == 3
    assert invoke(aws, "without").payload["errorMessage"] == "No module named 'numpy'"


def test_boto3_is_there_and_speaks_to_the_local_aws(aws: LocalAws) -> None:
    body = "return boto3.client('sqs').create_queue(QueueName='q')['QueueUrl']"
    create_function(aws, "f", handler(body, "import boto3"))
    assert invoke(aws, "f").payload == aws.client("sqs").get_queue_url(QueueName="q")["QueueUrl"]


def test_a_function_stays_warm(aws: LocalAws) -> None:
    create_function(aws, "f", handler("count.append(1); return len(count)", "count = []"))
    assert [invoke(aws, "f").payload for _ in range(3)] == [1, 2, 3]


def test_functions_share_no_process(aws: LocalAws) -> None:
    for name in ("f", "g"):
        create_function(aws, name, handler("return os.getpid()", "import os"))
    pids = {invoke(aws, "f").payload, invoke(aws, "g").payload, os.getpid()}
    assert len(pids) == 3


def test_new_code_replaces_the_old(aws: LocalAws) -> None:
    create_function(aws, "f", handler("return 'old'"))
    assert invoke(aws, "f").payload == "old"
    code = zipped(handler("return 'new'"))
    aws.client("lambda").update_function_code(FunctionName="f", ZipFile=code)
    assert invoke(aws, "f").payload == "new"


def test_a_function_that_takes_too_long_is_ended_and_the_next_one_starts_cold(
    aws: LocalAws,
) -> None:
    body = "count.append(1); print('begun', flush=True); time.sleep(event); return len(count)"
    create_function(aws, "f", handler(body, "import time\ncount = []"), timeout=1)
    assert invoke(aws, "f", 0).payload == 1
    late = invoke(aws, "f", 60)
    assert late.failed
    assert late.payload["errorMessage"].endswith("Task timed out after 1.00 seconds")
    assert invoke(aws, "f", 0).payload == 1
    assert aws.logs("f") == ["begun"] * 3


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ("raise ValueError('no')", "ValueError", "no"),
        ("return object()", "TypeError", "Object of type object is not JSON serializable"),
        ("os._exit(3)", "Runtime.ExitError", "Runtime exited"),
    ],
)
def test_a_failure_is_answered_as_aws_does_and_does_not_last(
    aws: LocalAws, body: str, kind: str, message: str
) -> None:
    guarded = f"if event: return 'well'\n    {body}"
    create_function(aws, "f", handler(guarded, "import os"))
    answer = invoke(aws, "f")
    assert (answer.failed, answer.payload["errorType"]) == (True, kind)
    assert message in answer.payload["errorMessage"]
    assert invoke(aws, "f", 1).payload == "well"


def test_a_runtime_that_is_not_python_is_refused(aws: LocalAws) -> None:
    aws.client("lambda").create_function(
        FunctionName="f",
        Runtime="nodejs22.x",
        Role=role(aws),
        Handler="index.handler",
        Code={"ZipFile": zipped({"index.js": ""})},
    )
    answer = invoke(aws, "f")
    assert "runs Python functions only, not nodejs22.x" in answer.payload["errorMessage"]


def test_the_context_tells_what_it_tells_in_lambda(aws: LocalAws) -> None:
    body = (
        "return [context.function_name, context.invoked_function_arn, context.memory_limit_in_mb,"
        " 0 < context.get_remaining_time_in_millis() <= 7000, len(context.aws_request_id)]"
    )
    arn = create_function(aws, "f", handler(body), timeout=7, MemorySize=256)
    assert invoke(aws, "f").payload == ["f", arn, "256", True, 36]


def test_a_function_sees_its_own_variables_and_not_those_of_this_process(
    aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_PARENT", "secret")
    body = "return [os.environ.get('MINE'), os.environ.get('OF_THE_PARENT')]"
    variables = {"Variables": {"MINE": "yes"}}
    create_function(aws, "f", handler(body, "import os"), Environment=variables)
    assert invoke(aws, "f").payload == ["yes", None]


def test_what_is_printed_is_logged_and_what_is_embedded_becomes_a_metric(aws: LocalAws) -> None:
    document = (
        '{"_aws": {"Timestamp": 60000, "CloudWatchMetrics": [{"Namespace": "N", '
        '"Dimensions": [["Fleet"]], "Metrics": [{"Name": "Ticks"}]}]}, "Fleet": "x", "Ticks": 1}'
    )
    create_function(aws, "f", handler(f"print('plain'); print({document!r})"))
    invoke(aws, "f")
    assert aws.logs("f") == ["plain", document]
    events = aws.client("logs").filter_log_events(logGroupName="/aws/lambda/f")["events"]
    assert [event["message"] for event in events] == ["plain", document]
    rows = aws.metrics.read(
        namespace="N",
        name="Ticks",
        dimensions={"Fleet": "x"},
        start_epoch_seconds=0,
        end_epoch_seconds=120,
        period_seconds=60,
        statistic="Sum",
    )
    assert rows == [(60, 1.0)]


@pytest.mark.parametrize(("after", "made"), [(False, 0), (True, 1)])
def test_an_invocation_can_be_ended_before_or_after_a_call_and_the_next_one_lives(
    aws: LocalAws,
    after: bool,  # noqa: FBT001  pytest's
    made: int,
) -> None:
    code = (
        "import boto3\n"
        "def handler(event, context):\n"
        "    boto3.client('sqs').create_queue(QueueName='q')\n"
        "    return 'lived'\n"
    )
    create_function(aws, "mortal", {"index.py": code})
    aws.kill_at("mortal", "CreateQueue", after=after)
    assert invoke(aws, "mortal").payload["errorType"] == "Runtime.ExitError"
    assert len(aws.client("sqs").list_queues().get("QueueUrls", [])) == made
    assert invoke(aws, "mortal").payload == "lived"


def test_a_runtime_may_be_too_old_for_an_operation_and_a_deployed_sdk_is_not(
    aws: LocalAws,
) -> None:
    ask = "import boto3\nHAS = hasattr(boto3.client('autoscaling'), 'launch_instances')"
    create_function(aws, "f", handler("return HAS", ask))
    assert invoke(aws, "f").payload is True
    aws.age_sdk("autoscaling:LaunchInstances")
    assert invoke(aws, "f").payload is False
    bundled = "import botocore.loaders as l\nDATA = l.JSONFileLoader().load_file('service-2')"
    service = '{"operations": {"LaunchInstances": {}}}'
    files = handler("return sorted(DATA['operations'])", bundled)
    create_function(aws, "own", {**files, "service-2.json": service})
    assert invoke(aws, "own").payload == ["LaunchInstances"]
    aws.age_sdk()
    assert invoke(aws, "f").payload is True
