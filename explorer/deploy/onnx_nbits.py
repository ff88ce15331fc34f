"""MatMulNBits: weights of 4 or 8 bits in blocks that a kernel of ONNX Runtime unpacks on the fly, one block of a row at a time.

An operator of the domain com.microsoft. A weight-only linear layer behind a DequantizeLinear would be expanded at every
call instead. Codes are unsigned, packed the first in the lowest bits; row after row, block after block. accuracy_level 1
keeps the inputs in float32. Source: onnxruntime, docs/ContribOperators.md, com.microsoft.MatMulNBits.
"""

from __future__ import annotations

import numpy as np
from onnx import helper

from explorer.deploy.content import Plan, PlannedLayer
from explorer.formats import FORMATS
from explorer.quantize import QuantizedTensor
from explorer.recipe import Recipe

DOMAIN, VERSION, EXACT = "com.microsoft", 1, 1
BLOCKS = (16, 32, 64, 128, 256)


def fits(layer: PlannedLayer, activations: Recipe) -> bool:
    """Whether the layer is held so."""
    recipe = layer.recipe
    return (layer.kind == "linear" and activations.format == "fp32" and bool(recipe.scheme) and recipe.bits in (4, 8)
            and recipe.kind == "group" and recipe.size in BLOCKS and layer.columns % recipe.size == 0)  # fmt: skip


def opsets(plan: Plan, opset: int) -> list:
    """The domains that a plan's graph has operators of."""
    some = any(fits(layer, plan.activations) for layer in plan.layers)
    return [helper.make_opsetid("", opset), *([helper.make_opsetid(DOMAIN, VERSION)] if some else [])]


def node(graph, i: int, layer: PlannedLayer, source: str) -> str:
    """The node of layer i, with its weights and bias, in an onnx_graph.Graph."""
    q, recipe, name = graph.content.tensors[i], layer.recipe, f"{layer.name}.weight"
    rows, bits, blocks = layer.shape[0], recipe.bits, layer.columns // recipe.size
    codes, zeros = (None, None) if graph.skeleton else packed(q, layer)
    inputs = [source, graph.tensor(f"{name}.codes", "UINT8", 8, (rows, blocks, recipe.size * bits // 8), "quantized", codes),
              graph.tensor(f"{name}.scale", "FLOAT", 32, (rows, blocks), "scales", q.scale),
              graph.tensor(f"{name}.zero_point", "UINT8", 8, (rows, -(-blocks * bits // 8)), "scales", zeros)]  # fmt: skip
    if layer.bias:
        inputs += ["", graph.tensor(f"{layer.name}.bias", "FLOAT", 32, (rows,), "rest", graph.content.biases[i])]
    return graph.node("MatMulNBits", inputs, layer.name, domain=DOMAIN, K=layer.columns, N=rows, bits=bits, block_size=recipe.size,
                      accuracy_level=EXACT)  # fmt: skip


def packed(q: QuantizedTensor, layer: PlannedLayer) -> tuple[np.ndarray, np.ndarray]:
    """(codes, zero points), uint8, made unsigned."""
    rows, bits = layer.shape[0], layer.recipe.bits
    codes = q.codes.reshape(rows, -1, layer.recipe.size).astype(np.int16) + _offset(layer.recipe)
    return _pack(codes, bits), _pack(q.zero_point.reshape(rows, -1).astype(np.int16) + _offset(layer.recipe), bits)


def unpacked(codes: np.ndarray, zeros: np.ndarray, layer: PlannedLayer) -> tuple[np.ndarray, np.ndarray]:
    """The inverse of `packed`: codes [out, in] and zero points [out, blocks]."""
    bits, blocks = layer.recipe.bits, layer.columns // layer.recipe.size
    zeros = _unpack(zeros, bits)[:, :blocks]
    return _unpack(codes, bits).reshape(layer.shape) - _offset(layer.recipe), zeros - _offset(layer.recipe)


def _offset(recipe: Recipe) -> int:
    return 2 ** (recipe.bits - 1) if FORMATS[recipe.format].signed else 0


def _pack(values: np.ndarray, bits: int) -> np.ndarray:
    """Along the last axis; an odd one of 4 bits is filled up with 0."""
    values = values.astype(np.uint8)
    if bits == 8:
        return values
    values = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, values.shape[-1] % 2)])
    return values[..., ::2] | values[..., 1::2] << 4


def _unpack(values: np.ndarray, bits: int) -> np.ndarray:
    if bits == 8:
        return values.astype(np.int16)
    return np.stack([values & 15, values >> 4], -1).reshape(*values.shape[:-1], -1).astype(np.int16)
