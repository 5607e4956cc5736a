"""An AWS of dictionaries: the calls that tick and learner make, and what they change."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NoReturn, cast

from botocore.exceptions import ClientError

from peakfleet_handlers.clients import Clients

READS = ("GetMetricData", "DescribeAutoScalingGroups", "Query")
RECORD = "TransactWriteItems"
WRITES = (RECORD, "PutItem", "UpdateItem", "SetDesiredCapacity", "ModifyListener")


@dataclass(slots=True, kw_only=True)
class FakeGroup:
    """An Auto Scaling group; instances are in service as soon as they are desired."""

    desired: int = 0
    minimum: int = 0
    maximum: int = 100
    instances: list[dict[str, str]] | None = None

    def running(self) -> list[dict[str, str]]:
        return [instance()] * self.desired if self.instances is None else self.instances


def instance(state: str = "InService", health: str = "Healthy", weight: str = "") -> dict[str, str]:
    shown = {"LifecycleState": state, "HealthStatus": health}
    return {**shown, "WeightedCapacity": weight} if weight else shown


@dataclass(kw_only=True)
class FakeAws:
    """CloudWatch, Auto Scaling, DynamoDB and Elastic Load Balancing in one.

    `failing` maps an operation, or `operation subject`, to the error code that it answers.
    """

    metrics: dict[str, dict[int, float]] = field(default_factory=dict)
    statuses: dict[str, str] = field(default_factory=dict)
    groups: dict[str, FakeGroup] = field(default_factory=dict)
    table: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    weights: dict[str, int] = field(default_factory=dict)
    failing: dict[str, str] = field(default_factory=dict)
    page_size: int = 1000
    seconds_per_call: float = 0
    elapsed_seconds: float = 0
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def clients(self) -> Clients:
        return cast("Clients", self)

    @property
    def cloudwatch(self) -> FakeAws:
        return self

    autoscaling = dynamodb = elbv2 = cloudwatch

    @property
    def desired(self) -> dict[str, int]:
        return {name: group.desired for name, group in self.groups.items()}

    def counted(self) -> Counter[str]:
        return Counter(operation for operation, _ in self.calls)

    def written(self) -> list[str]:
        return [operation for operation, _ in self.calls if operation in WRITES]

    def get_metric_data(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  AWS's own shape
        self._called("GetMetricData", "", asked)
        results = [self._result(query, asked) for query in asked["MetricDataQueries"]]
        return self._page(results, "MetricDataResults", asked)

    def describe_auto_scaling_groups(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        self._called("DescribeAutoScalingGroups", "", asked)
        found = [
            {
                "AutoScalingGroupName": name,
                "DesiredCapacity": group.desired,
                "MinSize": group.minimum,
                "MaxSize": group.maximum,
                "Instances": group.running(),
            }
            for name in asked["AutoScalingGroupNames"]
            if (group := self.groups.get(name))
        ]
        return self._page(found, "AutoScalingGroups", asked)

    def set_desired_capacity(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        name, capacity = asked["AutoScalingGroupName"], asked["DesiredCapacity"]
        self._called("SetDesiredCapacity", name, asked)
        group = self.groups[name]
        if capacity > group.maximum:
            _refuse("ValidationError", f"New value {capacity} is above max value {group.maximum}")
        group.desired = capacity
        return {}

    def query(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        self._called("Query", "", asked)
        fleet = asked["ExpressionAttributeValues"][":fleet"]["S"]
        least = asked["ExpressionAttributeValues"][":hold"]["S"]
        keys = sorted(key for key in self.table if key[0] == fleet and key[1] >= least)
        return {"Items": [self.table[key] for key in keys]}

    def transact_write_items(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        self._called(RECORD, "", asked)
        latest, decision = (write["Put"]["Item"] for write in asked["TransactItems"])
        known = self.table.get(_key(latest))
        if known and int(known["tick"]["N"]) >= int(latest["tick"]["N"]):
            reasons = [{"Code": "ConditionalCheckFailed"}, {"Code": "None"}]
            _refuse("TransactionCanceledException", "cancelled", CancellationReasons=reasons)
        self.table |= {_key(latest): latest, _key(decision): decision}
        return {}

    def put_item(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        self._called("PutItem", "", asked)
        self.table[_key(asked["Item"])] = asked["Item"]
        return {}

    def update_item(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        self._called("UpdateItem", "", asked)
        values = asked["ExpressionAttributeValues"]
        item = self.table.get(_key(asked["Key"]), {})
        if item.get("tick") != values[":tick"]:
            _refuse("ConditionalCheckFailedException", "a later tick has written")
        item["cloud_weight"] = values[":weight"]
        return {}

    def modify_listener(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        self._called("ModifyListener", "", asked)
        split = asked["DefaultActions"][0]["ForwardConfig"]["TargetGroups"]
        self.weights = {target["TargetGroupArn"]: target["Weight"] for target in split}
        return {}

    def _called(self, operation: str, subject: str, asked: dict[str, Any]) -> None:
        self.calls.append((operation, asked))
        self.elapsed_seconds += self.seconds_per_call
        for name in (operation, f"{operation} {subject}"):
            if name in self.failing:
                _refuse(self.failing[name], "it was told to fail")

    def _result(self, query: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
        metric = query["MetricStat"]["Metric"]["MetricName"]
        start, end = (int(asked[edge].timestamp()) for edge in ("StartTime", "EndTime"))
        points = sorted((t, v) for t, v in self.metrics.get(metric, {}).items() if start <= t < end)
        return {
            "Id": query["Id"],
            "Timestamps": [datetime.fromtimestamp(time, UTC) for time, _ in points],
            "Values": [value for _, value in points],
            "StatusCode": self.statuses.get(metric, "Complete"),
        }

    def _page(self, rows: list[Any], name: str, asked: dict[str, Any]) -> dict[str, Any]:
        first = int(asked.get("NextToken", 0))
        last = first + self.page_size
        more = {"NextToken": str(last)} if last < len(rows) else {}
        return {name: rows[first:last], **more}


def _key(item: dict[str, Any]) -> tuple[str, str]:
    return item["fleet"]["S"], item["item"]["S"]


def _refuse(code: str, message: str, **more: Any) -> NoReturn:  # noqa: ANN401  as above
    answer: Any = {"Error": {"Code": code, "Message": message}, **more}
    raise ClientError(answer, "Operation")
