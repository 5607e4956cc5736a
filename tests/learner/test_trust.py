"""When foresight is no longer followed: not for one crowd, but for falling behind again."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from peakfleet_learner.grading import Trust

BOOTS = st.integers(min_value=1, max_value=15)
PRICES = st.floats(min_value=2, max_value=1000)
_NEARLY = 0.999  # what the reactive rule serves of it, and rounding
BURSTS = st.integers(min_value=1, max_value=500)


@dataclass
class Fleet:
    """A graded fleet that pays for what it misses and for nothing else."""

    unserved_cost: float
    cost: float = 1.0
    missed: float = 0.0


def after_crowds(crowds: int, *, lead_minutes: int, unserved_cost: float, burst: int) -> Trust:
    """Return trust after so many crowds that foresight missed whole until capacity served."""
    trust = Trust(graded_after=1, lead_minutes=lead_minutes)
    foresight, reactive = Fleet(unserved_cost), Fleet(unserved_cost)
    trust.see(foresight, reactive, (0.0, 0.0), burst)
    for _ in range(crowds * lead_minutes):
        trust.see(foresight, reactive, (_NEARLY * unserved_cost * burst, 0.0), burst)
    return trust


@given(lead_minutes=BOOTS, unserved_cost=PRICES, burst=BURSTS)
def test_one_crowd_that_nobody_could_foresee_is_no_failure(
    lead_minutes: int, unserved_cost: float, burst: int
) -> None:
    trust = after_crowds(1, lead_minutes=lead_minutes, unserved_cost=unserved_cost, burst=burst)
    assert trust.holds


@given(lead_minutes=BOOTS, unserved_cost=PRICES, burst=BURSTS)
def test_missing_one_crowd_after_the_other_is(
    lead_minutes: int, unserved_cost: float, burst: int
) -> None:
    trust = after_crowds(2, lead_minutes=lead_minutes, unserved_cost=unserved_cost, burst=burst)
    assert not trust.holds
