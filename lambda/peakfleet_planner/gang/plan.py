"""What a decision about a gang says, with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from peakfleet_planner.codec import to_document
from peakfleet_planner.gang.snapshot import GangMemory
from peakfleet_planner.snapshot import Outage


class GangStep(StrEnum):
    """What to do."""

    KEEP = "keep"
    LAUNCH = "launch"
    FORM = "form"
    SAVE = "save"
    RELEASE = "release"


class GangReason(StrEnum):
    """Why."""

    RUNNING = "running"
    COMPLETE = "complete"
    FORMING = "forming"
    READY = "ready"
    FINISHED = "finished"
    HELD = "held"
    GROUP_UNREADABLE = "group-unreadable"
    STATE_UNREADABLE = "state-unreadable"
    RESERVATION_UNREADABLE = "reservation-unreadable"
    RESERVATION_NOT_ACTIVE = "reservation-not-active"
    RESERVATION_ENDS = "reservation-ends"
    RESERVATION_MISMATCH = "reservation-mismatch"
    RESERVATION_IN_USE = "reservation-in-use"
    PRIORITY_SILENT = "priority-silent"
    NO_ROOM = "no-room"
    SPEND_LIMIT = "spend-limit"
    BACKING_OFF = "backing-off"
    LEAVING = "leaving"
    TOLD_TO_LEAVE = "told-to-leave"
    INCOMPLETE = "incomplete"
    NEVER_READY = "never-ready"
    RESTARTING = "restarting"
    FAILING = "failing"


WORDS: Final = {
    GangReason.RUNNING: "it trains",
    GangReason.COMPLETE: "all its machines serve",
    GangReason.FORMING: "it waits for the rest of its machines",
    GangReason.READY: "everything is there for it",
    GangReason.FINISHED: "its training run is done",
    GangReason.HELD: "a human holds it",
    GangReason.GROUP_UNREADABLE: "its group could not be read",
    GangReason.STATE_UNREADABLE: "the state table could not be read",
    GangReason.RESERVATION_UNREADABLE: "its reservation could not be read",
    GangReason.RESERVATION_NOT_ACTIVE: "its reservation is not active",
    GangReason.RESERVATION_ENDS: "its reservation ends",
    GangReason.RESERVATION_MISMATCH: "its reservation is of another type or zone",
    GangReason.RESERVATION_IN_USE: "others use its reservation",
    GangReason.PRIORITY_SILENT: "the fleet that goes first says nothing",
    GangReason.NO_ROOM: "the fleet that goes first leaves no room",
    GangReason.SPEND_LIMIT: "a spend limit does not allow all of its machines",
    GangReason.BACKING_OFF: "it was refused and asks again later",
    GangReason.LEAVING: "its last machines still leave",
    GangReason.TOLD_TO_LEAVE: "its group is told to be empty",
    GangReason.INCOMPLETE: "some of its machines did not come",
    GangReason.NEVER_READY: "some of its machines never served",
    GangReason.RESTARTING: "its program stopped and starts anew from the last checkpoint",
    GangReason.FAILING: "its program failed again and again",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GangSpend:
    """What a gang with a spend limit costs, and may cost, in dollars an hour.

    Args:
        usd_per_hour: What runs, boots or leaves, with all that this decision launches.
        allowed_usd_per_hour: What the tightest limit allows.
        wanted_usd_per_hour: What all its machines would cost, if it wants them; else what it costs.
        limit: Which limit is the tightest, in words.
        overridden_by: Whoever has lifted the limits. Default: nobody.
    """

    usd_per_hour: float
    allowed_usd_per_hour: float
    wanted_usd_per_hour: float
    limit: str
    overridden_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GangPlan:
    """What to do about a gang, and why.

    Args:
        step: What to do.
        reason: Why.
        machines: Machines of a complete gang.
        alive: Machines that run or boot.
        memory: What to remember; None: leave it as it is, for it could not be read.
        zone: Where to launch. None: nothing is launched.
        members: Ids of the machines to form, in their order. Default: none.
        save_for: Which demand for a checkpoint is to be passed on. 0: none.
        outage: A failure to remember. Default: none.
        sweeps: Ids of instances that outlived their drain and are to be terminated. Default: none.
        spend: What it costs and may cost; None without a spend limit.
    """

    step: GangStep
    reason: GangReason
    machines: int
    alive: int
    memory: GangMemory | None
    zone: str | None = None
    members: tuple[str, ...] = ()
    save_for: int = 0
    outage: Outage | None = None
    sweeps: tuple[str, ...] = ()
    spend: GangSpend | None = None

    def explain(self) -> str:
        """Return the decision in a sentence."""
        said = f"{self.step}: {self.alive} of {self.machines} machines, {WORDS[self.reason]}"
        if self.reason is GangReason.SPEND_LIMIT and self.spend:
            return (
                f"{said}: {self.spend.wanted_usd_per_hour:.2f} USD an hour, where "
                f"{self.spend.limit} leaves {self.spend.allowed_usd_per_hour:.2f}"
            )
        return said

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        document: dict[str, Any] = to_document(self)
        return document
