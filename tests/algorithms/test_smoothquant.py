"""SmoothQuant's factors against the paper's formula, and the lesson's table of α."""

import numpy as np
import pytest

from explorer.algorithms import smoothquant_scales
from explorer.errors import DataError, SettingsError
from tests.algorithms.test_hadamard import PER_TOKEN, outliers, output_db


@pytest.mark.parametrize("alpha", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_the_papers_formula(alpha):
    draw = np.random.default_rng(0)
    x, w = draw.uniform(1, 9, 6), draw.standard_normal((4, 6)).astype(np.float32)
    for j, s in enumerate(smoothquant_scales(x, w, alpha)):
        assert s == pytest.approx(x[j] ** alpha / np.float64(abs(w[:, j]).max()) ** (1 - alpha), rel=1e-6)


def test_half_makes_both_sides_equally_wide():
    draw = np.random.default_rng(1)
    x, w = draw.standard_normal((50, 6)), draw.standard_normal((4, 6))
    s = smoothquant_scales(abs(x).max(axis=0), w, 0.5)
    np.testing.assert_allclose(abs(x / s).max(axis=0), abs(w * s).max(axis=0), rtol=1e-6)


def test_one_channel_a_depthwise_filter():
    w = np.float32([[[[4.0]]], [[[1.0]]]])
    np.testing.assert_allclose(smoothquant_scales([1.0, 1.0], w, 0.5), [0.5, 1.0])


def test_dead_channels_stay():
    w = np.float32([[1.0, 0.0, 2.0]])
    np.testing.assert_array_equal(smoothquant_scales([0.0, 5.0, 2.0], w, 0.5), [1.0, 1.0, 1.0])


@pytest.mark.parametrize("alpha, db", [(0.25, 34.8), (0.5, 39.8), (0.75, 34.9), (0.9, 29.9)])
def test_difficulty_moves(alpha, db):
    """8 of 1,024 channels 60 times as wide; INT8, activations per token, weights per channel."""
    x, w = outliers()
    s = smoothquant_scales(abs(x).max(axis=0), w, alpha)
    assert output_db(x / s, w * s, PER_TOKEN) == pytest.approx(db, abs=1)
    assert abs((x / s) @ (w * s).T - x @ w.T).max() < 1e-13 * abs(x @ w.T).max()


def test_what_cannot_be_is_said():
    with pytest.raises(SettingsError, match="alpha lies from 0"):
        smoothquant_scales([1.0], [[1.0]], 1.5)
    with pytest.raises(DataError, match="do not read 2 channels"):
        smoothquant_scales([1.0, 1.0], np.ones((4, 3)), 0.5)
