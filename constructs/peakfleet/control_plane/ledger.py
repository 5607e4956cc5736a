from __future__ import annotations

from aws_cdk import Duration, IStableAnyProducer
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from peakfleet.control_plane.repeated import RepeatedFunction, may_read_metrics
from peakfleet.control_plane.state import FleetState

_TIMEOUT = Duration.minutes(5)
_MEMORY_MIB = 512


class Ledger(RepeatedFunction):
    """What keeps the books of one fleet: function, role, daily schedule, log group.

    Args:
        fleet: Name of the fleet.
        spec: Produces the specification in JSON form at the end of the synth.
        state: What the books are kept in.
        dead_letters: Where runs go that could not be delivered or failed.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        fleet: str,
        spec: IStableAnyProducer,
        state: FleetState,
        dead_letters: sqs.IQueue,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            purpose=f"Writes down every day what the pools of the fleet {fleet} did for their cost",
            handler="peakfleet_handlers.ledger.handler",
            every=Duration.days(1),
            timeout=_TIMEOUT,
            memory_mib=_MEMORY_MIB,
            spec=spec,
            dead_letters=dead_letters,
        )
        state.grant_query_and_put(self.role, fleet=fleet)
        self.role.add_to_policy(may_read_metrics())


def grant_telling_of_work(role: iam.Role, *, namespace: str) -> None:
    """Let instances publish what they serve, in one namespace."""
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],  # PutMetricData knows no resources, only namespaces
            conditions={"StringEquals": {"cloudwatch:namespace": namespace}},
        )
    )
