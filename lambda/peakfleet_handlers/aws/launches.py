"""Launches: capacity asked for with LaunchInstances, which answers at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from peakfleet_handlers.aws.calls import Calls
from peakfleet_handlers.aws.launch_errors import outage_cause
from peakfleet_planner import Answer, Launch, OutageCause, PoolSpec, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_autoscaling import AutoScalingClient

INSTANCES_PER_CALL = 100
OPERATION = "LaunchInstances"
_NOT_OF_CAPACITY = (OutageCause.UNKNOWN, OutageCause.NOT_AUTHORISED, OutageCause.BAD_TEMPLATE)


@dataclass(slots=True, kw_only=True)
class Launcher:
    """Launches for one tick.

    Args:
        fleet: Whose tick.
        tick: Its time in epoch seconds.
        autoscaling: Client to launch with.
        calls: Where failures are noted.
        unanswered: Pools that could not be asked in this way; their desired capacity has to be
            set instead.
        launched: Ids of the instances that came, as far as they are known.
    """

    fleet: str
    tick: int
    autoscaling: AutoScalingClient
    calls: Calls
    unanswered: set[str] = field(default_factory=set)
    launched: list[str] = field(default_factory=list)
    _asked: int = 0

    def ask(self, pool: PoolSpec, launch: Launch) -> Answer:
        """Ask for points of capacity in one zone, and say what came of it.

        Args:
            pool: Whom to ask.
            launch: Where, and for how much.
        """
        launched = 0
        for points in _batches(launch.capacity):
            answer = self._ask(pool, launch.zone, points)
            launched += answer.capacity
            if answer.refusals or pool.name in self.unanswered:
                return Answer(capacity=launched, refusals=answer.refusals)
        return Answer(capacity=launched)

    def _ask(self, pool: PoolSpec, zone: str, points: int) -> Answer:
        if pool.name in self.unanswered:
            return Answer(capacity=0)
        self._asked += 1
        request = partial(
            self.autoscaling.launch_instances,
            AutoScalingGroupName=pool.group,
            AvailabilityZones=[zone],
            RequestedCapacity=points,
            ClientToken=self._token(pool.name, zone),
            RetryStrategy="none",
        )
        answer = self.calls.attempt(
            OPERATION, pool.name, partial(_answered, request, points, self.launched)
        )
        if answer is None:
            self.unanswered.add(pool.name)
            return Answer(capacity=0)
        return answer

    def _token(self, pool: str, zone: str) -> str:
        """Return the same token for the same request, so that repeating it launches nothing."""
        text = f"{self.fleet} {pool} {zone} {self.tick} {self._asked}"
        return sha256(text.encode()).hexdigest()[:64]


def _batches(points: int) -> Iterator[int]:
    while points > 0:
        batch = min(points, INSTANCES_PER_CALL)
        yield batch
        points -= batch


def _answered(request: Any, points: int, launched: list[str]) -> Answer:  # noqa: ANN401  a bound boto3 method
    """Return what came of *request*, and add the ids of what it launched.

    Raises:
        ClientError: It failed for a reason that says nothing about capacity.
    """
    try:
        said = request()
    except ClientError as error:
        answer = error.response.get("Error", {})
        cause = outage_cause(answer.get("Code", ""), answer.get("Message", ""))
        if cause is None or cause in _NOT_OF_CAPACITY:
            raise  # setting the desired capacity may still work, and says in an activity why not
        return Answer(capacity=0, refusals=(Refusal(cause=cause),))
    refusals = _refusals(said)
    ids = [name for one in said.get("Instances", ()) for name in one.get("InstanceIds", ())]
    launched += ids
    # Instances may have weights: without an error, everything was launched.
    capacity = min(len(ids), points) if refusals else points
    return Answer(capacity=capacity, refusals=refusals)


def _refusals(said: Mapping[str, Any]) -> tuple[Refusal, ...]:
    kinds: dict[OutageCause, list[str]] = {}
    for error in said.get("Errors", ()):
        cause = outage_cause(error.get("ErrorCode", ""), error.get("ErrorMessage", ""))
        named = kinds.setdefault(cause or OutageCause.NO_CAPACITY, [])
        if kind := error.get("InstanceType"):
            named.append(kind)
    return tuple(
        Refusal(cause=cause, instance_types=tuple(sorted(set(named))))
        for cause, named in kinds.items()
    )
