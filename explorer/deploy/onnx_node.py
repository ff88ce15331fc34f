"""One layer as ONNX nodes: its quantized input, its weights as codes behind a DequantizeLinear, its bias.

QDQ, ONNX operators of opset 21; a bias becomes int32 with the scale of its products, as integer kernels add it (Jacob et
al., CVPR 2018, §2.4). A linear layer on vectors in rows is a Gemm; on more than that it is a MatMul, whose weights lie
transposed in the file, [in, out].
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from onnx import TensorProto

from explorer.cost.files import scale_shape
from explorer.deploy import onnx_nbits
from explorer.deploy.content import Plan, PlannedLayer, on_input
from explorer.errors import ModelError
from explorer.formats import FORMATS
from explorer.recipe import Recipe

FLOATS = {"fp32": "FLOAT", "fp16": "FLOAT16", "bf16": "BFLOAT16", "fp8e4m3": "FLOAT8E4M3FN", "fp8e5m2": "FLOAT8E5M2"}
LARGEST_BIAS = 2**30  # of an int32 that sums of products are added to
SMALLEST = np.finfo(np.float32).tiny


class Value(NamedTuple):
    """A tensor in the graph. shape: of one sample, in which the lengths of samples and of sequences may be others.
    positive: it never is negative; pad: zeros around it before the next convolution; is_shape: it is a tensor's
    shape, of which numbers are taken."""

    name: str
    shape: tuple[int, ...] = ()
    positive: bool = False
    pad: tuple[int, int, int, int] | None = None
    is_shape: bool = False


def tensor_type(recipe: Recipe, *, least: int = 4) -> tuple[str, int]:
    """(name of the ONNX type that holds a recipe's codes, its bits); integers take the next of 4, 8 and 16 bits."""
    number = FORMATS[recipe.format]
    if number.kind != "integer":
        return FLOATS[recipe.format], number.bits
    bits = next(bits for bits in (4, 8, 16) if bits >= max(number.bits, least))
    return f"{'' if number.signed else 'U'}INT{bits}", bits


def layer_node(graph, i: int, module, given: Value) -> str:
    """Layer i of an onnx_graph.Graph with everything that belongs to it."""
    layer, source, positive = graph.plan.layers[i], given.name, given.positive
    if not layer.multiplies:
        return _rows(graph, i, layer, source)
    if layer.before is not None:
        source, positive = _before(graph, layer, given), False
    if onnx_nbits.fits(layer, graph.plan.activations):
        return onnx_nbits.node(graph, i, layer, source)
    source, grid = _input(graph, i, layer, source, positive)
    if layer.kind == "linear" and len(given.shape) > 2:
        product = graph.node("MatMul", [source, weight_of(graph, i, layer, turned=True)], f"{layer.name}.product" if layer.bias else layer.name)
        return graph.node("Add", [product, bias_of(graph, i, layer)], layer.name) if layer.bias else product
    inputs = [source, weight_of(graph, i, layer)]
    if layer.bias:
        inputs.append(bias_of(graph, i, layer, grid))
    if layer.kind == "linear":
        return graph.node("Gemm", inputs, layer.name, transB=1)
    left, right, top, bottom = module._reversed_padding_repeated_twice  # known also where padding is "same"
    if module.padding_mode != "zeros" and any((left, right, top, bottom)):
        raise ModelError(f"ONNX export pads with zeros only, and {layer.name} pads with {module.padding_mode}")
    pads = np.add((top, left, bottom, right), given.pad or 0).tolist()
    return graph.node("Conv", inputs, layer.name, kernel_shape=list(module.kernel_size), strides=list(module.stride),
                      pads=pads, dilations=list(module.dilation), group=module.groups)  # fmt: skip


def _before(graph, layer: PlannedLayer, given: Value) -> str:
    """What an algorithm does to a layer's input; zeros that are padded stay zeros, so the order is free."""
    (kind, values), name, source = on_input(layer), f"{layer.name}.before", given.name
    flat = layer.kind == "linear"
    if kind == "factors":
        shape = values.shape if flat else (*values.shape, 1, 1)
        return graph.node("Mul", [source, graph.tensor(f"{name}.factors", "FLOAT", 32, shape, "rest", values)], name)
    blocks, side, _ = values.shape
    if not flat:  # a 1 × 1 convolution in groups
        weight = np.ascontiguousarray(values.swapaxes(1, 2)).reshape(blocks * side, side, 1, 1)
        return graph.node("Conv", [source, graph.tensor(f"{name}.rotation", "FLOAT", 32, weight.shape, "rest", weight)], name, group=blocks)
    outer = (0,) * (len(given.shape) - 1)
    apart, together = graph.whole(*outer, blocks, 1, side), graph.whole(*outer, blocks * side)
    rotation = graph.tensor(f"{name}.rotation", "FLOAT", 32, values.shape, "rest", values)
    turned = graph.node("MatMul", [graph.node("Reshape", [source, apart], f"{name}.blocks"), rotation], f"{name}.turned")
    return graph.node("Reshape", [turned, together], name)


def _input(graph, i: int, layer: PlannedLayer, source: str, positive: bool):
    """The quantized input of a layer, and its (scale, zero point), both None where it stays in FP32."""
    recipe = graph.plan.activations
    name, grid = f"{layer.name}.input", graph.content.input_grids[i]
    if recipe.is_cast and recipe.format in ("fp16", "bf16"):
        half = graph.node("Cast", [source], f"{name}.half", to=getattr(TensorProto, FLOATS[recipe.format]))
        return graph.node("Cast", [half], f"{name}.values", to=TensorProto.FLOAT), None
    if not recipe.scheme:
        return source, None
    return quantized(graph, name, source, positive, grid), grid


def mean_of_codes(graph, name: str, pooled: str, positive: bool, keep: bool) -> str:
    """A mean that only layers read: its codes on their grid, which they turn back; there is no value beside them."""
    codes = codes_of(graph, f"{name}.mean", pooled, positive, graph.content.input_grids[graph.joints.means[name]])[0]
    graph.codes[name] = codes if keep else graph.node("Flatten", [codes], f"{name}.codes")
    return name


def quantized(graph, name: str, source: str, positive: bool, grid) -> str:
    """QuantizeLinear and DequantizeLinear on a grid, (scale, zero point); of codes that are there already only the latter."""
    codes, *parts = codes_of(graph, name, source, positive, grid)
    return graph.node("DequantizeLinear", [codes, *parts], f"{name}.values")


def codes_of(graph, name: str, source: str, positive: bool, grid) -> tuple[str, str, str]:
    """Codes on a grid, clipped where the scheme ends before its type does; and the tensors of scale and zero point."""
    recipe, (scale, zero) = graph.plan.activations, grid
    kind, bits = tensor_type(recipe, least=8)
    lowest, highest = FORMATS[recipe.format].code_range(recipe.scheme)
    least, most = FORMATS[kind.lower()].code_range("asym")
    low = lowest > least and not (positive and recipe.scheme != "asym")  # else never reached
    ends = [f"{name}.low" if low else "", f"{name}.high" if highest < most else ""]
    for end, code in zip(ends, (lowest, highest)):
        if end:
            graph.tensor(end, "FLOAT", 32, (), "scales", np.float32(code - zero) * scale)
    if any(ends):  # QuantizeLinear would go on to the ends of its type
        source = graph.node("Clip", [source, *ends], f"{name}.clipped")
    grid = [graph.tensor(f"{name}.scale", "FLOAT", 32, (), "scales", scale),
            graph.tensor(f"{name}.zero_point", kind, bits, (), "scales", np.asarray(zero).astype(_numpy(kind)))]  # fmt: skip
    return graph.codes.get(source) or graph.node("QuantizeLinear", [source, *grid], f"{name}.codes"), *grid


def _numpy(kind: str) -> str:
    return kind.lower() if kind not in ("INT4", "UINT4") else kind.lower().replace("4", "8")


def weight_of(graph, i: int, layer: PlannedLayer, *, turned: bool = False) -> str:
    """turned: [in, out] instead of the layer's own shape."""
    q, recipe, name = graph.content.tensors[i], layer.recipe, f"{layer.name}.weight"
    kind, bits = tensor_type(recipe)
    if recipe.format in ("fp32", "fp16", "bf16"):
        part = "rest" if recipe.format == "fp32" else "quantized"
        graph.tensor(name, kind, bits, layer.shape[::-1] if turned else layer.shape, part, q.codes.T if turned else q.codes)
        return name if recipe.format == "fp32" else graph.node("Cast", [name], f"{name}.values", to=TensorProto.FLOAT)
    down, across = scale_shape(layer.shape, recipe) if recipe.range else (1, 1)
    blocked, per_row = across > 1, recipe.kind in ("channel", "group")
    shape = (layer.shape[0], layer.columns) if blocked else layer.shape
    scales = (down, across) if blocked else (down,) if per_row else ()
    how = {"axis": 1, "block_size": recipe.size} if blocked else {"axis": 0} if per_row else {}
    codes, scale, zero = q.codes, q.scale, q.zero_point
    if turned:  # a matrix, which it is already
        shape, scales, how = shape[::-1], scales[::-1], how | ({"axis": 1 - how["axis"]} if how else {})
        codes, scale, zero = codes.T, scale.T, zero.T
    graph.tensor(f"{name}.codes", kind, bits, shape, "quantized", codes)
    zero = zero.astype(_numpy(kind) if recipe.scheme else np.uint8)
    parts = [graph.tensor(f"{name}.scale", "FLOAT", 32, scales, "scales", scale),
             graph.tensor(f"{name}.zero_point", kind, bits, scales, "scales", zero)]  # fmt: skip
    values = graph.node("DequantizeLinear", [f"{name}.codes", *parts], f"{name}.values", **how)
    if not blocked or len(layer.shape) == 2:
        return values
    return graph.node("Reshape", [values, graph.whole(*layer.shape)], f"{name}.shaped")


def _rows(graph, i: int, layer: PlannedLayer, tokens: str) -> str:
    """The rows of an embedding. Integers of 8 or 16 bits are looked up before they are expanded: ONNX Runtime would expand the whole table
    at every call, and 1.32 refuses a table of int8 that is expanded for two readers under session.x64quantprecision."""
    table = table_of(graph, i, layer)
    if layer.recipe.kind not in ("tensor", "channel") or tensor_type(layer.recipe)[0].removeprefix("U") not in ("INT8", "INT16"):
        return graph.node("Gather", [table, tokens], layer.name)
    name, per_row, parts = f"{layer.name}.rows", layer.recipe.kind == "channel", {}
    for part in ("codes", "zero_point", "scale"):
        stored = f"{layer.name}.weight.{part}"
        found = graph.node("Gather", [stored, tokens], f"{name}.{part}") if per_row or part == "codes" else stored
        found = found if part == "scale" else graph.node("Cast", [found], f"{name}.{part}.numbers", to=TensorProto.FLOAT)
        parts[part] = graph.node("Unsqueeze", [found, graph.whole(-1)], f"{name}.{part}.column") if per_row and part != "codes" else found
    steps = graph.node("Sub", [parts["codes"], parts["zero_point"]], f"{name}.steps")
    return graph.node("Mul", [steps, parts["scale"]], layer.name)


def table_of(graph, i: int, layer: PlannedLayer) -> str:
    """All rows of an embedding, which the head of a language model may read too."""
    return graph.once(f"{layer.name}.table", lambda: weight_of(graph, i, layer))


def bias_of(graph, i: int, layer: PlannedLayer, grid=None) -> str:
    """int32 where products have one scale in each channel, else float32."""
    name, shape, bias = f"{layer.name}.bias", layer.shape[:1], graph.content.biases[i]
    scales = None if grid is None else integer_bias_scales(graph.plan, layer, graph.content.tensors[i], grid[0], bias)
    if scales is None:
        return graph.tensor(name, "FLOAT", 32, shape, "rest", bias)
    many = scales.shape if layer.recipe.kind in ("channel", "group") else ()
    codes = np.rint(bias / scales.astype(np.float64)).astype(np.int32)
    inputs = [graph.tensor(f"{name}.codes", "INT32", 32, shape, "rest", codes),
              graph.tensor(f"{name}.scale", "FLOAT", 32, many, "scales", scales)]  # fmt: skip
    return graph.node("DequantizeLinear", inputs, name, **({"axis": 0} if many else {}))


def integer_bias_scales(plan: Plan, layer: PlannedLayer, q, input_scale: np.float32, bias: np.ndarray) -> np.ndarray | None:
    """The scales of an int32 bias, one a tile of the weights; None where products have no scale of their channel,
    are wider than 8 × 8 bits, or the bias is beyond what int32 holds beside a sum: weights that are nearly all 0
    have a scale that small."""
    per_row = layer.recipe.scheme and layer.recipe.kind != "block" and q.scale.shape[1] == 1
    if not per_row or max(layer.recipe.bits, plan.activations.bits) > 8:
        return None
    scales = input_scale * q.scale.ravel()
    usable = (scales > 0).all() and np.abs(bias / np.maximum(scales, SMALLEST).astype(np.float64)).max() <= LARGEST_BIAS
    return scales if usable else None
