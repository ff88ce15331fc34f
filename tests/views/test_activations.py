"""The layers' inputs: against the values themselves, run through the network by hand."""

import json

import numpy as np
import pytest
import torch

from explorer import pipeline
from explorer.calibration import calibrate_record
from explorer.settings import Settings
from explorer.views.activations import activations


def digits(recipe: str = "int8-asym-tensor-minmax") -> Settings:
    return Settings("digits", activations=recipe, calibration_samples=64)


def seen_in(recipe: str, i: int) -> dict:
    return json.loads(json.dumps(activations(digits(recipe), i), allow_nan=False))


@pytest.fixture(scope="module")
def inputs() -> list[np.ndarray]:
    """What goes into every layer of digits on 64 calibration samples."""
    network, kept = pipeline.network_of(digits()), {}
    samples = network.calibration[pipeline.calibration_order(network, digits())]
    hooks = [network.module.get_submodule(layer.name).register_forward_pre_hook(
        lambda _module, x, name=layer.name: kept.update({name: x[0].numpy().copy()})) for layer in network.layers]  # fmt: skip
    with torch.inference_mode():
        network.module(network.prepare(samples))
    for hook in hooks:
        hook.remove()
    return [kept[layer.name] for layer in network.layers]


def test_counts_are_those_of_the_values(inputs):
    for i, x in enumerate(inputs):
        seen = seen_in("int8-asym-tensor-minmax", i)
        assert sum(seen["counts"]) == seen["count"] == x.size and seen["zeros"] == (x == 0).sum()
        assert (seen["data_low"], seen["data_high"]) == (x.min(), x.max())
        # the record knows a value to 0.8 %: a bin may take from its neighbours, sums hardly differ
        exact = np.histogram(x.astype(np.float64), seen["edges"])[0]
        off = np.abs(np.cumsum(seen["counts"]) - np.cumsum(exact)).max()
        assert off <= 0.03 * max(x.size - seen["zeros"], 1)


@pytest.mark.parametrize("recipe", ["int8-asym-tensor-minmax", "uint4-sym-tensor-p99", "fp8e4m3-tensor-mse"])
def test_ranges_are_those_of_calibration(inputs, recipe):
    for i, x in enumerate(inputs):
        seen, record = seen_in(recipe, i), pipeline.records(digits(recipe))[i]
        quantizer = pipeline.quantizers(digits(recipe))[i]
        assert (seen["low"], seen["high"]) == (quantizer.low, quantizer.high)
        assert {mark["name"] for mark in seen["marks"]} >= {"minmax", "p99.9", "entropy"}
        for mark in seen["marks"]:
            there = digits(recipe).activations.replace(range=mark["name"])
            assert (mark["low"], mark["high"]) == calibrate_record(record, there)
            beyond = np.mean((x < mark["low"]) | (x > mark["high"]))
            assert mark["clipped_share"] == pytest.approx(beyond, abs=0.01)


@pytest.mark.parametrize("recipe", ["fp32", "bf16", "int8-asym-token-minmax", "mxfp4", "nvfp4"])
def test_no_range_no_marks(recipe):
    seen = seen_in(recipe, 1)
    assert seen["low"] is seen["high"] is seen["clipped_share"] is None and seen["marks"] == []
    assert sum(seen["counts"]) == seen["count"]


def test_no_comb_where_the_records_bins_are_as_wide_as_the_pictures(monkeypatch):
    from explorer.rows import Record
    from explorer.views import activations as view

    x = np.random.default_rng(0).uniform(0, 1, 400_000).astype(np.float32)
    monkeypatch.setattr(view, "records", lambda settings: (Record.of(x),))
    monkeypatch.setattr(view, "activation_range", lambda settings, i, recipe: (0.0, 1.0))
    counts = activations(digits("int8-asym-tensor-p99.99"), 0, bins=119)["counts"]
    assert np.std(counts) < 0.05 * np.mean(counts)
