"""What the records of the state table hold, where the planner has no value for it."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from peakfleet_planner import (
    BootTimes,
    DemandModel,
    Growth,
    Heights,
    MeasuredUnits,
    Plan,
    Shortfall,
    SignalMemory,
    Spent,
    SpotPrices,
    read_model,
)
from peakfleet_planner.gang import GangMemory
from peakfleet_planner.snapshot import MOST_BOOTS
from peakfleet_table.forms import (
    DamagedRecordError,
)


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
class PackedRecording:
    """Demand that was recorded before there was a fleet.

    Args:
        packed: As `RecordedDemand.packed` returns it.
        put: When somebody put it there, in epoch seconds.
    """

    packed: str
    put: int


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
        shortfalls: What each pool was asked for and has not served for a while.
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
        weights: The fleet's shares of the traffic that may still act, until when they were read;
            None where weights act at once.
        spent: What the fleet has spent this month. Default: nothing limits that.
        spot_prices: What Spot costs, as it was read last. Default: nothing limits what is spent.
        shadow: True if it did nothing but decide.
        read_at: When the shared reading was read that was used last, in epoch seconds. Default:
            none ever was.
    """

    tick: int
    unmet_since: Mapping[str, int] = field(default_factory=dict)
    shortfalls: Mapping[str, Shortfall] = field(default_factory=dict)
    halted: tuple[str, ...] = ()
    signals: Mapping[str, SignalMemory] = field(default_factory=dict)
    groups: tuple[str, ...] | None = None
    spot: tuple[str, ...] | None = None
    troubles: tuple[str, ...] | None = None
    retired: Mapping[str, int] = field(default_factory=dict)
    weightless_since: int | None = None
    weights: Heights | None = None
    spent: Spent | None = None
    spot_prices: SpotPrices | None = None
    shadow: bool | None = None
    read_at: int | None = None


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
