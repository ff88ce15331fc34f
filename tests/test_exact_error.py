"""The exact error of every threshold against a float64 pass over the values."""

import numpy as np
import pytest
import torch

from explorer import DataError, SettingsError, error_curve
from explorer.calibration import calibrate_record
from explorer.exact_error import Sorted, errors_at
from explorer.grid import Grid, grid_of, steps_below
from explorer.quantize import clipped, quantize
from explorer.recipe import Recipe
from explorer.rows import Record

X = (np.random.default_rng(0).standard_normal(30_000) * np.geomspace(0.1, 2, 30_000)).astype(np.float32)
THRESHOLDS = np.geomspace(0.02, 1.3, 25) * np.abs(X).max()


def evaluated(x, recipe, ends) -> float:
    """Mean squared error in float64 on the grid that the float32 scale spans."""
    recipe = Recipe.parse(recipe)
    grid = Grid.of(recipe)
    scale, zero_point = grid_of(recipe, *np.float64(ends)[:, None])
    if not grid.symmetric:
        grid = grid.shifted(int(steps_below(recipe, zero_point).item()))
    scale = float(scale.item())
    values = scale * grid.values
    if len(values) < 1000:
        nearest = values[np.searchsorted((values[1:] + values[:-1]) / 2, x.astype(np.float64))]
    else:
        nearest = np.clip(np.rint(x.astype(np.float64) / scale), -grid.below, grid.above) * scale
    return float(np.mean(np.square(x - nearest)))


@pytest.mark.parametrize("bits", range(2, 17))
@pytest.mark.parametrize("scheme", ["sym", "symfull", "asym"])
def test_every_integer_format(scheme, bits):
    recipe = f"uint{bits}-{scheme}-tensor-minmax"
    found = error_curve(X, recipe, THRESHOLDS)
    for threshold, error in zip(THRESHOLDS[::6], found[::6]):
        ends = (-threshold, threshold)
        if scheme == "asym":
            ends = max(-threshold, X.min()), min(threshold, X.max())
        assert error == pytest.approx(evaluated(X, recipe, ends), rel=1e-6)


def split(x, recipe, ends) -> tuple[float, float]:
    """(Σ of squared rounding errors, of clipping errors) in float64, value by value."""
    grid, (scale, zero_point) = Grid.of(recipe), grid_of(recipe, *np.float64(ends)[:, None])
    if not grid.symmetric:
        grid = grid.shifted(int(steps_below(recipe, zero_point).item()))
    values, y = grid.values, x.astype(np.float64) / float(scale.item())
    nearest = values[np.searchsorted((values[1:] + values[:-1]) / 2, y)]
    error = (x - nearest * float(scale.item())) ** 2
    beyond = (y < 1.5 * values[0] - 0.5 * values[1]) | (y >= 1.5 * values[-1] - 0.5 * values[-2])
    return error[~beyond].sum(), error[beyond].sum()


NORMAL = np.random.default_rng(1).standard_normal(3000)
EXTREMES = {
    "constant": np.full(100, -1.7),
    "single": [0.3],
    "two": [-0.25, 1.0],
    "one outlier": np.append(NORMAL * 1e-6, [1e6]),
    "outliers on both sides": np.append(NORMAL * 1e-3, [-1e5, 3e4, 7e4]),
    "few large negatives": np.append(np.abs(NORMAL) * 1e-4, [-1e4] * 40),
    "forty magnitudes": NORMAL * np.geomspace(1e-30, 1e10, 3000),
    "denormal": NORMAL * 1e-40,
    "near the largest": NORMAL * 5e37,
    "on the grid": np.arange(-127, 128),
    "zeros mostly": np.append(np.zeros(5000), NORMAL[:50]),
    "positive": np.abs(NORMAL),
    "negative": -np.abs(NORMAL) - 3,
}


@pytest.mark.parametrize("kind", EXTREMES)
@pytest.mark.parametrize("recipe", ["int2-sym", "int3-symfull", "int4-asym", "int8-sym", "uint8-asym", "int10-symfull", "uint11-asym",
                                    "int12-sym", "int16-asym", "fp8e4m3-tensor", "fp8e5m2-tensor"])
def test_extremes_split_into_rounding_and_clipping(recipe, kind):
    recipe, x = Recipe.parse(recipe), np.float32(EXTREMES[kind])
    reach = float(np.abs(x).max())
    ends = [(-share * reach, other * reach) for share in (1e-3, 0.3, 1, 1.3) for other in (0.02, 0.7, 1.0)]
    if Grid.of(recipe).symmetric:
        ends = [(-max(-low, high), max(-low, high)) for low, high in ends]
    found = errors_at(Sorted(x), recipe, ends)
    for i, pair in enumerate(ends):
        rounding, clipping = split(x, recipe, pair)
        assert found.rounding[i] == pytest.approx(rounding, rel=1e-6, abs=1e-30 * reach**2)
        assert found.clipping[i] == pytest.approx(clipping, rel=1e-6, abs=1e-30 * reach**2)


@pytest.mark.parametrize("recipe", ["uint4-asym-channel", "int8-asym-g7", "uint3-asym-b4", "int4-sym-channel", "fp8e4m3-g9"])
def test_granularities_are_what_quantize_gives(recipe):
    """Rows on one side of zero keep their one-sided grids under abs, as when quantized."""
    x = X[:280].reshape(7, 40) + np.linspace(-2, 2, 7, dtype=np.float32)[:, None]
    found = error_curve(x, recipe, [0.5, 2.0, 4.5])
    for threshold, error in zip((0.5, 2.0, 4.5), found):
        done = quantize(x, f"{recipe}-abs{threshold}").dequantize()
        assert error == pytest.approx(np.mean((x.astype(np.float64) - done) ** 2), rel=1e-5)
    assert error_curve(torch.from_numpy(x), recipe, [0.5]) == found[0]


@pytest.mark.parametrize("recipe", ["fp8e4m3-tensor", "fp8e5m2-tensor"])
def test_scaled_floats(recipe):
    for threshold, error in zip(THRESHOLDS, error_curve(X, recipe, THRESHOLDS)):
        assert error == pytest.approx(evaluated(X, recipe, (-threshold, threshold)), rel=1e-6)


@pytest.mark.parametrize("recipe", ["int8-sym", "int3-symfull", "uint4-asym", "int12-sym"])
def test_it_is_what_quantize_gives_and_splits_like_the_mask(recipe):
    values = Sorted(X)
    for threshold in (0.3, 1.7, 20.0):
        q = quantize(X, f"{recipe}-tensor-abs{threshold}")
        error = np.square(X.astype(np.float64) - q.dequantize())
        parts = errors_at(values, f"{recipe}-tensor", [threshold])
        beyond = clipped(X, q)
        assert parts.clipped[0] == pytest.approx(beyond.sum(), abs=2)
        assert parts.clipping[0] == pytest.approx(error[beyond].sum(), rel=1e-3, abs=1e-6)
        assert parts.total[0] == pytest.approx(error.sum(), rel=1e-5)


def test_pairs_of_ends():
    ends = np.array([[-0.5, 2.0], [0.0, 1.0], [-3.0, 0.0]])
    for pair, error in zip(ends, error_curve(X, "uint6-asym-tensor", ends)):
        assert error == pytest.approx(evaluated(X, "uint6-asym-tensor", pair), rel=1e-6)


def test_counts_weigh_the_values():
    x = np.round(X, 1)
    distinct, counts = np.unique(x, return_counts=True)
    one, other = (errors_at(v, "int4-sym-tensor", THRESHOLDS) for v in (Sorted(x), Sorted(distinct, counts)))
    assert one.total == pytest.approx(other.total, rel=1e-9) and np.array_equal(one.clipped, other.clipped)
    assert calibrate_record(Record.of(x), "int4-sym-tensor-mse")[1] > 0


@pytest.mark.parametrize("thresholds", [[0.0], [-1.0], [np.nan], [np.inf], [[1.0, 2.0]], [[[1.0]]], 3.0, ["a"], "a", [[1], [2, 3]], None, [1j]])
def test_thresholds_that_cannot_be(thresholds):
    with pytest.raises(SettingsError):
        error_curve(X, "int8-sym-tensor", thresholds)


def test_what_has_no_threshold_or_no_numbers():
    with pytest.raises(SettingsError, match="plain cast"):
        error_curve(X, "fp16", [1.0])
    with pytest.raises(DataError):
        error_curve([np.nan], "int8", [1.0])
    assert error_curve(np.zeros(100), "int8", [1.0]) == 0
    assert error_curve([3.0], "int8", [3.0, 1e6, 1.5]) == pytest.approx([0, 9, 2.25], abs=1e-6)
