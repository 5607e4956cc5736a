"""Every kind of record that the state table has.

The table has the partition key `fleet` (S), the sort key `item` (S) and the time-to-live attribute
`expires_at` (N, epoch seconds). Times are epoch seconds, but for `ASKED`, which is in milliseconds.
`*` in the key of a capacity error stands for all.

| `item` | says | written by |
|---|---|---|
| `ASKED` | when a tick was last asked for out of turn | an event |
| `CALENDAR` | peaks that were found to come back | the learner |
| `DAY#<ISO-8601 date>#<pool>` | what a pool did for its money | the ledger |
| `DECIDED#<ISO-8601 hour>` | the last decision of an hour | a tick |
| `DECISION#<ISO-8601 tick time>` | a decision that changed something | a tick |
| `DRAIN#<instance id>` | it finishes its work before it leaves | an event |
| `GANG` | the formation of a training group | a tick |
| `HOLD` | a human's freeze | the command |
| `LATEST` | the sizes after the last change | a tick |
| `DEMAND` | demand that was recorded before there was a fleet | `peakfleet learn` |
| `MODEL` | what was learned of demand | the learner |
| `NOTICE#<instance id>` | AWS may take it back | an event |
| `OUTAGE#<pool>#<purchase>#<zone>#<type>` | capacity that could not be had | both |
| `READY#<pool>` | measured boots, and launches that are new | an event |
| `ROLLBACK#<pool>` | a launch template version that was given up | a tick |
| `SERIES` | metrics that were read for the fleet, together with those of others | the reader |
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

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from peakfleet_planner import (
    Draining,
    ForeignSize,
    Hold,
    MeasuredUnits,
    Notice,
    OpenLaunch,
    Outage,
    OutageCause,
    Plan,
    RolledBack,
    SharedSpend,
    Shortfall,
    SignalMemory,
    SpendClaim,
    SpendOverride,
    Spent,
    SpotPrices,
)
from peakfleet_planner.codec import from_document, to_document
from peakfleet_planner.efficiency import PoolDay
from peakfleet_planner.forecast import ProposedPeaks
from peakfleet_planner.gang import GangMemory
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
from peakfleet_table.reading import PACKED_SERIES, READING_KEPT_SECONDS, SharedReading
from peakfleet_table.values import (
    Asked,
    Decision,
    Gang,
    Latest,
    NewestTick,
    PackedModel,
    PackedRecording,
    PoolBoots,
    PoolUnits,
    Strikes,
)

T = TypeVar("T")

FIRST_READ = "DRAIN#"
HOUR_SECONDS, DAY_SECONDS = 3600, 24 * 3600
FOR_EVER_SECONDS = 10 * 365 * DAY_SECONDS
SIZE_KEPT_SECONDS: Final = {"take-back": DAY_SECONDS, "yield": FOR_EVER_SECONDS}
"""A fleet that yields does so until somebody gives the size back."""
NOTICE_KEPT_SECONDS: Final = {"interruption": 900, "rebalance": HOUR_SECONDS}
RECORDING_KEPT_SECONDS = 15 * DAY_SECONDS
"""After two weeks of its own, a fleet needs no recording."""
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
RECORDINGS: Final[Kind[PackedRecording]] = Kind(
    prefix="DEMAND",
    value=PackedRecording,
    attributes={"packed": Attribute("packed", TEXT), "put": Attribute("put", INTEGER)},
    kept_until=lambda recording: recording.put + RECORDING_KEPT_SECONDS,
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
PROPOSALS: Final[Kind[ProposedPeaks]] = Kind(
    prefix="CALENDAR",
    value=lambda *, value: value,
    attributes={"peaks": Attribute(WHOLE, _json(ProposedPeaks.from_json, ProposedPeaks.to_json))},
    kept_until=lambda proposed: proposed.learned_at_epoch_seconds + 2 * DAY_SECONDS,
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
        "shortfalls": Attribute("shortfalls", by_name(_document(Shortfall)), optional=True),
        "halted": Attribute("halted", several(TEXT), optional=True),
        "signals": Attribute("signals", by_name(_document(SignalMemory)), optional=True),
        "groups": Attribute("groups", several(TEXT), optional=True),
        "spot": Attribute("spot", several(TEXT), optional=True),
        "troubles": Attribute("troubles", several(TEXT), optional=True),
        "retired": Attribute("retired", by_name(COUNT), optional=True),
        "weightless_since": Attribute("weightless_since", INTEGER, optional=True),
        "weights": Attribute("weights", STEPS, optional=True),
        "spent": Attribute("spent", _document(Spent), optional=True),
        "spot_prices": Attribute("spot_prices", _document(SpotPrices), optional=True),
        "shadow": Attribute("shadow", FLAG, optional=True),
        "read_at": Attribute("read_at", INTEGER, optional=True),
    },
)
SERIES: Final[Kind[SharedReading]] = Kind(
    prefix="SERIES",
    value=SharedReading,
    attributes={
        "read_at": Attribute("read_at", INTEGER),
        "since": Attribute("since", INTEGER),
        "packed": Attribute("series", PACKED_SERIES),
    },
    kept_until=lambda reading: reading.read_at + READING_KEPT_SECONDS,
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
        "spent": Attribute("memory.spent", _document(Spent), optional=True),
    },
)
