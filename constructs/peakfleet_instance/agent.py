"""The agent of a machine: tells Auto Scaling what the workers say, and the workers what AWS says.

It is the only caller of Auto Scaling on the machine. A worker that is busy protects the machine
from scale-in. When the group lets the machine go all the same, the agent tells the workers, keeps
the terminating hook waiting while they finish, and completes it once they are idle. It does the
same for a machine that goes back to its warm pool: the terminating hook waits for that too. All
that it must not forget is in the folder of signs, so that it can be killed at any time.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from dataclasses import replace

from peakfleet_instance.metadata import Metadata
from peakfleet_instance.orders import AutoScaling, Machine, Orders
from peakfleet_instance.retries import Retries
from peakfleet_instance.signs import FOLDER, Leaving, Signs

TICK_SECONDS = 2.0
SETTLE_SECONDS = 15.0
"""How long a machine must be idle before it may be let go: short gaps make no calls."""
GIVE_BACK_SECONDS = 15.0
"""How long before Spot takes the machine its work must have been given back."""
SERVING = "InService"
GOING = ("Terminated", "Warmed:Terminated")
WARM, WARMED = "warm-pool", "Warmed:"

log = logging.getLogger(__name__)


class Agent:
    """Acts for one machine.

    Args:
        orders: What to do.
        machine: What is known of this machine.
        autoscaling: A boto3 Auto Scaling client.
        signs: What workers and agent tell each other.
        now: A clock, in seconds since 1970.
    """

    def __init__(
        self,
        *,
        orders: Orders,
        machine: Machine,
        autoscaling: AutoScaling,
        signs: Signs,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._orders = orders
        self._machine = machine
        self._autoscaling = autoscaling
        self._signs = signs
        self._now = now
        self._self = {"AutoScalingGroupName": machine.group, "InstanceId": machine.instance_id}
        self._retries = Retries()
        self._target = ""
        self._target_since = now()
        self._told_ready = False
        self._protected: bool | None = None  # not known: an agent that ran before may have set it
        self._idle_since: float | None = None
        self._heartbeat_at: float | None = None
        self._let_go = self._overtime = False

    def tick(self) -> None:
        """Look once at what AWS and the workers say, and do what is due."""
        now = self._now()
        self._look(now)
        self._say_ready(now)
        leaving = self._signs.leaving
        if self._orders.drain_hook is None:
            return
        if leaving is not None and (self._target in GOING or self._returns):
            self._drain(leaving, self._orders.drain_hook, now)
        elif self._target == SERVING:
            self._protect(now)

    def _look(self, now: float) -> None:
        """Read what AWS wants of this machine, and tell the workers."""
        try:
            target, reclaimed_at = self._machine.target_state, self._machine.reclaimed_at
        except (OSError, ValueError) as error:
            log.warning("the metadata could not be read, the last ones stand: %s", error)
            return
        if target != self._target:
            self._turn(target, now)
        if target == SERVING and not self._signs.has_served:
            self._signs.serve(serves=True)
        told = self._signs.leaving
        known = None if told is not None and told.reason == WARM else told
        if target in GOING:
            known = known or Leaving("scale-in", now)
        elif target.startswith(WARMED):
            known = known or told or Leaving(WARM, now)
        if reclaimed_at is not None:
            known = replace(
                known or Leaving("spot", now),
                reason="spot",
                until=reclaimed_at - GIVE_BACK_SECONDS,
            )
        if known != told:
            self._signs.tell(known)

    def _turn(self, target: str, now: float) -> None:
        """Begin anew: a machine may serve, wait and leave more than once."""
        self._target, self._target_since = target, now
        self._told_ready = self._returns  # its launching hook has long been completed
        self._protected = self._idle_since = self._heartbeat_at = None
        self._let_go = self._overtime = False

    @property
    def _returns(self) -> bool:
        """Whether the machine goes back to its warm pool, and has not arrived."""
        to_pool = self._target.startswith(WARMED) and self._target not in GOING
        return to_pool and self._signs.has_served

    def _say_ready(self, now: float) -> None:
        """Complete the launching hook, also the one that fires when a waiting machine is used."""
        hook = self._orders.ready_hook
        if hook is None or self._told_ready or self._target in ("", *GOING):
            return
        # A fast machine can be ready before its hook waits: it is told until it would have lapsed.
        if now - self._target_since > self._orders.ready_seconds or not self._signs.is_ready:
            return
        self._told_ready = self._retries.attempt(
            f"saying that this machine can serve ({hook})", lambda: self._complete(hook), now
        )

    def _drain(self, leaving: Leaving, hook: str, now: float) -> None:
        if self._let_go:
            return
        if not self._signs.is_busy:
            # Behind a load balancer the hook waits only after the deregistration.
            self._let_go = self._retries.attempt(
                f"letting this machine go ({hook})", lambda: self._complete(hook), now
            )
            if self._let_go:
                self._signs.serve(serves=False)
        elif now - leaving.since >= self._orders.drain_seconds:
            if not self._overtime:
                log.warning("this machine is still busy after its time: its hook lapses")
            self._overtime = True
        elif self._heartbeat_at is None or now >= self._heartbeat_at:
            beaten = self._retries.attempt(
                f"heartbeat ({hook})",
                lambda: self._autoscaling.record_lifecycle_action_heartbeat(
                    LifecycleHookName=hook, **self._self
                ),
                now,
            )
            if beaten:
                self._heartbeat_at = now + self._orders.heartbeat_seconds / 3

    def _protect(self, now: float) -> None:
        """Protect the machine while it is busy. When a call fails it stays as it is."""
        if self._signs.is_busy:
            self._idle_since, wanted = None, True
        else:
            self._idle_since = now if self._idle_since is None else self._idle_since
            if now - self._idle_since < SETTLE_SECONDS:
                return
            wanted = False
        if wanted == self._protected:
            return
        done = self._retries.attempt(
            "protecting this machine" if wanted else "no longer protecting this machine",
            lambda: self._autoscaling.set_instance_protection(
                AutoScalingGroupName=self._self["AutoScalingGroupName"],
                InstanceIds=[self._self["InstanceId"]],
                ProtectedFromScaleIn=wanted,
            ),
            now,
        )
        self._protected = wanted if done else None

    def _complete(self, hook: str) -> None:
        self._autoscaling.complete_lifecycle_action(
            LifecycleHookName=hook, LifecycleActionResult="CONTINUE", **self._self
        )


def main() -> None:
    """Act as the environment says, until killed."""
    import boto3  # noqa: PLC0415  workers import this package without it

    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    machine = Metadata()
    agent = Agent(
        orders=Orders.of(os.environ),
        machine=machine,
        autoscaling=boto3.client("autoscaling", region_name=machine.region),
        signs=Signs(FOLDER),
    )
    while True:
        agent.tick()
        time.sleep(TICK_SECONDS)


if __name__ == "__main__":
    main()
