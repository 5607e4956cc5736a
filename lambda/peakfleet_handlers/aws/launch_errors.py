"""Refusals: what the reason that AWS gives for a failed launch means for the next one.

The synchronous answer of LaunchInstances has an error code and a message. A scaling activity has
a message only, which names the code where the group mixes instance types. Codes are classed as
Karpenter and ParallelCluster class them.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from peakfleet_planner import Outage, OutageCause

_CODES: Final = {
    "InsufficientInstanceCapacity": OutageCause.NO_CAPACITY,
    "InsufficientCapacity": OutageCause.NO_CAPACITY,
    "InsufficientCapacityOnHost": OutageCause.NO_CAPACITY,
    "InsufficientHostCapacity": OutageCause.NO_CAPACITY,
    "InsufficientReservedInstanceCapacity": OutageCause.NO_CAPACITY,
    "ReservationCapacityExceeded": OutageCause.NO_CAPACITY,
    "UnfulfillableCapacity": OutageCause.NO_CAPACITY,
    "SpotMaxPriceTooLow": OutageCause.NO_CAPACITY,
    "SpotInstanceTermination": OutageCause.AT_RISK,
    "SpotInstanceShutdown": OutageCause.AT_RISK,
    "Unsupported": OutageCause.NO_CAPACITY,
    "VcpuLimitExceeded": OutageCause.QUOTA,
    "InstanceLimitExceeded": OutageCause.QUOTA,
    "MaxSpotInstanceCountExceeded": OutageCause.QUOTA,
    "MaxFleetCountExceeded": OutageCause.QUOTA,
    "VolumeLimitExceeded": OutageCause.QUOTA,
    "NetworkInterfaceLimitExceeded": OutageCause.QUOTA,
    "InsufficientFreeAddressesInSubnet": OutageCause.NO_ADDRESSES,
    "InsufficientCidrBlocks": OutageCause.NO_ADDRESSES,
    "UnauthorizedOperation": OutageCause.NOT_AUTHORISED,
    "AuthFailure": OutageCause.NOT_AUTHORISED,
    "AuthFailure.ServiceLinkedRoleCreationNotPermitted": OutageCause.NOT_AUTHORISED,
    "AccessDenied": OutageCause.NOT_AUTHORISED,
    "AccessDeniedException": OutageCause.NOT_AUTHORISED,
    "OptInRequired": OutageCause.NOT_AUTHORISED,
    "PendingVerification": OutageCause.NOT_AUTHORISED,
    "Blocked": OutageCause.NOT_AUTHORISED,
    "RequestLimitExceeded": OutageCause.THROTTLED,
    "Throttling": OutageCause.THROTTLED,
    "ThrottlingException": OutageCause.THROTTLED,
    "TooManyRequestsException": OutageCause.THROTTLED,
    "InvalidBlockDeviceMapping": OutageCause.BAD_TEMPLATE,
    "InvalidVirtualizationType": OutageCause.BAD_TEMPLATE,
    "InvalidKeyPair.NotFound": OutageCause.BAD_TEMPLATE,
    "InvalidSnapshot.NotFound": OutageCause.BAD_TEMPLATE,
    "InvalidUserData.Malformed": OutageCause.BAD_TEMPLATE,
}
_FAMILIES: Final = ("InvalidAMIID", "InvalidGroup", "InvalidLaunchTemplate", "InvalidKMSKey")
"""Codes of which every variant is the launch template's fault."""
_PHRASES: Final = (
    (r"do not have sufficient .*capacity|no spot capacity available", OutageCause.NO_CAPACITY),
    (r"not enough capacity|insufficient capacity", OutageCause.NO_CAPACITY),
    (r"not supported in your requested availability zone", OutageCause.NO_CAPACITY),
    (r"no longer supported in your requested availability zone", OutageCause.NO_CAPACITY),
    (r"lower than the minimum required spot", OutageCause.NO_CAPACITY),
    (r"more (vcpu capacity|instances).* than your current", OutageCause.QUOTA),
    (r"max spot instance count exceeded|maximum .*storage limit", OutageCause.QUOTA),
    (r"(free|available) (ip )?addresses", OutageCause.NO_ADDRESSES),
    (r"not authorized|currently being verified", OutageCause.NOT_AUTHORISED),
    (r"request limit exceeded|rate exceeded", OutageCause.THROTTLED),
    (r"(image id|ami|key ?pair|snapshot) .*(does not exist|not found)", OutageCause.BAD_TEMPLATE),
    (r"(security group|launch template) .*(does not exist|not found)", OutageCause.BAD_TEMPLATE),
    (r"invalid (iam instance profile|device name|user data)", OutageCause.BAD_TEMPLATE),
)
_CODE_WITHIN: Final = re.compile(r"\b[A-Z][A-Za-z]+(?:\.[A-Z][A-Za-z]+)*\b")


def outage_cause(code: str, message: str) -> OutageCause | None:
    """Return why capacity could not be had; None if the answer does not say it.

    Args:
        code: The error code; empty where only a message is known.
        message: What AWS says, in words.

    >>> outage_cause("", "We currently do not have sufficient c8g.large capacity in the zone")
    <OutageCause.NO_CAPACITY: 'no-capacity'>
    >>> outage_cause("InternalError", "try again") is None
    True
    """
    for one in (code, *_CODE_WITHIN.findall(message)):
        if cause := _cause_of(one):
            return cause
    said = message.lower()
    return next((cause for phrase, cause in _PHRASES if re.search(phrase, said)), None)


def _cause_of(code: str) -> OutageCause | None:
    """Return what a code means, with or without the `Client.` or `Server.` before it."""
    bare = code.removeprefix("Client.").removeprefix("Server.")
    if bare.startswith(_FAMILIES):
        return OutageCause.BAD_TEMPLATE
    return _CODES.get(bare)


def counted(known: Outage | None, refused: Outage) -> Outage | None:
    """Return what to remember after a refusal; None if that is known already.

    A refusal within the waiting time of a known one adds nothing: many launches fail at once. One
    after it was a try that failed, and the next is put off for longer.

    Args:
        known: What is remembered of the same scope; None if nothing is.
        refused: The refusal, with one attempt.
    """
    if known is None:
        return refused
    if refused.asked_at_epoch_seconds <= known.asked_at_epoch_seconds:
        return None
    if refused.cause is not known.cause:
        later = refused.retry_at_epoch_seconds > known.retry_at_epoch_seconds
        return refused if later else None
    if refused.asked_at_epoch_seconds < known.retry_at_epoch_seconds:
        return None
    return replace(refused, attempts=known.attempts + 1)
