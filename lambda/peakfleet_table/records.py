"""Every kind of record that the state table has.

The table has the partition key `fleet` (S), the sort key `item` (S) and the time-to-live attribute
`expires_at` (N, epoch seconds). Times are epoch seconds, but for `ASKED`, which is in milliseconds.
`*` in the key of a capacity error stands for all.

| `item` | says | written by |
|---|---|---|
| `ASKED` | when a tick was last asked for out of turn | an event |
| `DAY#<ISO-8601 date>#<pool>` | what a pool did for its money | the ledger |
| `DECIDED#<ISO-8601 hour>` | the last decision of an hour | a tick |
| `DECISION#<ISO-8601 tick time>` | a decision that changed something | a tick |
| `DRAIN#<instance id>` | it finishes its work before it leaves | an event |
| `GANG` | the formation of a training group | a tick |
| `HOLD` | a human's freeze | the command |
| `LATEST` | the sizes after the last change | a tick |
| `MODEL` | what was learned of demand | the learner |
| `NOTICE#<instance id>` | AWS may take it back | an event |
| `OUTAGE#<pool>#<purchase>#<zone>#<type>` | capacity that could not be had | both |
| `READY#<pool>` | measured boots, and launches that are new | an event |
| `ROLLBACK#<pool>` | a launch template version that was given up | a tick |
| `SHARED` | of a shared spend limit, not of a fleet: what each fleet has claimed | a tick |
| `SIZE#<pool>` | a size that somebody else has set | a tick |
| `SPEND` | a human's leave to spend more | the command |
| `STRIKES#<pool>` | launches in a row that never served | an event |
| `TICK` | the newest tick that has decided, also if it changed nothing | a tick |
| `UNITS#<pool>` | units that were measured | the ledger |

What sorts before `FIRST_READ` is no concern of a decision: a tick reads everything from there on
with one query.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, TypeVar

from peakfleet_planner import (
    BootTimes,
    DemandModel,
    Draining,
    ForeignSize,
    Growth,
    Heights,
    Hold,
    MeasuredUnits,
    Notice,
    OpenLaunch,
    Outage,
    OutageCause,
    Plan,
    RolledBack,
    SharedSpend,
    SignalMemory,
    SpendClaim,
    SpendOverride,
    Spent,
    read_model,
)
from peakfleet_planner.codec import from_document, to_document
from peakfleet_planner.efficiency import PoolDay
from peakfleet_planner.gang import GangMemory
from peakfleet_planner.snapshot import MOST_BOOTS
from peakfleet_table.forms import (
    BYTES,
    COUNT,
    FLAG,
    INTEGER,
    NUMBER,
    STEPS,
    TEXT,
    TEXTS,
    DamagedRecordError,
    Form,
    by_name,
    member_of,
    one_of,
    several,
)
from peakfleet_table.kind import WHOLE, Attribute, Kind

T = TypeVar("T")

FIRST_READ = "DRAIN#"
HOUR_SECONDS, DAY_SECONDS = 3600, 24 * 3600
FOR_EVER_SECONDS = 10 * 365 * DAY_SECONDS
SIZE_KEPT_SECONDS: Final = {"take-back": DAY_SECONDS, "yield": FOR_EVER_SECONDS}
"""A fleet that yields does so until somebody gives the size back."""
NOTICE_KEPT_SECONDS: Final = {"interruption": 900, "rebalance": HOUR_SECONDS}
READY_KEPT_SECONDS = 14 * DAY_SECONDS
STRIKES_KEPT_SECONDS = 6 * HOUR_SECONDS
UNITS_KEPT_SECONDS = 7 * DAY_SECONDS
DECISION_KEPT_SECONDS = 14 * DAY_SECONDS
HOUR_KEPT_SECONDS = 396 * DAY_SECONDS
"""The last decision of each hour is kept for 13 months, so that a year can be compared."""
_ANY = "*"


def _json(read: Callable[[Any], T], write: Callable[[T], Any]) -> Form[T]:
    """Return the form of a JSON document in a text."""

    def _read(attribute: Any, path: str) -> T:  # noqa: ANN401  DynamoDB's own
        text = TEXT.read(attribute, path)
        try:
            return read(json.loads(text))
        except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise DamagedRecordError(f"{path}: {error}") from error

    def _write(value: T) -> Any:  # noqa: ANN401  as above
        return {"S": json.dumps(write(value), separators=(",", ":"), allow_nan=False)}

    return Form(_write, _read)


def _document(cls: type[T]) -> Form[T]:
    """Return the form of a dataclass as a JSON document."""
    return _json(lambda document: from_document(cls, document), to_document)


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest:
    """The last change.

    Args:
        tick: When it was decided, in epoch seconds.
        desired: Desired capacity by pool after it.
        before: And before it.
        growth: When each pool was asked for more, and for how many points, oldest first.
        shrinkage: The same for when each pool was asked for less; None if nobody kept that.
        heights: How large each pool was lately, where what is scaled in goes to the warm pool.
        cloud_weight: Share of the traffic that the fleet gets, of 999; None if it is unknown.
        plan: What was decided, as a JSON document.
        shadow: True if nothing was done: the sizes are those that the groups would have.
    """

    tick: int = 0
    desired: Mapping[str, int] = field(default_factory=dict)
    before: Mapping[str, int] = field(default_factory=dict)
    growth: Mapping[str, Growth] = field(default_factory=dict)
    shrinkage: Mapping[str, Growth] | None = None
    heights: Mapping[str, Heights] = field(default_factory=dict)
    cloud_weight: int | None = None
    plan: str = "{}"
    shadow: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A decision that changed something.

    Args:
        tick: When it was decided, in epoch seconds.
        plan: What was decided.
        actual: What the groups were asked to run at that time, by pool, where the decision was in
            shadow; None where it was acted on.
        actual_units: What they served then.
    """

    tick: int
    plan: Plan
    actual: Mapping[str, int] | None = None
    actual_units: float | None = None

    @property
    def time(self) -> str:
        """The tick's time as the key has it."""
        return datetime.fromtimestamp(self.tick, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedModel:
    """What was learned of demand, compressed.

    Args:
        packed: The model's JSON document, compressed with gzip.
        learned: When it was learned, in epoch seconds.
    """

    packed: bytes
    learned: int = 0

    @classmethod
    def of(cls, model: DemandModel) -> PackedModel:
        """Return a model as it is kept."""
        text = json.dumps(model.to_json(), separators=(",", ":"), allow_nan=False)
        packed = gzip.compress(text.encode(), mtime=0)
        return cls(packed=packed, learned=model.learned_at_epoch_seconds)

    def model(self) -> DemandModel | None:
        """Return the model; None if it is of another version of this code.

        The same bytes give the same object, so that a tick does not unpack a model again.

        Raises:
            DamagedRecordError: The bytes are no model.
        """
        try:
            return _unpacked(self.packed)
        except Exception as error:
            raise DamagedRecordError(f"MODEL: {type(error).__name__}: {error}") from error


@lru_cache(maxsize=64)  # a model of each fleet that shares the function
def _unpacked(packed: bytes) -> DemandModel | None:
    try:
        document = json.loads(gzip.decompress(packed))
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f"damaged: {error}") from error
    if document["version"] != DemandModel.document_version:
        return None
    model = read_model(document)
    if model is None:
        raise ValueError("it describes no model of this version")
    return model


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolBoots:
    """How long the instances of a pool took to serve.

    Args:
        pool: Which.
        seconds: Of each instance type, oldest first.
        launched: When each instance that is new was launched, in epoch seconds.
    """

    pool: str
    seconds: Mapping[str, tuple[float, ...]]
    launched: Mapping[str, int] = field(default_factory=dict)

    @property
    def times(self) -> BootTimes:
        """The newest boots of each instance type."""
        return BootTimes(seconds={kind: all_[-MOST_BOOTS:] for kind, all_ in self.seconds.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Strikes:
    """Launches of a pool in a row that never served.

    Args:
        pool: Which.
        count: How many.
        last: When the last of them failed, in epoch seconds.
        reason: Why, in AWS's words.
        unhealthy: When the last of those that ran ended. Default: none ran.
        seen: What names those that were counted.
    """

    pool: str
    count: int
    last: int
    reason: str
    unhealthy: int | None = None
    seen: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolUnits:
    """What a point of a pool's capacity was measured to serve.

    Args:
        pool: Which.
        measured: The units.
    """

    pool: str
    measured: MeasuredUnits


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """When a tick was last asked for out of turn, in milliseconds since 1970."""

    at_milliseconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestTick:
    """The newest tick that has decided, whether or not it changed anything.

    Args:
        tick: Its time in epoch seconds.
        unmet_since: Since when each pool lacks what it was asked for, in epoch seconds.
        halted: Pools whose replacement of unhealthy instances the fleet itself has suspended.
        signals: What is remembered of each signal.
        groups: The Auto Scaling groups of the fleet's pools. Default: it has not said.
        spot: Ids of its instances that AWS may take back, as they were when the tick began; None
            if they are not known, or too many to be kept.
        troubles: What troubles the fleet, by the names of the metrics that count it. Default: it
            has not said.
        retired: Instances that still run or drain in each pool that leaves the fleet.
        weightless_since: Since when the listener is read to give the fleet no traffic, in epoch
            seconds; None if it gives some.
        spent: What the fleet has spent this month. Default: nothing limits that.
        shadow: True if it did nothing but decide.
    """

    tick: int
    unmet_since: Mapping[str, int] = field(default_factory=dict)
    halted: tuple[str, ...] = ()
    signals: Mapping[str, SignalMemory] = field(default_factory=dict)
    groups: tuple[str, ...] | None = None
    spot: tuple[str, ...] | None = None
    troubles: tuple[str, ...] | None = None
    retired: Mapping[str, int] = field(default_factory=dict)
    weightless_since: int | None = None
    spent: Spent | None = None
    shadow: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gang:
    """What a training group remembers.

    Args:
        tick: When it was decided, in epoch seconds.
        memory: What is remembered.
        plan: What was decided, as a JSON document.
    """

    tick: int
    memory: GangMemory
    plan: str


def _pool_units(*, pool: str, **measured: Any) -> PoolUnits:  # noqa: ANN401  its own fields
    return PoolUnits(pool=pool, measured=MeasuredUnits(**measured))


def _gang(*, tick: int, plan: str, **memory: Any) -> Gang:  # noqa: ANN401  its own fields
    return Gang(tick=tick, plan=plan, memory=GangMemory(**memory))


def _scope(name: str) -> dict[str, str | None]:
    """Return what a capacity error is about; a pool's name may hold the separator."""
    parts = name.rsplit("#", 3)
    if len(parts) != 4:  # noqa: PLR2004  pool, purchase, zone, type
        raise ValueError(f"the key must name pool, purchase, zone and type, got {name!r}")
    pool, purchase, zone, kind = (None if part == _ANY else part for part in parts)
    if purchase not in (None, "on-demand", "spot"):
        raise ValueError(f"purchase must be one of on-demand, spot, got {purchase!r}")
    return {"pool": pool, "purchase": purchase, "zone": zone, "instance_type": kind}


def _pool(name: str) -> dict[str, str]:
    return {"pool": name}


def _instance(name: str) -> dict[str, str]:
    return {"instance_id": name}


HOLDS: Final[Kind[Hold]] = Kind(
    prefix="HOLD",
    value=Hold,
    attributes={
        "owner": Attribute("owner", TEXT),
        "reason": Attribute("reason", TEXT),
        "until": Attribute("until_epoch_seconds", INTEGER),
    },
    kept_until=lambda hold: hold.until_epoch_seconds,
)
SPEND_OVERRIDES: Final[Kind[SpendOverride]] = Kind(
    prefix="SPEND",
    value=SpendOverride,
    attributes=HOLDS.attributes,
    kept_until=lambda override: override.until_epoch_seconds,
)
SHARED_SPENDS: Final[Kind[SharedSpend]] = Kind(
    prefix="SHARED",
    value=SharedSpend,
    attributes={
        "claims": Attribute("claims", by_name(_document(SpendClaim))),
        "version": Attribute("version", COUNT),
        "since": Attribute("since_epoch_seconds", INTEGER, optional=True),
        "unknown": Attribute("unknown_usd", NUMBER, optional=True),
    },
)
LATESTS: Final[Kind[Latest]] = Kind(
    prefix="LATEST",
    value=Latest,
    attributes={
        "tick": Attribute("tick", INTEGER),
        "desired": Attribute("desired", by_name(COUNT)),
        "before": Attribute("before", by_name(COUNT), optional=True),
        "growth": Attribute("growth", by_name(STEPS), optional=True),
        "shrinkage": Attribute("shrinkage", by_name(STEPS), optional=True),
        "heights": Attribute("heights", by_name(STEPS), optional=True),
        "cloud_weight": Attribute("cloud_weight", COUNT, optional=True),
        "plan": Attribute("plan", TEXT),
        "shadow": Attribute("shadow", FLAG, optional=True),
    },
)
DECISIONS: Final[Kind[Decision]] = Kind(
    prefix="DECISION#",
    value=Decision,
    attributes={
        "tick": Attribute("tick", INTEGER),
        "plan": Attribute("plan", _json(Plan.from_json, Plan.to_json)),
        "actual": Attribute("actual", by_name(COUNT), optional=True),
        "actual_units": Attribute("actual_units", NUMBER, optional=True),
    },
    name=lambda decision: decision.time,
    kept_until=lambda decision: decision.tick + DECISION_KEPT_SECONDS,
)
HOURS: Final[Kind[Decision]] = Kind(
    prefix="DECIDED#",
    value=Decision,
    attributes=DECISIONS.attributes,
    name=lambda decision: decision.time[: len("2026-01-31T23")],
    kept_until=lambda decision: decision.tick + HOUR_KEPT_SECONDS,
)
MODELS: Final[Kind[PackedModel]] = Kind(
    prefix="MODEL",
    value=PackedModel,
    attributes={
        "learned": Attribute("learned", INTEGER, optional=True),
        "model": Attribute("packed", BYTES),
    },
    kept_until=lambda model: model.learned + DAY_SECONDS,
)
OUTAGES: Final[Kind[Outage]] = Kind(
    prefix="OUTAGE#",
    value=Outage,
    attributes={
        "cause": Attribute("cause", member_of(OutageCause)),
        "asked_at": Attribute("asked_at_epoch_seconds", INTEGER),
        "attempts": Attribute("attempts", COUNT),
    },
    name=lambda outage: "#".join(outage.scope),
    named=_scope,
    # An hour after its waiting time, so that the next refusal doubles that.
    kept_until=lambda outage: outage.retry_at_epoch_seconds + HOUR_SECONDS,
)
NOTICES: Final[Kind[Notice]] = Kind(
    prefix="NOTICE#",
    value=Notice,
    attributes={
        "pool": Attribute("pool", TEXT),
        "kind": Attribute("kind", one_of(*NOTICE_KEPT_SECONDS)),
        "seen_at": Attribute("seen_at_epoch_seconds", INTEGER),
        "capacity": Attribute("capacity", COUNT),
    },
    name=lambda notice: notice.instance_id,
    named=_instance,
    kept_until=lambda notice: notice.seen_at_epoch_seconds + NOTICE_KEPT_SECONDS[notice.kind],
)
BOOTS: Final[Kind[PoolBoots]] = Kind(
    prefix="READY#",
    value=PoolBoots,
    attributes={
        "seconds": Attribute("seconds", by_name(several(NUMBER))),
        "launched": Attribute("launched", by_name(INTEGER), optional=True),
    },
    name=lambda boots: boots.pool,
    named=_pool,
)
STRIKES: Final[Kind[Strikes]] = Kind(
    prefix="STRIKES#",
    value=Strikes,
    attributes={
        "count": Attribute("count", COUNT),
        "last": Attribute("last", INTEGER),
        "reason": Attribute("reason", TEXT),
        "unhealthy": Attribute("unhealthy", INTEGER, optional=True),
        "seen": Attribute("seen", TEXTS, optional=True),
    },
    name=lambda strikes: strikes.pool,
    named=_pool,
    kept_until=lambda strikes: strikes.last + STRIKES_KEPT_SECONDS,
)
SIZES: Final[Kind[ForeignSize]] = Kind(
    prefix="SIZE#",
    value=ForeignSize,
    attributes={
        "capacity": Attribute("capacity", COUNT),
        "since": Attribute("since_epoch_seconds", INTEGER),
    },
    name=lambda size: size.pool,
    named=_pool,
    kept_until=lambda size: size.since_epoch_seconds + DAY_SECONDS,
)
DRAINS: Final[Kind[Draining]] = Kind(
    prefix=FIRST_READ,
    value=Draining,
    attributes={
        "pool": Attribute("pool", TEXT),
        "since": Attribute("since_epoch_seconds", INTEGER),
    },
    name=lambda draining: draining.instance_id,
    named=_instance,
    # No lifecycle action lasts longer, however often it is extended.
    kept_until=lambda draining: draining.since_epoch_seconds + 2 * DAY_SECONDS,
)
LAUNCHES: Final[Kind[OpenLaunch]] = Kind(
    prefix="LAUNCH#",
    value=OpenLaunch,
    attributes={
        "pool": Attribute("pool", TEXT),
        "zone": Attribute("zone", TEXT),
        "capacity": Attribute("capacity", COUNT),
        "since": Attribute("since_epoch_seconds", INTEGER),
    },
    name=lambda launch: launch.token,
    named=lambda name: {"token": name},
    # AWS answers within minutes; nobody waits for it for ever.
    kept_until=lambda launch: launch.since_epoch_seconds + HOUR_SECONDS,
)
ROLLBACKS: Final[Kind[RolledBack]] = Kind(
    prefix="ROLLBACK#",
    value=RolledBack,
    attributes={
        "version": Attribute("version", INTEGER),
        "to": Attribute("to_version", INTEGER),
        "at": Attribute("at_epoch_seconds", INTEGER),
    },
    name=lambda given_up: given_up.pool,
    named=_pool,
    # A version that does not work never will.
    kept_until=lambda given_up: given_up.at_epoch_seconds + FOR_EVER_SECONDS,
)
UNITS: Final[Kind[PoolUnits]] = Kind(
    prefix="UNITS#",
    value=_pool_units,
    attributes={
        "units": Attribute("measured.units", NUMBER),
        "low": Attribute("measured.low", NUMBER),
        "high": Attribute("measured.high", NUMBER),
        "days": Attribute("measured.days", COUNT),
    },
    name=lambda units: units.pool,
    named=_pool,
)
ASKED: Final[Kind[Asked]] = Kind(
    prefix="ASKED",
    value=Asked,
    attributes={"at": Attribute("at_milliseconds", INTEGER)},
    kept_until=lambda asked: asked.at_milliseconds // 1000 + HOUR_SECONDS,
)
DAYS: Final[Kind[PoolDay]] = Kind(
    prefix="DAY#",
    value=lambda *, value: value,
    attributes={"day": Attribute(WHOLE, _json(PoolDay.from_json, PoolDay.to_json))},
    name=lambda day: f"{day.date}#{day.pool}",
    kept_until=lambda day: int(
        datetime.fromisoformat(day.date).replace(tzinfo=UTC).timestamp() + 400 * DAY_SECONDS
    ),
)
TICKS: Final[Kind[NewestTick]] = Kind(
    prefix="TICK",
    value=NewestTick,
    attributes={
        "tick": Attribute("tick", INTEGER),
        "unmet_since": Attribute("unmet_since", by_name(INTEGER), optional=True),
        "halted": Attribute("halted", several(TEXT), optional=True),
        "signals": Attribute("signals", by_name(_document(SignalMemory)), optional=True),
        "groups": Attribute("groups", several(TEXT), optional=True),
        "spot": Attribute("spot", several(TEXT), optional=True),
        "troubles": Attribute("troubles", several(TEXT), optional=True),
        "retired": Attribute("retired", by_name(COUNT), optional=True),
        "weightless_since": Attribute("weightless_since", INTEGER, optional=True),
        "spent": Attribute("spent", _document(Spent), optional=True),
        "shadow": Attribute("shadow", FLAG, optional=True),
    },
)
GANGS: Final[Kind[Gang]] = Kind(
    prefix="GANG",
    value=_gang,
    attributes={
        "tick": Attribute("tick", INTEGER),
        "plan": Attribute("plan", TEXT),
        "formation": Attribute("memory.formation", COUNT),
        "members": Attribute("memory.members", several(TEXT)),
        "failures": Attribute("memory.failures", COUNT),
        "saved_for": Attribute("memory.saved_for", COUNT),
        "forming_since": Attribute("memory.forming_since", INTEGER, optional=True),
        "released_at": Attribute("memory.released_at", INTEGER, optional=True),
        "ends_at": Attribute("memory.ends_at", INTEGER, optional=True),
    },
)
