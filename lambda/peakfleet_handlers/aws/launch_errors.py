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
    OutageCause.NO_CAPACITY: """
        InsufficientInstanceCapacity InsufficientCapacity InsufficientCapacityOnHost
        InsufficientHostCapacity InsufficientReservedInstanceCapacity ReservationCapacityExceeded
        UnfulfillableCapacity SpotMaxPriceTooLow Unsupported
    """,
    OutageCause.AT_RISK: "SpotInstanceTermination SpotInstanceShutdown",
    OutageCause.QUOTA: """
        VcpuLimitExceeded InstanceLimitExceeded MaxSpotInstanceCountExceeded MaxFleetCountExceeded
        VolumeLimitExceeded NetworkInterfaceLimitExceeded AddressLimitExceeded
    """,
    OutageCause.NO_ADDRESSES: "InsufficientFreeAddressesInSubnet InsufficientCidrBlocks",
    OutageCause.NOT_AUTHORISED: """
        UnauthorizedOperation AuthFailure AuthFailure.ServiceLinkedRoleCreationNotPermitted
        AccessDenied AccessDeniedException OptInRequired PendingVerification Blocked
    """,
    OutageCause.THROTTLED: """
        RequestLimitExceeded Throttling ThrottlingException TooManyRequestsException
    """,
    OutageCause.BAD_TEMPLATE: """
        InvalidBlockDeviceMapping InvalidVirtualizationType InvalidKeyPair.NotFound
        InvalidSnapshot.NotFound InvalidUserData.Malformed InvalidIamInstanceProfile
        InvalidSubnetID.NotFound
    """,
}
"""Error codes by what they mean, with or without the `Client.` or `Server.` before them."""
_CAUSE_OF_CODE: Final = {code: cause for cause, codes in _CODES.items() for code in codes.split()}
_FAMILIES: Final = (
    "InvalidAMIID",
    "InvalidGroup",
    "InvalidLaunchTemplate",
    "InvalidKMSKey",
    "InvalidIamInstanceProfile",
)
"""Codes of which every variant is the launch template's fault."""
_GONE: Final = r"(does not|doesn't|no longer) exist|not found|is invalid"
_PHRASES: Final = {
    OutageCause.NO_CAPACITY: (
        r"(do|does) not have sufficient .*capacity",
        r"no spot capacity available|not enough .*capacity|insufficient .*capacity",
        r"not supported in your requested availability zone",
        r"(requested )?availability zone .*is (no longer|not) supported",
        r"no longer supported in your requested availability zone",
        r"requested configuration is (currently )?not supported",
        r"lower than the minimum required spot",
        r"capacity (reservation|block) .*(expired|ended|does not exist|not found|is not active)",
    ),
    OutageCause.QUOTA: (
        r"more (vcpu capacity|instances).* than your current",
        r"max spot instance count exceeded|maximum .*storage limit",
        r"(exceeded|reached) (the|your) (maximum|limit|quota)|instance\(s\) are already running",
    ),
    OutageCause.NO_ADDRESSES: (r"(free|available) (private )?(ip )?addresses",),
    OutageCause.NOT_AUTHORISED: (
        r"not authorized|currently being (verified|validated)|is being (verified|validated)",
        r"account .*(is suspended|has been blocked)",
    ),
    OutageCause.THROTTLED: (r"request limit exceeded|rate exceeded|too many requests",),
    OutageCause.BAD_TEMPLATE: (
        rf"(image id|image|ami|key ?pair|snapshot) .*({_GONE})",
        rf"(security group|launch template|subnet|network interface) .*({_GONE})",
        r"invalid (iam ?instance ?profile|device name|user data)",
        r"valid fully-formed launch template|for parameter virtualname is invalid",
        r"block device mappings? not supported|placement groups may not be used",
        r"is pending, and cannot be run|does not match the architecture|client error on launch",
    ),
}
"""What a message says instead of a code, in lower case, in order.

Most are of the EC2 Auto Scaling user guide's page on instance launch failures; a client error on
launch is what a volume says whose key cannot be used.
"""
_CAME_AND_FAILED: Final = re.compile(
    r"lifecycle action|became unhealthy while waiting|health check|status checks? fail"
)
"""The instance was launched, and did not get ready: for that the image may be to blame."""
_CHANGES: Final = re.compile(r"pending update|scaling activity .*in progress")
"""The group was busy; nothing was refused."""
_CODE_WITHIN: Final = re.compile(r"\b[A-Z][A-Za-z]+(?:\.[A-Z][A-Za-z]+)*\b")


def outage_cause(code: str, message: str) -> OutageCause | None:
    """Return why capacity could not be had.

    None if nothing was refused, or what was launched did not get ready. A reason that nobody has
    classed is a cause of its own, which is held against no image.

    Args:
        code: The error code; empty where only a message is known.
        message: What AWS says, in words.

    >>> outage_cause("", "We currently do not have sufficient c8g.large capacity in the zone")
    <OutageCause.NO_CAPACITY: 'no-capacity'>
    >>> outage_cause("InternalError", "try again")
    <OutageCause.UNKNOWN: 'unknown'>
    >>> outage_cause("", "Instance failed to complete user's Lifecycle Action") is None
    True
    """
    for one in (code, *_CODE_WITHIN.findall(message)):
        if cause := _cause_of(one):
            return cause
    said = message.lower()
    for cause, phrases in _PHRASES.items():
        if any(re.search(phrase, said) for phrase in phrases):
            return cause
    if not (code + said).strip() or _CAME_AND_FAILED.search(said) or _CHANGES.search(said):
        return None
    return OutageCause.UNKNOWN


def _cause_of(code: str) -> OutageCause | None:
    """Return what a code means, with or without the `Client.` or `Server.` before it."""
    bare = code.removeprefix("Client.").removeprefix("Server.")
    if bare.startswith(_FAMILIES):
        return OutageCause.BAD_TEMPLATE
    return _CAUSE_OF_CODE.get(bare)


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
