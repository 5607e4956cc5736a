"""Demand replayed against policies, the optimum, and scores.

Comes in: demand, a world, a policy or its name, pools and a scenario. Goes out: `Run`, minute by
minute, and `Outcome`, its figures. Read `replay` (the engine: any policy over n pools), `optimum`
(perfect foresight), `score`, `comparison` (the same demand before several policies),
`foreseen` (the production decision for many minutes at once), `verdict` (cost at equal service,
service at equal cost), `asked_service` (what kept a run from the service that was asked for),
`policy_names` (policies by name and setting) and `fleet_spec` (a deployed fleet's specification,
replayed). The room imports `policies`, `world` and `demand`.
"""

from peakfleet_sim.replay.asked_service import missed_because, service_sentence
from peakfleet_sim.replay.comparison import Comparison, Queue
from peakfleet_sim.replay.fleet_spec import (
    ladder_dollars,
    peaks_of,
    queue_of,
    replay_fleet,
    usual_delay_seconds,
    world_of,
)
from peakfleet_sim.replay.foreseen import at_once, foreseen
from peakfleet_sim.replay.optimum import OPTIMUM
from peakfleet_sim.replay.policy_names import KINDS, Choice, choose
from peakfleet_sim.replay.progress import TOLD
from peakfleet_sim.replay.replay import PoolSeries, Run, replay
from peakfleet_sim.replay.score import Outcome, score
from peakfleet_sim.replay.verdict import (
    Rival,
    Verdict,
    find_ours,
    find_rival,
    most_searched,
    verdict_of,
)
