"""The instances of a gang: the agent and the trainer as installed, and a training program."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peakfleet_instance.agent import Agent
from peakfleet_instance.checkpoint import Checkpoints, Part
from peakfleet_instance.gang import Gang
from peakfleet_instance.orders import Orders as AgentOrders
from peakfleet_instance.signs import Signs
from peakfleet_instance.trainer import Trainer
from peakfleet_instance.training_run import Orders
from peakfleet_local import LocalAws, World
from peakfleet_local.world import Machine
from peakfleet_planner.gang import GangSpec

FIRST_STEP, LAST_STEP = 10, 20
WRITING_SECONDS = 180
LOOK_SECONDS = 60
"""How often a trainer looks at S3 here; on an instance it is every five seconds."""
TIMEOUT_SECONDS = 20.0
"""Wall-clock time that the program has to do what it was told."""
SERVING, LEAVING = "InService", "Terminating:Wait"
PROGRAM = f"""
cd "$PEAKFLEET_CHECKPOINTS"
until_told() {{ while [ ! -e "../$1" ] && kill -0 "$PPID" 2>/dev/null; do sleep 0.1; done; }}
save() {{ mkdir draft; echo "$NODE_RANK of $NNODES" >draft/weights; mv draft "$1"; }}
trap 'until_told written; save {LAST_STEP}; exit 0' TERM
save {FIRST_STEP}
until_told end
"""
"""Writes a checkpoint when it starts, and one when it has to stop. Never outlives its parent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Metadata:
    """What a machine's metadata say of it."""

    instance_id: str
    group: str
    world: World

    @property
    def target_state(self) -> str:
        leaves = self.world.state_of(self.instance_id).startswith("Terminating")
        return "Terminated" if leaves else SERVING

    @property
    def reclaimed_at(self) -> float | None:
        return None


class _Instance:
    """One machine: its agent, its trainer and the program that this one starts."""

    def __init__(
        self, machine: Machine, *, gang: GangSpec, aws: LocalAws, home: Path, hook: dict[str, Any]
    ) -> None:
        self._home = home / machine.instance_id
        (self._home / "signs").mkdir(parents=True)
        program = self._home / "train.sh"
        program.write_text(PROGRAM, encoding="utf-8")
        self.signs = Signs(self._home / "signs")
        self._now: Callable[[], float] = lambda: aws.world.now_epoch_seconds
        self._look_at = 0.0
        s3, seconds = aws.client("s3"), gang.pool.drain_seconds
        name = machine.instance_id
        self._agent = Agent(
            orders=AgentOrders(
                drain_hook=hook["LifecycleHookName"],
                drain_seconds=seconds,
                heartbeat_seconds=hook["HeartbeatTimeout"],
            ),
            machine=_Metadata(instance_id=name, group=machine.group, world=aws.world),
            autoscaling=aws.client("autoscaling"),
            signs=self.signs,
            now=self._now,
        )
        self._trainer = Trainer(
            orders=Orders(
                bucket=gang.bucket,
                prefix=gang.prefix,
                program=str(program),
                checkpoint_seconds=seconds,
            ),
            s3=s3,
            gang=Gang(s3, bucket=gang.bucket, prefix=gang.prefix, instance_id=name),
            home=self._home,
            signs=self._home / "signs",
            now=self._now,
        )

    def tick(self) -> None:
        """Let agent and trainer look once; a checkpoint takes three minutes to write."""
        self._agent.tick()
        leaving, now = self.signs.leaving, self._now()
        if leaving is not None and now - leaving.since >= WRITING_SECONDS:
            self._tell("written")
        elif leaving is not None or now >= self._look_at:
            self._look_at = now + LOOK_SECONDS
            self._trainer.tick()
            self._wait(lambda: not self.signs.is_busy or self._wrote(FIRST_STEP))

    def end(self) -> None:
        """End the program."""
        self._tell("end", "written")

    def _tell(self, *words: str) -> None:
        for word in words:
            (self._home / word).touch()
        self._wait(lambda: not self.signs.is_busy)

    def _wrote(self, least: int) -> bool:
        names = (one.name for one in (self._home / "checkpoints").iterdir())
        return any(int(name) >= least for name in names if name.isdecimal())

    def _wait(self, happened: Callable[[], bool]) -> None:
        """Let the trainer look until something has happened, without time passing in the world."""
        end = time.monotonic() + TIMEOUT_SECONDS
        while not happened():
            if time.monotonic() > end:
                raise TimeoutError(f"the program on {self._home.name} did not do what it was told")
            time.sleep(0.02)
            self._trainer.tick()


class GangInstances:
    """Every instance of a gang that has booted.

    Args:
        gang: Which gang.
        aws: Where it is deployed.
        home: A folder for the disks of the machines.
    """

    def __init__(self, *, gang: GangSpec, aws: LocalAws, home: Path) -> None:
        self._gang, self._aws, self._home = gang, aws, home
        self._instances: dict[str, _Instance] = {}
        hooks = aws.client("autoscaling").describe_lifecycle_hooks(
            AutoScalingGroupName=gang.pool.group
        )["LifecycleHooks"]
        self._hook = next(
            one for one in hooks if one["LifecycleTransition"].endswith("TERMINATING")
        )
        self._checkpoints = Checkpoints(
            aws.client("s3"),
            bucket=gang.bucket,
            prefix=gang.prefix,
            part=Part(formation=0, rank=0, size=gang.machines),
        )

    def tick(self) -> None:
        """Let every instance look once, and tell the world which ones are busy."""
        world = self._aws.world
        for machine in world.machines_of(self._gang.pool.group):
            key = machine.instance_id
            if not self._is_up(machine):
                continue
            if key not in self._instances:
                self._instances[key] = _Instance(
                    machine, gang=self._gang, aws=self._aws, home=self._home, hook=self._hook
                )
            instance = self._instances[key]
            instance.tick()
            (world.busy.add if instance.signs.is_busy else world.busy.discard)(key)

    @property
    def training(self) -> int:
        """How many instances serve and run the program."""
        return sum(
            self._instances[one.instance_id].signs.is_busy
            for one in self._aws.world.machines_of(self._gang.pool.group)
            if one.instance_id in self._instances and self._state(one) == SERVING
        )

    @property
    def newest_step(self) -> int:
        """Step of the newest checkpoint in S3 that has the parts of all machines; 0 if none."""
        kept = self._checkpoints.newest()
        return kept.step if kept else 0

    def close(self) -> None:
        """End every program."""
        for instance in self._instances.values():
            instance.end()

    def _is_up(self, machine: Machine) -> bool:
        world = self._aws.world
        booted_at = machine.launched_at + world.boot_seconds_of(machine.group)
        return world.now_epoch_seconds >= booted_at and self._state(machine) in {SERVING, LEAVING}

    def _state(self, machine: Machine) -> str:
        return self._aws.world.state_of(machine.instance_id)
