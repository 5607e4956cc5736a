"""Lifecycle hooks: what a group waits for when an instance arrives or leaves."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import jsii
from aws_cdk import Duration
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_iam as iam
from constructs import Construct, IValidation

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
        if self.exist:
            group.node.add_validation(TagKeys(group))

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


@jsii.implements(IValidation)
class TagKeys:
    """Refuses tags that EC2 cannot put into an instance's metadata: no launch would succeed.

    The agent reads its group's name there. Any other way would be a circular reference in the
    template, or a permission to describe every group of the account.
    """

    def __init__(self, group: autoscaling.AutoScalingGroup) -> None:
        self._group = cast("autoscaling.CfnAutoScalingGroup", group.node.default_child)

    def validate(self) -> list[str]:
        """Return what is wrong; the CDK puts the construct's path before it."""
        refused = [
            key
            for key in self._group.tags.tag_values()
            if not re.fullmatch(r"[\w+\-=.,:@]+", key, re.ASCII) or key in {".", "..", "_index"}
        ]
        if not refused:
            return []
        keys = ", ".join(map(repr, refused))
        return [
            (
                f"instances with tags in their metadata cannot be launched with the tag keys "
                f"{keys}: only letters, digits and + - = . , _ : @ are allowed; rename them, "
                f"exclude the group from them, or use Drain.none() and Readiness.in_service() "
                f"without an EfficiencyLedger"
            )
        ]
