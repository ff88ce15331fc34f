"""The weight histogram: against NumPy's, and against the quantized tensor itself."""

import json

import numpy as np
import pytest

from explorer import pipeline
from explorer.calibration import calibrate
from explorer.quantize import quantize
from explorer.settings import Settings
from explorer.views.histogram import histogram

RECIPES = ["int8-sym-tensor-minmax", "int4-sym-channel-mse", "uint5-asym-g8-p99", "int3-symfull-tensor-abs0.5",
           "int2-sym-tensor-abs9", "fp8e4m3-channel", "fp8e5m2", "fp16", "fp32", "int12-sym-b4-minmax",
           "int6-asym-tensor-lo0hi0.3", "int4-sym-tensor-minmax-stochastic", "nf4-tensor-mse", "mxfp4", "nf4", "q4_0"]  # fmt: skip


def seen_in(weights: str, i: int, model: str = "digits") -> dict:
    return json.loads(json.dumps(histogram(Settings(model, weights), i), allow_nan=False))


def weight_of(i: int, model: str = "digits") -> np.ndarray:
    return pipeline.network_of(Settings(model)).weight(i)


@pytest.mark.parametrize("recipe", RECIPES)
def test_counts_are_those_of_numpy(recipe):
    for i in range(6):
        seen, weight = seen_in(recipe, i), weight_of(i)
        assert seen["fp32"] == np.histogram(weight.astype(np.float64), seen["edges"])[0].tolist()
        assert sum(seen["fp32"]) == sum(seen["quantized"]["counts"]) == weight.size == seen["count"]
        assert (seen["data_low"], seen["data_high"]) == (weight.min(), weight.max())


@pytest.mark.parametrize("recipe", RECIPES)
def test_quantized_values_are_those_of_quantize(recipe):
    seen = seen_in(recipe, 2)
    values, counts = np.unique(quantize(weight_of(2), recipe).dequantize(), return_counts=True)
    if len(values) <= 512:
        assert np.float32(seen["quantized"]["values"]).tolist() == values.tolist()
        assert seen["quantized"]["counts"] == counts.tolist()
    else:
        edges = np.array(seen["edges"])
        assert seen["quantized"]["values"] == pytest.approx((edges[1:] + edges[:-1]) / 2)


def test_many_values_are_counted_over_the_bins():
    seen, weight = seen_in("fp16", 4, "fashion"), weight_of(4, "fashion")
    back = quantize(weight, "fp16").dequantize().astype(np.float64)
    assert len(np.unique(back)) > 512
    expected = np.histogram(np.clip(back, seen["edges"][0], seen["edges"][-1]), seen["edges"])[0]
    assert seen["quantized"]["counts"] == expected.tolist()


@pytest.mark.parametrize("recipe", ["int4-sym-tensor-minmax", "uint4-asym-tensor-minmax", "int8-asym-channel-lo1hi2",
                                    "int3-symfull-g8-abs0.5", "fp8e5m2-tensor", "fp6e3m2-tensor", "nf4-tensor"])  # fmt: skip
def test_one_grid_holds_every_quantized_value(recipe):
    seen = seen_in(recipe, 2)
    assert set(seen["quantized"]["values"]) <= set(seen["grid"])
    assert seen["grid"] == sorted(seen["grid"]) and len(seen["grid"]) <= 256


def test_first_code_and_steps_name_the_codes_of_the_grid():
    q = pipeline.layer_tensor(Settings("digits", "uint4-asym-tensor-minmax"), 2)
    seen = seen_in("uint4-asym-tensor-minmax", 2)
    zero = q.zero_point.item()
    assert (seen["first_code"], seen["steps_below"], seen["steps_above"]) == (0, zero, 15 - zero)
    assert seen["grid"][zero] == 0
    seen = seen_in("int8-sym-channel-minmax", 2)
    assert (seen["steps_below"], seen["steps_above"], seen["grid"]) == (127, 127, None)
    assert seen_in("int12-sym-tensor-minmax", 2)["grid"] is None


@pytest.mark.parametrize("recipe", RECIPES)
def test_range_is_what_calibration_found(recipe):
    seen = seen_in(recipe, 3)
    if "-" not in recipe:
        reason = "cast" if recipe.startswith(("fp", "bf")) else "block"
        assert (seen["low"], seen["high"], seen["draggable"], seen["reason"]) == (None, None, False, reason)
    else:
        low, high = calibrate(weight_of(3), recipe)
        assert (seen["low"], seen["high"], seen["draggable"], seen["reason"]) == (low.min(), high.max(), True, None)
    assert seen["symmetric"] == ("asym" not in recipe)


def test_a_wide_range_is_shown_a_little():
    weight = weight_of(2)
    width = float(weight.max()) - float(weight.min())
    edges = seen_in("int8-sym-tensor-abs100", 2)["edges"]
    assert edges[-1] - edges[0] == pytest.approx(1.5 * width)
    assert (np.diff(edges) == pytest.approx(1.5 * width / 120)) and len(edges) == 121
    edges = seen_in("int8-sym-tensor-abs0.01", 2)["edges"]
    assert (edges[0], edges[-1]) == (weight.min(), weight.max())


@pytest.mark.parametrize("recipe", ["int8-sym-tensor-minmax", "int4-asym-channel-mse", "fp8e4m3-tensor", "fp8e4m3"])
def test_degenerate_weights(degenerate, recipe):
    seen = seen_in(recipe, 0)
    assert sum(seen["fp32"]) == sum(seen["quantized"]["counts"]) == degenerate.size
    assert (np.diff(seen["edges"]) > 0).all()
    constant = len(np.unique(degenerate)) == 1
    assert seen["draggable"] == (not constant and recipe != "fp8e4m3")
    assert seen["reason"] == ("cast" if recipe == "fp8e4m3" else "constant" if constant else None)
