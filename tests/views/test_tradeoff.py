"""The trade-off: its points are runs of settings that differ in the weights' bits alone."""

import json
import threading

import pytest

from explorer import pipeline
from explorer.errors import Cancelled
from explorer.settings import Settings
from explorer.presets import PRESETS
from explorer.presets import apply as at_preset
from explorer.views.tradeoff import BITS, at_bits, presets, tradeoff

SETTINGS = Settings("digits", "uint8-asym-channel-minmax", calibration_samples=64, evaluation_samples=200,
                    layers={0: "int2-sym-tensor-minmax"})  # fmt: skip


def test_points_are_runs():
    points = {point["bits"]: point for point in tradeoff(SETTINGS)}
    json.dumps(points, allow_nan=False)
    assert set(points) == set(BITS) == {2, 3, 4, 5, 6, 7, 8, 16, 32}
    for bits in (3, 8, 32):
        result = pipeline.run(at_bits(SETTINGS, bits))
        point, metric = points[bits], result.metric
        assert (point["value"], point["low"], point["high"], point["n"]) == (metric.value, metric.low, metric.high, 200)
        assert (point["size_bytes"], point["bits_per_weight"]) == (result.cost.size_bytes, result.cost.bits_per_weight)
        assert (point["difference"], point["fp32"]) == (result.difference.value, result.fp32_metric.value)
    sizes = [points[bits]["size_bytes"] for bits in sorted(points)]
    assert sizes == sorted(set(sizes)) and points[32]["recipe"] == "fp32"


@pytest.mark.parametrize(("weights", "expected"), [
    ("uint8-asym-g16-p99", "uint4-asym-g16-p99"), ("int8-sym-tensor-minmax-floor", "int4-sym-tensor-minmax-floor"),
    ("fp8e4m3", "int4-sym-tensor-minmax"), ("fp8e4m3-channel-mse", "int4-sym-channel-mse"), ("fp32", "int4-sym-tensor-minmax"),
    ("mxfp4", "int4-sym-g32-minmax"), ("nf4", "int4-sym-g64-minmax"), ("nf4-channel-mse", "int4-sym-channel-mse"),
])  # fmt: skip
def test_only_the_bits_change(weights, expected):
    settings = Settings("digits", weights)
    assert at_bits(settings, 4) == settings.replace(weights=expected)


def test_a_format_that_is_no_integer_is_a_point_of_its_own():
    settings = SETTINGS.replace(weights="mxfp4")
    first, second, *_ = tradeoff(settings)
    result = pipeline.run(settings.replace(layers={}))
    assert (first["bits"], first["format"], first["recipe"], first["value"]) == (4, "MXFP4", "mxfp4", result.metric.value)
    assert (second["bits"], second["format"], second["recipe"]) == (8, "", "int8-sym-g32-minmax")


@pytest.mark.parametrize(("first", "order"), [(4, [4, 8, 32]), (8, [8, 4, 32]), (32, [32, 8, 4]), (9, [8, 4, 32])])
def test_what_is_chosen_comes_first(first, order):
    points = tradeoff(SETTINGS.replace(evaluation_samples=20), first=first)
    assert [next(points)["bits"] for _ in order] == order


def test_presets_are_points_like_bit_widths():
    settings = SETTINGS.replace(evaluation_samples=40, calibration_samples=8)
    first, second, *_ = found = list(presets(settings))
    assert [point["preset"] for point in found] == [id for id in PRESETS.ids if id in {point["preset"] for point in found}] and len(found) > 20
    for point in (first, found[3]):
        result = pipeline.run(at_preset(settings, point["preset"]))
        assert (point["value"], point["size_bytes"], point["latency_s"]) == (result.metric.value, result.cost.size_bytes, result.cost.latency.seconds)
    assert set(first) == set(next(tradeoff(settings)))


def test_a_cancelled_trade_off_stops():
    cancel = threading.Event()
    points = tradeoff(SETTINGS.replace(seed=7), cancel=cancel)
    next(points)
    cancel.set()
    with pytest.raises(Cancelled):
        next(points)
