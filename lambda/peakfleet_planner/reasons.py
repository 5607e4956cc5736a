"""The words of a decision: its reasons, and the states and causes that it tells."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class _Worded(StrEnum):
    """Members that have words: what documents call them, and what people read."""

    words: str

    def __new__(cls, value: str, words: str = "") -> Self:
        """Return the member that has this value."""
        member = str.__new__(cls, value)
        member._value_, member.words = value, words
        return member


class Reason(_Worded):
    """Why a fleet has the size it has."""

    DEMAND = "demand", "sized to the demand above the baseline"
    BASELINE_SUFFICES = "baseline-suffices", "the baseline carries all demand"
    HOLDING_PEAK = "holding-peak", "demand was higher lately and may be again, so capacity is kept"
    KNOWN_PEAK = "known-peak", "a known peak is near or under way"
    STILL_BOOTING = "still-booting", "new instances still boot, so serving instances are kept"
    STEP_LIMITED = "step-limited", "the pace of the fleet allows no larger step"
    AT_MAXIMUM = "at-maximum", "every pool is at its maximum"
    NO_CAPACITY = (
        "no-capacity",
        "AWS refused capacity in a pool lately, so it is asked of the others",
    )
    TOO_DEAR = "too-dear", "the pools that are left cost more than the expected demand is worth"
    AT_RISK = "at-risk", "AWS takes instances back, so replacements are started"
    BUSY = "busy", "busy instances are not removed"
    OTHER_WRITER = "other-writer", "somebody else set a size, which is kept for now"
    MOVING = "moving", "capacity moves back to a cheaper pool"
    CANARY = "canary", "a share stays on a pool to compare the others with"
    UNSERVED = "unserved", "demand above the serving capacity has lasted longer than a boot"
    HELD_UNSERVED = "held-unserved", "the hold leaves demand unserved"
    NO_WORK_TAKEN = "no-work-taken", "items wait and serving capacity takes none, so none is added"
    MEASURED_UNITS = "measured-units", "a pool counts with its measured units"
    SIGNAL_SILENT = "signal-silent", "a signal is silent, so nothing is removed"
    SIGNAL_IMPLAUSIBLE = (
        "signal-implausible",
        "a signal reports what can hardly be true, so nothing is removed",
    )
    WITNESS_CONTRADICTS = (
        "witness-contradicts",
        "a signal and its witness contradict each other, so nothing is removed",
    )
    UNSEEN_JUMP = (
        "unseen-jump",
        "demand jumps beyond all that was ever seen, so it is followed step by step",
    )
    BASELINE_UNKNOWN = "baseline-unknown", "the baseline does not report, so nothing is removed"
    TRAFFIC_MOVING = "traffic-moving", "traffic still moves to the baseline, so nothing is removed"
    TARGETS_UNREADABLE = (
        "targets-unreadable",
        "the health of targets cannot be read, so weights stay and nothing is removed",
    )
    TARGETS_DEAD = "targets-dead", "a side without healthy targets gets no traffic"
    STATE_LOST = "state-lost", "the state table cannot be read, so nothing is removed"
    POOL_UNREADABLE = "pool-unreadable", "a group cannot be read, so nothing is removed"
    MAINTENANCE = "maintenance", "maintenance of the baseline is near or under way"
    DOWNSTREAM_LIMIT = (
        "downstream-limit",
        "what the fleet leans on bears no more, so demand stays unserved",
    )
    BLIND = "blind", "no signal can be read, so nothing is changed"
    HELD = "held", "held by a human, so nothing is changed"
    HOLD_ENDED = "hold-ended", "a hold has ended by itself, so demand is followed again"
    CAPACITY_MISSING = (
        "capacity-missing",
        "capacity that was asked for does not come or does not serve, so its pool is left alone",
    )
    PROCESS_SUSPENDED = "process-suspended", "somebody has suspended processes of a group"
    SPEND_LIMIT = "spend-limit", "a spend limit allows no more, so no more is added"
    SPEND_ASSUMED = (
        "spend-assumed",
        "what was spent this month is not known, so the limit's own pace is assumed",
    )
    SPOT_PRICE_UNKNOWN = (
        "spot-price-unknown",
        "the price of Spot cannot be read, so a spend limit counts the On-Demand price",
    )
    SPEND_OVERRIDDEN = "spend-overridden", "a human has lifted the spend limit for a while"


class SignalState(StrEnum):
    """How far a signal can be trusted."""

    FRESH = "fresh"
    SILENT = "silent"
    IMPLAUSIBLE = "implausible"


class BaselineState(StrEnum):
    """How the company's own side is."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNKNOWN = "unknown"


class BaselineCause(_Worded):
    """Why a side carries less than it should."""

    DEGRADED = "degraded", "it reports fewer units than declared"
    MAINTENANCE = "maintenance", "it is under maintenance"
    LINK = "link-lost", "nothing is heard of it"
    SOURCE = "source-lost", "its reporter has no value"
    CLOCK = "clock", "the clock of its reporter is wrong"
    UNREADABLE = "unreadable", "CloudWatch cannot be read"
    TARGETS = "targets-dead", "the load balancer finds none of its servers healthy"
    TAKES_LESS = "takes-less", "its workers finish less than its units should"
    RETURNING = "returning", "it reports again, but not for long enough"


class BurstCause(_Worded):
    """What burst is bought for."""

    ABOVE_BASELINE = "above-baseline", "demand above the baseline"
    DEGRADED = "baseline-degraded", "the baseline is degraded"
    UNKNOWN = "baseline-unknown", "the baseline does not report"
    MAINTENANCE = "maintenance", "maintenance of the baseline"
    AHEAD = "ahead", "bought ahead of demand, or kept after it"

    @classmethod
    def of(cls, cause: BaselineCause | None) -> BurstCause:
        """Return what a site's cause buys."""
        if cause in (BaselineCause.DEGRADED, BaselineCause.TARGETS, BaselineCause.TAKES_LESS):
            return cls.DEGRADED
        return cls.MAINTENANCE if cause is BaselineCause.MAINTENANCE else cls.UNKNOWN


class DownstreamState(StrEnum):
    """Whether what the fleet leans on lets it grow."""

    FREE = "free"
    IN_FORCE = "in-force"
    CRITICAL = "critical"
    UNKNOWN = "unknown"
