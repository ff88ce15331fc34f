"""The least mean squared error, against going through every breakpoint, and closed forms."""

import numpy as np
import pytest

from explorer.calibration import calibrate, calibrate_record
from explorer.exact_error import error_curve
from explorer.grid import Grid
from explorer.quantize import quantize, sqnr_db
from explorer.recipe import Recipe
from explorer.rows import Record


def error(x, scale, below, above) -> float:
    if scale <= 0:
        return float(x @ x)
    return float(np.square(x - np.clip(np.rint(x / scale), -below, above) * scale).sum())


def least_error(x, below, above) -> float:
    """Least squared error over all scales: between two breakpoints |x|/(k+½) it is a parabola."""
    x = x.astype(np.float64)
    steps = np.arange(max(below, above)) + 0.5
    breaks = np.unique(np.abs(x[x != 0])[:, None] / steps)
    middles = np.concatenate([breaks[:1] / 2, (breaks[1:] + breaks[:-1]) / 2])
    codes = np.clip(np.rint(x / middles[:, None]), -below, above)
    scales = (codes @ x) / np.maximum((codes**2).sum(axis=1), 1)
    return min([float(x @ x), *(error(x, s, below, above) for s in scales[scales > 0])])


def data(kind: str, n: int) -> np.ndarray:
    draw = np.random.default_rng(n)
    x = {"gauss": draw.standard_normal, "cauchy": draw.standard_cauchy, "steps": lambda n: draw.integers(-4, 5, n) / 2.0,
         "shifted": lambda n: draw.standard_normal(n) + 0.8, "positive": lambda n: draw.exponential(size=n)}[kind](n)  # fmt: skip
    return x.astype(np.float32)


@pytest.mark.parametrize("kind", ["gauss", "cauchy", "steps", "positive"])
@pytest.mark.parametrize("recipe", ["int2-sym", "int3-symfull", "int4-sym", "int4-symfull", "int6-sym", "int8-sym"])
def test_symmetric_optimum_is_global(recipe, kind):
    for n in (3, 40, 90):
        x = data(kind, n)
        grid = Grid.of(Recipe.parse(recipe))
        best = least_error(x, int(grid.below), int(grid.above))
        for rows in (x[None], np.stack([x, 3 * x])):  # alone, and beside another row
            low, high = calibrate(rows, f"{recipe}-channel-mse")
            found = error(x.astype(np.float64), (high - low)[0, 0] / grid.span, grid.below, grid.above)
            assert found <= best * (1 + 1e-6) + 1e-12


@pytest.mark.parametrize("kind", ["gauss", "shifted", "positive"])
@pytest.mark.parametrize("bits", [2, 3, 4, 6])
def test_asymmetric_optimum_is_global_over_zero_points(bits, kind):
    span = 2**bits - 1
    for n in (5, 40) if bits < 6 else (5,):
        x = data(kind, n)
        best = min(least_error(x, zero, span - zero) for zero in range(span + 1))
        low, high = calibrate(x, f"uint{bits}-asym-tensor-mse")
        scale = (high - low).item() / span
        below = round(-low.item() / scale)
        assert error(x.astype(np.float64), scale, below, span - below) <= best * (1 + 1e-6) + 1e-12


@pytest.mark.parametrize("x", [[-0.25], [0.7] * 4, [1.0, 1.0000001], [0.5, 0.5, -1.5], [1e-3] * 99 + [1.0]], ids=str)
@pytest.mark.parametrize("bits", [2, 4])
def test_asymmetric_search_ends_on_values_in_one_place(bits, x):
    x, span = np.float32(x), 2**bits - 1
    best = min(least_error(x, zero, span - zero) for zero in range(span + 1))
    low, high = calibrate(x, f"uint{bits}-asym-tensor-mse")
    scale = (high - low).item() / span
    assert error(x.astype(np.float64), scale, round(-low.item() / scale), round(high.item() / scale)) <= best + 1e-9


@pytest.mark.parametrize("recipe", ["int8-sym-tensor", "int4-sym-tensor", "uint8-asym-tensor", "fp8e4m3-tensor", "int12-sym-tensor"])
def test_long_rows_beat_a_fine_grid_of_thresholds(recipe):
    x = data("gauss", 20_000)
    low, high = calibrate(x, f"{recipe}-mse")
    found = error_curve(x, recipe, [[low.item(), high.item()]])[0]
    ladder = error_curve(x, recipe, np.geomspace(0.2, 1.5, 3000) * max(-low.item(), high.item()))
    assert found <= ladder.min() * (1 + (0.01 if "12" in recipe else 1e-6))


@pytest.mark.parametrize(
    ("bits", "threshold", "db"),
    [(2, 1.2240, 7.21), (3, 1.9523, 13.29), (4, 2.4739, 18.90), (5, 2.8987, 24.33), (6, 3.2701, 29.71)],
)
def test_rates_of_the_gaussian(bits, threshold, db):
    """Optimal uniform quantizers with a zero level, computed on the quantiles of the normal distribution."""
    from scipy.stats import norm

    x = norm.ppf((np.arange(400_000) + 0.5) / 400_000).astype(np.float32)
    _, high = calibrate(x, f"int{bits}-sym-tensor-mse")
    assert high.item() == pytest.approx(threshold, rel=0.01)
    assert sqnr_db(x, quantize(x, f"int{bits}-sym-tensor-mse").dequantize()) == pytest.approx(db, abs=0.05)


def test_a_record_gives_nearly_the_range_of_the_values():
    x = np.maximum(data("gauss", 30_000), 0)
    low, high = calibrate_record(Record.of(x), "uint4-asym-tensor-mse")
    exact = calibrate(x, "uint4-asym-tensor-mse")[1].item()
    errors = error_curve(x, "uint4-asym-tensor", [[low, high], [0, exact]])
    assert errors[0] <= errors[1] * 1.01


@pytest.mark.parametrize("recipe", ["int10-sym", "int12-sym", "int13-symfull", "int16-sym"])
def test_fine_grids_have_their_global_optimum_on_small_tensors(recipe):
    grid = Grid.of(Recipe.parse(recipe))
    for n in (3, 12) if grid.span < 10_000 else (3,):
        x = data("gauss", n)
        low, high = calibrate(x, f"{recipe}-tensor-mse")
        found = error(x.astype(np.float64), (high - low).item() / grid.span, grid.below, grid.above)
        assert found <= least_error(x, int(grid.below), int(grid.above)) * (1 + 1e-6)


def least_error_of_floats(x, values) -> float:
    """The same for any grid: between two breakpoints |x|/middle every x keeps its value v, s = Σxv/Σv²."""
    x = x.astype(np.float64)
    middles = (values[1:] + values[:-1]) / 2
    breaks = np.unique(np.divide.outer(x[x != 0], middles[middles != 0]))
    breaks = breaks[breaks > 0]
    ends = np.concatenate([breaks[:1] / 2, breaks, breaks[-1:] * 2])
    least = float(x @ x)
    for scales in np.array_split((ends[1:] + ends[:-1]) / 2, 1 + len(ends) // 10_000):
        v = values[np.searchsorted(middles, x / scales[:, None])]
        best = (v @ x) / np.maximum((v**2).sum(axis=1), 1e-30)
        best = best[best > 0]
        least = min([least, *error_of_floats(x, best[:, None], values)])
    return least


def error_of_floats(x, scale, values):
    nearest = values[np.searchsorted((values[1:] + values[:-1]) / 2, x / scale)]
    return np.square(x - nearest * scale).sum(axis=-1)


@pytest.mark.parametrize("kind", ["gauss", "cauchy", "steps", "positive"])
@pytest.mark.parametrize("recipe", ["fp8e4m3", "fp8e5m2"])
def test_the_optimum_of_floats_is_global(recipe, kind):
    values = Grid.of(Recipe.parse(f"{recipe}-tensor")).values
    for n in (3, 30):
        x = data(kind, n)
        low, high = calibrate(x, f"{recipe}-tensor-mse")
        found = error_of_floats(x.astype(np.float64), high.item() / values[-1], values)
        assert found <= least_error_of_floats(x, values) * (1 + 1e-6) + 1e-12


@pytest.mark.parametrize(("recipe", "zero_points"), [("int4-sym", [7]), ("int5-symfull", [16]), ("uint3-asym", range(8))])
def test_counts_weigh_the_optimum(recipe, zero_points):
    """A record is its bins' middles with counts: brute force over every value as often as it occurs."""
    x = np.maximum(data("gauss", 300) + 0.3, -0.2)
    record = Record.of(x)
    rows = record.rows()
    repeated = np.repeat(rows.values[0], rows.counts)
    span = int(Grid.of(Recipe.parse(recipe)).span)
    best = min(least_error(repeated, zero, span - zero) for zero in zero_points)
    low, high = calibrate_record(record, f"{recipe}-tensor-mse")
    scale = (high - low) / span
    below = round(-low / scale) if "asym" in recipe else zero_points[0]
    assert error(repeated.astype(np.float64), scale, below, span - below) <= best * (1 + 1e-6)


@pytest.mark.parametrize("recipe", ["int4-sym", "uint3-asym", "int6-symfull"])
def test_groups_blocks_and_channels_have_their_own_optimum(recipe):
    """Every tile like a tensor of its own, with shorter tiles at the ends."""
    x = data("shifted", 7 * 20).reshape(7, 20)
    for granularity, size in (("channel", (1, 20)), ("g8", (1, 8)), ("b3", (3, 3))):
        low, high = calibrate(x, f"{recipe}-{granularity}-mse")
        for (i, j), end in np.ndenumerate(high):
            tile = x[i * size[0] : (i + 1) * size[0], j * size[1] : (j + 1) * size[1]]
            alone = calibrate(tile, f"{recipe}-tensor-mse")
            pairs = [[low[i, j], end], [alone[0].item(), alone[1].item()]]
            ours, theirs = error_curve(tile, f"{recipe}-tensor", pairs)
            assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-12)
