"""Control plane: the functions and the state that the fleets of a stack share.

In: a fleet's specification, its pools and groups. Out: one `ControlPlane`, with a function for each
thing that is done for all its fleets, whose role may do just that; and for each fleet the schedules
that run them.

Read `control_plane` first: how a fleet joins. `plane_function` is the one constructor of functions
and schedules; `events` takes events, `reader` reads metrics for all fleets where that is wanted,
`permissions` says what a fleet's functions may.
`spec_document` is what schedules send, `state` what ticks remember in, `encryption` whose keys are
used, `numpy_layer` what the learner needs, `late_values` what a template learns when all is added.
"""

from peakfleet.control_plane.control_plane import (
    SCHEDULES_VARIABLE,
    TABLE_VARIABLE,
    ControlPlane,
)
from peakfleet.control_plane.encryption import Encryption
from peakfleet.control_plane.permissions import (
    Permission,
    may_create_fleets,
    may_publish,
    may_sweep,
)
from peakfleet.control_plane.plane_function import Functions, Spread
from peakfleet.control_plane.reader import Reads
from peakfleet.control_plane.spec_document import (
    SCHEDULED_TIME,
    check_size,
    readable,
    spec_document,
)
from peakfleet.control_plane.state import FleetState
