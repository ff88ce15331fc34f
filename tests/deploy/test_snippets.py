"""The lines for other tools do what they say there: each is run with the tool."""

import ast
import importlib
import inspect
from pathlib import Path

import gguf
import numpy as np
import onnxruntime.quantization as ort
import pytest
import torch

from components.words import en_export
from explorer.deploy.content import Plan
from explorer.deploy.snippets import TOOLS, snippets
from explorer.presets import PRESETS, apply
from explorer.quantize import quantize
from explorer.recipe import ROUNDINGS
from explorer.settings import Settings

DIGITS = Settings("digits", calibration_samples=8, evaluation_samples=8)


def of(tool: str, weights: str, activations: str = "fp32", **more):
    found = {each.tool: each for each in snippets(Plan.of(DIGITS.replace(weights=weights, activations=activations, **more)))}
    return found[tool]


@pytest.mark.parametrize("preset", ["ort-default", "ort-careful", "ort-reduce-range"])
def test_quantize_static_is_called_as_the_presets_say(preset):
    """Every name in the call is one of its own, and arguments that are not its defaults are the preset's."""
    code = of("onnxruntime", PRESETS[preset].weights, PRESETS[preset].activations).code
    taken = {}
    exec(code.replace("quantize_static(\n", "taken.update(call(\n", 1).replace("\n)\n", "\n))\n"), namespace := {"reader": "r", "taken": taken, "call": lambda *a, **k: k})
    parameters = inspect.signature(ort.quantize_static).parameters
    assert set(taken) <= set(parameters) and namespace["quantize_static"] is ort.quantize_static
    changed = {name for name, value in taken.items() if value != parameters[name].default and name != "extra_options"}
    assert changed == {"ort-default": set(), "ort-careful": {"per_channel", "activation_type", "calibrate_method"},
                       "ort-reduce-range": {"per_channel", "reduce_range", "activation_type", "calibrate_method"}}[preset]  # fmt: skip
    source = inspect.getsource(inspect.getmodule(ort.quantize_static)) + inspect.getsource(ort.qdq_quantizer)
    assert all(f'"{name}"' in source for name in taken["extra_options"])


def test_the_quantizer_of_blocks_has_these_arguments():
    """Read from its source, since it needs a package more to be imported."""
    code = of("onnxruntime", "int4-symfull-g32").code
    tree = ast.parse((Path(ort.__file__).parent / "matmul_nbits_quantizer.py").read_text())
    made = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "MatMulNBitsQuantizer")
    init = next(node for node in made.body if isinstance(node, ast.FunctionDef) and node.name == "__init__")
    call = next(node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == made.name)
    assert {each.arg for each in call.keywords} <= {each.arg for each in init.args.args} and "block_size=32, is_symmetric=True" in code


@pytest.mark.parametrize(("weights", "activations"), [
    ("int4-symfull-g32", "fp32"), ("int8-asym-channel", "fp32"), ("int8-symfull-channel", "int8-symfull-token"), ("int4-symfull-g32", "int8-asym-token"),
    ("fp8e4m3-channel-minmax", "fp32"), ("fp8e5m2-tensor-minmax", "fp32"), ("int4-asym-g32-minmax-reciprocal", "fp32"),
])  # fmt: skip
def test_torchao_makes_the_same_weights(weights, activations):
    model = torch.nn.Sequential(torch.nn.Linear(64, 16, bias=False)).requires_grad_(False)
    w = model[0].weight.numpy().copy()
    exec(of("torchao", weights, activations).code, {"model": model})
    theirs = model[0].weight
    theirs = (theirs.original_weight_tensor if hasattr(theirs, "original_weight_tensor") else theirs).dequantize().float().numpy()
    ours = quantize(w, weights).dequantize()
    assert not np.array_equal(theirs, w) and np.isclose(ours, theirs, rtol=1e-5).mean() > 0.98  # a group's end may be a tie
    assert "reciprocal" not in weights or np.array_equal(ours, theirs)


def test_torchao_has_the_names_that_need_another_device():
    """Its FP8 products run on GPUs alone: the call has arguments that the configuration takes."""
    call = ast.parse(of("torchao", "fp8e4m3-channel-minmax", "fp8e4m3-token").code).body[-1].value.args[1]
    config = getattr(importlib.import_module("torchao.quantization"), call.func.id)
    assert {each.arg for each in call.keywords} <= set(inspect.signature(config).parameters)


@pytest.mark.parametrize(("weights", "activations"), [("int4-symfull-g16", "fp32"), ("int8-symfull-channel", "int8-asym-tensor"), ("fp8e4m3-tensor", "fp8e4m3-tensor")])
def test_compressed_tensors_takes_the_scheme(weights, activations):
    namespace = {}
    exec(of("compressed-tensors", weights, activations).code, namespace)
    scheme = namespace["scheme"]
    assert scheme.weights.num_bits == (4 if "int4" in weights else 8) and (scheme.input_activations is None) == (activations == "fp32")


@pytest.mark.parametrize("weights", ["q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "fp16", "bf16"])
def test_llama_quantize_knows_the_type(weights):
    code = of("llama.cpp", weights).code
    assert code.split()[-1] in gguf.GGMLQuantizationType.__members__ and "\nllama-quantize --pure" in code


@pytest.mark.parametrize(("tool", "asked", "says"), [
    ("onnxruntime", dict(weights="nf4"), "know no nf4"), ("onnxruntime", dict(weights="int8-sym-channel-mse", activations="int8-asym"), "min-max, not mse"),
    ("onnxruntime", dict(weights="int8-sym-channel", activations="int8-asym-tensor-aciq"), "not by aciq"), ("torchao", dict(weights="int8-sym-channel"), "symfull"),
    ("torchao", dict(weights="int8-symfull-channel", activations="int8-asym"), "per token"), ("compressed-tensors", dict(weights="nf4"), "nf4"),
    ("llama.cpp", dict(weights="int4"), "int4"), ("torchao", dict(weights="int8-asym-channel", layer_bits="4"), "recipes of their own"),
    ("torchao", dict(weights="int8-asym-channel", algorithms=("biascorr",)), "biascorr"),
    ("onnxruntime", dict(weights="int4-symfull-g100"), "powers of two from 16 on, not 100"), ("onnxruntime", dict(weights="int7-sym-channel", activations="uint8-asym"), "±64"),
    ("torchao", dict(weights="fp8e4m3-channel-minmax", activations="fp8e4m3"), "one per token"),
    ("compressed-tensors", dict(weights="int8-symfull-channel", activations="int8-asym-tensor-p99.9"), "range of activations is min-max, not p99.9"),
])  # fmt: skip
def test_what_a_tool_has_no_word_for_is_said(tool, asked, says):
    found = of(tool, **asked)
    assert not found.code and says in found.why


@pytest.mark.parametrize("preset", PRESETS.ids)
def test_every_preset_has_an_answer_everywhere(preset):
    found = snippets(Plan.of(apply(DIGITS, preset)))
    assert [each.tool for each in found] == [tool for tool, *_ in TOOLS] and all(bool(each.code) != bool(each.why) for each in found)
    for each in found:
        compile(each.code, each.tool, "exec") if each.language == "python" else None
    assert "{why}" in en_export.CODE_NONE


@pytest.mark.parametrize("which", ["weights", "activations"])
def test_a_tool_that_rounds_otherwise_says_so(which):
    recipes = {"weights": "int8-symfull-channel", "activations": "int8-symfull-token"}
    assert of("torchao", **recipes).code
    for rounding in ("away", "floor", "stochastic"):
        found = of("torchao", **recipes | {which: f"{recipes[which]}-{rounding}"})
        assert not found.code and found.why == f"it does not round so: {rounding} is {ROUNDINGS[rounding]}"
