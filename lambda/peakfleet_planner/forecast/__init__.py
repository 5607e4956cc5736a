"""The forecast of demand that was learned: the model as a value, and how a tick goes on from it.

In: the `DemandModel` that the learner wrote, and the minutes since. Out: `ForecastSizes`, what
should run. Read in this order:

- `basis`: what a model is learned for, and which fleets can have one;
- `model`: the document;
- `minutes`, `features`: what a forecast looks at;
- `horizon`: the forecast of one peak, and its quantile;
- `aims`: how many layers of capacity to start, and to keep;
- `proposed_peaks`: what was found to repeat;
- `recorded_demand`: what was recorded before there was a fleet;
- `rolled_model`: the model over the minutes since it was learned.
"""

from peakfleet_planner.forecast.aims import (
    SEEN_MINUTES,
    Aims,
    aims,
    grow_quantile,
    keep_quantile,
    most_layers,
)
from peakfleet_planner.forecast.basis import (
    MOST_LAYERS,
    Basis,
    WarmBasis,
    basis_of,
    learned_queues,
    learned_signals,
    read_seconds,
    why_reactive,
    work_may_wait,
)
from peakfleet_planner.forecast.features import (
    DAYTIMES,
    DAYTIMES_KNOWN_AFTER,
    DIFFERENCES,
    DIFFERENCES_KNOWN_AFTER,
    ECHOES,
    LAGS,
    ROOTS,
    ROOTS_KNOWN_AFTER,
    SEASONS,
    Past,
)
from peakfleet_planner.forecast.horizon import (
    CLIP,
    DAY,
    HOUR,
    LEAST_LOSS,
    LOG_BOUND,
    MOST_LOSS,
    QUARTER,
    TEN,
    TWO_DAYS,
    TWO_HOURS,
    Horizon,
)
from peakfleet_planner.forecast.minutes import DAY_MINUTES, HOUR_MINUTES, Minutes, trailing_means
from peakfleet_planner.forecast.model import (
    AHEAD_MINUTES,
    PHASES,
    RECENT_MINUTES,
    DemandModel,
    Grade,
    HorizonModel,
    HorizonState,
    Service,
    WarmModel,
    read_model,
)
from peakfleet_planner.forecast.proposed_peaks import ProposedPeak, ProposedPeaks
from peakfleet_planner.forecast.recorded_demand import MOST_DAYS, RecordedDemand
from peakfleet_planner.forecast.rolled_model import (
    MEAN_DAYS,
    ForecastSizes,
    Points,
    RolledModel,
    Rolling,
    by_minute,
    forecast_sizes,
    roll,
)
from peakfleet_planner.spec import MINUTE_SECONDS
