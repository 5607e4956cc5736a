"""The forecast of demand that was learned: the model as a value, and how a tick goes on from it.

In: the `DemandModel` that the learner wrote, and the minutes since. Out: `ForecastSizes`, what
should run. Read in this order:

- `basis`: what a model is learned for, and which fleets can have one;
- `model`: the document;
- `minutes`, `features`: what a forecast looks at;
- `horizon`: the forecast of one peak, with its quantiles;
- `layers`: which layers of capacity are worth starting, which worth keeping;
- `rolled_model`: the model over the minutes since it was learned.
"""

from peakfleet_planner.forecast.basis import Basis, WarmBasis, basis_of, read_seconds
from peakfleet_planner.forecast.features import (
    DAYTIMES,
    DAYTIMES_KNOWN_AFTER,
    DIFFERENCES,
    DIFFERENCES_KNOWN_AFTER,
    ROOTS,
    ROOTS_KNOWN_AFTER,
    SEASONS,
    Past,
)
from peakfleet_planner.forecast.horizon import CLIP, Horizon
from peakfleet_planner.forecast.layers import (
    AGE_MINUTES,
    AGES,
    OLDEST,
    POSITIONS,
    QUANTILES,
    SLIVER,
    Ages,
    Aims,
    Table,
    Tables,
    ages,
    aims,
    best,
    first_tables,
)
from peakfleet_planner.forecast.minutes import DAY_MINUTES, HOUR_MINUTES, Minutes
from peakfleet_planner.forecast.model import (
    AHEAD_MINUTES,
    PHASES,
    RECENT_MINUTES,
    DemandModel,
    Grade,
    HorizonModel,
    Service,
    WarmModel,
    read_model,
)
from peakfleet_planner.forecast.rolled_model import (
    ForecastSizes,
    Points,
    RolledModel,
    Rolling,
    by_minute,
    forecast_sizes,
    roll,
)
from peakfleet_planner.spec import MINUTE_SECONDS
