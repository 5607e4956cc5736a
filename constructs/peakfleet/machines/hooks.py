"""Lifecycle hooks: what a group waits for when an instance arrives or leaves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_iam as iam
from constructs import Construct

from peakfleet.policy import Drain, Readiness

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

    def define(self, scope: Construct, group: autoscaling.AutoScalingGroup) -> None:
        """Define the hooks of a group."""
        if self.drain.waits:
            autoscaling.LifecycleHook(
                scope,
                "Drain",
                auto_scaling_group=group,
                lifecycle_hook_name=DRAIN_HOOK,
                lifecycle_transition=autoscaling.LifecycleTransition.INSTANCE_TERMINATING,
                heartbeat_timeout=Duration.seconds(self.drain.heartbeat_seconds),
                default_result=autoscaling.DefaultResult.ABANDON,  # which the policy turns to keep
            )
        if self.readiness.is_signalled:
            autoscaling.LifecycleHook(
                scope,
                "Ready",
                auto_scaling_group=group,
                lifecycle_hook_name=READY_HOOK,
                lifecycle_transition=autoscaling.LifecycleTransition.INSTANCE_LAUNCHING,
                heartbeat_timeout=Duration.seconds(self.readiness.within_seconds),
                default_result=autoscaling.DefaultResult.ABANDON,
            )

    def grant(
        self,
        scope: Construct,
        role: iam.IRole,
        groups: Iterable[autoscaling.AutoScalingGroup],
    ) -> None:
        """Let instances complete the hooks of their fleet's groups, and nothing else.

        A policy of its own: a launch template waits for all that belongs to its role, and this
        names the groups, which wait for their launch template.
        """
        actions = ["autoscaling:CompleteLifecycleAction"] if self.exist else []
        if self.drain.waits:
            actions += [
                "autoscaling:RecordLifecycleActionHeartbeat",
                "autoscaling:SetInstanceProtection",
            ]
        if actions:
            arns = [group.auto_scaling_group_arn for group in groups]
            allowed = iam.PolicyStatement(actions=actions, resources=arns)
            iam.Policy(scope, "Lifecycle", roles=[role], statements=[allowed])
