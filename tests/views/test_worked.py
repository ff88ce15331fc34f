"""Worked weights follow the recipe's formula; the article's is held against the reference example."""

import numpy as np
import pytest

from explorer import pipeline
from explorer.errors import ExplorerError
from explorer.settings import Settings
from explorer.views.worked import article, beside, worked

RECIPES = ["int8-sym-tensor-minmax", "uint6-asym-channel-minmax", "int3-sym-g8-mse", "fp8e4m3-tensor", "fp16", "fp32",
           "mxfp6e2m3up", "nvfp4", "nf4", "q4_0", "q4_1"]


@pytest.mark.parametrize("recipe", RECIPES)
def test_weights_follow_the_formula(recipe):
    settings = Settings("digits", recipe)
    weight, table = pipeline.network_of(settings).weight(2), worked(settings, 2)
    assert len(table) == 7 and table["weight"].is_monotonic_increasing
    assert (table["weight"].iloc[0], table["weight"].iloc[-1]) == (weight.min(), weight.max())
    if "int" in recipe:
        back = (table["code"] - table["zero_point"]) * table["scale"]
        np.testing.assert_allclose(table["dequantized"], back, rtol=1e-6)
    np.testing.assert_allclose(table["error"], table["dequantized"] - table["weight"], rtol=1e-12)
    assert ("offset" in table) == (recipe == "q4_1")
    lowest = table["offset"] if "offset" in table else 0
    np.testing.assert_allclose(table["weight_over_scale"], (table["weight"] - lowest) / table["scale"], rtol=1e-4, atol=1e-6)
    if recipe == "q4_1":
        np.testing.assert_allclose(table["dequantized"], table["code"] * table["scale"] + lowest, rtol=1e-5)
    if "mse" not in recipe and not recipe.startswith("q4"):  # nothing is clipped, no scale is rounded
        assert (table["error"].abs() <= table["half_step"] * 1.0001).all()


@pytest.mark.parametrize("recipe", ["int8-sym-tensor-minmax", "int4-asym-channel-mse", "fp8e4m3"])
def test_degenerate_weights(degenerate, recipe):
    table = worked(Settings("digits", recipe), 0)
    assert 1 <= len(table) <= 7 and set(np.float32(table["weight"])) <= set(degenerate.ravel())
    assert np.isfinite(table.to_numpy(np.float64)).all()
    assert len(article(Settings("digits", recipe), 0)) == len(table)


def test_the_articles_example():
    """Range [-10, 10], 8 bits, w = 5.5, worked by hand: scale 20/255, code 0 against 70, 5.490196."""
    row = beside(5.5, 8, -10, 10).iloc[0]
    assert row["scale"] == pytest.approx(20 / 255, rel=1e-7)
    assert (row["code_multiplied"], row["zero_point"], row["code_divided"]) == (0, 0, 70)
    assert row["value_divided"] == pytest.approx(70 * 20 / 255) and row["error_multiplied"] == -5.5


def test_every_weight_below_half_a_reciprocal_becomes_zero():
    table = beside([-6.37, 6.37, 6.38], 8, -10, 10)
    assert table["code_multiplied"].tolist() == [0, 0, 1]


def test_division_keeps_what_multiplication_loses():
    table = article(Settings("digits"), 2)
    assert (table["error_divided"].abs() <= table["scale"] / 2 * 1.001).all()
    assert table["error_multiplied"].abs().max() > 10 * table["scale"].iloc[0]


@pytest.mark.parametrize(("weights", "bits", "low", "high"), [
    (5.5, 8, 1, 10), (5.5, 8, 0, 0), (5.5, 1, -1, 1), (5.5, 8, -np.inf, 1), (np.nan, 8, -1, 1), ([], 8, -1, 1),
])  # fmt: skip
def test_what_cannot_be_worked_is_said(weights, bits, low, high):
    with pytest.raises(ExplorerError):
        beside(weights, bits, low, high)
