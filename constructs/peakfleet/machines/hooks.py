"""Lifecycle hooks: what a group waits for when an instance arrives or leaves."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import IResolvable
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_iam as iam
from constructs import Construct

from peakfleet._tree import identity_of, stack_of
from peakfleet.policy import Drain, Readiness

FLEET_TAG = "peakfleet:fleet"
"""A tag of everything that belongs to a fleet."""
DRAIN_HOOK, READY_HOOK = "peakfleet-drain", "peakfleet-ready"
"""Names within a group. An instance completes its hooks by name, so it must know them at boot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """What the groups of a fleet wait for when an instance arrives or leaves."""

    drain: Drain
    readiness: Readiness

    @property
    def exist(self) -> bool:
        """Whether there is any hook, which only an agent on the instance can complete."""
        return self.drain.waits or self.readiness.is_signalled

    @property
    def lifecycle_policy(self) -> autoscaling.InstanceLifecyclePolicy | None:
        """What becomes of an instance whose terminating hook lapsed: it is kept."""
        if not self.drain.waits:
            return None
        return autoscaling.InstanceLifecyclePolicy(
            retention_triggers=autoscaling.RetentionTriggers(
                terminate_hook_abandon=autoscaling.TerminateHookAbandonAction.RETAIN
            )
        )

    @property
    def settings(self) -> dict[str, str]:
        """The agent's environment variables."""
        settings = {}
        if self.drain.waits:
            settings["PEAKFLEET_DRAIN_HOOK"] = DRAIN_HOOK
            settings["PEAKFLEET_DRAIN_SECONDS"] = str(self.drain.at_most_seconds)
            settings["PEAKFLEET_HEARTBEAT_SECONDS"] = str(self.drain.heartbeat_seconds)
        if self.readiness.is_signalled:
            settings["PEAKFLEET_READY_HOOK"] = READY_HOOK
            settings["PEAKFLEET_READY_SECONDS"] = str(self.readiness.within_seconds)
        return settings

    @property
    def specifications(
        self,
    ) -> list[IResolvable | autoscaling.CfnAutoScalingGroup.LifecycleHookSpecificationProperty]:
        """The hooks, as properties of a group.

        A hook that is a resource of its own refers to its group, so that CloudFormation deletes it
        first: the group would then go without waiting for what its instances work on.
        """
        waits = []
        if self.drain.waits:
            # Abandoned, the instance is kept: the lifecycle policy says so.
            waits.append((DRAIN_HOOK, "TERMINATING", self.drain.heartbeat_seconds))
        if self.readiness.is_signalled:
            waits.append((READY_HOOK, "LAUNCHING", self.readiness.within_seconds))
        return [
            autoscaling.CfnAutoScalingGroup.LifecycleHookSpecificationProperty(
                lifecycle_hook_name=name,
                lifecycle_transition=f"autoscaling:EC2_INSTANCE_{transition}",
                heartbeat_timeout=seconds,
                default_result="ABANDON",
            )
            for name, transition, seconds in waits
        ]

    def grant(self, scope: Construct, role: iam.Role, *, fleet: str) -> None:
        """Let instances complete the hooks of their fleet's groups, and nothing else.

        The groups are known by the tag of their fleet. By name, the permission would refer to
        them and be deleted before them, and no instance could say any more that it is done.

        Args:
            scope: Where the groups are.
            role: What the instances run as.
            fleet: Name of the fleet, unique in its account and region.
        """
        actions = ["autoscaling:CompleteLifecycleAction"] if self.exist else []
        if self.drain.waits:
            actions += [
                "autoscaling:RecordLifecycleActionHeartbeat",
                "autoscaling:SetInstanceProtection",
            ]
        if actions:
            every_group = identity_of(stack_of(scope)).group_arn("*")
            role.add_to_policy(
                iam.PolicyStatement(
                    actions=actions,
                    resources=[every_group],
                    conditions={"StringEquals": {f"autoscaling:ResourceTag/{FLEET_TAG}": fleet}},
                )
            )
