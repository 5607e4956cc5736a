"""Functions that a template brings run while its stack is made."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from peakfleet_local import LocalAws
from tests.local.stacks import change, custom, ids, outputs

RESPOND = """
import json, urllib.request
def handler(event, context):
    answer = {
        "Status": "%s", "Reason": "too small", "PhysicalResourceId": "thing-1",
        "Data": {"Seen": json.dumps(event["ResourceProperties"]["Size"])},
    }
    data = json.dumps(answer).encode()
    kind = {"Content-Type": ""}
    request = urllib.request.Request(event["ResponseURL"], data, kind, method="PUT")
    urllib.request.urlopen(request)
"""


def test_a_custom_resource_is_made_by_its_function_before_it_is_used(aws: LocalAws) -> None:
    seen = {"Seen": {"Value": {"Fn::GetAtt": ["Thing", "Seen"]}}}
    change(aws, "s", custom(RESPOND % "SUCCESS", Size=5), Outputs=seen)
    assert ids(aws, "s")["Thing"] == "thing-1"
    assert outputs(aws, "s") == {"Seen": '"5"'}


def test_a_custom_resource_that_fails_says_why(aws: LocalAws) -> None:
    with pytest.raises(ClientError, match=r"Thing \(Custom::Thing\): .*too small"):
        change(aws, "s", custom(RESPOND % "FAILED", Size=5))


def test_a_custom_resource_that_never_answers_says_what_its_function_said(aws: LocalAws) -> None:
    code = "def handler(event, context):\n    raise KeyError('oops')\n"
    with pytest.raises(ClientError, match=r"sent no response: .*oops"):
        change(aws, "s", custom(code))


def test_a_function_logs_where_its_template_says(aws: LocalAws) -> None:
    resources = custom("def handler(event, context):\n    print('here')\n")
    del resources["Thing"]
    resources["Logs"] = {"Type": "AWS::Logs::LogGroup"}
    resources["Function"]["Properties"]["LoggingConfig"] = {"LogGroup": {"Ref": "Logs"}}
    change(aws, "s", resources)
    made = ids(aws, "s")
    aws.client("lambda").invoke(FunctionName=made["Function"])
    events = aws.client("logs").filter_log_events(logGroupName=made["Logs"])["events"]
    assert [event["message"] for event in events] == ["here"]
