"""What AWS's reasons mean, whether LaunchInstances or a scaling activity gives them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_handlers.aws import counted, outage_cause
from peakfleet_planner import Outage, OutageCause


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("InsufficientInstanceCapacity", OutageCause.NO_CAPACITY),
        ("Server.InsufficientInstanceCapacity", OutageCause.NO_CAPACITY),
        ("UnfulfillableCapacity", OutageCause.NO_CAPACITY),
        ("SpotMaxPriceTooLow", OutageCause.NO_CAPACITY),
        ("Unsupported", OutageCause.NO_CAPACITY),
        ("VcpuLimitExceeded", OutageCause.QUOTA),
        ("MaxSpotInstanceCountExceeded", OutageCause.QUOTA),
        ("Client.VolumeLimitExceeded", OutageCause.QUOTA),
        ("InsufficientFreeAddressesInSubnet", OutageCause.NO_ADDRESSES),
        ("UnauthorizedOperation", OutageCause.NOT_AUTHORISED),
        ("AuthFailure.ServiceLinkedRoleCreationNotPermitted", OutageCause.NOT_AUTHORISED),
        ("RequestLimitExceeded", OutageCause.THROTTLED),
        ("Throttling", OutageCause.THROTTLED),
        ("InvalidAMIID.NotFound", OutageCause.BAD_TEMPLATE),
        ("InvalidLaunchTemplateId.VersionNotFound", OutageCause.BAD_TEMPLATE),
        ("Client.InvalidKMSKey.InvalidState", OutageCause.BAD_TEMPLATE),
        ("InvalidGroup.NotFound", OutageCause.BAD_TEMPLATE),
    ],
)
def test_a_code_means_the_same_alone_and_within_a_message(code: str, cause: OutageCause) -> None:
    assert outage_cause(code, "") is cause
    assert outage_cause("", f"Could not launch On-Demand Instances. {code} - failed.") is cause
    for other in (code.lower(), code.upper(), code[0].lower() + code[1:]):
        assert outage_cause(other, "") is cause


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        (
            "There is no Spot capacity available that matches your request.",
            OutageCause.NO_CAPACITY,
        ),
        (
            "The type (m5.large) is not supported in your requested Availability Zone (us-east-1e)",
            OutageCause.NO_CAPACITY,
        ),
        (
            "Your price of 0.015 is lower than the minimum required Spot price",
            OutageCause.NO_CAPACITY,
        ),
        (
            "You have requested more instances (21) than your current instance limit of 20",
            OutageCause.QUOTA,
        ),
        (
            "The security group sg-1 does not exist. Launching EC2 instance failed.",
            OutageCause.BAD_TEMPLATE,
        ),
        (
            "The key pair mine does not exist. Launching EC2 instance failed.",
            OutageCause.BAD_TEMPLATE,
        ),
        ("Invalid device name upload. Launching EC2 instance failed.", OutageCause.BAD_TEMPLATE),
        ("The requested Availability Zone is no longer supported.", OutageCause.NO_CAPACITY),
        ("The requested configuration is currently not supported.", OutageCause.NO_CAPACITY),
        ("The capacity reservation 'cr-1' has expired.", OutageCause.NO_CAPACITY),
        ("You have exceeded the maximum number of network interfaces.", OutageCause.QUOTA),
        ("Termination Reason: Client.InternalError: Client error", OutageCause.BAD_TEMPLATE),
        ("Invalid IamInstanceProfile: arn:x. Launching failed.", OutageCause.BAD_TEMPLATE),
        ("The specified launch template, ID lt-1, does not exist.", OutageCause.BAD_TEMPLATE),
        ("The subnet ID 'subnet-1' does not exist.", OutageCause.BAD_TEMPLATE),
        ("AMI ami-1 is pending, and cannot be run.", OutageCause.BAD_TEMPLATE),
        (
            "Your request in this region is being validated",
            OutageCause.NOT_AUTHORISED,
        ),
        ("Rate exceeded. Launching EC2 instance failed.", OutageCause.THROTTLED),
        ("The subnet does not have enough free addresses.", OutageCause.NO_ADDRESSES),
    ],
)
def test_a_message_without_a_code_is_understood(message: str, cause: OutageCause) -> None:
    assert outage_cause("", message) is cause


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("", ""),
        ("", " "),
        ("ResourceContention", "You already have a pending update"),
        ("", "Instance failed to complete user's Lifecycle Action: it was abandoned"),
        ("", "Instance became unhealthy while waiting for instance to be in InService state."),
    ],
)
def test_what_gives_no_reason_of_awss_own_has_no_cause(code: str, message: str) -> None:
    assert outage_cause(code, message) is None


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("InternalError", "An internal error has occurred"),
        ("", "Server.InternalError: Internal error on launch. Launching EC2 instance failed."),
        ("", "Service Unavailable. Launching EC2 instance failed."),
        ("", "The stars are wrong. Launching EC2 instance failed."),
    ],
)
def test_a_reason_that_nobody_has_classed_is_its_own_cause(code: str, message: str) -> None:
    assert outage_cause(code, message) is OutageCause.UNKNOWN


def test_a_volume_whose_key_is_gone_is_the_templates_fault() -> None:
    said = "Instance became unhealthy while waiting. Client.InternalError: Client error on launch"
    assert outage_cause("", said) is OutageCause.BAD_TEMPLATE


@given(code=st.text(), message=st.text())
def test_no_text_is_too_strange(code: str, message: str) -> None:
    assert outage_cause(code, message) in (None, *OutageCause)


CAUSES = st.sampled_from(list(OutageCause))


@given(
    causes=st.tuples(CAUSES, CAUSES),
    attempts=st.integers(1, 20),
    after=st.integers(-3600, 7200),
)
def test_a_refusal_never_shortens_the_wait(
    causes: tuple[OutageCause, OutageCause], attempts: int, after: int
) -> None:
    known = Outage(cause=causes[0], asked_at_epoch_seconds=10_000, attempts=attempts)
    refused = Outage(cause=causes[1], asked_at_epoch_seconds=10_000 + after)
    kept = counted(known, refused) or known
    assert kept.retry_at_epoch_seconds >= known.retry_at_epoch_seconds
    assert counted(kept, refused) is None, "the same refusal counts once"
