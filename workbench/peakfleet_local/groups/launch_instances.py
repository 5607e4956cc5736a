"""The call LaunchInstances, which answers with what came and what did not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from peakfleet_local.groups.configuration import (
    Group,
    TypeChoice,
    only_purchase,
    subnets,
    suspended,
    type_choices,
)
from peakfleet_local.groups.reconciler import Reconciler
from peakfleet_local.moto import ApiError
from peakfleet_local.world import Purchase, World

MOST_INSTANCES = 100
_CAUSE = "a request to launch instances"
_MARKETS: Mapping[Purchase, str] = {"spot": "Spot", "on-demand": "OnDemand"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchRequest:
    """What LaunchInstances is asked for.

    Args:
        capacity: Points of desired capacity.
        token: Makes a repeated request the same one.
        zones: At most one.
        subnet_ids: At most one.
        retries: Whether the group goes on trying what fails now.
    """

    capacity: int
    token: str
    zones: tuple[str, ...]
    subnet_ids: tuple[str, ...]
    retries: bool


@dataclass(slots=True, kw_only=True)
class _Target:
    zone: str
    subnet_id: str | None
    purchase: Purchase


class DirectLaunches:
    """LaunchInstances: launches at once, answers with what came and what did not.

    Desired capacity grows by what was launched. A failure is told to the caller alone: it
    leaves no scaling activity and no event. Nothing is taken from a warm pool.

    Limitations:
        AWS does not say what becomes of a request while the group's Launch is suspended; here
        it is refused.
    """

    def __init__(self, *, world: World, reconciler: Reconciler) -> None:
        self._world = world
        self._reconciler = reconciler
        self._running: dict[tuple[str, str], LaunchRequest] = {}
        self._answers: dict[tuple[str, str], tuple[LaunchRequest, dict[str, Any]]] = {}

    def launch(self, group: Group, request: LaunchRequest) -> dict[str, Any]:
        """Launch instances and return the answer of the API.

        Raises:
            ApiError: The group or the request does not allow it.
        """
        key = (group.arn, request.token)
        with self._world.lock:
            if (known := self._known(key, request)) is not None:
                return known
            target = self._target(group, request)
            self._check_size(group, request)
            self._running[key] = request
        try:
            self._world.wait_for_ec2()  # without the lock: everything else goes on
            with self._world.lock:
                answer = self._launch(group, request, target)
                self._answers[key] = (request, answer)
        finally:
            self._running.pop(key, None)
        return answer

    def _known(self, key: tuple[str, str], request: LaunchRequest) -> dict[str, Any] | None:
        """Return the answer that a request has had already, if any."""
        asked, answer = self._answers.get(key) or (self._running.get(key), None)
        if asked is not None and asked != request:
            raise ApiError(
                "IdempotentParameterMismatch",
                "The client token was used before, with other parameters.",
            )
        if asked is not None and answer is None:
            raise ApiError(
                "IdempotentCallInProgress",
                "The service is currently processing another request with the same client token.",
            )
        return answer

    def _target(self, group: Group, request: LaunchRequest) -> _Target:
        if "Launch" in suspended(group):
            raise _refused("The Launch process of the group is suspended.")
        if group.ec2_launch_template is None:
            raise _refused("The group must use a launch template.")
        purchase = only_purchase(group)
        if purchase is None:
            raise _refused("The group mixes On-Demand and Spot purchase options.")
        subnet_of = subnets(group)
        if len(request.zones) > 1 or len(request.subnet_ids) > 1:
            raise _refused("Only one Availability Zone or subnet can be specified.")
        candidates = [
            zone
            for zone, subnet_id in subnet_of.items()
            if zone in (request.zones or (zone,))
            and subnet_id in (request.subnet_ids or (subnet_id,))
        ]
        if not candidates:
            raise _refused("The Availability Zone or subnet does not belong to the group.")
        if len(candidates) > 1:
            raise _refused(
                "An Availability Zone or subnet must be specified for a group with multiple "
                "Availability Zones."
            )
        return _Target(zone=candidates[0], subnet_id=subnet_of[candidates[0]], purchase=purchase)

    def _check_size(self, group: Group, request: LaunchRequest) -> None:
        wanted = group.desired_capacity + request.capacity
        if wanted > group.max_size:
            raise _refused(
                f"The requested capacity {request.capacity} would raise the desired capacity to "
                f"{wanted}, above max value {group.max_size} for the AutoScalingGroup."
            )
        lightest = min(choice.weight for choice in type_choices(group))
        if request.capacity > MOST_INSTANCES * lightest:
            raise _refused(f"At most {MOST_INSTANCES} instances can be launched by one request.")

    def _launch(self, group: Group, request: LaunchRequest, target: _Target) -> dict[str, Any]:
        missing = request.capacity
        launched: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        for choice in type_choices(group):
            ids: list[str] = []
            failure: dict[str, str] | None = None
            while missing > 0 and failure is None:
                failure = self._launch_one(group, choice, target, ids)
                missing -= 0 if failure else choice.weight
            if ids:
                launched.append({**_where(choice, target), "InstanceIds": ids})
            if failure:
                errors.append({**_where(choice, target), **failure})
        points = request.capacity - missing
        if points or request.retries:
            grown = group.desired_capacity + (request.capacity if request.retries else points)
            group.desired_capacity = min(grown, group.max_size)
            self._reconciler.reconcile(group, cause=_CAUSE)
        return {
            "AutoScalingGroupName": group.name,
            "ClientToken": request.token,
            "Instances": launched,
            "Errors": errors,
        }

    def _launch_one(
        self, group: Group, choice: TypeChoice, target: _Target, ids: list[str]
    ) -> dict[str, str] | None:
        """Launch one more instance, or return why it failed."""
        launcher = self._reconciler.launcher
        refusal = launcher.refusal(group, choice=choice, zone=target.zone, purchase=target.purchase)
        if refusal is not None:
            self._world.launch_attempts[group.name, refusal.code] += 1
            return {"ErrorCode": refusal.code, "ErrorMessage": refusal.message}
        machine, state = launcher.launch(
            group,
            choice=choice,
            zone=target.zone,
            subnet_id=target.subnet_id,
            purchase=target.purchase,
            cause=_CAUSE,
        )
        group.instance_states.append(state)
        ids.append(machine.instance_id)
        return None


def _where(choice: TypeChoice, target: _Target) -> dict[str, Any]:
    found = {
        "InstanceType": choice.instance_type,
        "MarketType": _MARKETS[target.purchase],
        "AvailabilityZone": target.zone,
    }
    return found if target.subnet_id is None else {**found, "SubnetId": target.subnet_id}


def _refused(message: str) -> ApiError:
    return ApiError("ValidationError", message)
