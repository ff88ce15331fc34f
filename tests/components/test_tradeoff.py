"""The picture of accuracy against cost, without a browser: its points, the one in force, and where a click goes."""

import pytest

from components.charts.style import LIGHT
from components.charts.tradeoff import tradeoff
from components.words import en_cost

POINT = {"format": "", "preset": "", "recipe": "int8", "value": 0.9, "low": 0.85, "high": 0.95, "n": 100, "unit": "share", "fp32": 0.91,
         "difference": -0.01, "difference_low": -0.02, "difference_high": 0.0, "size_bytes": 1000, "bits_per_weight": 8.0,
         "latency_s": 1e-3, "latency_low_s": 3e-4, "latency_high_s": 3e-3, "energy_j": 1e-6}  # fmt: skip
POINTS = [POINT | {"bits": 8}, POINT | {"bits": 4, "value": 0.7, "size_bytes": 500}, POINT | {"bits": 8, "preset": "tflite-int8"},
          POINT | {"bits": 4, "preset": "mxfp4", "latency_s": None, "energy_j": None}]  # fmt: skip


@pytest.mark.parametrize("below", en_cost.AXES)
def test_every_point_has_its_interval_and_a_prediction_its_band(below):
    chart, alt = tradeoff(POINTS, "accuracy", {"bits": 4, "format": "", "preset": None}, LIGHT, below)
    bits, presets = chart.data
    assert bits.customdata == (0, 1) and presets.customdata == ((2, 3) if below == "size" else (2,))  # no prediction, no point
    assert bits.error_y.array == pytest.approx((5, 25)) and (bits.error_x.array is not None) == (below == "latency")
    assert [size > 9 for size in bits.marker.size] == [False, True] and "90.0 %" in alt and "TFLite" in alt
    assert chart.layout.xaxis.title.text.endswith("exact" if below == "size" else "predicted")
    assert chart.layout.xaxis.ticktext[:4] == {"size": ("200 B", "500 B", "1 kB", "2 kB"), "latency": ("500 µs", "1 ms", "2 ms"),
                                               "energy": ("500 nJ", "1 µJ", "2 µJ")}[below]  # fmt: skip


def test_a_click_goes_there(monkeypatch):
    from components.controls import tradeoff as control
    from explorer.settings import Settings

    settings = Settings("digits", "int8-sym-channel-minmax", "uint8-asym-tensor-minmax")
    gone = []
    monkeypatch.setattr(control, "change", lambda how: gone.append(how(settings)))
    for point in POINTS[1:3]:
        control.go_to(point)
    control.go_to(POINT | {"bits": 4, "format": "MXFP4"})
    assert [str(each.weights) for each in gone] == ["int4-sym-channel-minmax", "int8-sym-channel-minmax-away"]
    assert str(gone[1].activations) == "int8-asym-tensor-minmax-away"
