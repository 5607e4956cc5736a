"""Control plane: functions, schedules and state behind a fleet.

In: a fleet's specification, its groups, and how its functions run (`FunctionContext`). Out: one
`FleetFunction` for each thing that is done for it, each with a role that may do just that. The
context is all that a function knows of its fleet, so that fleets may share functions one day.

Read `fleet_function` first, the one constructor of functions; `functions` says what decides, learns
and keeps the books, `events` what takes events, `permissions` what they may. `spec_document` is
what schedules send, `state` what ticks remember in, `encryption` whose keys are used,
`numpy_layer` what the learner needs.
"""

from peakfleet.control_plane.encryption import Encryption
from peakfleet.control_plane.events import SCHEDULE_VARIABLE, Events
from peakfleet.control_plane.fleet_function import FleetFunction, FunctionContext, Functions
from peakfleet.control_plane.functions import (
    TICK_MEMORY_MIB,
    TICK_TIMEOUT,
    define_learner,
    define_ledger,
    define_scaler,
)
from peakfleet.control_plane.permissions import may_create_fleets, may_publish, may_sweep
from peakfleet.control_plane.spec_document import (
    SCHEDULED_TIME,
    SpecDocument,
    check_size,
    readable,
)
from peakfleet.control_plane.state import FleetState
