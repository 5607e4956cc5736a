"""What a user asks of a trial. Loads nothing heavy, so that `--help` is quick."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from peakfleet_cli.errors import CommandError

if TYPE_CHECKING:
    from peakfleet_sim import ReadOptions, WarmPoolSpec, World


class TrialError(CommandError):
    """What was asked for does not fit together; the message says the way out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where demand, fleet and scenario come from.

    Args:
        demand: Recorded demand.
        spec: A fleet specification in JSON.
        template: A synthesised template that has the fleet.
        fleet: Which fleet of the template.
        scenario: What goes wrong.
        reading: What is said of the recording. Default: nothing.
    """

    demand: Path
    spec: Path | None = None
    template: Path | None = None
    fleet: str | None = None
    scenario: Path | None = None
    reading: ReadOptions | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Where the outcome is written besides the terminal; None is nowhere.

    Args:
        json: The figures.
        series: Every minute.
        html: The report.
        png: The picture.
    """

    json: Path | None = None
    series: Path | None = None
    html: Path | None = None
    png: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Physics:
    """The physics, as far as the fleet does not say; None is the default.

    Args:
        units_per_instance: Units that one instance serves. Default: 1.
        baseline_units: Units that the on-premises side carries. Default: 0.
        min_instances: Instances that are always kept. Default: 0.
        max_instances: Most instances. Default: twice what the peak needs.
        boot_seconds: From launch to serving. Default: 180.
        unserved_cost: Instance-minutes that an unserved one is worth. Default: 10.
        miss_at_most: Share of the burst that Peakfleet may miss. Default: it goes by the
            unserved cost.
        metric_delay_seconds: How late demand is seen. Default: 60, or 0 where a fleet's signals
            are read in periods below a minute; a replay goes by whole minutes.
        history_minutes: Minutes at the start that are not scored.
        seed: Of everything that is random.
        warm_instances: Instances of the warm pool; `auto` lets Peakfleet plan how many, and gives
            the other policies none.
        warm_reuse: Whether scaled-in instances return to the warm pool, so that at most
            `warm_instances` run or wait together. Default: only where the size is planned.
        warm_start_seconds: From their start to serving.
        warm_cost_fraction: What they cost while they wait.
    """

    units_per_instance: float | None = None
    baseline_units: float | None = None
    min_instances: int | None = None
    max_instances: int | None = None
    boot_seconds: float | None = None
    unserved_cost: float | None = None
    miss_at_most: float | None = None
    metric_delay_seconds: float | None = None
    history_minutes: int = 0
    seed: int = 0
    warm_instances: int | Literal["auto"] = 0
    warm_reuse: bool | None = None
    warm_start_seconds: float = 60.0
    warm_cost_fraction: float = 0.03

    def warm_pool(self) -> WarmPoolSpec:
        """Return the warm pool of the one group."""
        from peakfleet_sim import WarmPoolSpec  # noqa: PLC0415  as in `world`

        auto = self.warm_instances == "auto"
        return WarmPoolSpec(
            instances=0 if self.warm_instances == "auto" else self.warm_instances,
            auto=auto,
            start_seconds=self.warm_start_seconds,
            cost_fraction=self.warm_cost_fraction,
            reuse=auto if self.warm_reuse is None else self.warm_reuse,
        )

    def world(self, warm_pool: WarmPoolSpec) -> World:
        """Return the physics of one group."""
        from peakfleet_sim import World  # noqa: PLC0415  loads scipy, which --help need not wait for

        said = {
            name: value
            for name in (*_OF_POOLS, *_OF_FLEETS, "metric_delay_seconds")
            if (value := getattr(self, name)) is not None
        }
        return World(warm_pool=warm_pool, **said)

    def refuse_what_a_fleet_says(self) -> None:
        """Refuse flags that contradict a given fleet.

        Raises:
            TrialError: One was given.
        """
        self._refuse(_OF_POOLS + _OF_FLEETS, "the fleet's specification says it")

    def refuse_what_pools_say(self) -> None:
        """Refuse flags that contradict the pools of a scenario.

        Raises:
            TrialError: One was given.
        """
        self._refuse(_OF_POOLS, "the pools of the scenario say it")

    def _refuse(self, names: tuple[str, ...], why: str) -> None:
        for name in names:
            if getattr(self, name) is not None:
                raise TrialError(f"--{name.replace('_', '-')} must be left out: {why}")


_OF_POOLS = ("units_per_instance", "min_instances", "max_instances", "boot_seconds")
_OF_FLEETS = ("baseline_units", "unserved_cost")


def warm_size(text: str) -> int | Literal["auto"]:
    """Return the size of the warm pool that *text* asks for.

    >>> warm_size("4"), warm_size("auto")
    (4, 'auto')

    Raises:
        TrialError: It is no size.
    """
    if text == "auto":
        return "auto"
    if not text.isdecimal():
        raise TrialError(f"--warm-instances must be a number of at least 0 or auto, got {text!r}")
    return int(text)
