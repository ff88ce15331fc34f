"""Presets: each claim about a tool that is installed here is read from the tool itself."""

import importlib
import inspect
import warnings

import numpy as np
import pytest

import explorer
from explorer.errors import SettingsError
from explorer.presets import BY_FORMULA, PRESETS, apply, preset_of
from explorer.settings import Recipe, Settings

WEIGHTS = np.random.default_rng(3).normal(0, [[0.1], [0.5], [2.0], [0.02]], (4, 300)).astype(np.float32)


def test_no_two_presets_are_the_same_recipes():
    recipes = [(preset.weights, preset.activations) for preset in PRESETS]
    assert len(set(recipes)) == len(recipes) >= 14


@pytest.mark.parametrize("preset", PRESETS, ids=PRESETS.ids)
def test_a_preset_is_applied_and_recognised(preset):
    settings = Settings(model="digits", seed=4, weights="int4", layers={0: "int3"}, layer_bits="44")
    applied = apply(settings, preset.id)
    assert preset_of(applied) == preset.id
    assert (str(applied.weights), str(applied.activations)) == (preset.weights, preset.activations)
    assert (applied.model, applied.seed) == ("digits", 4)
    assert preset_of(applied.replace(layers={0: "fp16"})) is None
    for text in (preset.imitates, preset.differs):
        assert text == "" or text.endswith(".")
    assert preset.title and preset.imitates and preset.source


def test_other_recipes_are_no_preset():
    assert preset_of(Settings(weights="int3-sym-channel-mse")) is None
    assert preset_of(Settings(weights="int8-asym-tensor-minmax", activations="fp32")) is None


def test_an_unknown_preset_names_the_near_ones():
    with pytest.raises(SettingsError, match="near it: ort-default"):
        apply(Settings(), "ort-defaults")


@pytest.fixture(scope="module")
def ort():
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    return importlib.import_module("onnxruntime.quantization")


def test_onnx_runtime_defaults_are_its_defaults(ort):
    default = {name: p.default for name, p in inspect.signature(ort.quantize_static).parameters.items()}
    assert (default["per_channel"], default["reduce_range"]) == (False, False)
    assert (default["weight_type"], default["activation_type"]) == (ort.QuantType.QInt8, ort.QuantType.QInt8)
    assert default["calibrate_method"] == ort.CalibrationMethod.MinMax
    assert preset_of(Settings()) == "ort-default"


def test_onnx_runtime_weights_have_the_preset_codes(ort):
    from onnx import TensorProto
    from onnxruntime.quantization.quant_utils import quantize_data

    zero_point, scale, codes = quantize_data(WEIGHTS, TensorProto.INT8, symmetric=True)
    ours = explorer.quantize(WEIGHTS, Recipe.parse(PRESETS["ort-default"].weights))
    assert np.array_equal(np.ravel(ours.scale), np.ravel(scale)) and int(zero_point) == 0
    assert np.array_equal(ours.codes.reshape(WEIGHTS.shape), codes)


def test_onnx_runtime_reduced_range_is_the_presets(ort):
    from onnx import TensorProto
    from onnxruntime.quantization.quant_utils import get_qmin_qmax_for_qType

    low, high = get_qmin_qmax_for_qType(TensorProto.INT8, reduce_range=True, symmetric=True)
    assert (int(low), int(high)) == (-64, 64)
    assert np.abs(explorer.quantize(WEIGHTS, PRESETS["ort-reduce-range"].weights).codes).max(axis=1).tolist() == [64] * 4


@pytest.mark.parametrize(
    ("preset", "backend"), [("torch-x86", "x86"), ("torch-x86", "fbgemm"), ("torch-qnnpack", "qnnpack")]
)
def test_torch_observers_give_the_preset_scales(preset, backend):
    import torch
    from torch.ao.quantization import HistogramObserver, get_default_qconfig

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = get_default_qconfig(backend)
        weight, activation = config.weight(), config.activation()
    weight(torch.from_numpy(WEIGHTS))
    scale, zero_point = weight.calculate_qparams()
    ours = explorer.quantize(WEIGHTS, Recipe.parse(PRESETS[preset].weights))
    np.testing.assert_allclose(np.ravel(ours.scale), scale.numpy().ravel(), rtol=1e-6)
    assert not zero_point.any()
    assert isinstance(activation, HistogramObserver) and activation.qscheme == torch.per_tensor_affine
    levels = 2 ** Recipe.parse(PRESETS[preset].activations).bits
    assert (activation.quant_min, activation.quant_max) == (0, levels - 1)


def half_away(y):
    return np.copysign(np.floor(np.abs(y.astype(np.float64)) + 0.5), y)


FORMULAS = {  # tools that are not installed here: how their documentation rounds weights; scale = amax / 127 per output channel
    "tflite-int8": half_away,  # LiteRT: weights in [-127, 127], zero_point 0; MLIR: rmNearestTiesToAway
    "tensorrt-int8": np.rint,  # code = clamp(round_half_even(x / scale), -128, 127)
}


@pytest.mark.parametrize("id", BY_FORMULA)
def test_weights_of_tools_that_are_not_installed_follow_their_documentation(id):
    ties = np.concatenate([[127], np.arange(-126.5, 127)]).astype(np.float32)[None]  # a scale of 1
    for x in (WEIGHTS, ties, ties * np.float32(0.25)):
        q = explorer.quantize(x, PRESETS[id].weights)
        scale = np.float32(np.abs(x).max(axis=1, keepdims=True).astype(np.float64) / 127)
        np.testing.assert_array_equal(q.scale, scale)
        np.testing.assert_array_equal(q.codes, np.clip(FORMULAS[id](x / scale), -127, 127))
        assert not q.zero_point.any()


@pytest.mark.parametrize(("low", "high"), [(-0.4, 3.1), (0.0, 6.0), (-2.5, -0.1), (-1.0, 1.0)])
def test_tflite_activations_follow_the_specification(low, high):
    """scale = (max − min) / 255 with 0 inside; zero_point = −128 − min / scale, rounded; codes −128 to 127."""
    x = np.linspace(low, high, 999, dtype=np.float32)
    q = explorer.quantize(x, PRESETS["tflite-int8"].activations)
    least, most = min(float(x.min()), 0.0), max(float(x.max()), 0.0)
    scale = np.float32((most - least) / 255)
    zero = np.clip(np.rint(-128 - least / ((most - least) / 255)), -128, 127)
    assert (q.scale.item(), q.zero_point.item()) == (scale, zero)
    np.testing.assert_array_equal(q.codes, np.clip(half_away(x / scale) + zero, -128, 127))


def test_tensorrt_activations_are_symmetric_around_zero():
    q = explorer.quantize(WEIGHTS.ravel(), PRESETS["tensorrt-int8"].activations)
    assert not q.zero_point.any() and -q.low == q.high and q.scale.item() == np.float32(q.high.item()) / np.float32(127)
    np.testing.assert_array_equal(q.codes, np.clip(np.rint(WEIGHTS.ravel() / q.scale.item()), -127, 127))
