"""The error curve: every number on it against quantizing there and measuring."""

import json

import numpy as np
import pytest

from explorer import pipeline
from explorer.calibration import calibrate
from explorer.quantize import clipped, quantize, sqnr_db
from explorer.settings import Settings
from explorer.views.curve import curve

RECIPES = ["int8-sym-tensor-minmax", "uint4-asym-channel-mse", "int2-sym-tensor-entropy", "int3-symfull-g16-minmax",
           "fp8e4m3-tensor", "int13-sym-tensor-minmax", "int4-sym-tensor-p99.5", "int4-asym-tensor-minmax-floor",
           "int5-sym-channel-minmax-stochastic", "fp4e2m1-channel-minmax", "nf4-g32-mse"]  # fmt: skip


def seen_in(weights: str, i: int = 2, model: str = "digits") -> dict:
    return json.loads(json.dumps(curve(Settings(model, weights), i), allow_nan=False))


def weight_of(i: int = 2) -> np.ndarray:
    return pipeline.network_of(Settings("digits")).weight(i)


def measured(weight: np.ndarray, recipe) -> tuple[float, float]:
    """(rounding, clipping) parts of the mean squared error of quantizing."""
    q = quantize(weight, recipe)
    error = np.square(weight.astype(np.float64) - q.dequantize())
    outside = clipped(weight, q)
    return error[~outside].sum() / error.size, error[outside].sum() / error.size


def tensor_of(recipe: str):
    return pipeline.layer_tensor(Settings("digits", recipe), 2).recipe.replace(granularity="tensor")


@pytest.mark.parametrize("recipe", RECIPES)
def test_thresholds_give_what_quantizing_with_them_gives(recipe):
    seen, weight = seen_in(recipe), weight_of()
    largest = np.abs(weight).max()
    assert (seen["thresholds"][0], seen["thresholds"][-1]) == pytest.approx((0.03 * largest, 1.2 * largest))
    for k in (0, 17, 50, 83, 99):
        there = tensor_of(recipe).replace(range=f"abs{seen['thresholds'][k]:.17f}")
        # a weight half a step from two codes may fall either way: its error is the same, its part not
        assert seen["rounding"][k] + seen["clipping"][k] == pytest.approx(sum(measured(weight, there)), rel=2e-6)
        assert seen["clipping"][k] == pytest.approx(measured(weight, there)[1], rel=0.02, abs=1e-12)


@pytest.mark.parametrize("recipe", RECIPES)
def test_marks_are_what_calibrate_chooses(recipe):
    seen, weight = seen_in(recipe), weight_of()
    assert {mark["name"] for mark in seen["marks"]} >= {"minmax", "p99.9", "mse", "entropy"}
    for mark in seen["marks"]:
        there = tensor_of(recipe).replace(range=mark["name"])
        low, high = calibrate(weight, there)
        assert mark["threshold"] == max(-low.item(), high.item())
        assert mark["mse"] == pytest.approx(sum(measured(weight, there)), rel=2e-6)


def test_own_percentile_is_marked():
    assert "p99.5" in [mark["name"] for mark in seen_in("int4-sym-tensor-p99.5")["marks"]]
    assert "abs0.5" not in [mark["name"] for mark in seen_in("int4-sym-tensor-abs0.5")["marks"]]


def test_no_threshold_beats_the_mse_mark():
    seen = seen_in("int4-sym-channel-minmax")
    best = next(mark["mse"] for mark in seen["marks"] if mark["name"] == "mse")
    assert best <= min(np.add(seen["rounding"], seen["clipping"])) * (1 + 1e-9)


@pytest.mark.parametrize("recipe", [*RECIPES, "fp16", "int4-sym-channel-abs0.5", "mxfp4", "nf4", "q4_1"])
def test_current_is_the_error_in_force(recipe):
    seen, weight = seen_in(recipe), weight_of()
    rounding, clipping = measured(weight, recipe)
    now = seen["current"]
    assert now["mse"] == pytest.approx(rounding + clipping, rel=1e-9)
    assert (now["rounding"], now["clipping"]) == pytest.approx((rounding, clipping), rel=1e-9, abs=1e-18)
    assert 10 * np.log10(seen["power"] / now["mse"]) == pytest.approx(
        sqnr_db(weight, quantize(weight, recipe).dequantize()), abs=1e-6)  # fmt: skip


def test_rows_with_ranges_of_their_own_have_no_threshold():
    own, by_hand = seen_in("int4-sym-channel-minmax"), seen_in("int4-sym-channel-abs0.5")
    assert own["current"]["threshold"] is None and own["rows_mse"] == own["current"]["mse"]
    assert by_hand["current"]["threshold"] == 0.5 and by_hand["rows_mse"] is None


def test_neighbours_are_the_curves_of_other_widths():
    seen = seen_in("int5-sym-tensor-minmax")
    assert [other["format"] for other in seen["neighbours"]] == ["int4", "int6", "int8"]
    for other in seen["neighbours"]:
        same = seen_in(f"{other['format']}-sym-tensor-minmax")
        assert other["mse"] == pytest.approx(np.add(same["rounding"], same["clipping"]).tolist(), rel=1e-12)
        assert other["bits"] == int(other["format"][3:])


@pytest.mark.parametrize(("recipe", "reason"), [
    ("fp32", "cast"), ("bf16", "cast"), ("fp8e5m2", "cast"), ("mxfp4", "block"), ("nf4", "block"), ("q5_0", "block"),
])  # fmt: skip
def test_without_a_range_there_is_no_curve(recipe, reason):
    seen = seen_in(recipe)
    assert seen["reason"] == reason
    assert seen["thresholds"] == seen["marks"] == seen["neighbours"] == [] and seen["rows_mse"] is None


@pytest.mark.parametrize("recipe", ["int8-sym-tensor-minmax", "int4-asym-channel-mse", "fp8e4m3-tensor", "int4-sym-tensor-minmax-floor"])
def test_degenerate_weights(degenerate, recipe):
    seen = seen_in(recipe, 0)
    constant = len(np.unique(degenerate)) == 1
    assert (seen["thresholds"] == []) == constant
    assert seen["current"]["mse"] >= 0 and (np.diff(seen["thresholds"]) > 0).all()
    assert all(mark["threshold"] >= 0 and mark["mse"] >= 0 for mark in seen["marks"])
