"""What is learned from the demand of a fleet: a versioned value that a tick can go on from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from math import isfinite
from typing import ClassVar, Final

from peakfleet_planner.codec import Document, SpecError, check_at_least, check_within
from peakfleet_planner.forecast.basis import MOST_LAYERS, Basis
from peakfleet_planner.forecast.features import DAYTIMES, DIFFERENCES, ROOTS, SEASONS
from peakfleet_planner.forecast.minutes import HOUR_MINUTES, Minutes
from peakfleet_planner.spec import MINUTE_SECONDS

PHASES: Final = 10
"""Weights may differ by the minute, modulo this."""
EXPERTS: Final = 3
RECENT_MINUTES: Final = 256
"""Minutes that a model carries, so that a tick needs only those since then."""
AHEAD_MINUTES: Final = 180
"""For how many minutes a model knows what was a day, two and a week before."""
_SPREAD_INPUTS: Final = 5
_MOST: Final = 1e32
"""More than the square of any demand."""

Row = tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HorizonState:
    """Where the running forecast of one peak stood. Squares are of instances.

    Args:
        losses_long: What each expert missed in the last days, in squared scales.
        losses_short: The same of the last hours.
        misses: Squared miss of the mixture over an hour, a quarter of it, and a day.
        moves: Squared move of demand over an hour, ten minutes, and a day.
        pending: Forecasts without an outcome yet: scale, each expert, mixture.
    """

    losses_long: Row = (0.3,) * EXPERTS
    losses_short: Row = (0.3,) * EXPERTS
    misses: Row = (0.0,) * 3
    moves: Row = (0.0,) * 3
    pending: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HorizonModel:
    """The forecast of the highest demand between two minutes ahead.

    Args:
        first_minute: From so many minutes ahead,
        last_minute: to so many, both included.
        difference_weights: Regression on differences, by the minute modulo 10. Default: none.
        root_weights: Regression on square roots. Default: none.
        spread_weights: How wide the forecast may miss. Default: the local scale.
        quantile: How often demand should stay below the level.
        residuals: That quantile of the scaled misses, in all or by the minute of the hour.
            Default: a guess.
        state: Where the running forecast stood. Default: at the very beginning.
    """

    first_minute: int
    last_minute: int
    quantile: float
    difference_weights: tuple[Row, ...] = ()
    root_weights: tuple[Row, ...] = ()
    spread_weights: Row = ()
    residuals: Row = ()
    state: HorizonState = field(default_factory=HorizonState)

    def __post_init__(self) -> None:
        """Refuse what cannot be evaluated."""
        owner = "demand model"
        check_within(owner, "first_minute", self.first_minute, 1, self.last_minute)
        check_within(owner, "last_minute", self.last_minute, 1, HOUR_MINUTES - 1)
        state = self.state
        _table("difference_weights", self.difference_weights, PHASES, DIFFERENCES + DAYTIMES + 1)
        _table("root_weights", self.root_weights, PHASES, ROOTS + DAYTIMES + 1)
        if self.spread_weights:
            _table("spread_weights", (self.spread_weights,), 1, _SPREAD_INPUTS + 1)
        check_within(owner, "quantile", self.quantile, 0, 1)
        if self.residuals:
            _table(
                "residuals", (self.residuals,), 1, 1 if len(self.residuals) == 1 else HOUR_MINUTES
            )
        losses = (state.losses_long, state.losses_short)
        _table("state.losses", losses, 2, EXPERTS, least=0)
        _table("state.squares", (state.misses, state.moves), 2, 3, least=0)
        _table("state.pending", state.pending, len(state.pending), 2 + EXPERTS)
        if len(state.pending) > self.last_minute:
            raise SpecError(
                f"{owner}: state.pending must have at most {self.last_minute} rows, "
                f"got {len(state.pending)}"
            )
        if any(row[0] <= 0 for row in state.pending):
            raise SpecError(f"{owner}: state.pending must have scales above 0")

    @property
    def unfitted(self) -> float:
        """What stands for a residual before any was seen."""
        return 1.5 * self.quantile


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmModel:
    """What is worth waiting, and worth starting from what waits.

    Args:
        layers: Layers that should wait; what is let go waits besides.
        grow: Forecast for the time when what waits would serve.
    """

    layers: int
    grow: HorizonModel

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        check_within("demand model", "warm.layers", self.layers, 0, MOST_LAYERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """What foresight and the reactive rule would have cost lately, at the same demand.

    Costs are instance-minutes plus `unserved_cost` for each missed one; older days count less.

    Args:
        minutes: How many minutes were graded.
        foresight_cost: Cost by the model as it then was.
        reactive_cost: Cost by the reactive rule.
        behind_cost: How far foresight has fallen behind since it was last ahead.
        miss_shares: Share of minutes above what was to be grown to, and to be kept. Default:
            none yet.
    """

    minutes: int = 0
    foresight_cost: float = 0.0
    reactive_cost: float = 0.0
    behind_cost: float = 0.0
    miss_shares: Row = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The share of the burst that may be missed, and what keeps it.

    Args:
        asked: The share that was asked for.
        got: The share that the rule then followed would have missed over the last two weeks, at
            boots as measured; capacity that AWS refused is not in it.
        unserved_cost: What a missed unit-minute has to be worth for that, in minutes of capacity.
    """

    asked: float
    got: float
    unserved_cost: float

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        check_within("demand model", "service.got", self.got, 0, 1)
        check_at_least("demand model", "service.unserved_cost", self.unserved_cost, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandModel(Document):
    """What was learned of one fleet's demand, and where its forecasts stood. In instances.

    Args:
        basis: What it was learned for.
        learned_at_epoch_seconds: End of the newest minute that was learned from.
        trusted: Whether it has proved itself on recent demand.
        mean: Mean demand of the last days.
        highest: Highest demand of all that it was learned from.
        minutes_seen: Minutes that it was learned from.
        recent: Demand of the last hours, up to when it was learned.
        seasons: Demand around the same time a day, two and a week before: the first minute
            since 1970 and its values.
        grow: Forecast for the time when new capacity would serve.
        keep: Forecast up to when what is let go now could be back.
        grade: Why it is trusted, or not.
        warm: What waits. Default: nothing does.
        service: How a share of the burst that may be missed is kept. Default: none is asked for.
    """

    document_name: ClassVar[str] = "demand model"
    document_version: ClassVar[int] = 2
    basis: Basis
    learned_at_epoch_seconds: int
    trusted: bool
    mean: float
    highest: float
    minutes_seen: int
    recent: Row
    seasons: tuple[tuple[int, Row], ...]
    grow: HorizonModel
    keep: HorizonModel
    grade: Grade = field(default_factory=Grade)
    warm: WarmModel | None = None
    service: Service | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be evaluated."""
        owner = "demand model"
        check_within(owner, "mean", self.mean, 0, _MOST)
        check_within(owner, "highest", self.highest, 0, _MOST)
        check_at_least(owner, "minutes_seen", self.minutes_seen, 1)
        _table("recent", (self.recent,), 1, max(1, len(self.recent)), least=0)
        if len(self.seasons) != len(SEASONS):
            raise SpecError(f"{owner}: seasons must be {len(SEASONS)}, got {len(self.seasons)}")
        for _, values in self.seasons:
            _table("seasons", (values,), 1, len(values), least=0)

    @property
    def newest_minute(self) -> int:
        """The newest minute learned from, since 1970."""
        return self.learned_at_epoch_seconds // MINUTE_SECONDS - 1

    @property
    def recent_minutes(self) -> Minutes:
        """The last hours by the minute."""
        return Minutes(first=self.newest_minute + 1 - len(self.recent), values=self.recent)

    @property
    def season_minutes(self) -> dict[int, Minutes]:
        """What was around the same time before, by lag in minutes."""
        return {
            lag: Minutes(first=first, values=values)
            for lag, (first, values) in zip(SEASONS, self.seasons, strict=True)
        }


def read_model(document: object) -> DemandModel | None:
    """Return the model that *document* describes; None if it is none that this code can use.

    >>> read_model({"version": 0}) is None
    True
    """
    if not isinstance(document, Mapping):
        return None
    try:
        return DemandModel.from_json(document)
    except SpecError:
        return None


def _table(
    name: str, rows: tuple[Row, ...], count: int, width: int, *, least: float = -_MOST
) -> None:
    """Refuse a table of another shape, or with a number that no model has."""
    if rows and (len(rows) != count or any(len(row) != width for row in rows)):
        raise SpecError(f"demand model: {name} must have {count} rows of {width} numbers")
    numbers = [*chain.from_iterable(rows)]
    if not all(map(isfinite, numbers)) or (
        numbers and not least <= min(numbers) <= max(numbers) <= _MOST
    ):
        raise SpecError(f"demand model: {name} must have numbers from {least:g} to {_MOST:g}")
