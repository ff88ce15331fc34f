"""Intervals against the literature and SciPy."""

from math import inf

import numpy as np
import pytest
from scipy.stats import binomtest, t

from explorer.tasks.intervals import agresti_min, of_mean, student, wilson


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # Newcombe, Statistics in Medicine 17, 1998, table I, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_intervals(successes, n, low, high):
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize("n", [1, 2, 7, 64, 1000, 10_000])
def test_wilson_is_scipys(n):
    for successes in {0, 1, n // 3, n // 2, n - 1, n}:
        theirs = binomtest(successes, n).proportion_ci(0.95, method="wilson")
        assert wilson(successes, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_wilson_lies_in_the_unit_interval_around_the_share_and_is_never_a_point():
    for n in range(1, 120):
        for successes in range(n + 1):
            low, high = wilson(successes, n)
            assert 0 <= low <= successes / n <= high <= 1 and low < high


def test_agresti_min_gives_the_formula_of_the_paper():
    # approval ratings, Agresti, Categorical Data Analysis, table 10.1: of 1600, 150 and 86 changed
    low, high = agresti_min(gained=86, lost=150, n=1600)
    difference = (86.5 - 150.5) / 1602
    variance = ((86.5 + 150.5) / 1602 - difference**2) / 1602
    assert (low + high) / 2 == pytest.approx(difference, rel=1e-12)
    assert (high - low) / 2 == pytest.approx(1.959964 * variance**0.5, rel=1e-6)
    # the plain Wald interval that the book prints for that table is near at this n
    assert (low, high) == pytest.approx((-0.06, -0.02), abs=2.5e-3)


def test_agresti_min_contains_the_difference_and_is_never_a_point():
    for n in (1, 2, 5, 64, 1000):
        for gained in range(0, n + 1, max(1, n // 10)):
            for lost in range(0, n - gained + 1, max(1, n // 10)):
                low, high = agresti_min(gained, lost, n)
                assert -1 <= low <= (gained - lost) / n <= high <= 1 and low < high


@pytest.mark.parametrize(("n", "gained", "lost"), [(64, 0.02, 0.02), (64, 0.05, 0.20), (1000, 0.004, 0.01)])
def test_agresti_min_covers_the_truth_as_often_as_it_says(n, gained, lost):
    draws = np.random.Generator(np.random.Philox(5)).multinomial(n, [gained, lost, 1 - gained - lost], 4000)
    bounds = np.array([agresti_min(int(g), int(b), n) for g, b, _ in draws])
    covered = ((bounds[:, 0] <= gained - lost) & (gained - lost <= bounds[:, 1])).mean()
    assert 0.94 <= covered <= 0.995  # conservative where changes are rare, never far below 95 %


@pytest.mark.parametrize("n", [2, 3, 4, 16, 128])
def test_of_mean_is_students_interval_in_scipy(n):
    values = np.random.Generator(np.random.Philox(n)).normal(2.4, 0.3, n)
    theirs = t.interval(0.95, n - 1, loc=values.mean(), scale=values.std(ddof=1) / n**0.5)
    width = theirs[1] - theirs[0]
    assert of_mean(values) == pytest.approx(theirs, abs=0.001 * width)
    assert 0.9987 <= student(n - 1) / t.ppf(0.975, n - 1) <= 1.0000001


def test_of_one_value_nothing_is_known_and_equal_values_are_certain():
    assert of_mean([0.7]) == (-inf, inf)
    assert of_mean([0.75, 0.75, 0.75]) == (0.75, 0.75)
