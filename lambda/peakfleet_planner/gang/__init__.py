"""Training groups that run whole or not at all (gang scheduling).

In: a `GangSpec` and a `GangSnapshot`. Out: a `GangPlan`. Read `spec`, `snapshot`, `plan`, then
`decision`; `admission` says when a gang may take its machines, `spend` whether it can pay them.
"""

from peakfleet_planner.gang.decision import decide_gang, failure
from peakfleet_planner.gang.plan import GangPlan, GangReason, GangSpend, GangStep
from peakfleet_planner.gang.snapshot import (
    ACTIVE,
    GangMemory,
    GangSigns,
    GangSnapshot,
    ReservationReading,
)
from peakfleet_planner.gang.spec import (
    LEAVE_BEFORE_END_SECONDS,
    GangSpec,
    PrioritySpec,
    ReservationSpec,
)
from peakfleet_planner.gang.spend import gang_claims
