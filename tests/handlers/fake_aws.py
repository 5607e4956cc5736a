"""An AWS of dictionaries: the calls that tick and learner make, and what they change."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NoReturn, cast

from botocore.exceptions import ClientError

from peakfleet_handlers.aws import Clients

READS = ("GetMetricData", "DescribeAutoScalingGroups", "Query")
RECORD = "TransactWriteItems"
WRITES = (RECORD, "PutItem", "BatchWriteItem", "SetDesiredCapacity", "ModifyListener")


@dataclass(slots=True, kw_only=True)
class FakeGroup:
    """An Auto Scaling group; instances are in service as soon as they are desired.

    `warm` is the least size of its warm pool, None without one; `waiting` what waits in it, and
    `moving` instances on their way into it or out of it. `booted` and `ended` count.
    """

    desired: int = 0
    minimum: int = 0
    maximum: int = 100
    instances: list[dict[str, str]] | None = None
    zones: tuple[str, ...] = ()
    dry: dict[str, str] = field(default_factory=dict)
    warm: int | None = None
    prepared: int = 0
    reuses: bool = False
    waiting: int = 0
    moving: list[dict[str, str]] = field(default_factory=list)
    booted: int = 0
    ended: int = 0
    suspended: set[str] = field(default_factory=set)
    activities: list[dict[str, Any]] = field(default_factory=list)
    template: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def running(self) -> list[dict[str, str]]:
        return [instance()] * self.desired if self.instances is None else self.instances

    def warm_pool(self) -> dict[str, Any]:
        if self.warm is None:
            return {}
        sizes = {"MinSize": self.warm, "MaxGroupPreparedCapacity": self.prepared}
        return {"WarmPoolConfiguration": sizes}

    def resize(self, desired: int) -> None:
        """Take from the warm pool before booting; let go into it where that is reused."""
        more, self.desired = desired - self.desired, desired
        taken = min(self.waiting, more) if more > 0 else more if self.reuses else 0
        self.waiting -= taken
        self.booted += max(0, more - taken)
        self.ended += max(0, taken - more)
        self.settle()

    def settle(self) -> None:
        """Boot what the warm pool lacks, end what it has too much."""
        size = 0 if self.warm is None else max(self.warm, self.prepared - self.desired)
        self.booted += max(0, size - self.waiting)
        self.ended += max(0, self.waiting - size)
        self.waiting = size


def _ids(group: FakeGroup) -> set[str]:
    return {one.get("InstanceId", "") for one in (*group.running(), *group.moving)}


def instance(
    state: str = "InService", health: str = "Healthy", weight: str = "", **more: str
) -> dict[str, str]:
    shown = {"LifecycleState": state, "HealthStatus": health, **more}
    return {**shown, "WeightedCapacity": weight} if weight else shown


@dataclass(kw_only=True)
class FakePages:
    """Pages of an operation, each asked for when it is needed."""

    call: Callable[..., dict[str, Any]]

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401  AWS's own shape
        if size := asked.pop("PaginationConfig", {}).get("PageSize"):
            asked["MaxRecords"] = size
        page = self.call(**asked)
        yield page
        while token := page.get("NextToken"):
            page = self.call(**asked, NextToken=token)
            yield page
        while last := page.get("LastEvaluatedKey"):
            page = self.call(**asked, ExclusiveStartKey=last)
            yield page


class Paged:
    """A fake client whose operations can be read page by page."""

    def get_paginator(self, operation: str) -> FakePages:
        return FakePages(call=getattr(self, operation))


@dataclass(kw_only=True)
class FakeAws(Paged):
    """CloudWatch, Auto Scaling, DynamoDB and Elastic Load Balancing in one.

    `weights` are those of the listener's forward action, `forwarding` its other settings, and
    `actions` come before it; `listens_with` are its actions where it does not forward. A target
    group has 2 targets, of which `healthy` says how many are. `records` are those of a hosted
    zone. `failing`
    maps an operation, or `operation subject`, to the error code that it answers. A query is
    `endless` where each of its pages says that there is another one.
    """

    metrics: dict[str, dict[int, float]] = field(default_factory=dict)
    statuses: dict[str, str] = field(default_factory=dict)
    groups: dict[str, FakeGroup] = field(default_factory=dict)
    table: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    weights: dict[str, int] = field(default_factory=dict)
    actions: list[dict[str, Any]] = field(default_factory=list)
    forwarding: dict[str, Any] = field(default_factory=dict)
    listens_with: list[dict[str, Any]] = field(default_factory=list)
    healthy: dict[str, int] = field(default_factory=dict)
    spot: dict[tuple[str, str], float] = field(default_factory=dict)
    records: list[dict[str, Any]] = field(default_factory=list)
    endless: bool = False
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

    autoscaling = dynamodb = elbv2 = ec2 = route53 = cloudwatch

    @property
    def desired(self) -> dict[str, int]:
        return {name: group.desired for name, group in self.groups.items()}

    def counted(self) -> Counter[str]:
        return Counter(operation for operation, _ in self.calls)

    def written(self) -> list[str]:
        """Return what was written, but for the claim that every tick makes."""
        return [
            operation
            for operation, asked in self.calls
            if operation in WRITES and asked.get("Item", {}).get("item") != {"S": "TICK"}
        ]

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
                "AvailabilityZones": list(group.zones),
                "SuspendedProcesses": [{"ProcessName": name} for name in group.suspended],
                "Tags": [{"Key": key, "Value": value} for key, value in group.tags.items()],
                **group.warm_pool(),
                **group.template,
            }
            for name in asked["AutoScalingGroupNames"]
            if (group := self.groups.get(name))
        ]
        return self._page(found, "AutoScalingGroups", asked)

    def describe_spot_price_history(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        self._called("DescribeSpotPriceHistory", "", asked)
        found = [
            {"InstanceType": kind, "AvailabilityZone": zone, "SpotPrice": str(usd)}
            for (kind, zone), usd in self.spot.items()
            if kind in asked["InstanceTypes"]
        ]
        return self._page(found, "SpotPriceHistory", asked)

    def set_desired_capacity(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        name, capacity = asked["AutoScalingGroupName"], asked["DesiredCapacity"]
        self._called("SetDesiredCapacity", name, asked)
        group = self.groups[name]
        if capacity > group.maximum:
            _refuse("ValidationError", f"New value {capacity} is above max value {group.maximum}")
        group.resize(capacity)
        return {}

    def launch_instances(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        """A zone that is dry answers its error code, also after some were launched: `2 Code`."""
        name, (zone,) = asked["AutoScalingGroupName"], asked["AvailabilityZones"]
        self._called("LaunchInstances", name, asked)
        group, wanted = self.groups[name], asked["RequestedCapacity"]
        most, _, code = group.dry.get(zone, "").rpartition(" ")
        given = min(wanted, int(most or 0)) if code else wanted
        group.desired += given
        error = {"AvailabilityZone": zone, "ErrorCode": code, "ErrorMessage": ""}
        return {
            "Instances": [{"AvailabilityZone": zone, "InstanceIds": ["i-0"] * given}],
            "Errors": [error] if given < wanted else [],
        }

    def terminate_instance_in_auto_scaling_group(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        self._called("TerminateInstanceInAutoScalingGroup", asked["InstanceId"], asked)
        group = next(g for g in self.groups.values() if asked["InstanceId"] in _ids(g))
        group.moving = [one for one in group.moving if one.get("InstanceId") != asked["InstanceId"]]
        kept = [one for one in group.running() if one.get("InstanceId") != asked["InstanceId"]]
        group.instances = kept
        group.desired -= bool(asked["ShouldDecrementDesiredCapacity"])
        return {}

    def describe_scaling_activities(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        self._called("DescribeScalingActivities", asked["AutoScalingGroupName"], asked)
        newest = self.groups[asked["AutoScalingGroupName"]].activities[: asked["MaxRecords"]]
        return {"Activities": newest}

    def update_auto_scaling_group(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        name = asked["AutoScalingGroupName"]
        self._called("UpdateAutoScalingGroup", name, asked)
        self.groups[name].template = {k: v for k, v in asked.items() if k != "AutoScalingGroupName"}
        return {}

    def put_warm_pool(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        self._called("PutWarmPool", asked["AutoScalingGroupName"], asked)
        group = self.groups[asked["AutoScalingGroupName"]]
        group.warm, group.prepared = asked["MinSize"], asked["MaxGroupPreparedCapacity"]
        group.reuses = asked["InstanceReusePolicy"]["ReuseOnScaleIn"]
        group.settle()
        return {}

    def describe_warm_pool(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        self._called("DescribeWarmPool", asked["AutoScalingGroupName"], asked)
        group = self.groups[asked["AutoScalingGroupName"]]
        return {"Instances": [*[instance("Warmed:Stopped")] * group.waiting, *group.moving]}

    def suspend_processes(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        self._called("SuspendProcesses", asked["AutoScalingGroupName"], asked)
        self.groups[asked["AutoScalingGroupName"]].suspended |= set(asked["ScalingProcesses"])
        return {}

    def resume_processes(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        self._called("ResumeProcesses", asked["AutoScalingGroupName"], asked)
        self.groups[asked["AutoScalingGroupName"]].suspended -= set(asked["ScalingProcesses"])
        return {}

    def query(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        self._called("Query", "", asked)
        fleet = asked["ExpressionAttributeValues"][":fleet"]["S"]
        least = asked["ExpressionAttributeValues"][":first"]["S"]
        most = asked["ExpressionAttributeValues"].get(":last", {"S": "~"})["S"]
        keys = sorted(key for key in self.table if key[0] == fleet and least <= key[1] <= most)
        more = {"LastEvaluatedKey": {"page": len(self.calls)}}
        return {"Items": [self.table[key] for key in keys], **(more if self.endless else {})}

    def transact_write_items(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        writes = asked["TransactItems"]
        self._called(RECORD, "confirm" if "Update" in writes[0] else "", asked)
        allowed = [self._allows(request) for write in writes for request in write.values()]
        if not all(allowed):
            codes = ["None" if one else "ConditionalCheckFailed" for one in allowed]
            reasons = [{"Code": code} for code in codes]
            _refuse("TransactionCanceledException", "cancelled", CancellationReasons=reasons)
        for write in writes:
            for kind, request in write.items():
                if kind == "Put":
                    self.table[_key(request["Item"])] = request["Item"]
                else:
                    self._update(request)
        return {}

    def _update(self, request: dict[str, Any]) -> None:
        item = self.table[_key(request["Key"])]
        for change in request["UpdateExpression"].removeprefix("SET ").split(", "):
            name, value = change.split(" = ")
            attribute = request["ExpressionAttributeNames"][name]
            item[attribute] = request["ExpressionAttributeValues"][value]

    def _allows(self, request: dict[str, Any]) -> bool:
        """Whether the condition of a write is met, as DynamoDB reads it."""
        item = self.table.get(_key(request.get("Item") or request["Key"]), {})
        text = request.get("ConditionExpression", "")
        for name, attribute in request.get("ExpressionAttributeNames", {}).items():
            text = text.replace(f"attribute_not_exists({name})", str(attribute not in item))
            is_number = "N" in item.get(attribute, {})
            text = text.replace(f"attribute_type({name}, :number)", str(is_number))
            text = text.replace(name, item[attribute]["N"] if is_number else "nan")
        for name, value in request.get("ExpressionAttributeValues", {}).items():
            text = text.replace(name, value.get("N", "nan"))
        words = {"OR": "or", "AND": "and", "NOT": "not", "=": "=="}
        expression = " ".join(words.get(word, word) for word in text.split())
        return not text or bool(eval(expression, {"nan": math.nan}))  # noqa: S307  ours, of numbers

    def batch_write_item(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        self._called("BatchWriteItem", "", asked)
        for requests in asked["RequestItems"].values():
            for request in requests:
                if "PutRequest" in request:
                    item = request["PutRequest"]["Item"]
                    self.table[_key(item)] = item
                else:
                    self.table.pop(_key(request["DeleteRequest"]["Key"]), None)
        return {}

    def put_item(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        self._called("PutItem", asked["Item"]["item"]["S"], asked)
        if not self._allows(asked):
            _refuse("ConditionalCheckFailedException", "the condition is not met")
        self.table[_key(asked["Item"])] = asked["Item"]
        return {}

    def describe_listeners(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        self._called("DescribeListeners", "", asked)
        groups = [{"TargetGroupArn": arn, "Weight": one} for arn, one in self.weights.items()]
        forward = {"TargetGroups": groups, **self.forwarding}
        whole = [*self.actions, {"Type": "forward", "ForwardConfig": forward}]
        actions = self.listens_with or whole
        return {"Listeners": [{"ListenerArn": asked["ListenerArns"][0], "DefaultActions": actions}]}

    def describe_target_health(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        arn = asked["TargetGroupArn"]
        self._called("DescribeTargetHealth", arn, asked)
        healthy = self.healthy.get(arn, 2)
        states = ["healthy"] * healthy + ["unhealthy"] * (2 - healthy)
        return {"TargetHealthDescriptions": [{"TargetHealth": {"State": one}} for one in states]}

    def modify_listener(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        self._called("ModifyListener", "", asked)
        *self.actions, forward = asked["DefaultActions"]
        self.forwarding = dict(forward["ForwardConfig"])
        split = self.forwarding.pop("TargetGroups")
        self.weights = {target["TargetGroupArn"]: target["Weight"] for target in split}
        return {}

    def list_resource_record_sets(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        self._called("ListResourceRecordSets", "", asked)
        return {"ResourceRecordSets": [dict(one) for one in self.records]}

    def change_resource_record_sets(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        self._called("ChangeResourceRecordSets", "", asked)
        for change in asked["ChangeBatch"]["Changes"]:
            record = change["ResourceRecordSet"]
            self.records = [
                record if one["SetIdentifier"] == record["SetIdentifier"] else one
                for one in self.records
            ]
        return {}

    def _called(self, operation: str, subject: str, asked: dict[str, Any]) -> None:
        self.calls.append((operation, asked))
        self.elapsed_seconds += self.seconds_per_call
        for name in (operation, f"{operation} {subject}"):
            if name in self.failing:
                _refuse(self.failing[name], "it was told to fail")

    def _result(self, query: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
        asked_for = query["MetricStat"]["Metric"]
        by_pool = ("Pool", "AutoScalingGroupName")
        pools = [one["Value"] for one in asked_for["Dimensions"] if one["Name"] in by_pool]
        metric = " ".join([asked_for["MetricName"], *pools])
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
