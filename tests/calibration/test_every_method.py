"""What holds for every range method: one test a property, over the whole registry."""

import numpy as np
import pytest

from explorer.calibration import METHODS, calibrate, calibrate_record
from explorer.calibration.entropy import BINS, divergences
from explorer.errors import DataError, SettingsError
from explorer.formats import FORMATS
from explorer.grid import Grid
from explorer.quantize import quantize
from explorer.recipe import Recipe
from explorer.rows import Record
from methods import ALL, FOUND, FROM_INPUTS, FROM_VALUES, ends_of, inputs_for, kind_of, recipe_of

SCHEMES = ["sym", "symfull", "asym"]


def laplace(shape=(5, 400), seed=0) -> np.ndarray:
    return np.random.default_rng(seed).laplace(size=shape).astype(np.float32)


ODD = {
    "zeros": np.zeros((3, 20), np.float32),
    "one value": np.float32([[3.0]]),
    "a constant": np.full((2, 30), -0.7, np.float32),
    "two values": np.float32([[0.0, 1.0], [-1.0, -1.0]]),
    "a row of zeros": np.stack([np.zeros(50, np.float32), laplace((50,))]),
    "an outlier": np.append(laplace((999,)), np.float32(1e4)).reshape(2, 500),
    "subnormal": np.float32([[1e-40, -3e-41, 0.0], [1e-44, 0.0, 0.0]]),
    "huge": laplace((2, 40)) * np.float32(1e18),
    "positive": np.abs(laplace()),
    "negative": -np.abs(laplace()),
    "far from zero": laplace() * np.float32(0.01) + np.float32(5),
}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("id", ALL)
def test_zero_is_inside_ends_are_finite_and_symmetric_ranges_are(id, scheme):
    recipe = recipe_of(id, "int6", scheme, kind_of(id))
    for name, x in ODD.items():
        low, high = ends_of(x, recipe)
        assert np.isfinite(low).all() and np.isfinite(high).all(), name
        assert (low <= 0).all() and (high >= 0).all() and low.shape == high.shape, name
        assert low.shape == ((len(x), 1) if recipe.kind == "channel" else (1, 1)), name
        if scheme != "asym":
            assert np.array_equal(low, -high), name
        assert np.isfinite(quantize(x, recipe, ranges=(low, high)).dequantize()).all(), name


@pytest.mark.parametrize("id", ALL)
def test_the_factor_scales_the_range(id):
    recipe, x = recipe_of(id, "uint5", "asym", kind_of(id)), laplace()
    wide = ends_of(x, recipe)
    for factor in (0.5, 1.25):
        scaled = ends_of(x, recipe.replace(range=f"{recipe.range}@{factor}"))
        assert np.allclose(scaled, np.multiply(wide, factor), rtol=1e-12)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("power", [-20, -1, 3, 30])
@pytest.mark.parametrize("id", FOUND)
def test_scaling_by_a_power_of_two_scales_the_range(id, power, scheme):
    recipe, x = recipe_of(id, "int4", scheme, kind_of(id)), laplace((3, 200))
    before, after = ends_of(x, recipe), ends_of(x * np.float32(2.0**power), recipe)
    assert np.allclose(np.multiply(before, 2.0**power), after, rtol=1e-9)


@pytest.mark.parametrize("id", ALL)
def test_the_order_of_the_values_does_not_matter(id):
    recipe, x = recipe_of(id, "int5", "asym", kind_of(id)), laplace((3, 100))
    order, inputs = np.random.default_rng(3).permutation(100), inputs_for(x)
    assert np.allclose(ends_of(x, recipe, inputs), ends_of(x[:, order], recipe, inputs[:, order]), rtol=1e-9)


@pytest.mark.parametrize("id", FOUND)
def test_mirrored_values_have_the_mirrored_range(id):
    recipe, x = recipe_of(id, "int5", "sym", kind_of(id)), laplace((3, 100)) + np.float32(0.2)
    assert np.allclose(ends_of(x, recipe), ends_of(-x, recipe), rtol=1e-9)


@pytest.mark.parametrize("bits", [3, 8])
@pytest.mark.parametrize("id", FOUND)
def test_a_constant_stays_what_it_is(id, bits):
    for value in (2.5, -0.3):
        x = np.full((2, 40), value, np.float32)
        recipe = recipe_of(id, f"int{bits}", "asym", kind_of(id))
        low, high = ends_of(x, recipe)
        assert quantize(x, recipe, ranges=(low, high)).dequantize() == pytest.approx(x, rel=0.01)


@pytest.mark.parametrize("id", [id for id in FOUND if id not in ("minmax", "ema")])
def test_an_outlier_among_many_is_clipped_at_three_bits(id):
    x = np.random.default_rng(5).normal(size=(20, 1000)).astype(np.float32)
    x[7, 77] = 40
    assert ends_of(x, recipe_of(id, "int3", "sym"))[1].item() < 20


@pytest.mark.parametrize("id", ("minmax", "ema"))
def test_an_outlier_sets_the_range_of_those_that_never_clip(id):
    x = np.append(laplace((999,)), np.float32(1e4))
    assert ends_of(x, recipe_of(id, "int3", "sym"))[1].item() == 1e4


@pytest.mark.parametrize("scheme", ["sym", "asym"])
@pytest.mark.parametrize("granularity", ["tensor", "channel", "g32", "b16"])
@pytest.mark.parametrize("id", FOUND)
def test_every_row_has_the_range_it_would_have_alone(id, granularity, scheme):
    """Or, where the method judges a layer as a whole, one that is no worse than min–max."""
    if not METHODS[id].takes(Recipe("int4", "sym", granularity).kind, True):
        with pytest.raises(SettingsError, match="not per"):
            recipe_of(id, "int4", scheme, granularity)
        return
    recipe, x = recipe_of(id, "int4", scheme, granularity), laplace((32, 64))
    low, high = ends_of(x, recipe)
    tiles = {"tensor": [x], "channel": list(x), "g32": list(x.reshape(64, 32)),
             "b16": [x[i : i + 16, j : j + 16] for i in (0, 16) for j in (0, 16, 32, 48)]}[granularity]  # fmt: skip
    assert low.size == len(tiles)
    if METHODS[id].needs == "inputs":
        inputs = inputs_for(x)
        lost = [np.square((quantize(x, recipe, ranges=ends).dequantize() - x) @ inputs.T).sum()
                for ends in ((low, high), calibrate(x, recipe.replace(range="minmax")))]  # fmt: skip
        assert lost[0] < lost[1]
        return
    for k, tile in enumerate(tiles):
        alone = calibrate(tile.reshape(1, -1), recipe.replace(granularity="tensor"))
        assert np.allclose([low.flat[k], high.flat[k]], np.ravel(alone), rtol=1e-6)


@pytest.mark.parametrize("id", FOUND)
def test_more_bits_err_less(id):
    """Strictly for the optimum; the others may lose a little between two widths, never over two."""
    x, lost = laplace((1, 600)), []
    for bits in range(2, 9):
        recipe = recipe_of(id, f"int{bits}", "sym")
        error = quantize(x, recipe, ranges=ends_of(x, recipe)).dequantize() - x
        lost.append(float(np.square(error).sum()))
    step = 1 if id == "mse" else 2
    assert all(after < before for before, after in zip(lost, lost[step:]))


@pytest.mark.parametrize("id", ALL)
def test_floating_point_formats_are_taken_or_refused(id):
    for format in (f.id for f in FORMATS if f.kind == "floating" and f.bits == 8):
        if METHODS[id].uniform:
            with pytest.raises(SettingsError, match="equal steps"):
                recipe_of(id, format)
        else:
            low, high = ends_of(laplace(), recipe_of(id, format))
            assert low < 0 < high


VALUES = {
    "laplace": laplace((200_000,), 3),
    "after a relu": np.maximum(np.random.default_rng(4).normal(size=200_000), 0).astype(np.float32),
    "uniform": np.random.default_rng(5).uniform(-1, 1, 200_000).astype(np.float32),
    "positive uniform": np.random.default_rng(6).uniform(0, 3, 200_000).astype(np.float32),
    "shifted": np.random.default_rng(7).normal(0.4, 1, 200_000).astype(np.float32),
}
BIN = 2**-7  # width of a record's bin over its values


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("recipe", ["int8-sym-tensor", "uint8-asym-tensor", "int4-sym-tensor"])
@pytest.mark.parametrize("id", FROM_VALUES)
def test_a_record_gives_the_range_of_the_values_to_a_bin(id, recipe, kind):
    """The ends; where those are a choice between nearly equal minima, what the range costs."""
    x = VALUES[kind]
    recipe = Recipe.parse(recipe).replace(range=recipe_of(id, "int8").range)
    found = calibrate_record(Record.of(x), recipe)
    exact = [end.item() for end in calibrate(x, recipe)]
    if id in ("minmax", "ema", "abs", "lo"):
        assert list(found) == exact
    elif id == "entropy":  # flat and rugged: thresholds a third apart differ by thousandths of a nat
        divergence = _divergence(x, recipe)
        assert divergence(found[1]) < 1.3 * divergence(exact[1])
    elif id == "mse":
        sample = x[:50_000]
        ranges = [(np.array([[low]]), np.array([[high]])) for low, high in (found, exact)]
        lost = [float(np.square(quantize(sample, recipe, ranges=ends).dequantize() - sample).mean()) for ends in ranges]
        assert lost[0] == pytest.approx(lost[1], rel=0.03)
    else:
        assert found == pytest.approx(exact, rel=BIN, abs=1e-6)


def _divergence(x: np.ndarray, recipe: Recipe):
    """Threshold → the divergence that the entropy method minimises on the values themselves."""
    width = np.abs(x).max().astype(np.float64) / BINS
    counts = np.bincount(np.minimum((np.abs(x) / width).astype(int), BINS - 1), minlength=BINS).astype(float)
    counts[0] = counts[1]
    return lambda a: divergences(counts, np.array([min(round(a / width), BINS)]), 2 ** (recipe.bits - 1)).item()


@pytest.mark.parametrize("id", FROM_VALUES)
@pytest.mark.parametrize("scheme", ["sym", "asym"])
def test_records_of_batches_merged_give_what_one_of_all_gives(id, scheme):
    x = laplace((6, 500), 9)
    recipe = recipe_of(id, "int8", scheme)
    parts = [Record.of(batch) for batch in x]
    ahead = parts[0].merge(parts[1]).merge(parts[2])
    behind = parts[3].merge(parts[4].merge(parts[5]))  # as another process would have merged its share
    merged, whole = ahead.merge(behind), Record.of(x)
    assert np.array_equal(merged.counts, whole.counts)
    assert np.array_equal(merged.batches, [(batch.min(), batch.max()) for batch in x])
    if id != "ema":  # whose range tells batches apart: see test_ema.py
        assert calibrate_record(merged, recipe) == calibrate_record(whole, recipe)


@pytest.mark.parametrize("id", FROM_INPUTS)
def test_what_is_judged_at_the_output_needs_inputs(id):
    recipe = recipe_of(id, "int4")
    for ask in (lambda: calibrate(laplace(), recipe), lambda: calibrate_record(Record.of(laplace()), recipe),
                lambda: quantize(laplace(), recipe)):  # fmt: skip
        with pytest.raises(SettingsError, match="needs the layer's inputs"):
            ask()
    with pytest.raises(DataError, match=r"take inputs \[n, 400\]"):
        calibrate(laplace(), recipe, inputs=np.ones((3, 7), np.float32))
    with pytest.raises(DataError, match=r"not \[2, 400, 400\]"):
        calibrate(laplace(), recipe, inputs=np.zeros((2, 400, 400), np.float32))  # 5 rows in 2 groups
    with pytest.raises(DataError, match="NaN"):
        calibrate(laplace(), recipe, inputs=np.full((3, 400), np.nan, np.float32))


@pytest.mark.parametrize("id", FROM_VALUES)
def test_inputs_change_nothing_for_the_others(id):
    recipe, x = recipe_of(id, "int4", "asym"), laplace((3, 50))
    assert np.array_equal(calibrate(x, recipe), calibrate(x, recipe, inputs=inputs_for(x)))


@pytest.mark.parametrize("id", FOUND)
def test_a_range_is_about_as_wide_as_the_data(id):
    for scheme in SCHEMES:
        recipe, x = recipe_of(id, "int4", scheme, kind_of(id)), laplace()
        low, high = ends_of(x, recipe)
        reach = np.abs(x).max()
        assert (high <= 1.2 * reach).all() and (high > 0.05 * reach).all()
        assert Grid.of(recipe).symmetric or (-low > 0.05 * reach).all()
