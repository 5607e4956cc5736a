"""State: what the fleets of a stack remember between ticks."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from peakfleet.findings import acknowledge
from peakfleet_planner import SpecError

_ID = "PeakFleetState"


class FleetState(Construct):
    """Decisions, holds and models of fleets, in one table for all fleets of a stack.

    Defines a DynamoDB table: on-demand billing, encrypted, with point-in-time recovery and
    expiry. A fleet that cannot reach it goes on without, but lets go of nothing.

    Args:
        encryption_key: Key of the table. Default: the one that AWS manages.

    Limitations:
        The table is kept when its stack is deleted, because it holds the record of decisions.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, encryption_key: kms.IKey | None = None
    ) -> None:
        super().__init__(scope, construct_id)
        self._key = encryption_key
        self._table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name="fleet", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="item", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED
            if encryption_key
            else dynamodb.TableEncryption.AWS_MANAGED,
            encryption_key=encryption_key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            time_to_live_attribute="expires_at",
            removal_policy=RemovalPolicy.RETAIN,
        )
        self._table_name = self._table.table_name
        acknowledge(
            self._table,
            {"DynamoDBInBackupPlan": "has point-in-time recovery, and fleets decide without it"},
        )

    @classmethod
    def of(cls, scope: Construct, *, encryption_key: kms.IKey | None = None) -> FleetState:
        """Return the state that the fleets in the stack of *scope* share, defining it once.

        Args:
            scope: A fleet, or anything else in the stack.
            encryption_key: Key of the table, the same for all fleets. Default: as it is.

        Raises:
            SpecError: The table has been defined with another key.
        """
        stack = Stack.of(scope)
        found = stack.node.try_find_child(_ID)
        if not isinstance(found, FleetState):
            return cls(stack, _ID, encryption_key=encryption_key)
        if encryption_key and found.encryption_key is not encryption_key:
            raise SpecError(
                f"the fleets of the stack {stack.node.path} share one state table, which another "
                f"fleet has defined with another key; give all of them the same "
                f"Encryption(state=...), or this one a FleetState of its own"
            )
        return found

    @property
    def encryption_key(self) -> kms.IKey | None:
        """Key of the table; None if AWS manages it."""
        return self._key

    @property
    def table(self) -> dynamodb.Table:
        """The table itself."""
        return self._table

    @property
    def table_name(self) -> str:
        """Name of the table, a token."""
        return self._table_name

    def grant(self, grantee: iam.IGrantable, *, fleet: str | Sequence[str]) -> iam.Grant:
        """Let *grantee* read and write the items of fleets, and nothing else.

        Args:
            grantee: Who may.
            fleet: Its name, which is the partition key of its items; or several names.
        """
        return self._grant(
            grantee,
            fleet,
            [
                "dynamodb:Query",
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
                "dynamodb:BatchWriteItem",
            ],
        )

    def grant_facts(self, grantee: iam.IGrantable, *, fleet: str | Sequence[str]) -> iam.Grant:
        """Let *grantee* read, write and delete single items of fleets, and nothing else.

        Args:
            grantee: Who may.
            fleet: Its name, which is the partition key of its items; or several names.
        """
        return self._grant(
            grantee,
            fleet,
            [
                "dynamodb:BatchGetItem",
                "dynamodb:Query",
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
                "dynamodb:DeleteItem",
            ],
        )

    def grant_query_and_put(
        self, grantee: iam.IGrantable, *, fleet: str | Sequence[str]
    ) -> iam.Grant:
        """Let *grantee* read and replace items of fleets, and nothing else.

        Args:
            grantee: Who may.
            fleet: Its name, which is the partition key of its items; or several names.
        """
        return self._grant(grantee, fleet, ["dynamodb:Query", "dynamodb:PutItem"])

    def grant_put(self, grantee: iam.IGrantable, *, fleet: str | Sequence[str]) -> iam.Grant:
        """Let *grantee* replace items of fleets, and nothing else.

        Args:
            grantee: Who may.
            fleet: Its name, which is the partition key of its items; or several names.
        """
        return self._grant(grantee, fleet, ["dynamodb:PutItem"])

    def _grant(
        self, grantee: iam.IGrantable, fleet: str | Sequence[str], actions: list[str]
    ) -> iam.Grant:
        if self._key:
            self._key.grant_encrypt_decrypt(grantee)
        fleets = [fleet] if isinstance(fleet, str) else list(fleet)
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=actions,
            resource_arns=[self._table.table_arn],
            conditions={"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": fleets}},
        )
