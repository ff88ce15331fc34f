"""The pictures of accuracy against bits and against cost, without a browser: their points, the one in force, and where a click goes."""

import json
import math

import pytest

from components.charts.bits import bits, far_apart
from components.charts.tradeoff import tradeoff
from components.words import en_cost

POINT = {"format": "", "preset": "", "recipe": "int8", "value": 0.9, "low": 0.85, "high": 0.95, "n": 100, "unit": "share", "fp32": 0.91,
         "difference": -0.01, "difference_low": -0.02, "difference_high": 0.0, "size_bytes": 1000, "bits_per_weight": 8.0,
         "latency_s": 1e-3, "latency_low_s": 3e-4, "latency_high_s": 3e-3, "energy_j": 1e-6}  # fmt: skip
POINTS = [POINT | {"bits": 8}, POINT | {"bits": 4, "value": 0.7, "size_bytes": 500}, POINT | {"bits": 8, "preset": "tflite-int8"},
          POINT | {"bits": 4, "preset": "mxfp4", "latency_s": None, "energy_j": None}]  # fmt: skip
NOW = {"bits": 4, "format": "", "preset": None}


@pytest.mark.parametrize("below", en_cost.AXES)
def test_every_point_has_its_interval_and_a_prediction_its_band(below):
    drawn = tradeoff(POINTS, "accuracy", NOW, below)
    points, kept = drawn["points"], POINTS if below == "size" else POINTS[:3]  # no prediction, no point
    assert [point["goes"] for point in points] == [{key: point[key] for key in ("bits", "format", "preset")} for point in kept]
    assert [(point["low"], point["value"], point["high"]) for point in points[:2]] == [pytest.approx((85, 90, 95)), pytest.approx((85, 70, 95))]
    assert all(("cost_low" in point) == (below == "latency") for point in points)
    assert [point["chosen"] for point in points[:3]] == [False, True, False] and [point["name"] for point in points[:2]] == ["8", "4"]
    assert "90.0 %" in drawn["alt"] and "TFLite" in drawn["alt"] and drawn["y"] == "accuracy, %"
    assert drawn["x"]["title"].endswith("exact" if below == "size" else "predicted")
    first = {"size": ("200 B", "500 B", "1 kB", "2 kB"), "latency": ("100 µs", "200 µs", "500 µs", "1 ms"), "energy": ("500 nJ", "1 µJ", "2 µJ")}
    assert tuple(drawn["x"]["ticktext"][:4]) == first[below]


def test_a_cost_that_nothing_has_is_no_picture():
    nothing = [point | {"latency_s": None} for point in POINTS]
    assert tradeoff(nothing, "accuracy", NOW, "latency") is None
    assert [point["cost_text"] for point in bits(nothing[:2], "accuracy", 4, "", "latency")["points"]] == ["—", "—"]


def test_widths_keep_their_slots_and_say_what_they_cost():
    drawn = bits(POINTS[:2], "accuracy", 4, "")
    assert drawn["order"] == ["2", "3", "4", "5", "6", "7", "8", "16", "FP32"] and drawn["below"] == "size, kB"
    assert [(point["name"], point["cost_text"], point["chosen"]) for point in drawn["points"]] == [("4", "0.5", True), ("8", "1", False)]
    assert drawn["points"][1]["tip"] == "8 bits: 90.0 % (85.0 % to 95.0 %), 1 kB" and not drawn["logarithmic"]
    own = bits([*POINTS[:2], POINT | {"bits": 4, "format": "NVFP4"}], "accuracy", 4, "NVFP4")
    assert own["order"][2:5] == ["4", "NVFP4", "5"] and [point["chosen"] for point in own["points"]] == [False, True, False]
    assert not any(point["chosen"] for point in bits(POINTS[:2], "accuracy", 4, "", alike=False)["points"])


@pytest.mark.parametrize(("unit", "values", "logarithmic"), [
    ("perplexity", (20.0, 2e5), True), ("perplexity", (20.0, 40.0), False), ("share", (0.01, 0.9), False), ("cosine", (-0.1, 0.9), False),
])  # fmt: skip
def test_an_axis_is_logarithmic_where_values_are_far_apart_and_above_zero(unit, values, logarithmic):
    points = [POINT | {"bits": 4 * i + 4, "unit": unit, "value": value, "low": value, "high": value} for i, value in enumerate(values)]
    assert far_apart(points) == logarithmic


def test_both_pictures_have_the_axis_that_all_points_need():
    """Also where one of them does not show the point that needs it."""
    from components.controls.tradeoff import _pictures
    from explorer.settings import Settings

    near = [POINT | {"bits": bits, "unit": "perplexity", "value": 20.0, "low": 19.0, "high": 21.0} for bits in (4, 8)]
    far = POINT | {"bits": 8, "preset": "onnxruntime", "unit": "perplexity", "value": 2e5, "low": 1e5, "high": 3e5, "latency_s": None}
    drawn = _pictures(Settings("gpt-shakespeare"), near, [far], "latency")
    assert [drawn[name]["logarithmic"] for name in ("widths", "scatter")] == [True, True]


def test_an_endless_interval_reaches_the_browser():
    """JSON has no infinity."""
    endless = POINT | {"bits": 2, "unit": "perplexity", "high": math.inf}
    for drawn in (bits([endless], "perplexity", 2, ""), tradeoff([endless], "perplexity", NOW, "size")):
        assert drawn["points"][0]["high"] is None and "∞" in drawn["alt"]
        json.dumps(drawn, allow_nan=False)


def test_a_click_goes_there(monkeypatch):
    from components.controls import tradeoff as control
    from explorer.settings import Settings

    settings = Settings("digits", "int8-sym-channel-minmax", "uint8-asym-tensor-minmax")
    gone = []
    monkeypatch.setattr(control, "change", lambda how: gone.append(how(settings)))
    for point in tradeoff(POINTS, "accuracy", NOW, "size")["points"][1:3]:
        control.go_to(point["goes"])
    control.go_to(POINT | {"bits": 4, "format": "MXFP4"})
    assert [str(each.weights) for each in gone] == ["int4-sym-channel-minmax", "int8-sym-channel-minmax-away"]
    assert str(gone[1].activations) == "int8-asym-tensor-minmax-away"
