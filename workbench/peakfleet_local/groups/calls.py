"""Every API call of moto is counted, and refused while the world throttles it."""

from __future__ import annotations

from collections.abc import Mapping

from moto.core import errors
from moto.core.responses import ActionResult, BaseResponse

from peakfleet_local.moto import ApiError, MotoObject, Patch, as_method
from peakfleet_local.world import World

_RATE = ApiError("Throttling", "Rate exceeded")
_ERRORS: Mapping[str, tuple[ApiError, int]] = {
    "ec2": (ApiError("RequestLimitExceeded", "Request limit exceeded."), 503),
    "dynamodb": (
        ApiError("ThrottlingException", "Rate of requests exceeds the allowed throughput."),
        400,
    ),
    "lambda": (ApiError("TooManyRequestsException", "Rate Exceeded."), 429),
    "scheduler": (ApiError("ThrottlingException", "Rate exceeded"), 429),
}

_ASKS = frozenset({"LaunchInstances", "SetDesiredCapacity"})


class Calls:
    """Counts every API call of moto, and refuses those that the world throttles."""

    def __init__(self, world: World) -> None:
        self._world = world

    def patches(self) -> list[Patch]:
        """Return what stands in moto's place."""
        # moto warns of errors that are not in the model of a service; throttling never is.
        known = [*errors.COMMON_ERROR_CODES, _RATE.code]
        return [
            Patch(owner=BaseResponse, name="_dispatch", value=as_method(self._dispatch)),
            Patch(owner=errors, name="COMMON_ERROR_CODES", value=known),
        ]

    def _dispatch(
        self,
        response: MotoObject,
        request: MotoObject,
        full_url: str | None = None,
        headers: MotoObject = None,
    ) -> MotoObject:
        response.setup_class(request, full_url, headers)
        action = response._get_action()  # noqa: SLF001 - moto's own way
        service = response.boto3_service_name
        self._world.calls[f"{service}:{action}"] += 1
        if action in _ASKS:
            group = response._get_param("AutoScalingGroupName")  # noqa: SLF001 - moto's own way
            self._world.capacity_requests[str(group), action] += 1
        if not self._world.is_throttled(service, action):
            return response.call_action()
        error, code = _ERRORS.get(service, (_RATE, 400))
        _, answer_headers, body = response.serialized(ActionResult(error))
        return code, answer_headers, body
