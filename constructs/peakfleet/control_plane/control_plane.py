"""ControlPlane: the functions that decide, listen, learn and keep books for several fleets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any

from aws_cdk import (
    Aws,
    Duration,
    IResolvable,
)
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns
from constructs import Construct

from peakfleet._tree import identity_of, node_of, path_of, stack_of
from peakfleet.alarms import events_alarm, in_alarm, plane_alarms, reader_alarm, tell
from peakfleet.control_plane.encryption import Encryption
from peakfleet.control_plane.events import Events
from peakfleet.control_plane.late_values import late_json, late_list
from peakfleet.control_plane.numpy_layer import numpy_layer
from peakfleet.control_plane.permissions import (
    PLANE_WILDCARDS,
    Permission,
    may_decide,
    may_look,
    may_read_metrics,
    may_read_spot_prices,
    may_resize,
    may_roll_back,
)
from peakfleet.control_plane.plane_function import Functions, PlaneFunction, Spread
from peakfleet.control_plane.reader import Reader, Reads
from peakfleet.control_plane.state import FleetState
from peakfleet.findings import acknowledge_policies
from peakfleet.machines import PoolGroup
from peakfleet.policy import SpendLimit
from peakfleet.pools import CapacityPool
from peakfleet_planner import (
    FleetSpec,
    RegionShareSpec,
    SpecError,
    TrafficSpec,
    WeightedRecordsSpec,
)
from peakfleet_planner.spec import SHARED_LIMIT

SCHEDULES_VARIABLE, TABLE_VARIABLE = "PEAKFLEET_SCHEDULES", "PEAKFLEET_TABLE"
"""The handler's names for them; the constructs know the handlers only as an asset."""
_ID = "PeakFleetControlPlane"
_MINUTE, _HOUR, _DAY = Duration.minutes(1), Duration.hours(1), Duration.days(1)
_TICK_TIMEOUT = Duration.seconds(50)
_TICK_MEMORY_MIB = 512  # a quarter of a processor: boto3 loads in about a second
_LEARNER_MEMORY_MIB = 1769  # one whole processor; two weeks take about ten seconds of it
_MOST_ENVIRONMENT = 3900
"""Lambda takes 4 KB of environment variables."""
_MOST_SCHEDULE_NAME = 64


class ControlPlane(Construct):
    """What decides for fleets: functions that all fleets of a stack share.

    Defines a function that decides every minute, one that takes the events of EventBridge with the
    rules that deliver them, and, where a fleet needs them, one that learns and one that keeps
    books; for each a role, which may do what its fleets need, and a log group. They share a
    dead-letter queue and three alarms. A fleet adds a schedule for each function, a partition
    of the state table, and permissions for its own groups. Every fleet has invocations of its own,
    so that a fault of one stops no other.

    Args:
        state: What the fleets remember in. Default: one table for all fleets of the stack.
        functions: How the functions run: network, concurrency, logs, tracing. Default:
            `Functions()`.
        encryption: Keys of state table, logs and the dead-letter queue. Default: the keys that AWS
            manages.
        spread: When within its minute a fleet decides. Default: `Spread.at_once()`.
        reads: Who reads the metrics of its fleets; with `Reads.shared()` there is one more
            function, with a schedule and an alarm of its own. Default: `Reads.by_fleet()`.

    Limitations:
        It is of one stack, with its fleets. One role may touch the groups of all its fleets:
        give a fleet that must be apart a control plane of its own.

    Example:
        InferenceFleet(self, "Chat", control_plane=ControlPlane(self, "ChatControl"), ...)
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        state: FleetState | None = None,
        functions: Functions | None = None,
        encryption: Encryption | None = None,
        spread: Spread | None = None,
        reads: Reads | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._stack = stack_of(self)
        self._functions = functions or Functions()
        self._encryption = encryption or Encryption()
        self._window = (spread or Spread.at_once()).window
        self._reads = reads or Reads.by_fleet()
        self._state = _state_of(self, state, self._encryption)
        self._fleets: list[str] = []
        self._partitions: list[str] = []
        self._learning: list[str] = []
        self._booked: list[str] = []
        self._schedules: dict[str, str] = {}
        self._dead_letters = self._encryption.queue(self, "DeadLetters")
        self._scaler = self._function(
            "Scaler",
            does="Decides the size of",
            handler="peakfleet_handlers.scaler.handler",
            timeout=_TICK_TIMEOUT,
            memory_mib=_TICK_MEMORY_MIB,
            max_event_age=_MINUTE,
        )
        self._state.grant(self._scaler.role, fleet=late_list(self._partitions))
        account = {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
        self._schedule_role = iam.Role(
            self,
            "Schedules",
            assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com", conditions=account),
            permissions_boundary=self._functions.permissions_boundary,
        )
        self._encryption.grant_queues(self._schedule_role)
        acknowledge_policies(self, self._schedule_role, PLANE_WILDCARDS)
        self._learner: PlaneFunction | None = None
        self._ledger: PlaneFunction | None = None
        self._alarms = plane_alarms(
            self,
            scaler=self._scaler.function,
            dead_letters=self._dead_letters,
            has_reader=self._reads.is_shared,
        )
        self._alarm_rules = {name: in_alarm(alarm) for name, alarm in self._alarms.items()}
        self._told: list[sns.ITopic] = []

    @classmethod
    def of(
        cls,
        scope: Construct,
        *,
        state: FleetState | None = None,
        functions: Functions | None = None,
        encryption: Encryption | None = None,
    ) -> ControlPlane:
        """Return the control plane that the fleets in the stack of *scope* share, defined once.

        Args:
            scope: A fleet, or anything else in the stack.
            state: As for `ControlPlane`. Default: as it is.
            functions: As for `ControlPlane`. Default: as they are.
            encryption: As for `ControlPlane`. Default: as it is.

        Raises:
            SpecError: It has been defined with something else.
        """
        stack = stack_of(scope)
        found = node_of(stack).try_find_child(_ID)
        if not isinstance(found, ControlPlane):
            return cls(stack, _ID, state=state, functions=functions, encryption=encryption)
        found.check(state=state, functions=functions, encryption=encryption)
        return found

    def check(
        self,
        *,
        state: FleetState | None,
        functions: Functions | None,
        encryption: Encryption | None,
    ) -> None:
        """Refuse what a fleet wants otherwise than this control plane does it; None is any way.

        Args:
            state: What the fleet remembers in.
            functions: How its functions run.
            encryption: Keys, of which those of volumes are the fleet's alone.

        Raises:
            SpecError: Something differs; the message says the way out.
        """
        own, given = self._encryption, encryption or Encryption()
        differs = {
            "functions": functions is not None and functions != self._functions,
            "state": state is not None and state is not self._state,
            "encryption": any(
                key is not None and key is not known
                for key, known in (
                    (given.state, self._state.encryption_key),
                    (given.logs, own.logs),
                    (given.queues, own.queues),
                )
            ),
        }
        if different := [name for name, is_so in differs.items() if is_so]:
            raise SpecError(
                f"the control plane {self.node.path} is shared, and has been defined with other "
                f"{' and '.join(different)}; give all its fleets the same, or this one "
                f"control_plane=ControlPlane(self, 'Apart', {different[0]}=...)"
            )

    def add_fleet(
        self,
        fleet: Construct,
        *,
        name: str,
        document: IResolvable,
        spec: Callable[[], FleetSpec],
        pools: Sequence[CapacityPool],
        groups: Sequence[PoolGroup],
        shadow: bool,
        spend_limits: Sequence[SpendLimit],
        split: TrafficSpec | WeightedRecordsSpec | None,
        region: RegionShareSpec | None,
        rolls_back: iam.IRole | None,
    ) -> None:
        """Decide for a fleet every minute, and take the events of its groups.

        Args:
            fleet: The fleet.
            name: Its name, which is the partition key of its records.
            document: Its specification for a template, see `spec_document`.
            spec: Returns its specification as of now.
            pools: Its pools.
            groups: The groups that it has made for them, in the same order.
            shadow: Whether it only says what it would do: then its ticks may only read.
            spend_limits: What it may cost.
            split: What traffic it splits; None if it splits none.
            region: Its region's share of a service; None if it is alone.
            rolls_back: What the instances run as, where a group may be given an older version of
                its launch template.

        Raises:
            SpecError: The fleet is of another stack, or the control plane has no more room.
        """
        existing = [pool.group_name for pool in pools if pool.group_name]
        own = [pool for pool in pools if pool.group_name is None]
        if shadow:
            self._scaler.allow(*may_look(split))
        else:
            self._scaler.allow(*may_decide(groups, own, split=split, region=region))
            if existing:
                arn_of = identity_of(self._stack).group_arn
                self._scaler.allow(may_resize([*map(arn_of, existing)]))
        for permission in may_roll_back(groups, rolls_back) if rolls_back and not shadow else ():
            self._scaler.role.add_to_policy(permission.statement)
        schedule = self._decide(fleet, "Scaler", name=name, spec=document)
        self._schedules[name] = schedule.schedule_name
        if self._reads.is_shared:
            self._shared_reader.read_for(name, spec)
        if spend_limits and any(pool.purchase.is_spot for pool in pools):
            self._scaler.allow(may_read_spot_prices())
        self._share(spend_limits)
        room = sum(len(one) + _MOST_SCHEDULE_NAME + len('"":"",') for one in self._schedules)
        if room > _MOST_ENVIRONMENT:
            raise SpecError(
                f"the control plane {self.node.path} has no room for {len(self._schedules)} "
                f"fleets; give some of them another, control_plane=ControlPlane(self, 'Second')"
            )
        self.events.allow(
            Permission(actions=["scheduler:GetSchedule"], resources=[schedule.schedule_arn]),
            Permission(
                # AWS knows no narrower resource
                actions=["autoscaling:DescribeAutoScalingInstances"],
                resources=["*"],
            ),
        )
        if shadow:
            return
        self.events.hear_groups(fleet, groups, existing=existing)
        if any(pool.purchase.is_spot for pool in pools):
            self.events.hear_spot()

    def add_gang(
        self,
        fleet: Construct,
        *,
        name: str,
        spec: IResolvable,
        spend_limits: Sequence[SpendLimit],
        permissions: Sequence[Permission],
    ) -> None:
        """Decide for a training fleet every minute.

        Args:
            fleet: The fleet.
            name: Its name, which is the partition key of its records.
            spec: Its specification, see `spec_document`.
            spend_limits: What it may cost.
            permissions: What its ticks may do besides.

        Raises:
            SpecError: The fleet is of another stack.
        """
        self._scaler.allow(*permissions)
        self._decide(fleet, "Ticks", name=name, spec=spec, payload_field="gang")
        self._share(spend_limits)

    def _share(self, limits: Sequence[SpendLimit]) -> None:
        """Let ticks read and write what fleets claim of the limits that they share."""
        names = [limit.spec.shared for limit in limits]
        shared = [SHARED_LIMIT + name for name in names if name]
        self._partitions += [one for one in shared if one not in self._partitions]

    def learn(
        self,
        fleet: Construct,
        *,
        name: str,
        spec: IResolvable,
        recorded: str | None = None,
    ) -> None:
        """Learn the demand of a fleet every hour.

        Args:
            fleet: The fleet.
            name: Its name.
            spec: Its specification, see `spec_document`.
            recorded: What was recorded before, see `RecordedDemand.packed`. Default: nothing.

        Raises:
            SpecError: The learner's numpy is not on this machine and cannot be fetched.
        """
        if self._learner is None:
            self._learner = self._function(
                "Learner",
                does="Learns the demand of",
                handler="peakfleet_handlers.learn.handler",
                timeout=Duration.minutes(10),
                memory_mib=_LEARNER_MEMORY_MIB,
                max_event_age=_HOUR,
                layers=[numpy_layer(self)],
            )
            self._reads_and_remembers(self._learner, self._learning)
        self._learning.append(name)
        self._learner.define_schedule(
            Construct(fleet, "Learner"),
            purpose=f"Learns the demand of the fleet {name} every hour",
            every=_HOUR,
            spec=spec,
            more={"recorded": recorded} if recorded else None,
            role=self._schedule_role,
        )

    def keep_books(self, fleet: Construct, *, name: str, spec: IResolvable) -> None:
        """Write down every day what the pools of a fleet did for their cost.

        Args:
            fleet: The fleet.
            name: Its name.
            spec: Its specification, see `spec_document`.
        """
        if self._ledger is None:
            self._ledger = self._function(
                "Ledger",
                does="Writes down every day what the pools did for their cost of",
                handler="peakfleet_handlers.ledger.handler",
                timeout=Duration.minutes(5),
                memory_mib=512,
                max_event_age=_DAY,
            )
            self._reads_and_remembers(self._ledger, self._booked)
        self._booked.append(name)
        self._ledger.define_schedule(
            Construct(fleet, "Ledger"),
            purpose=f"Keeps the books of the fleet {name} every day",
            every=_DAY,
            spec=spec,
            role=self._schedule_role,
        )

    def decide_on(self, alarm: cloudwatch.IAlarm) -> None:
        """Make a fleet decide at once when an alarm on one of its metrics goes off."""
        self.events.decide_on(alarm)

    def tell(self, topic: sns.ITopic | None) -> None:
        """Tell a topic when one of the alarms goes off, once however many fleets have it."""
        if topic is not None and topic not in self._told:
            self._told.append(topic)
            tell(self._alarms.values(), topic)

    @property
    def state(self) -> FleetState:
        """What the fleets remember in."""
        return self._state

    @property
    def scaler(self) -> PlaneFunction:
        """What decides every minute."""
        return self._scaler

    @cached_property
    def events(self) -> Events:
        """What takes what AWS tells of the fleets; it is defined for the first that has any."""
        events = Events(
            self,
            "Events",
            plane=path_of(self),
            functions=self._functions,
            encryption=self._encryption,
            scaler=self._scaler,
            environment={
                SCHEDULES_VARIABLE: late_json(self, self._schedules),
                TABLE_VARIABLE: self._state.table_name,
            },
        )
        self._state.grant_facts(events.role, fleet=late_list(self._fleets))
        events.allow(
            Permission(
                actions=["lambda:InvokeFunction"], resources=[self._scaler.function.function_arn]
            )
        )
        self._add_alarm(
            "EventErrors", events_alarm(events, plane=path_of(self), events=events.function)
        )
        return events

    @cached_property
    def _shared_reader(self) -> Reader:
        reader = Reader(
            self,
            "Reader",
            plane=path_of(self),
            functions=self._functions,
            encryption=self._encryption,
            dead_letters=self._dead_letters,
            schedule_role=self._schedule_role,
            timeout=_TICK_TIMEOUT,
            memory_mib=_TICK_MEMORY_MIB,
        )
        self._state.grant_put(reader.role, fleet=late_list(reader.fleets))
        alarm = reader_alarm(reader, plane=path_of(self), reader=reader.function)
        self._add_alarm("ReaderErrors", alarm)
        return reader

    @property
    def reader(self) -> PlaneFunction | None:
        """What reads for all fleets; None if each reads for itself, or there is none yet."""
        return self._shared_reader if self._reads.is_shared and self._schedules else None

    @property
    def learner(self) -> PlaneFunction | None:
        """What learns every hour; None if no fleet learns."""
        return self._learner

    @property
    def ledger(self) -> PlaneFunction | None:
        """What keeps the books every day; None if no fleet has `efficiency`."""
        return self._ledger

    @property
    def alarms(self) -> Mapping[str, cloudwatch.Alarm]:
        """The alarms, by name.

        ScalerErrors, DeadLetters and, once it takes events, EventErrors; ReaderErrors where one
        function reads for all fleets.
        """
        return MappingProxyType(self._alarms)

    @property
    def alarm_rules(self) -> Mapping[str, cloudwatch.IAlarmRule]:
        """For each of `alarms` the rule that it is in ALARM: the health of each fleet has them."""
        return MappingProxyType(self._alarm_rules)

    @property
    def fleets(self) -> tuple[str, ...]:
        """Names of the fleets that it decides for."""
        return tuple(self._fleets)

    def _add_alarm(self, name: str, alarm: cloudwatch.Alarm) -> None:
        """Tell of an alarm, and count it to the health of the fleets, as of the others."""
        for topic in self._told:
            tell([alarm], topic)
        self._alarms[name] = alarm
        self._alarm_rules[name] = in_alarm(alarm)

    def _decide(
        self,
        fleet: Construct,
        part: str,
        *,
        name: str,
        spec: IResolvable,
        payload_field: str = "spec",
    ) -> scheduler.Schedule:
        if stack_of(fleet) is not self._stack:
            raise SpecError(
                f"the control plane {self.node.path} is of another stack; a fleet and its control "
                f"plane are of the same one, or their stacks would need each other"
            )
        self._encryption.grant_launches(fleet, self._scaler.role)
        self._fleets.append(name)
        self._partitions.append(name)
        return self._scaler.define_schedule(
            Construct(fleet, part),
            purpose=f"Decides the size of the fleet {name} every minute",
            every=_MINUTE,
            spec=spec,
            role=self._schedule_role,
            payload_field=payload_field,
            window=self._window,
        )

    def _function(self, construct_id: str, *, does: str, **settings: Any) -> PlaneFunction:  # noqa: ANN401  those of a PlaneFunction
        return PlaneFunction(
            self,
            construct_id,
            purpose=f"{does} the fleets of {path_of(self)}",
            functions=self._functions,
            encryption=self._encryption,
            dead_letters=self._dead_letters,
            **settings,
        )

    def _reads_and_remembers(self, function: PlaneFunction, fleets: list[str]) -> None:
        self._state.grant_query_and_put(function.role, fleet=late_list(fleets))
        function.allow(may_read_metrics())


def _state_of(scope: Construct, given: FleetState | None, encryption: Encryption) -> FleetState:
    """Return what fleets remember in, refusing a key that its table does not have."""
    if given is None:
        return FleetState.of(scope, encryption_key=encryption.state)
    if encryption.state and given.encryption_key is not encryption.state:
        raise SpecError(
            f"encryption has a key for the state table, but the state {given.node.path} that is "
            f"given has its own; give the key to FleetState(encryption_key=...)"
        )
    return given
