"""What a model is learned for, and which fleets one can be learned for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, floor
from typing import Final

from peakfleet_planner.spec import (
    IN_FLIGHT,
    MINUTE_SECONDS,
    BacklogSignal,
    FleetSpec,
    RateSignal,
    Signal,
    SilenceRule,
)

MOST_AGE_SECONDS: Final = 9000
"""A model learned longer ago is not used: the hourly learner may fail once, and be late."""
MOST_LAYERS: Final = 256
"""A larger fleet is planned in layers of several instances."""
MOST_BOOT_MINUTES: Final = 50
"""A longer boot is not foreseen: the peak an hour ago must have ended before it is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmBasis:
    """Warm pools.

    Args:
        start_minutes: From the start of what waits to serving.
        least_layers: Layers that always wait.
        most_layers: Layers that may wait.
        cost_fraction: What a waiting layer costs, as share of one that serves.
        reuse: Whether in every pool what is let go waits for a while. Default: false.
    """

    start_minutes: int
    least_layers: int
    most_layers: int
    cost_fraction: float
    reuse: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What a model was learned for; another fleet, or one that was changed, needs a new one.

    Args:
        signal: Name of the signal; of several, all their names.
        expression: How its metrics become a value; of several, with their units; of a queue, what
            its arrivals are.
        units_per_value: How a value becomes units; 1 for several.
        silent_is_zero: Whether a minute without a datapoint counts as nothing.
        baseline_kind: `fixed` or `reported`.
        layer_units: Units of one layer of capacity: one instance, several in a large fleet.
        most_layers: Layers of the whole fleet at its maximum.
        boot_minutes: From the launch to serving, in the slowest pool, less what a queue's work may
            wait.
        unserved_cost: What a missed unit-minute is worth.
        warm: Warm pools. Default: none.
    """

    signal: str
    expression: str
    units_per_value: float
    silent_is_zero: bool
    baseline_kind: str
    layer_units: float
    most_layers: int
    boot_minutes: int
    unserved_cost: float
    warm: WarmBasis | None = None

    @property
    def reuses(self) -> bool:
        """Whether all that is let go waits for a while."""
        return self.warm is not None and self.warm.reuse

    def fits(self, other: Basis | None) -> bool:
        """Return whether a model of this basis can be used for *other*.

        Boots are measured anew all the time, and the model follows with its next lesson.
        """
        if other is None or self == other:
            return other is not None
        return replace(self, boot_minutes=other.boot_minutes) == other


def basis_of(spec: FleetSpec) -> Basis | None:
    """Return what a model of this fleet must have been learned for; None if it needs none.

    Live signals in periods of a minute, or less, can be foreseen; of several, the largest request
    is. So can what arrives in queues: in all that share their workers, else the most in one of
    them. See `why_reactive` for what cannot.
    """
    if why_reactive(spec) or work_may_wait(spec):
        return None
    boot_minutes = _boot_minutes(spec)
    learned = learned_signals(spec)
    signals = [signal for signal in learned if isinstance(signal, RateSignal)]
    alone = signals[0] if len(signals) == 1 else None
    scaled = [f"{signal.units_per_value:g} * ({signal.expression})" for signal in signals]
    scaled += [
        f"arrivals({one.seconds_per_item:g} s, {one.drain_within_seconds:g} s)"
        for one in learned_queues(spec)
    ]
    unit, most_units = spec.pools[0].units_per_capacity, sum(pool.max_units for pool in spec.pools)
    layer_units = unit * ceil(most_units / unit / MOST_LAYERS)
    return Basis(
        signal=", ".join(signal.name for signal in learned),
        expression=alone.expression if alone else ", ".join(scaled),
        units_per_value=alone.units_per_value if alone else 1.0,
        silent_is_zero=all(one.when_silent.rule is SilenceRule.ZERO for one in learned),
        baseline_kind=spec.baseline.kind,
        layer_units=layer_units,
        most_layers=ceil(most_units / layer_units - 1e-9),
        boot_minutes=boot_minutes,
        unserved_cost=spec.service_level.unserved_cost,
        warm=_warm_basis(spec, layer_units, boot_minutes) if signals else None,
    )


def learned_signals(spec: FleetSpec) -> tuple[Signal, ...]:
    """Return the signals whose demand is learned: the live ones, or else the queues.

    Beside live signals a queue is met by its own rule, which knows the work that waits.
    """
    live = tuple(signal for signal in spec.signals if isinstance(signal, RateSignal))
    return live or spec.signals


def learned_queues(spec: FleetSpec) -> tuple[BacklogSignal, ...]:
    """Return the queues whose arrivals are learned; none beside live signals."""
    return tuple(one for one in learned_signals(spec) if isinstance(one, BacklogSignal))


def why_reactive(spec: FleetSpec) -> str | None:
    """Return why demand of this fleet cannot be foreseen, in words; None if it can be."""
    if _boot_minutes(spec) > MOST_BOOT_MINUTES:
        return f"a pool boots for longer than {MOST_BOOT_MINUTES} minutes"
    return next(filter(None, map(_why_unreadable, learned_signals(spec))), None)


def _why_unreadable(signal: Signal) -> str | None:
    """Return why a signal does not tell what is asked for by the minute."""
    owner, period = f"signal '{signal.name}'", signal.period_seconds
    is_queue = isinstance(signal, BacklogSignal)
    if period > MINUTE_SECONDS or (is_queue and period < MINUTE_SECONDS):
        return f"{owner} is read in periods of {period} seconds"
    if is_queue and IN_FLIGHT not in signal.metrics:
        return f"{owner} does not count what is worked on, so that nobody knows what arrives"
    if isinstance(signal, BacklogSignal) and signal.has_long_items:
        return f"an item of {owner} takes more than half of the time that it may wait"
    return None


def work_may_wait(spec: FleetSpec) -> bool:
    """Return whether all work waits for longer than new capacity takes.

    What that has to finish is then known when it is launched, so that there is nothing to foresee.
    """
    queues = learned_queues(spec)
    return bool(queues) and all(
        one.finish_within_seconds > spec.lead_seconds_of(one) for one in queues
    )


def _boot_minutes(spec: FleetSpec) -> int:
    boot_minutes = ceil(spec.serves_after_seconds / MINUTE_SECONDS)
    return max(
        0, boot_minutes - min((one.waits_minutes for one in learned_queues(spec)), default=0)
    )


def read_seconds(spec: FleetSpec) -> int:
    """Return how far back a tick reads demand: to the last lesson, even if one was missed."""
    history_seconds = spec.service_level.history_seconds
    return history_seconds if basis_of(spec) is None else max(history_seconds, MOST_AGE_SECONDS)


def _warm_basis(spec: FleetSpec, layer_units: float, boot_minutes: int) -> WarmBasis | None:
    """Return what may wait, if that is sooner there than what boots."""
    pools = [(pool, pool.warm) for pool in spec.pools if pool.warm]
    least_units = sum(warm.min_capacity * pool.units_per_capacity for pool, warm in pools)
    most_units = sum(warm.max_capacity * pool.units_per_capacity for pool, warm in pools)
    start_minutes = ceil(max((w.start_seconds for _, w in pools), default=0) / MINUTE_SECONDS)
    if most_units < layer_units or start_minutes >= boot_minutes:
        return None
    return WarmBasis(
        start_minutes=start_minutes,
        least_layers=floor(least_units / layer_units),
        most_layers=min(MOST_LAYERS, floor(most_units / layer_units)),
        cost_fraction=max(warm.cost_fraction for _, warm in pools),
        reuse=all(pool.warm and pool.warm.reuse for pool in spec.pools),
    )
