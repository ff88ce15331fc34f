"""The exact error of every threshold against a float64 pass over the values."""

import numpy as np
import pytest

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


@pytest.mark.parametrize("thresholds", [[0.0], [-1.0], [np.nan], [np.inf], [[1.0, 2.0]], [[[1.0]]], 3.0])
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
