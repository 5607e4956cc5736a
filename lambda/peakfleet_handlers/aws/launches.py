"""Launches: capacity asked for with LaunchInstances, which answers once it was had or refused.

AWS may take longer than a call may last. The token of a request names it: asked again with the same
one, AWS says that it is still at it, and in the end what came of the first. So a request that does
not answer is asked again until there is no time left, by the next ticks too, and never in a second
way: what was asked for may still come.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NeverSentError
from botocore.parsers import ResponseParserError

from peakfleet_handlers.aws.calls import Calls, Cause, cause_of
from peakfleet_handlers.aws.launch_errors import outage_cause
from peakfleet_planner import Answer, Launch, OpenLaunch, OutageCause, PoolSpec, Refusal

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient

INSTANCES_PER_CALL = 100
OPERATION = "LaunchInstances"
MOST_TRIES = 15
AGAIN_SECONDS = 1
"""How long to wait before a request that is still worked on is asked about again."""
STILL_AT_IT: Final = "IdempotentCallInProgress"
ASKED_OTHERWISE: Final = "IdempotentParameterMismatch"
"""An earlier request had the same token, and asked for something else: what came of it shows in the
group."""
BUSY: Final = "ResourceContention"
"""Nothing was launched, for somebody else changes the group."""
_OTHER_WAY: Final = (
    None,
    OutageCause.BAD_TEMPLATE,
    OutageCause.NOT_AUTHORISED,
    OutageCause.UNKNOWN,
)
"""What keeps this caller from launching, and may not keep the group: asked for more capacity, it
launches with AWS's own role, and says in an activity why not."""
_SERVERS_FAULT = 500


@dataclass(slots=True, kw_only=True)
class Launcher:
    """Launches for one tick.

    Args:
        fleet: Whose tick.
        tick: Its time in epoch seconds.
        autoscaling: Client to launch with.
        calls: Where failures are noted.
        wait: Waits so many seconds. Default: on the wall's clock.
        unanswered: Pools that could not be asked in this way; their desired capacity has to be
            set instead.
        launched: Ids of the instances that came, as far as they are known.
        open: Requests that were not answered.
    """

    fleet: str
    tick: int
    autoscaling: AutoScalingClient
    calls: Calls
    wait: Callable[[float], None] = time.sleep
    unanswered: set[str] = field(default_factory=set)
    launched: list[str] = field(default_factory=list)
    open: list[OpenLaunch] = field(default_factory=list)
    _asked: int = 0

    def ask(self, pool: PoolSpec, launch: Launch) -> Answer:
        """Ask for points of capacity in one zone, and say what came of it.

        What may still come counts as launched: nobody else is asked for it, and the next tick
        sees what became of it.

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
        one = OpenLaunch(
            token=self._token(pool.name, zone),
            pool=pool.name,
            zone=zone,
            capacity=points,
            since_epoch_seconds=self.tick,
        )
        if self.calls.deadline.allows_a_call:
            return self._answer(pool, one, most_tries=MOST_TRIES)
        self.calls.note(OPERATION, pool.name, Cause.NO_TIME, "the function's timeout is too near")
        self.unanswered.add(pool.name)
        return Answer(capacity=0)

    def ask_again(self, pool: PoolSpec, one: OpenLaunch) -> Answer:
        """Ask once what became of a request of an earlier tick; it stays open without an answer."""
        return self._answer(pool, one, most_tries=1)

    def _answer(self, pool: PoolSpec, one: OpenLaunch, *, most_tries: int) -> Answer:
        tries, points = 0, one.capacity
        while tries < most_tries and self.calls.deadline.allows_a_call:
            self.wait(AGAIN_SECONDS if tries else 0)
            tries += 1
            try:
                said = self.autoscaling.launch_instances(
                    AutoScalingGroupName=pool.group,
                    AvailabilityZones=[one.zone],
                    RequestedCapacity=points,
                    ClientToken=one.token,
                    RetryStrategy="none",
                )
            except Exception as error:  # noqa: BLE001  an outage has more shapes than botocore's errors
                if not _may_still_come(error):
                    return self._failed(pool, error)
            else:
                return self._answered(pool, said, points)
        words = f"asked {tries} times without an answer; it may still come"
        self.calls.note(OPERATION, pool.name, Cause.NO_TIME, words)
        self.open.append(one)
        return Answer(capacity=points)

    def _failed(self, pool: PoolSpec, error: Exception) -> Answer:
        """Return the answer to a request that was refused as a whole."""
        if isinstance(error, ClientError):
            told = error.response.get("Error", {})
            if str(told.get("Code", "")).startswith(ASKED_OTHERWISE):
                self._note(pool, error)
                return Answer(capacity=0)
            cause = outage_cause(told.get("Code", ""), told.get("Message", ""))
            if cause not in _OTHER_WAY:
                return Answer(capacity=0, refusals=(Refusal(cause=cause),))
        self._note(pool, error)
        self.unanswered.add(pool.name)
        return Answer(capacity=0)

    def _answered(self, pool: PoolSpec, said: Mapping[str, Any], points: int) -> Answer:
        """Return what came of a request, and keep the ids of what it launched."""
        try:
            refusals = _refusals(said)
            ids = [name for one in said.get("Instances", ()) for name in one.get("InstanceIds", ())]
        except Exception as error:  # noqa: BLE001  what was launched was launched, whatever is said
            self._note(pool, error)
            return Answer(capacity=points)
        self.launched += ids
        # Instances may have weights: without an error, everything was launched.
        capacity = min(len(ids), points) if refusals else points
        if any(refusal.cause is OutageCause.NOT_AUTHORISED for refusal in refusals):
            self.calls.note(OPERATION, pool.name, Cause.NOT_AUTHORISED, str(said.get("Errors")))
            self.unanswered.add(pool.name)
            return Answer(capacity=capacity)
        return Answer(capacity=capacity, refusals=refusals)

    def _note(self, pool: PoolSpec, error: Exception) -> None:
        message = f"{type(error).__name__}: {error}"
        self.calls.note(OPERATION, pool.name, cause_of(error), message)

    def _token(self, pool: str, zone: str) -> str:
        """Return the same token for the same request, so that repeating it launches nothing."""
        text = f"{self.fleet} {pool} {zone} {self.tick} {self._asked}"
        return sha256(text.encode()).hexdigest()[:64]


def _may_still_come(error: Exception) -> bool:
    """Whether AWS may be launching, or have launched, what was asked for.

    Not if the request was refused, or never left: botocore has an error of its own for that.
    """
    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code.startswith(BUSY):
            return False
        return code.startswith(STILL_AT_IT) or status >= _SERVERS_FAULT
    return isinstance(error, HTTPClientError | ResponseParserError | OSError) and not isinstance(
        error, NeverSentError
    )


def _batches(points: int) -> Iterator[int]:
    while points > 0:
        batch = min(points, INSTANCES_PER_CALL)
        yield batch
        points -= batch


def _refusals(said: Mapping[str, Any]) -> tuple[Refusal, ...]:
    kinds: dict[OutageCause, list[str]] = {}
    for error in said.get("Errors", ()):
        cause = outage_cause(error.get("ErrorCode", ""), error.get("ErrorMessage", ""))
        named = kinds.setdefault(cause or OutageCause.UNKNOWN, [])
        if kind := error.get("InstanceType"):
            named.append(kind)
    return tuple(
        Refusal(cause=cause, instance_types=tuple(sorted(set(named))))
        for cause, named in kinds.items()
    )
