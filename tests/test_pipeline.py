"""The pipeline: the same link gives the same result, everywhere and however it is asked for."""

import json
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

from explorer import pipeline
from explorer.cache import CACHE
from explorer.errors import Cancelled, SettingsError
from explorer.formats import FORMATS
from explorer.link import encode_link
from explorer.quantize import sqnr_db
from explorer.settings import Settings
from explorer.stamp import compare_stamps

DIGITS = Settings("digits", "int4-sym-channel-mse", "uint8-asym-tensor-minmax", calibration_samples=64)


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch):
    monkeypatch.setattr(CACHE, "folder", None)
    CACHE.clear()


def test_result_is_computed_from_what_it_claims():
    result = pipeline.run(DIGITS)
    network = pipeline.network_of(DIGITS)
    tensors = pipeline.quantized(DIGITS)
    for row, q in zip(result.layers.itertuples(), tensors, strict=True):
        weight = network.weight(row.index)
        assert row.sqnr_db == pytest.approx(sqnr_db(weight, q.dequantize()), abs=1e-4)
        error = np.mean((weight.astype(np.float64) - q.dequantize()) ** 2)
        assert row.rounding_mse + row.clipping_mse == pytest.approx(error, rel=1e-5)
        assert row.bytes == q.nbytes and np.isfinite(row.output_sqnr_db)
    assert result.metric.n == 600 and result.difference.low < result.difference.value < result.difference.high
    assert result.cost.size_bytes == -(-(sum(q.code_bits + q.scale_bits for q in tensors) // 8 + result.cost.rest_bytes) // 1)


def test_size_of_the_example_by_hand():
    """digits: 3,776 weights at 8 bits, 6 layers with one float32 scale, 170 biases in FP32."""
    cost = pipeline.weigh(DIGITS.replace(weights="int8-sym-tensor-minmax")).cost
    assert (cost.code_bytes, cost.scale_bytes, cost.rest_bytes) == (3776, 24, 680)
    assert cost.size_bytes == 4480 and cost.fp32_bytes == 4 * (3776 + 170)


def test_fp32_changes_nothing():
    result = pipeline.run(DIGITS.replace(weights="fp32", activations="fp32"))
    assert result.metric.value == result.fp32_metric.value and not result.changed
    assert np.isinf(result.layers["sqnr_db"]).all() and result.as_dict()["sqnr_db"] is None


def test_as_dict_is_json():
    content = json.loads(json.dumps(pipeline.run(DIGITS).as_dict(), allow_nan=False))
    assert content["stamp"] and content["layers"][0]["name"]


def test_same_stamp_with_one_thread_and_two_and_in_another_process():
    threads = torch.get_num_threads()
    try:
        stamps = set()
        for number in (1, 2):
            CACHE.clear()
            torch.set_num_threads(number)
            stamps.add(pipeline.run(DIGITS).stamp)
    finally:
        torch.set_num_threads(threads)
    code = f"import explorer; print(explorer.run({encode_link(DIGITS)!r}).stamp)"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                           env=os.environ | {"EXPLORER_CACHE": "", "PYTHONPATH": os.getcwd()})
    assert stamps == {other.stdout.strip()}


@pytest.mark.parametrize("number", [each for each in FORMATS if each.kind != "integer"], ids=lambda number: number.id)
def test_every_format_runs(number):
    """Weights, and activations where it can be found while running; the report and the size are the tensors'."""
    settings = DIGITS.replace(weights=number.id, activations=number.id if number.activations else "fp32")
    result = pipeline.run(settings)
    tensors = pipeline.quantized(settings)
    bits = sum(q.codes.size * number.bits + q.scale_bits for q in tensors)
    assert result.cost.bits_per_weight == bits / sum(q.codes.size for q in tensors)
    assert (result.layers["used_codes"] <= result.layers["available_codes"]).all()
    assert (result.layers["recipe"] == number.id).all() and result.metric.n == settings.evaluation_samples
    if number.blocks:  # a plain cast keeps only what lies in its range
        assert (result.layers["sqnr_db"] > 10).all()


def test_stream_sharpens_and_is_remembered(tmp_path, monkeypatch):
    monkeypatch.setattr(CACHE, "folder", tmp_path)
    seen = list(pipeline.stream(DIGITS))
    assert len(seen) > 1 and [e.metric.n for e in seen] == sorted(e.metric.n for e in seen) and seen[-1].done
    CACHE.clear()  # from the disk
    assert list(pipeline.stream(DIGITS)) == [seen[-1]]


def test_per_channel_restores_what_per_tensor_destroys():
    broken = pipeline.run(Settings("fashion", "int8-sym-tensor-minmax", "fp32"))
    whole = pipeline.run(Settings("fashion", "int8-sym-channel-minmax", "fp32"))
    assert broken.difference.high < -0.1
    assert whole.difference.low > -0.02


def test_a_layer_of_its_own_and_digits_per_layer():
    base = pipeline.weigh(DIGITS).layers["recipe"]
    own = pipeline.weigh(DIGITS.replace(layers={1: "int2-sym-tensor-mse"})).layers["recipe"]
    assert [i for i in range(len(base)) if base[i] != own[i]] == [1]
    bits = pipeline.weigh(DIGITS.replace(layer_bits="80")).layers["recipe"]
    assert bits[0].startswith("int8-") and bits[1] == "fp32" and bits[2] == base[2]
    with pytest.raises(SettingsError, match="there is no layer 99"):
        pipeline.weigh(DIGITS.replace(layers={99: "int8"}))


def test_cancelled_run_leaves_nothing_half_done():
    cancel = threading.Event()
    stages = []

    def stop(stage, done):
        stages.append(stage)
        if stage == "evaluate":
            cancel.set()

    with pytest.raises(Cancelled):
        pipeline.run(DIGITS, progress=stop, cancel=cancel)
    assert stages[0] == "quantize" and "record" in stages
    assert pipeline.run(DIGITS).metric.n == 600


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ("0123456789abcdef-0.975-600", "same"),
        ("0123456789abcdef-0.973-600", "close"),
        ("0123456789abcdef-0.9-600", "different"),
        ("ffffffffffffffff-0.975-600", "different"),
        ("0123456789abcdef-0.975-100", "different"),
        ("<b>", "different"),
        ("", "different"),
    ],
)
def test_compare_stamps(given, verdict):
    found, sentence = compare_stamps(given, "0123456789abcdef-0.975-600")
    assert found == verdict and sentence.endswith(".")
