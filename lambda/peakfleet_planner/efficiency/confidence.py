"""Bounds of what is measured: the t interval of the mean of logarithms.

Ratios are positive and skewed, so their logarithms are averaged and the mean and its limits are
turned back: a geometric mean with 95 % limits (Bland and Altman, "Transformations, means, and
confidence intervals", BMJ 1996;312:1079). Each day gives one value: hours that follow one another
are alike, and would feign more certainty than there is. Days are taken to be independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, fsum, log, sqrt
from statistics import NormalDist, fmean, stdev
from typing import Final

CONFIDENCE: Final = 0.95
FEWEST_DAYS: Final = 5
"""Fewer values say too little: with four degrees of freedom t is 2.8 already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """A geometric mean with its 95 % confidence limits.

    Args:
        mean: The best estimate.
        low: Lower limit.
        high: Upper limit.
        values: How many values it is of.
    """

    mean: float
    low: float
    high: float
    values: int


def geometric_bounds(values: Sequence[float]) -> Bounds | None:
    """Return the geometric mean of *values* with its limits; None if there are too few.

    Args:
        values: One for each day, all above 0.

    >>> bounds = geometric_bounds([1.3, 1.5, 1.4, 1.6, 1.4])
    >>> f"{bounds.mean:.3f} from {bounds.low:.3f} to {bounds.high:.3f}"
    '1.436 from 1.303 to 1.584'
    >>> geometric_bounds([1.3, 1.5])
    """
    if len(values) < FEWEST_DAYS:
        return None
    logarithms = [log(value) for value in values]
    mean = fmean(logarithms)
    half = t_quantile(len(values) - 1) * stdev(logarithms) / sqrt(len(values))
    # Equal values differ by a rounding error from their mean, which must not leave its limits.
    middle = min(max(exp(mean), min(values)), max(values))
    return Bounds(
        mean=middle,
        low=min(exp(mean - half), middle),
        high=max(exp(mean + half), middle),
        values=len(values),
    )


def t_quantile(degrees_of_freedom: int) -> float:
    """Return the two-sided 95 % quantile of Student's t distribution.

    By the expansion around the normal quantile (Abramowitz and Stegun, 26.7.5); the error is
    below 0.05 % from 4 degrees of freedom on.

    >>> f"{t_quantile(9):.3f}"
    '2.262'
    """
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + fsum(
        term / float(degrees_of_freedom) ** power for power, term in enumerate(terms, start=1)
    )
