"""HQQ against its authors' formula, written out here in torch."""

import numpy as np
import pytest
import torch

from explorer.algorithms import hqq
from explorer.algorithms.hqq import quantize_hqq
from explorer.errors import SettingsError
from explorer.quantize import clipped, quantize
from explorer.recipe import Recipe
from explorer.settings import Settings


def heavy_tailed(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).standard_t(4, shape).astype(np.float32)


def reference(w: np.ndarray, bits: int, group: int) -> tuple[np.ndarray, torch.Tensor]:
    """(values, zero points): Quantizer.quantize and optimize_weights_proximal_legacy of hqq/core, axis 1."""
    w_f = torch.from_numpy(w).reshape(-1, group)
    low, high = w_f.min(1, keepdim=True)[0], w_f.max(1, keepdim=True)[0]
    top = 2**bits - 1
    scale = top / (high - low)
    zero = -low * scale
    beta, best_error = 10.0, 1e4
    for _ in range(20):
        w_q = torch.round(w_f * scale + zero).clamp(0, top)
        w_r = (w_q - zero) / scale
        x = w_f - w_r
        w_e = torch.sign(x) * torch.nn.functional.relu(torch.abs(x) - (1.0 / beta) * torch.pow(torch.abs(x), 0.7 - 1))
        zero = torch.mean(w_q - (w_f - w_e) * scale, dim=1, keepdim=True)
        beta *= 1.01
        current_error = float(torch.abs(w_f - w_r).mean())
        if current_error >= best_error:
            break
        best_error = current_error
    w_q = torch.round(w_f * scale + zero).clamp(0, top)
    return ((w_q - zero) / scale).reshape(w.shape).numpy(), zero


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize("group", [16, 64])
def test_it_is_its_authors_formula(bits, group):
    w = heavy_tailed(32, 128)
    expected, zero = reference(w, bits, group)
    q = quantize_hqq(w, Recipe.parse(f"uint{bits}-asym-g{group}-minmax"))
    np.testing.assert_allclose(q.zero_point.reshape(-1), zero.reshape(-1), rtol=1e-3, atol=1e-3)
    # the reference multiplies by 1/scale: a weight on a tie may go the other way
    assert np.isclose(q.dequantize(), expected, rtol=1e-3, atol=1e-3).mean() > 0.999
    np.testing.assert_array_equal(hqq(w, q.recipe), q.dequantize())


def test_signed_codes_are_the_same_values():
    w = heavy_tailed(8, 64)
    np.testing.assert_allclose(hqq(w, "int4-asym-g64-minmax"), hqq(w, "uint4-asym-g64-minmax"), atol=1e-5)


@pytest.mark.parametrize("bits", [3, 4])  # at 2 bits it need not be
def test_the_typical_error_is_smaller_than_roundings(bits):
    w, recipe = heavy_tailed(32, 128), f"uint{bits}-asym-g64-minmax"
    norm = lambda values: float(np.power(np.abs(values - w), 0.7).mean())  # noqa: E731
    assert norm(hqq(w, recipe)) < norm(quantize(w, recipe).dequantize())


@pytest.mark.parametrize("granularity", ["tensor", "channel", "g50", "b16"])
@pytest.mark.parametrize("range", ["minmax", "mse", "p99"])
def test_any_granularity_and_range(granularity, range):
    w = heavy_tailed(20, 3, 6, 7)
    recipe = f"uint4-asym-{granularity}-{range}"
    q = quantize_hqq(w, Recipe.parse(recipe))
    assert q.scale.shape == q.zero_point.shape == quantize(w, recipe).scale.shape
    assert q.codes.dtype == np.uint8 and q.codes.max() <= 15
    assert np.square(q.dequantize() - w).mean() < 1.5 * np.square(quantize(w, recipe).dequantize() - w).mean()


def test_a_free_zero_point_need_not_have_zero_in_its_range():
    w = np.random.default_rng(0).uniform(5, 6, (4, 64)).astype(np.float32)
    half_step = (1 / 15) / 2
    assert np.abs(hqq(w, "uint4-asym-channel-minmax") - w).max() < 1.5 * half_step
    assert np.abs(quantize(w, "uint4-asym-channel-minmax").dequantize() - w).max() > 2 * half_step


@pytest.mark.parametrize("value", [0.0, 0.7, -3.0])
def test_constant_rows_are_kept(value):
    np.testing.assert_allclose(hqq(np.full((3, 8), value), "uint4-asym-channel-minmax"), value, atol=1e-6)


def test_clipped_weights_are_those_beyond_the_end_codes():
    w = heavy_tailed(16, 64)
    q = quantize_hqq(w, Recipe.parse("uint3-asym-channel-p90"))
    position = w / q.scale + q.zero_point
    expected = (position < -0.5) | (position > 7.5)
    assert expected.any() and (clipped(w, q) == expected).mean() > 0.999


def test_its_zero_points_are_counted_with_32_bits():
    q = quantize_hqq(heavy_tailed(8, 64), Recipe.parse("uint4-asym-g64-minmax"))
    assert q.zero_point.dtype == np.float32 and q.scale_bits == 8 * 64 and q.bits_per_weight == 4 + 1
    assert q.digest != quantize(heavy_tailed(8, 64), "uint4-asym-g64-minmax").digest


@pytest.mark.parametrize("recipe", ["int4-sym-g64-minmax", "int4-symfull-g64-minmax", "fp8e4m3", "fp32", "uint4-asym-g64-minmax-floor"])
def test_what_it_cannot_treat(recipe):
    with pytest.raises(SettingsError, match="^hqq "):
        hqq(np.ones((2, 8)), recipe)
    with pytest.raises(SettingsError, match="^hqq "):
        Settings(weights=recipe, algorithms="hqq")
