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
    "Client.InternalError": OutageCause.BAD_TEMPLATE,  # most often a key that may not be used
    "InsufficientCapacity": OutageCause.NO_CAPACITY,
    "InsufficientCapacityOnHost": OutageCause.NO_CAPACITY,
    "ReservationCapacityExceeded": OutageCause.NO_CAPACITY,
    "UnfulfillableCapacity": OutageCause.NO_CAPACITY,
    "SpotMaxPriceTooLow": OutageCause.NO_CAPACITY,
    "Unsupported": OutageCause.NO_CAPACITY,
    "SpotInstanceTermination": OutageCause.AT_RISK,
    "SpotInstanceShutdown": OutageCause.AT_RISK,
    "MaxSpotInstanceCountExceeded": OutageCause.QUOTA,
    "MaxFleetCountExceeded": OutageCause.QUOTA,
    "InsufficientFreeAddressesInSubnet": OutageCause.NO_ADDRESSES,
    "InsufficientCidrBlocks": OutageCause.NO_ADDRESSES,
    "UnauthorizedOperation": OutageCause.NOT_AUTHORISED,
    "OptInRequired": OutageCause.NOT_AUTHORISED,
    "PendingVerification": OutageCause.NOT_AUTHORISED,
    "Blocked": OutageCause.NOT_AUTHORISED,
    "RequestLimitExceeded": OutageCause.THROTTLED,
    "TooManyRequestsException": OutageCause.THROTTLED,
}
_FAMILIES: Final = (
    (r"Insufficient\w*Capacity", OutageCause.NO_CAPACITY),
    (r"InvalidCapacityReservation.*", OutageCause.NO_CAPACITY),
    (r"\w*LimitExceeded", OutageCause.QUOTA),
    (r"(AuthFailure|AccessDenied).*", OutageCause.NOT_AUTHORISED),
    (r"Throttling.*", OutageCause.THROTTLED),
    (
        r"Invalid(AMIID|Group|LaunchTemplate|KMSKey|KeyPair|Snapshot|UserData|SubnetID).*",
        OutageCause.BAD_TEMPLATE,
    ),
    (
        r"Invalid(BlockDeviceMapping|VirtualizationType|IamInstanceProfile|Parameter).*",
        OutageCause.BAD_TEMPLATE,
    ),
)
"""Codes of which every variant means the same."""
_PHRASES: Final = (
    (r"request limit exceeded|rate exceeded|too many requests", OutageCause.THROTTLED),
    (r"do not have sufficient .*capacity|no spot capacity available", OutageCause.NO_CAPACITY),
    (r"not enough .*capacity|insufficient .*capacity", OutageCause.NO_CAPACITY),
    (r"not supported in your requested availability zone", OutageCause.NO_CAPACITY),
    (r"no longer supported in your requested availability zone", OutageCause.NO_CAPACITY),
    (r"requested availability zone is no longer supported", OutageCause.NO_CAPACITY),
    (r"requested configuration is currently not supported", OutageCause.NO_CAPACITY),
    (r"capacity reservation .*(expired|no longer|does not exist|ended)", OutageCause.NO_CAPACITY),
    (r"lower than the minimum required spot", OutageCause.NO_CAPACITY),
    (r"more (vcpu capacity|instances).* than your current", OutageCause.QUOTA),
    (r"max spot instance count exceeded|maximum .*storage limit", OutageCause.QUOTA),
    (r"exceeded the maximum number of|limit exceeded", OutageCause.QUOTA),
    (r"instance\(s\) are already running", OutageCause.QUOTA),
    (r"(free|available) (private )?(ip )?addresses", OutageCause.NO_ADDRESSES),
    (r"not authorized|access denied|not subscribed|subscribe", OutageCause.NOT_AUTHORISED),
    (r"being (verified|validated)|account is .*(blocked|suspended)", OutageCause.NOT_AUTHORISED),
    (r"(image id|ami|key ?pair|snapshot)\b.*(does not exist|not found)", OutageCause.BAD_TEMPLATE),
    (r"(security group|launch template)\b.*(does not exist|not found)", OutageCause.BAD_TEMPLATE),
    (r"subnet\b.*(does not exist|not found)", OutageCause.BAD_TEMPLATE),
    (r"invalid (iam ?instance ?profile|device name|user data)", OutageCause.BAD_TEMPLATE),
    (r"value \(.*\) for parameter .*is invalid", OutageCause.BAD_TEMPLATE),
    (r"block device mapping|placement groups may not", OutageCause.BAD_TEMPLATE),
    (r"match the architecture|virtualization type", OutageCause.BAD_TEMPLATE),
    (r"ami .*(is pending|cannot be run)|client error on launch", OutageCause.BAD_TEMPLATE),
)
_NOT_REFUSED: Final = re.compile(
    r"became unhealthy|lifecycle (action|hook)|heartbeat timeout|health check|status checks? fail"
    r"|pending update|scaling activity .*in progress"
)
"""Words of launches that were made, and whose machines then did not serve; and of a busy group."""
_CODE_WITHIN: Final = re.compile(r"\b(?=\w*[A-Z])[A-Za-z]+(?:\.[A-Za-z]+)*\b")
_FOLDED: Final = {code.casefold(): cause for code, cause in _CODES.items()}
"""AWS's services do not all spell a code alike."""


def outage_cause(code: str, message: str) -> OutageCause | None:
    """Return why capacity could not be had; None if it could, or the answer gives no reason.

    A reason that is in no table is its own cause: it is nobody's fault.

    Args:
        code: The error code; empty where only a message is known.
        message: What AWS says, in words.

    >>> outage_cause("", "We currently do not have sufficient c8g.large capacity in the zone")
    <OutageCause.NO_CAPACITY: 'no-capacity'>
    >>> outage_cause("InternalError", "try again")
    <OutageCause.UNKNOWN: 'unknown'>
    >>> outage_cause("", "Instance became unhealthy while waiting to be InService") is None
    True
    """
    for one in (code, *_CODE_WITHIN.findall(message)):
        if cause := _cause_of(one):
            return cause
    said = message.lower()
    if cause := next((cause for phrase, cause in _PHRASES if re.search(phrase, said)), None):
        return cause
    return OutageCause.UNKNOWN if (code or said.strip()) and not _NOT_REFUSED.search(said) else None


def _cause_of(code: str) -> OutageCause | None:
    """Return what a code means, with or without the `Client.` or `Server.` before it."""
    folded = code.casefold()
    bare = folded.removeprefix("client.").removeprefix("server.")
    known = _FOLDED.get(folded) or _FOLDED.get(bare)
    families = (cause for form, cause in _FAMILIES if re.fullmatch(form, bare, re.IGNORECASE))
    return known or next(families, None)


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
