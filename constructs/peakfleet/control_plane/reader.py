"""What reads metrics for all fleets of a control plane at once, where that is wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jsii
from aws_cdk import Duration, IStableAnyProducer, Lazy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct, IValidation

from peakfleet.control_plane.encryption import Encryption
from peakfleet.control_plane.permissions import may_read_metrics
from peakfleet.control_plane.plane_function import Functions, PlaneFunction
from peakfleet.control_plane.spec_document import MOST_BYTES, payload, payload_bytes
from peakfleet_planner import FleetSpec, SpecError

_SPECS = "specs"
"""The handler's name for it; the constructs know the handlers only as an asset."""
_MINUTE = Duration.minutes(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """Who reads the metrics of a control plane's fleets. Use `by_fleet` or `shared`.

    Args:
        is_shared: Whether one function reads for all fleets.
    """

    is_shared: bool

    @classmethod
    def by_fleet(cls) -> Reads:
        """Let every tick read what its fleet needs: one request of GetMetricData a minute."""
        return cls(is_shared=False)

    @classmethod
    def shared(cls) -> Reads:
        """Let one function read for all fleets every minute: one request for 500 metrics.

        For an account whose fleets would exceed the quota of GetMetricData; see docs/scale.md. A
        fleet decides by values that are up to a minute older. It reads for itself what the
        function has not read, metrics by the second, and what is silent.
        """
        return cls(is_shared=True)


class Reader(PlaneFunction):
    """What reads the metrics of all fleets: function, role, log group and its one schedule.

    Args:
        plane: Path of the control plane, for descriptions.
        functions: How its functions run.
        encryption: Keys of logs and queues.
        dead_letters: Where runs go that could not be delivered or failed.
        schedule_role: What its schedule runs as.
        timeout: How long it may take.
        memory_mib: How much memory it has.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        plane: str,
        functions: Functions,
        encryption: Encryption,
        dead_letters: sqs.IQueue,
        schedule_role: iam.IRole,
        timeout: Duration,
        memory_mib: int,
    ) -> None:
        purpose = f"Reads the metrics of the fleets of {plane}"
        super().__init__(
            scope,
            construct_id,
            purpose=purpose,
            handler="peakfleet_handlers.read.handler",
            timeout=timeout,
            memory_mib=memory_mib,
            functions=functions,
            encryption=encryption,
            dead_letters=dead_letters,
            max_event_age=_MINUTE,
        )
        self.allow(may_read_metrics())
        self.fleets: list[str] = []
        self._specs: list[Callable[[], FleetSpec]] = []
        self.define_schedule(
            self,
            purpose=f"{purpose} every minute",
            every=_MINUTE,
            spec=Lazy.any(_Documents(self._specs)),
            role=schedule_role,
            payload_field=_SPECS,
        )
        self.node.add_validation(_FitsIntoASchedule(self._specs))

    def read_for(self, fleet: str, spec: Callable[[], FleetSpec]) -> None:
        """Read for a fleet too.

        Args:
            fleet: Its name, which is the partition key of its records.
            spec: Returns its specification as of now; it is asked at the end of the synth.
        """
        self.fleets.append(fleet)
        self._specs.append(spec)


def _documents(specs: Sequence[Callable[[], FleetSpec]]) -> list[dict[str, Any]]:
    """Return the specifications that can be had; what is wrong with another one its fleet says."""
    found = []
    for spec in specs:
        try:
            found.append(spec().to_json())
        except SpecError:
            continue
    return found


@jsii.implements(IStableAnyProducer)
class _Documents:
    def __init__(self, specs: Sequence[Callable[[], FleetSpec]]) -> None:
        self._specs = specs

    def produce(self) -> list[dict[str, Any]]:
        """Return them; the CDK calls this."""
        return _documents(self._specs)


@jsii.implements(IValidation)
class _FitsIntoASchedule:
    def __init__(self, specs: Sequence[Callable[[], FleetSpec]]) -> None:
        self._specs = specs

    def validate(self) -> list[str]:
        """Return what is wrong; the CDK puts the construct's path before it."""
        size = payload_bytes(payload(_documents(self._specs), field=_SPECS))
        if size <= MOST_BYTES:
            return []
        message = (
            f"the specifications of its {len(self._specs)} fleets have about {size} bytes, and a "
            f"schedule sends {MOST_BYTES} at most; give some of them another control plane, "
            f"control_plane=ControlPlane(self, 'Second', reads=Reads.shared()), or say "
            f"reads=Reads.by_fleet()"
        )
        return [message]
