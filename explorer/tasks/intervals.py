"""95 % intervals of proportions, of means, and of their paired differences."""

from __future__ import annotations

from math import inf, pi, sqrt, tan

import numpy as np

Z = 1.959963984540054  # the normal distribution's 97.5 % quantile: 95 % intervals


def wilson(successes: int, n: int) -> tuple[float, float]:
    """95 % score interval of a proportion; within [0, 1] and never of width zero.

    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927;
    recommended by Brown, Cai and DasGupta, Statistical Science 16(2), 2001.
    """
    share = successes / n
    centre = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    # at the ends the formula gives 0 and 1 exactly, but for float64's last digit
    low = 0.0 if successes == 0 else centre - half
    return low, 1.0 if successes == n else centre + half


def agresti_min(gained: int, lost: int, n: int) -> tuple[float, float]:
    """95 % interval of a difference of paired proportions, (gained − lost) / n.

    gained: samples that only the second is right on; lost: only the first; n: all samples.
    The Wald interval after 1/2 is added to each of the four cells of the 2 × 2 table: near its
    nominal coverage for small n too, and never of width zero. Agresti and Min, "Simple improved
    confidence intervals for comparing matched proportions", Statistics in Medicine 24, 2005.
    """
    n, gained, lost = n + 2, gained + 0.5, lost + 0.5
    difference = (gained - lost) / n
    half = Z * sqrt(gained + lost - (gained - lost) ** 2 / n) / n
    return max(difference - half, -1.0), min(difference + half, 1.0)


def of_mean(values) -> tuple[float, float]:
    """95 % interval of the mean of independent values by Student's t ("The probable error of a mean", Biometrika 6,
    1908); of a single value nothing is known: −inf to inf."""
    values = np.asarray(values, np.float64)
    n, mean = len(values), float(np.mean(values))
    if n < 2:
        return -inf, inf
    with np.errstate(over="ignore"):  # the square of what is beyond 1e154: the interval has no end then
        half = student(n - 1) * float(np.std(values, ddof=1)) / sqrt(n)
    return mean - half, mean + half


def student(degrees: int) -> float:
    """The 97.5 % quantile of Student's t: exact for 1 and 2 degrees of freedom, from 3 on by Abramowitz and Stegun
    26.7.5, which is at most 0.13 % too small."""
    if degrees == 1:
        return tan(0.475 * pi)
    if degrees == 2:
        return 0.95 * sqrt(2 / (1 - 0.95**2))
    terms = (
        Z,
        (Z**3 + Z) / 4,
        (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96,
        (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384,
        (79 * Z**9 + 776 * Z**7 + 1482 * Z**5 - 1920 * Z**3 - 945 * Z) / 92160,
    )
    return sum(term / degrees**power for power, term in enumerate(terms))
