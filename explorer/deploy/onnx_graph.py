"""An ONNX graph from a torch module, node by node with onnx.helper, quantized as the simulation quantizes.

The module is walked as a graph of torch.fx. Inputs of layers get QuantizeLinear and DequantizeLinear, weights are stored as codes
behind a DequantizeLinear (QDQ, ONNX operators of opset 21); a bias becomes int32 with the scale of its
products, as integer kernels add it (Jacob et al., CVPR 2018, §2.4). With `joined` sums and means are quantized too
(onnx_joints.py); else nothing is that the simulation leaves in floating point.

The same walk serves the prediction of the file's size: a skeleton has all nodes, and tensors without their data.
"""

from __future__ import annotations

import operator

import numpy as np
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper
from torch import nn

from explorer.cost.files import FileSize, scale_shape
from explorer.deploy import onnx_nbits
from explorer.deploy.content import Content, Plan, PlannedLayer, grid_of_input, on_input
from explorer.deploy.onnx_joints import NETWORKS, NOWHERE, joints, quantizers
from explorer.errors import ModelError
from explorer.formats import FORMATS
from explorer.recipe import Recipe
from explorer.tracing import traced_graph

OPSET, IR = 21, 10
FLOATS = {"fp32": "FLOAT", "fp16": "FLOAT16", "bf16": "BFLOAT16", "fp8e4m3": "FLOAT8E4M3FN", "fp8e5m2": "FLOAT8E5M2"}
LARGEST_BIAS = 2**30  # of an int32 that sums of products are added to
SMALLEST = np.finfo(np.float32).tiny


def tensor_type(recipe: Recipe, *, least: int = 4) -> tuple[str, int]:
    """(name of the ONNX type that holds a recipe's codes, its bits); integers take the next of 4, 8 and 16 bits."""
    number = FORMATS[recipe.format]
    if number.kind != "integer":
        return FLOATS[recipe.format], number.bits
    bits = next(bits for bits in (4, 8, 16) if bits >= max(number.bits, least))
    return f"{'' if number.signed else 'U'}INT{bits}", bits


class Graph:
    """Nodes and tensors so far. size: bytes of tensor data by what they are for, from shapes; a skeleton leaves them out."""

    def __init__(self, content: Content, skeleton: bool, joined: bool):
        self.plan, self.content, self.skeleton = content.plan, content, skeleton
        self.traced = traced_graph(self.plan.network.module)
        self.joints = joints(self.plan, self.traced) if joined else NOWHERE
        self.joined = quantizers(content) if joined and not skeleton else {}
        self.nodes: list = []
        self.tensors: list = []
        self.size = FileSize()
        self.data: list[int] = []  # bytes of each tensor
        self._shared: set[str] = set()
        self.codes: dict[str, str] = {}  # values that are quantized where they arise → their codes

    def node(self, op: str, inputs: list[str], name: str, **attributes) -> str:
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        return name

    def tensor(self, name: str, kind: str, bits: int, shape: tuple[int, ...], part: str, values) -> str:
        """A constant. values: numbers of a type as wide as `bits`, 4 bits in bytes of their own."""
        count = int(np.prod(shape, dtype=np.int64)) if shape else 1
        proto = TensorProto(name=name, data_type=getattr(TensorProto, kind), dims=shape)
        bytes_ = -(-count * bits // 8)
        self.size += FileSize(**{part: bytes_})
        self.data.append(bytes_)
        if not self.skeleton:
            proto.raw_data = _packed(np.asarray(values), bits)
        self.tensors.append(proto)
        return name

    def number(self, name: str, value: float) -> str:
        """A float32 constant that nodes share."""
        if name not in self._shared:
            self._shared.add(name)
            self.tensor(name, "FLOAT", 32, (), "rest", np.float32(value))
        return name


def _packed(values: np.ndarray, bits: int) -> bytes:
    if bits == 4:  # the first of two in the low half
        flat = values.ravel().astype(np.uint8) & 15
        flat = np.append(flat, np.zeros(len(flat) % 2, np.uint8))
        return (flat[::2] | flat[1::2] << 4).tobytes()
    return values.astype(values.dtype.newbyteorder("<")).tobytes()


def build(content: Content, *, skeleton: bool = False, joined: bool = False):
    """(ModelProto, Graph). joined: quantize sums and means too, where that makes integers of the whole network.
    Raises ModelError for a module with operations that are not known here."""
    plan, graph = content.plan, Graph(content, skeleton, joined)
    sample = plan.network.prepare(plan.network.test[:1])
    places = {layer.name: i for i, layer in enumerate(plan.layers)}
    made: dict = {}  # fx node → (tensor, whether it is never negative, zeros to pad before the next convolution)
    for node in graph.traced.nodes:
        if node.op == "placeholder":
            made[node] = (str(node.target), False, None)
            given = made[node][0]
        elif node.op == "output":
            result = made[node.args[0]][0]
        else:
            made[node] = _made(graph, node, made, places)
            if node.name in graph.joints.shared or node.name in graph.joints.own:
                made[node] = _joint(graph, node.name, *made[node])
            elif node.name in graph.joints.several:
                value, positive, _ = made[node]
                grid = content.input_grids[graph.joints.several[node.name]]
                graph.codes[value] = _codes(graph, f"{node.name}.joint", value, positive, grid)[0]
    with torch.inference_mode():
        width = plan.network.module(sample).shape[1:]
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape])  # noqa: E731
    body = helper.make_graph(graph.nodes, "network", [value(given, sample.shape[1:])], [value(result, width)], graph.tensors)
    model = helper.make_model(body, opset_imports=onnx_nbits.opsets(plan, OPSET), ir_version=IR,
                              producer_name="precision-tradeoff explorer")  # fmt: skip
    return model, graph


def _made(graph: Graph, node, made: dict, places: dict[str, int]):
    source, positive, pad = made[node.args[0]]
    if node.op == "call_module":
        module = graph.plan.network.module.get_submodule(node.target)
        if node.target in places:
            return layer_node(graph, places[node.target], module, source, positive, pad), False, None
        if isinstance(module, (nn.Identity, nn.Dropout)):
            return made[node.args[0]]
        if isinstance(module, nn.ZeroPad2d) and pad is None:
            left, right, top, bottom = module.padding
            return source, positive, (top, left, bottom, right)
        what = NETWORKS.get(type(module))
    else:
        what = node.target
    if pad is None:
        if what in (F.relu, torch.relu, "relu"):
            return graph.node("Relu", [source], node.name), True, None
        if what is F.relu6:
            ends = [graph.number("zero", 0), graph.number("six", 6)]
            return graph.node("Clip", [source, *ends], node.name), True, None
        if what in (torch.sigmoid, "sigmoid"):
            return graph.node("Sigmoid", [source], node.name), True, None
        if what in (torch.flatten, "flatten"):
            return graph.node("Flatten", [source], node.name), positive, None
        if what in (operator.add, torch.add):
            other, also, _ = made[node.args[1]]
            return graph.node("Add", [source, other], node.name), positive and also, None
        if what in ("mean", torch.mean):
            if tuple(node.kwargs.get("dim") or node.args[1]) == (2, 3):
                keep = node.kwargs.get("keepdim", False)
                pooled = graph.node("GlobalAveragePool", [source], node.name if keep else f"{node.name}.pooled")
                if node.name in graph.joints.means:
                    return _mean(graph, node.name, pooled, positive, keep), positive, None
                return pooled if keep else graph.node("Flatten", [pooled], node.name), positive, None
    raise ModelError(f"ONNX export knows no {node.target}; it writes convolutions, linear layers, ReLU, ReLU6, sigmoid, "
                     "sums, means over pixels, flatten and zero padding before a convolution")  # fmt: skip


def layer_node(graph: Graph, i: int, module, source: str, positive: bool, pad) -> str:
    """Layer i with everything that belongs to it. positive: whether its input never is negative; pad: zeros around it first."""
    layer = graph.plan.layers[i]
    if layer.before is not None:
        source, positive = _before(graph, layer, source), False
    if onnx_nbits.fits(layer, graph.plan.activations):
        return onnx_nbits.node(graph, i, layer, source)
    source, grid = _input(graph, i, layer, source, positive)
    inputs = [source, _weight(graph, i, layer)]
    if layer.bias:
        inputs.append(_bias(graph, i, layer, grid))
    if layer.kind == "linear":
        return graph.node("Gemm", inputs, layer.name, transB=1)
    left, right, top, bottom = module._reversed_padding_repeated_twice  # known also where padding is "same"
    if module.padding_mode != "zeros" and any((left, right, top, bottom)):
        raise ModelError(f"ONNX export pads with zeros only, and {layer.name} pads with {module.padding_mode}")
    pads = np.add((top, left, bottom, right), pad or 0).tolist()
    return graph.node("Conv", inputs, layer.name, kernel_shape=list(module.kernel_size), strides=list(module.stride),
                      pads=pads, dilations=list(module.dilation), group=module.groups)  # fmt: skip


def _before(graph: Graph, layer: PlannedLayer, source: str) -> str:
    """What an algorithm does to a layer's input; zeros that are padded stay zeros, so the order is free."""
    (kind, values), name = on_input(layer), f"{layer.name}.before"
    flat = layer.kind == "linear"
    if kind == "factors":
        shape = values.shape if flat else (*values.shape, 1, 1)
        return graph.node("Mul", [source, graph.tensor(f"{name}.factors", "FLOAT", 32, shape, "rest", values)], name)
    blocks, side, _ = values.shape
    if not flat:  # a 1 × 1 convolution in groups
        weight = np.ascontiguousarray(values.swapaxes(1, 2)).reshape(blocks * side, side, 1, 1)
        return graph.node("Conv", [source, graph.tensor(f"{name}.rotation", "FLOAT", 32, weight.shape, "rest", weight)], name, group=blocks)
    apart = graph.tensor(f"{name}.apart", "INT64", 64, (4,), "overhead", np.int64([0, blocks, 1, side]))
    together = graph.tensor(f"{name}.together", "INT64", 64, (2,), "overhead", np.int64([0, blocks * side]))
    rotation = graph.tensor(f"{name}.rotation", "FLOAT", 32, values.shape, "rest", values)
    turned = graph.node("MatMul", [graph.node("Reshape", [source, apart], f"{name}.blocks"), rotation], f"{name}.turned")
    return graph.node("Reshape", [turned, together], name)


def _input(graph: Graph, i: int, layer: PlannedLayer, source: str, positive: bool):
    """The quantized input of a layer, and its (scale, zero point), both None where it stays in FP32."""
    recipe = graph.plan.activations
    name, grid = f"{layer.name}.input", graph.content.input_grids[i]
    if recipe.is_cast and recipe.format in ("fp16", "bf16"):
        half = graph.node("Cast", [source], f"{name}.half", to=getattr(TensorProto, FLOATS[recipe.format]))
        return graph.node("Cast", [half], f"{name}.values", to=TensorProto.FLOAT), None
    if not recipe.scheme:
        return source, None
    return _quantized(graph, name, source, positive, grid), grid


def _joint(graph: Graph, name: str, source: str, positive: bool, pad):
    """A value that goes into a sum or a mean, quantized where it arises."""
    grid = (np.float32(1), 0) if graph.skeleton else grid_of_input(graph.joined[name])
    values = _quantized(graph, f"{name}.joint", source, positive, grid)
    graph.codes[values] = f"{name}.joint.codes"
    return values, positive, pad


def _mean(graph: Graph, name: str, pooled: str, positive: bool, keep: bool) -> str:
    """A mean that only layers read: its codes on their grid, which they turn back; there is no value beside them."""
    codes = _codes(graph, f"{name}.mean", pooled, positive, graph.content.input_grids[graph.joints.means[name]])[0]
    graph.codes[name] = codes if keep else graph.node("Flatten", [codes], f"{name}.codes")
    return name


def _quantized(graph: Graph, name: str, source: str, positive: bool, grid) -> str:
    """QuantizeLinear and DequantizeLinear on a grid, (scale, zero point); of codes that are there already only the latter."""
    codes, *parts = _codes(graph, name, source, positive, grid)
    return graph.node("DequantizeLinear", [codes, *parts], f"{name}.values")


def _codes(graph: Graph, name: str, source: str, positive: bool, grid) -> tuple[str, str, str]:
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


def _weight(graph: Graph, i: int, layer: PlannedLayer) -> str:
    q, recipe, name = graph.content.tensors[i], layer.recipe, f"{layer.name}.weight"
    kind, bits = tensor_type(recipe)
    if recipe.format in ("fp32", "fp16", "bf16"):
        part = "rest" if recipe.format == "fp32" else "quantized"
        graph.tensor(name, kind, bits, layer.shape, part, q.codes)
        return name if recipe.format == "fp32" else graph.node("Cast", [name], f"{name}.values", to=TensorProto.FLOAT)
    down, across = scale_shape(layer.shape, recipe) if recipe.range else (1, 1)
    blocked = across > 1
    shape = (layer.shape[0], layer.columns) if blocked else layer.shape
    graph.tensor(f"{name}.codes", kind, bits, shape, "quantized", q.codes)
    scales = (down, across) if blocked else (down,) if recipe.kind in ("channel", "group") else ()
    how = {"axis": 1, "block_size": recipe.size} if blocked else {"axis": 0} if scales else {}
    zero = q.zero_point.astype(_numpy(kind) if recipe.scheme else np.uint8)
    parts = [graph.tensor(f"{name}.scale", "FLOAT", 32, scales, "scales", q.scale),
             graph.tensor(f"{name}.zero_point", kind, bits, scales, "scales", zero)]  # fmt: skip
    values = graph.node("DequantizeLinear", [f"{name}.codes", *parts], f"{name}.values", **how)
    if not blocked or layer.kind == "linear":
        return values
    shape = graph.tensor(f"{name}.shape", "INT64", 64, (len(layer.shape),), "overhead", np.int64(layer.shape))
    return graph.node("Reshape", [values, shape], f"{name}.shaped")


def _bias(graph: Graph, i: int, layer: PlannedLayer, grid) -> str:
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
