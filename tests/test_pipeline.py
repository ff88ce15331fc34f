"""The pipeline: the same link gives the same result, everywhere and however it is asked for."""

import copy
import dataclasses
import json
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

import explorer
from explorer import calibrated, pipeline, stages
from explorer.cache import CACHE
from explorer.errors import Cancelled, DataError, SettingsError
from explorer.formats import FORMATS
from explorer.link import encode_link
from explorer.quantize import sqnr_db
from explorer.settings import Settings
from explorer.stamp import compare_stamps
from explorer.workers import side_by_side

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


EVERYWHERE = """
import sys, explorer
from explorer.pipeline import weigh
for link in sys.argv[1:]:
    settings = explorer.decode_link(link)[0]
    print(explorer.run(settings).stamp if settings.model == "digits" else weigh(settings).digest)
"""
LINKS = [
    encode_link(DIGITS),
    "?m=digits&w=int8-sym-tensor-entropy&a=int8-token&cal=32",
    *(f"?m=fashion&w={recipe}" for recipe in ("int8-sym-channel-mse", "uint3-asym-channel-p99", "fp8e5m2-channel-mse",
                                              "int6-symfull-g64-mse@0.9")),
]  # fmt: skip


def test_same_codes_scales_and_stamps_with_one_thread_and_two_and_other_instructions():
    """Processes that differ in threads, hash seed and the vector instructions that NumPy, BLAS and torch may use."""
    here = {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "1"}
    there = {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "PYTHONHASHSEED": "2", "OPENBLAS_CORETYPE": "Prescott",
             "ATEN_CPU_CAPABILITY": "default", "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4"}  # fmt: skip
    processes = [
        subprocess.Popen([sys.executable, "-W", "ignore", "-c", EVERYWHERE, *LINKS], stdout=subprocess.PIPE, text=True,
                         env=os.environ | {"EXPLORER_CACHE": "", "PYTHONPATH": os.getcwd()} | variables)
        for variables in (here, there)
    ]  # fmt: skip
    first, second = (process.communicate()[0].split() for process in processes)
    assert len(first) == len(set(first)) == len(LINKS)
    for link, one, other in zip(LINKS, first, second, strict=True):
        codes, _, metric = one.partition("-")
        assert other.split("-")[0] == codes, link  # the same bits
        assert compare_stamps(one, other)[0] in ("same", "close") if metric else one == other, link
    assert pipeline.run(DIGITS).stamp == first[0]


def test_same_stamp_with_one_thread_and_two_in_one_process():
    threads = torch.get_num_threads()
    try:
        stamps = set()
        for number in (1, 2):
            CACHE.clear()
            torch.set_num_threads(number)
            stamps.add(pipeline.run(DIGITS).stamp)
    finally:
        torch.set_num_threads(threads)
    assert len(stamps) == 1


@pytest.mark.parametrize("model", ["digits", "fashion", "gpt-shakespeare"])
def test_batches_side_by_side_give_what_they_give_one_after_another(model, monkeypatch):
    settings = Settings(model, "int8-sym-channel-minmax", "uint8-asym-tensor-minmax", evaluation_samples=100, calibration_samples=16)
    threads, found = torch.get_num_threads(), []
    torch.set_num_threads(1)
    try:
        for each in (map, side_by_side):
            CACHE.clear()
            monkeypatch.setattr(pipeline, "mapped", lambda _, each=each: each)
            evaluations = list(pipeline.stream(settings, outputs=True))
            found.append((evaluations, pipeline.output_sqnr(settings)))
    finally:
        torch.set_num_threads(threads)
    assert found[0] == found[1]


@pytest.mark.parametrize("recipe", ["int8-sym-tensor-minmax", "int4-sym-channel-mse", "fp8e4m3", "fp32"])
def test_nan_in_the_weights_names_the_layer_and_how_many(monkeypatch, recipe):
    network = pipeline.network_of(DIGITS)
    name = network.layers[2].name
    module = copy.deepcopy(network.module)
    module.get_submodule(name).weight.data.view(-1)[[1, 5, 7]] = torch.tensor([np.nan, np.inf, -np.inf])
    monkeypatch.setattr(stages, "load", lambda _: dataclasses.replace(network, module=module, digest=f"broken {recipe}"))
    for function in (pipeline.run, pipeline.weigh, explorer.adjust) if recipe[0] == "i" else (pipeline.run, pipeline.weigh):
        with pytest.raises(DataError, match=f"the weights of layer {name}: 3 of [0-9,]+ values are NaN or infinite"):
            function(DIGITS.replace(weights=recipe))


@pytest.mark.parametrize("activations", ["uint8-asym-tensor-minmax", "int8-token", "fp8e4m3", "fp32"])
def test_nan_in_the_activations_names_the_layer_and_how_many(monkeypatch, activations):
    network = pipeline.network_of(DIGITS)
    first = network.layers[1].name
    module = copy.deepcopy(network.module)
    module.get_submodule(network.layers[0].name).bias.data[2] = np.inf  # what flows out of the first layer
    monkeypatch.setattr(stages, "load", lambda _: dataclasses.replace(network, module=module, digest=f"inf {activations}"))
    with pytest.raises(DataError, match=rf"layer ({first}|{network.layers[0].name})\b.*?[0-9,]+ .*NaN or infinite"):
        pipeline.run(DIGITS.replace(activations=activations))


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


def test_a_range_judged_at_the_output_reads_the_calibration_samples_and_no_other_does():
    few, many = (DIGITS.replace(weights="int4-sym-channel-output", calibration_samples=n) for n in (16, 256))
    assert pipeline.weigh(few).digest != pipeline.weigh(many).digest
    assert pipeline.weigh(few).digest == pipeline.weigh(few.replace(activations="fp32", evaluation_samples=10)).digest
    few, many = (DIGITS.replace(calibration_samples=n) for n in (16, 256))
    assert pipeline.weigh(few).layers is pipeline.weigh(many).layers  # computed once


@pytest.mark.parametrize("range", ["aciq", "octav", "ema", "output", "output@0.9"])
def test_every_range_runs_on_weights_and_activations(range):
    result = pipeline.run(DIGITS.replace(weights=f"int6-sym-channel-{range}", activations=f"uint6-asym-tensor-{range}"))
    assert result.metric.value > 0.9


def test_a_factor_narrows_the_range_judged_at_the_output():
    wide, narrow = (pipeline.quantizers(DIGITS.replace(activations=f"uint6-asym-tensor-output{factor}")) for factor in ("", "@0.5"))
    for a, b in zip(wide, narrow, strict=True):
        assert (b.low, b.high) == pytest.approx((a.low / 2, a.high / 2))


def test_records_survive_the_disk():
    seen = pipeline.records(DIGITS)
    back = calibrated.RECORDS.unpack(calibrated.RECORDS.pack(seen))
    for a, b in zip(seen, back, strict=True):
        assert np.array_equal(a.counts, b.counts) and np.array_equal(a.batches, b.batches) and (a.low, a.high) == (b.low, b.high)


@pytest.mark.parametrize(("kind", "apart", "verdict"), [
    ("proportion", 0.04, "close"), ("proportion", 0.05, "different"), ("mean", 0.004, "close"), ("mean", 0.04, "different"),
])  # fmt: skip
def test_two_samples_of_a_proportion_may_differ_and_half_a_percent_of_a_mean(kind, apart, verdict):
    given, found = (f"{'0' * 16}-{value:g}-48" for value in (0.9, 0.9 - apart))
    assert compare_stamps(given, found, kind=kind)[0] == verdict


def test_of_a_language_model_few_texts_tell_a_layers_output_error(monkeypatch):
    settings = Settings("gpt-shakespeare", "int4-sym-channel-minmax", "uint8-asym-tensor-minmax", calibration_samples=32)
    few = pipeline.output_sqnr(settings)
    CACHE.clear()
    monkeypatch.setattr(pipeline, "OUTPUT_TEXTS", 32)
    assert few != pipeline.output_sqnr(settings) and few == pytest.approx(pipeline.output_sqnr(settings), abs=0.25)
    CACHE.clear()
