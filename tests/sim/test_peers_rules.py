"""The peers follow their documentation."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peakfleet_sim import Comparison, Demand, DemandError, Queue, Run, WarmPoolSpec, World
from peakfleet_sim.replay import KINDS, choose

START = datetime(2026, 3, 2, tzinfo=UTC)
PEERS = [name for name in KINDS if name not in ("peakfleet", "optimum")]


def run(
    policy: str,
    units: list[float],
    *,
    boot_seconds: float = 60,
    delay_seconds: float = 0,
    queue: Queue | None = None,
) -> Run:
    world = World(max_instances=100, boot_seconds=boot_seconds, metric_delay_seconds=delay_seconds)
    demand = Demand(name="test", start=START, units=np.array(units, dtype=np.float64))
    return choose(policy).run(Comparison(demand=demand, world=world, queue=queue))


def sizes(run: Run) -> list[int]:
    """Return what was decided, by the minute."""
    return [int(size) for size in run.desired_instances]


def test_a_10_second_metric_scales_out_in_a_minute_and_in_after_three() -> None:
    replayed = run("target-tracking-10s:0.5", [4.0] * 3 + [1.0] * 12)

    assert sizes(replayed)[0] == 8
    # serves from 2, warm from 4; minutes 3, 4 and 5 are the third in a row well below
    assert sizes(replayed)[3:6] == [8, 8, 2]


def test_step_scaling_adds_ten_percent_near_its_threshold_and_thirty_far_above() -> None:
    grown = run("step:0.7", [0.6] * 3 + [50.0] * 90)
    settled = [int(grown.ready_instances[-1])]
    near = run("step:0.7", [0.75] * 4)

    assert sizes(near)[1] == 2  # one warm instance, the least step is one, after two minutes
    assert 50 / 0.7 <= settled[0] <= 1.3 * 50 / 0.7


def test_step_scaling_takes_a_step_repeated_during_the_warm_up_as_one() -> None:
    replayed = run("step", [10.0] * 8, boot_seconds=300)

    assert set(sizes(replayed)[1:]) == {2}


def test_hpa_leaves_the_size_within_its_tolerance() -> None:
    replayed = run("hpa:0.5", [5.0] * 5 + [5.4] * 10)

    assert sizes(replayed)[4:] == [10] * 11


def test_hpa_shrinks_to_the_highest_recommendation_of_five_minutes() -> None:
    replayed = run("hpa:0.5", [5.0] * 5 + [1.0] * 8)

    assert sizes(replayed)[5:] == [10, 10, 10, 10, 2, 2, 2, 2]


def test_the_cluster_autoscaler_keeps_a_node_ten_minutes_longer() -> None:
    replayed = run("hpa-ca:0.5", [5.0] * 5 + [1.0] * 16)

    assert sizes(replayed)[18:20] == [10, 2]


def test_hpa_grows_by_a_factor_of_sixteen_a_minute_at_most() -> None:
    replayed = run("hpa", [60.0] * 3)

    assert sizes(replayed)[:2] == [17, 86]  # one and sixteen pods, then what is needed


def test_keda_goes_to_zero_after_five_idle_minutes_and_hpa_keeps_one() -> None:
    work = [3.0] * 3 + [0.0] * 12

    assert 0 not in sizes(run("keda", work))[:7]
    assert sizes(run("keda", work))[-1] == 0
    assert sizes(run("hpa", work))[-1] == 1
    assert run("keda", [0.0] * 9).billed_instances.sum() == 0


def test_predictive_scaling_is_ready_for_an_hour_that_comes_every_day() -> None:
    day = [1.0] * 600 + [50.0] * 60 + [1.0] * 780
    replayed = run("predictive:1", day * 4, boot_seconds=180, delay_seconds=60)
    fourth = 3 * 1440 + 600

    assert replayed.desired_instances[fourth - 7] < 10
    assert replayed.desired_instances[fourth - 6] == 50  # decided at its end, 5 minutes early
    assert replayed.unserved_units[fourth : fourth + 60].sum() == 0


def test_predictive_scaling_says_nothing_on_its_first_day() -> None:
    day = [1.0] * 600 + [50.0] * 60 + [1.0] * 300

    assert sizes(run("predictive", day)) == sizes(run("target-tracking", day))


def test_lazy_provisioning_starts_when_waiting_has_cost_a_start_and_stops_as_lazily() -> None:
    replayed = run("lcp:1.5", [1.0] * 20 + [0.0] * 20, boot_seconds=300)

    # regret falls by 0.5 a minute from 5, and climbs back by 1 a minute
    assert sizes(replayed)[8:10] == [0, 1]
    assert sizes(replayed)[23:25] == [1, 0]


def test_every_peer_follows_a_backlog() -> None:
    queue = Queue(seconds_per_item=60, deadline_seconds=600)
    for policy in PEERS:
        replayed = run(policy, [20.0] * 60 + [0.0] * 60, queue=queue)

        assert replayed.desired_instances.max() >= 10, policy
        assert replayed.desired_instances[-1] <= 1, policy


@settings(max_examples=15)
@given(
    policy=st.sampled_from(PEERS),
    units=st.lists(st.floats(0, 60).map(lambda u: round(u, 1)), min_size=2, max_size=90),
    cut=st.integers(1, 89),
    delay_seconds=st.sampled_from([0.0, 60.0, 120.0]),
)
def test_no_peer_knows_the_future(
    policy: str, units: list[float], cut: int, delay_seconds: float
) -> None:
    cut = min(cut, len(units) - 1)
    whole = run(policy, units, delay_seconds=delay_seconds)
    short = run(policy, units[:cut], delay_seconds=delay_seconds)

    assert sizes(short) == sizes(whole)[:cut]


@given(policy=st.sampled_from(PEERS), scale=st.sampled_from([2.0, 8.0, 1024.0]))
def test_units_are_the_users_own(policy: str, scale: float) -> None:
    units = np.abs(np.random.default_rng(3).normal(20, 15, 300))
    runs = [
        choose(policy).run(
            Comparison(
                demand=Demand(name="test", start=START, units=units * by),
                world=World(units_per_instance=by, baseline_units=10 * by),
            )
        )
        for by in (1.0, scale)
    ]

    assert sizes(runs[0]) == sizes(runs[1])


def test_what_reads_its_source_sees_at_once_if_asked_to() -> None:
    demand = Demand(name="test", start=START, units=np.array([5.0] * 9))
    comparison = Comparison(demand=demand, world=World(metric_delay_seconds=120))

    late, at_once = (choose("keda").run(comparison, own_delays=own) for own in (False, True))
    tracked = choose("target-tracking").run(comparison, own_delays=True)

    assert (sizes(late)[:3], sizes(at_once)[:3]) == ([0, 0, 8], [8, 8, 8])
    assert tracked.world.metric_delay_seconds == 120


def test_a_run_is_called_what_was_asked_for() -> None:
    assert run("target-tracking", [1.0] * 3).policy == "target-tracking"
    assert run("keda:0.90", [1.0] * 3).policy == "keda:0.90"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("kedaa", "policy 'kedaa' is not known; known are peakfleet, target-tracking"),
        ("optimum:3", "policy 'optimum' takes no setting, got '3'"),
        ("keda:0", "policy 'keda': its setting, the use of an instance .*, must be above 0"),
        ("lcp:many", "must be above 0, got 'many'"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(text: str, says: str) -> None:
    with pytest.raises(DemandError, match=says):
        choose(text)


def test_a_start_from_the_warm_pool_serves_sooner_and_the_pool_is_refilled() -> None:
    world = World(
        boot_seconds=240,
        metric_delay_seconds=0,
        warm_pool=WarmPoolSpec(instances=2, start_seconds=60, cost_fraction=0.25),
    )
    demand = Demand(name="test", start=START, units=np.array([0.0] + [3.0] * 9))
    replayed = choose("keda:1").run(Comparison(demand=demand, world=world))

    # decided at the end of 1: two start warm, one boots, two boot to refill the pool
    assert replayed.ready_instances.tolist() == [0, 0, 0, 2, 2, 2, 3, 3, 3, 3]
    assert replayed.billed_instances.tolist() == [0.5, 0.5, 5, 5, 5, 5, 3.5, 3.5, 3.5, 3.5]


def test_a_warm_pool_that_nobody_could_keep_is_refused() -> None:
    with pytest.raises(DemandError, match="warm pool: cost_fraction must be at least 0, got -1"):
        WarmPoolSpec(cost_fraction=-1)
