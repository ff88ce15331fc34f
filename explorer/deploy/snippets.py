"""The same choice in the tools people use: the lines that make it there, or why there are none.

Ranges, ties and the layers that are left alone are the tool's own; what each does with its values is compared in
explorer/parity. Sources: the installed ONNX Runtime 1.32 and torchao 0.18, compressed-tensors 0.20, llama.cpp's README of
llama-quantize.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from explorer.cost.kernels import in_nbits_groups
from explorer.deploy import TARGETS
from explorer.deploy.content import Plan
from explorer.deploy.safetensors import arguments, refuses
from explorer.recipe import ROUNDINGS, Recipe


@dataclass(frozen=True)
class Snippet:
    """code: in `language`, empty where the tool cannot choose so, and `why` says what is in the way."""

    tool: str
    title: str
    language: str
    code: str
    why: str = ""


ROUNDS = {"torchao": "reciprocal", "compressed-tensors": "shifted"}  # how else a tool rounds than ONNX Runtime
REDUCED = 127 / 64  # reduce_range of symmetric INT8: codes to ±64


class NotThere(Exception):
    """What a tool has no word for."""


def snippets(plan: Plan) -> tuple[Snippet, ...]:
    """One for each tool, for the recipes of all layers; layers with recipes of their own are left to the exported file."""
    return tuple(_snippet(plan, *each) for each in TOOLS)


def _snippet(plan: Plan, tool: str, title: str, language: str, write: Callable[[Plan], str]) -> Snippet:
    settings = plan.settings
    try:
        if settings.layers or settings.layer_bits:
            raise NotThere("layers have recipes of their own here")
        if settings.algorithms:
            raise NotThere(f"{' + '.join(settings.algorithms)} is not what these lines do")
        for recipe in (settings.weights, settings.activations):
            if recipe.rounding not in ("nearest", ROUNDS.get(tool)):
                raise NotThere(f"it does not round so: {recipe.rounding} is {ROUNDINGS[recipe.rounding] or 'to the nearest'}")
        return Snippet(tool, title, language, write(plan))
    except NotThere as reason:
        return Snippet(tool, title, language, "", str(reason))


def _plain(recipe: Recipe, what: str) -> None:
    """Raises NotThere for a range that is not the tool's own least and greatest value."""
    if recipe.range and (recipe.method != "minmax" or recipe.factor != 1):
        raise NotThere(f"its range of {what} is min-max, not {recipe.range}")


def _onnxruntime(plan: Plan) -> str:
    weights, activations = plan.settings.weights, plan.settings.activations
    if not weights.scheme:
        raise NotThere(f"its quantizers know no {weights}")
    reduced = (weights.format, weights.scheme, weights.range) == ("int8", "sym", f"minmax@{REDUCED}") or (weights.format, weights.range) == ("uint7", "minmax")
    if not reduced:
        _plain(weights, "weights")
    if activations.format == "fp32":
        if weights.kind != "group" or weights.bits not in (4, 8) or weights.scheme == "sym":
            raise NotThere("without quantized activations it takes groups of 4 or 8 bits on their full range, such as int4-symfull-g32")
        if not in_nbits_groups(weights):
            raise NotThere(f"its groups are powers of two from 16 on, not {weights.size}")
        return f"""import onnx
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer  # which needs onnx_ir

quantizer = MatMulNBitsQuantizer(onnx.load("fp32.onnx"), bits={weights.bits}, block_size={weights.size}, is_symmetric={weights.scheme != "asym"})
quantizer.process()
quantizer.model.save_model_to_file("quantized.onnx")
"""
    if weights.kind not in ("tensor", "channel") or weights.bits != 8 and not reduced or weights.scheme == "symfull":
        raise NotThere(f"quantize_static knows no {weights}; it takes 8 bits (by reduce_range ±64 or 0 to 127) per tensor or channel, sym or asym")
    if activations.kind != "tensor" or activations.bits not in (8, 16) or activations.scheme == "symfull":
        raise NotThere(f"quantize_static knows no activations {activations}; it takes 8 or 16 bits per tensor, sym or asym")
    how = {"minmax": "MinMax", "entropy": "Entropy"}.get(activations.method, "Percentile" if activations.method.startswith("p") else "")
    if not how or activations.factor != 1:
        raise NotThere(f"it calibrates by min-max, entropy or percentile, not by {activations.range}")
    extra = {"WeightSymmetric": weights.scheme == "sym", "ActivationSymmetric": activations.scheme == "sym"}
    if how == "Percentile":
        extra["CalibPercentile"] = float(activations.method[1:])
    return f"""from onnxruntime.quantization import CalibrationMethod, QuantType, quantize_static

quantize_static(
    "fp32.onnx", "int8.onnx", reader,  # a CalibrationDataReader over your samples
    weight_type=QuantType.{_ort_type(weights, 8)}, activation_type=QuantType.{_ort_type(activations, activations.bits)},
    per_channel={weights.kind == "channel"}, reduce_range={reduced}, calibrate_method=CalibrationMethod.{how},
    extra_options={extra},
)
"""


def _ort_type(recipe: Recipe, bits: int) -> str:
    return f"Q{'UInt' if recipe.format.startswith('u') else 'Int'}{bits}"


def _torchao(plan: Plan) -> str:
    weights, activations = plan.settings.weights, plan.settings.activations
    _plain(weights, "weights")
    if activations.format != "fp32" and activations.kind != "token":
        raise NotThere("it finds the scales of activations while it runs: choose one per token, or leave them in fp32")
    if weights.format in ("fp8e4m3", "fp8e5m2") and weights.kind in ("tensor", "channel"):
        rows = "PerTensor()" if weights.kind == "tensor" else "PerRow()"
        kind = "float8_e4m3fn" if weights.format == "fp8e4m3" else "float8_e5m2"
        if activations.format not in ("fp32", "fp8e4m3") or weights.kind != "channel" and activations.format != "fp32":
            raise NotThere(f"it goes with no activations {activations} here")
        if activations.format == "fp32":
            return _ao("Float8WeightOnlyConfig", f"weight_dtype=torch.{kind}, granularity={rows}", rows[:-2])
        return _ao("Float8DynamicActivationFloat8WeightConfig", f"weight_dtype=torch.{kind}, granularity={rows}", rows[:-2])
    if not weights.scheme or not 1 < weights.bits <= 8 or weights.format.startswith("u"):
        raise NotThere(f"its configurations know no {weights}")
    if weights.kind not in ("channel", "group") or weights.scheme == "sym":
        raise NotThere("it takes integers per channel or group, asym or on the full symmetric range (symfull)")
    rows = f"PerGroup({weights.size})" if weights.kind == "group" else "PerAxis(0)"
    mapping = f"MappingType.{'ASYMMETRIC' if weights.scheme == 'asym' else 'SYMMETRIC'}"
    if activations.format == "fp32":
        return _ao("IntxWeightOnlyConfig", f"torch.int{weights.bits}, {rows}, {mapping}", rows.partition("(")[0], "MappingType")
    if activations.format != "int8" or activations.scheme == "sym":
        raise NotThere("its activations beside integer weights are int8 per token, asym or symfull")
    if activations.scheme == "asym":
        return _ao("Int8DynamicActivationIntxWeightConfig", f"torch.int{weights.bits}, {rows}, {mapping}", rows.partition("(")[0], "MappingType")
    if (weights.format, weights.scheme, weights.kind) != ("int8", "symfull", "channel"):
        raise NotThere("symmetric activations go with int8-symfull-channel alone; choose int8-asym-token")
    return _ao("Int8DynamicActivationInt8WeightConfig", "", "")


def _ao(config: str, given: str, granularity: str, more: str = "") -> str:
    names = ", ".join(sorted(filter(None, (config, granularity, "quantize_"))))
    mapping = "from torchao.quantization.quant_primitives import MappingType\n" if more else ""
    return f"""import torch
from torchao.quantization import {names}
{mapping}
quantize_(model, {config}({given}))  # its linear layers
"""


def _compressed_tensors(plan: Plan) -> str:
    if reason := refuses(plan):
        raise NotThere(reason)
    weights, activations = plan.settings.weights, plan.settings.activations
    if weights.format == "fp32":
        raise NotThere("there is nothing to quantize")
    _plain(weights, "weights")
    _plain(activations, "activations")
    call = lambda given: f"QuantizationArgs({', '.join(f'{name}={value!r}' for name, value in given.items())})"  # noqa: E731
    live = "None" if activations.format == "fp32" else call(arguments(activations, flows=True))
    return f"""from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme

scheme = QuantizationScheme(  # for config_groups of llmcompressor's QuantizationModifier
    targets=["Linear"],
    weights={call(arguments(weights))},
    input_activations={live},
)
"""


def _llama(plan: Plan) -> str:
    if reason := TARGETS["gguf"].refuses(plan):
        raise NotThere(reason)
    kind = plan.settings.weights.format
    return f"# of a language model that llama.cpp converts\nllama-quantize --pure model-f32.gguf model-{kind}.gguf {kind.upper().replace('FP', 'F')}\n"


TOOLS = (
    ("onnxruntime", "ONNX Runtime", "python", _onnxruntime), ("torchao", "torchao", "python", _torchao),
    ("compressed-tensors", "compressed-tensors", "python", _compressed_tensors), ("llama.cpp", "llama.cpp", "bash", _llama),
)  # fmt: skip
