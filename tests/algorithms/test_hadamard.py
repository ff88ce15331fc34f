"""The rotation against SciPy's matrix, and what it does to outliers (the table of the lesson on them)."""

import numpy as np
import pytest
from scipy.linalg import hadamard as scipy_hadamard

import explorer
from explorer.algorithms import hadamard
from explorer.algorithms.hadamard import block_of, rotation, signs, sylvester
from explorer.errors import DataError


@pytest.mark.parametrize("n", [1, 2, 8, 64, 256])
def test_sylvester_is_scipys(n):
    np.testing.assert_allclose(sylvester(n), scipy_hadamard(n) / np.sqrt(n), rtol=1e-15)


@pytest.mark.parametrize("n", [1, 2, 3, 12, 48, 64, 96, 320, 1280])
def test_rotation_is_signs_times_blocks(n):
    block = block_of(n)
    assert n % block == 0 and (n // block) % 2 == 1
    whole = np.zeros((n, n))
    for at in range(0, n, block):
        whole[at : at + block, at : at + block] = scipy_hadamard(block) / np.sqrt(block)
    x = np.random.default_rng(n).standard_normal((5, n))
    np.testing.assert_allclose(hadamard(x, seed=3), x @ np.diag(signs(n, 3)) @ whole, atol=1e-13)
    blocks = np.einsum("kb,kbc->kc", x[0].reshape(-1, block), rotation(n, 3)).ravel()
    np.testing.assert_allclose(hadamard(x[0], seed=3), blocks, atol=1e-13)


@pytest.mark.parametrize("dtype, tolerance", [(np.float32, 2e-6), (np.float64, 2e-15)])
def test_orthonormal_in_its_own_precision(dtype, tolerance):
    draw = np.random.default_rng(1)
    x, w = draw.standard_normal((64, 512)).astype(dtype), draw.standard_normal((32, 512)).astype(dtype)
    before, after = (a.astype(np.float64) @ b.T.astype(np.float64) for a, b in ((x, w), (hadamard(x), hadamard(w))))
    assert hadamard(x).dtype == dtype
    assert abs(before - after).max() < tolerance * abs(before).max() * (1 if dtype == np.float64 else 4)


def test_seeded_by_philox():
    drawn = np.random.Generator(np.random.Philox(7)).integers(0, 2, 64)
    np.testing.assert_array_equal(signs(64, 7), 2.0 * drawn - 1)
    x = np.random.default_rng(0).standard_normal(64)
    assert np.array_equal(hadamard(x, seed=7), hadamard(x, seed=7))
    assert not np.array_equal(hadamard(x, seed=7), hadamard(x, seed=8))


def outliers():
    """Lesson 13: 8 of 1,024 channels are 60 times as wide."""
    draw = np.random.default_rng(0)
    x, w = draw.standard_normal((128, 1024)), draw.standard_normal((512, 1024))
    x[:, draw.permutation(1024)[:8]] *= 60
    return x, w


def output_db(x, w, activations, weights="int8-sym-channel-minmax"):
    """SQNR of x·wᵀ with both quantized; rows of x are tokens."""
    back = lambda a, recipe: explorer.quantize(a, recipe).dequantize().astype(np.float64)  # noqa: E731
    return explorer.sqnr_db(x @ w.T, back(x, activations) @ back(w, weights).T)


PER_TENSOR, PER_TOKEN = "int8-sym-tensor-minmax", "int8-sym-channel-minmax"


def test_outliers_are_spread():
    x, w = outliers()
    assert output_db(x, w, PER_TENSOR) == pytest.approx(20.9, abs=1.5)  # the more tokens, the larger their maximum
    assert output_db(x, w, PER_TOKEN) == pytest.approx(26.4, abs=1)
    assert output_db(hadamard(x), hadamard(w), PER_TOKEN) == pytest.approx(40.1, abs=0.5)
    kurtosis = lambda a: np.mean((a - a.mean()) ** 4) / a.var() ** 2  # noqa: E731
    crest = lambda a: abs(a).max() / np.sqrt(np.mean(a**2))  # noqa: E731
    assert kurtosis(x) > 300 and kurtosis(hadamard(x)) == pytest.approx(3.0, abs=0.2)
    assert crest(x) > 35 and crest(hadamard(x)) == pytest.approx(4.3, abs=0.4)


def test_without_signs_data_with_a_mean_get_worse():
    """After a ReLU the all-ones column of H collects the mean of every row: an outlier of its own."""
    draw = np.random.default_rng(2)
    x, w = np.maximum(draw.standard_normal((256, 1024)), 0), draw.standard_normal((256, 1024))
    plain = output_db(x, w, PER_TENSOR)
    without = output_db(x @ sylvester(1024), w @ sylvester(1024), PER_TENSOR)
    assert without < plain - 6
    assert output_db(hadamard(x), hadamard(w), PER_TENSOR) > without + 6


def test_what_cannot_be_is_said():
    with pytest.raises(DataError, match="single number"):
        hadamard(1.0)
    with pytest.raises(DataError, match="1 of 2 values are NaN"):
        hadamard([1.0, np.inf])
