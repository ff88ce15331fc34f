"""What stands between the layers of a network, as ONNX nodes of opset 21: each function here writes one operation of torch.

It takes the arguments of torch's own, Values for tensors, and returns the name of its result, or a Value that says more of it.
"""

from __future__ import annotations

import operator
from inspect import signature

import torch
import torch.nn.functional as F
from onnx import TensorProto
from torch import nn

from explorer.deploy.onnx_attention import attention, embedding, layer_norm, rms_norm, rotary
from explorer.deploy.onnx_joints import NETWORKS
from explorer.deploy.onnx_loop import gates
from explorer.deploy.onnx_node import Value, mean_of_codes, table_of
from explorer.errors import ModelError
from explorer.models.networks.llama import Rotary
from explorer.models.networks.silero import Gates

KNOWN = ("convolutions, linear layers, attention, rotary positions, LSTM cells, embeddings, layer and RMS norms, ReLU, ReLU6, SiLU, GELU, "
         "sigmoid, sums, products, means over pixels, maxima, slices, reshapes, and zero padding before a convolution")  # fmt: skip


def operation(graph, node, arguments, named) -> str | Value:
    """The nodes of one node of the traced graph, with its arguments as Values. Raises ModelError for one that is not known."""
    if node.op == "get_attr":
        i = graph.places.get(node.target.removesuffix(".weight"))
        return graph.weight(node.target) if i is None else table_of(graph, i, graph.plan.layers[i])
    if node.op == "call_module":
        module = graph.plan.network.module.get_submodule(node.target)
        if type(module) in MODULES and not _padded(arguments):
            return MODULES[type(module)](graph, node, module, *arguments)
        what = NETWORKS.get(type(module))
    else:
        what = node.target
    if what in OPERATIONS and not _padded(arguments):
        write = OPERATIONS[what]
        if _takes(write, graph, node.name, *arguments, **named):
            return write(graph, node.name, *arguments, **named)
    raise ModelError(f"ONNX export knows no {node.target} like this; it writes {KNOWN}")


def _takes(write, *arguments, **named) -> bool:
    """Whether a function knows these arguments of the operation."""
    try:
        signature(write).bind(*arguments, **named)
    except TypeError:
        return False
    return True


def _padded(arguments) -> bool:
    """Whether zeros wait for a convolution that does not come."""
    return any(isinstance(each, Value) and each.pad is not None for each in arguments)


def _same(graph, node, module, x):
    return x


def _pad(graph, node, module, x):
    left, right, top, bottom = module.padding
    return x._replace(pad=(top, left, bottom, right))


MODULES = {
    nn.Identity: _same, nn.Dropout: _same, nn.ZeroPad2d: _pad, nn.Embedding: embedding, nn.LayerNorm: layer_norm,
    nn.RMSNorm: rms_norm, Rotary: rotary, Gates: gates,
}  # fmt: skip


def _relu(graph, name, x, inplace=False):
    return Value(graph.node("Relu", [x.name], name), (), True)


def _relu6(graph, name, x, inplace=False):
    return Value(graph.node("Clip", [x.name, graph.number("zero", 0), graph.number("six", 6)], name), (), True)


def _sigmoid(graph, name, x):
    return graph.node("Sigmoid", [x.name], name)


def _silu(graph, name, x, inplace=False):
    return graph.node("Mul", [x.name, graph.node("Sigmoid", [x.name], f"{name}.sigmoid")], name)


def _gelu(graph, name, x, approximate="none"):
    return graph.node("Gelu", [x.name], name, approximate=approximate)


def _square(graph, name, x):
    return Value(graph.node("Mul", [x.name, x.name], name), (), True)


def _add(graph, name, x, y):
    return Value(graph.node("Add", [_named(graph, x), _named(graph, y)], name), (), all(isinstance(each, Value) and each.positive for each in (x, y)))


def _named(graph, x) -> str:
    """A tensor, or a number that becomes one."""
    return x.name if isinstance(x, Value) else graph.number(f"number.{float(x)!r}", x)


def _two(op: str):
    return lambda graph, name, x, y: graph.node(op, [_named(graph, x), _named(graph, y)], name)


def _one(op: str):
    return lambda graph, name, x: graph.node(op, [x.name], name)


def _differs(graph, name, x, number):
    """Of tokens."""
    return graph.node("Not", [graph.node("Equal", [x.name, graph.whole(number)], f"{name}.equal")], name)


def _any(graph, name, x, dim, keepdim=False):
    numbers = graph.node("Cast", [x.name], f"{name}.numbers", to=TensorProto.FLOAT)
    most = graph.node("ReduceMax", [numbers, graph.whole(dim)], f"{name}.most", keepdims=int(keepdim))
    return graph.node("Cast", [most], name, to=TensorProto.BOOL)


def _float(graph, name, x):
    return graph.node("Cast", [x.name], name, to=TensorProto.FLOAT)


def _sum(graph, name, x, dim, keepdim=False):
    return graph.node("ReduceSum", [x.name, graph.whole(dim)], name, keepdims=int(keepdim))


def _amax(graph, name, x, dim, keepdim=False):
    axes = (dim,) if isinstance(dim, int) else dim
    return Value(graph.node("ReduceMax", [x.name, graph.whole(*axes)], name, keepdims=int(keepdim)), (), x.positive)


def _normalize(graph, name, x, p=2.0, dim=1, eps=1e-12, out=None):
    length = graph.node("ReduceL2", [x.name, graph.whole(dim)], f"{name}.length", keepdims=1)
    return graph.node("Div", [x.name, graph.node("Max", [length, graph.number(f"epsilon.{eps:g}", eps)], f"{name}.least")], name)


def _mean(graph, name, x, dim, keepdim=False):
    axes, alone = (dim,) if isinstance(dim, int) else tuple(dim), name in graph.joints.means
    if axes != (2, 3):
        mean = graph.node("ReduceMean", [x.name, graph.whole(*axes)], f"{name}.exact" if alone else name, keepdims=int(keepdim))
        return Value(mean_of_codes(graph, name, mean, x.positive, True) if alone else mean, (), x.positive)
    pooled = graph.node("GlobalAveragePool", [x.name], name if keepdim and not alone else f"{name}.pooled")
    if alone:
        return Value(mean_of_codes(graph, name, pooled, x.positive, keepdim), (), x.positive)
    return Value(pooled if keepdim else graph.node("Flatten", [pooled], name), (), x.positive)


def _flatten(graph, name, x, start_dim=0, end_dim=-1):
    """The batch or what follows it; the axes around keep their lengths."""
    end = end_dim % len(x.shape)
    if start_dim == 1 and end == len(x.shape) - 1:
        return x._replace(name=graph.node("Flatten", [x.name], name))
    if end == len(x.shape) - 1:
        return x._replace(name=graph.node("Reshape", [x.name, graph.whole(*[0] * start_dim, -1)], name))
    rest = graph.node("Shape", [x.name], f"{name}.rest", start=end + 1)
    shape = graph.node("Concat", [graph.whole(*[0] * start_dim, -1), rest], f"{name}.shape", axis=0)
    return x._replace(name=graph.node("Reshape", [x.name, shape], name))


def _unflatten(graph, name, x, dim, sizes):
    dim = dim % len(x.shape)
    parts = [each.name if isinstance(each, Value) else graph.whole(each) for each in sizes]
    if not any(isinstance(each, Value) for each in sizes) and dim == len(x.shape) - 1:
        return x._replace(name=graph.node("Reshape", [x.name, graph.whole(*[0] * dim, *sizes)], name))
    around = [graph.node("Shape", [x.name], f"{name}.{side}", **where)
              for side, where in (("before", {"end": dim}), ("after", {"start": dim + 1})) if dim or side == "after"]  # fmt: skip
    parts = [*around[:-1], *parts, around[-1]]
    return x._replace(name=graph.node("Reshape", [x.name, graph.node("Concat", parts, f"{name}.shape", axis=0)], name))


def _transpose(graph, name, x, first, second):
    order = list(range(len(x.shape)))
    order[first], order[second] = order[second], order[first]
    return x._replace(name=graph.node("Transpose", [x.name], name, perm=order))


def _squeeze(graph, name, x, dim):
    return x._replace(name=graph.node("Squeeze", [x.name, graph.whole(dim)], name))


def _attribute(graph, name, x, what):
    if what != "shape":
        raise ModelError(f"ONNX export asks a tensor for its shape only, not for {what}")
    return Value(graph.node("Shape", [x.name], name), (), True, is_shape=True)


def _item(graph, name, x, index):
    """x[i], x[a:b, None, …]; a number of a shape stays a list of one, as slices and reshapes take it."""
    if isinstance(index, int):
        place = graph.whole(index) if x.is_shape else graph.scalar(index)
        return graph.node("Gather", [x.name, place], name, axis=0)
    items, source, cut, new = index if isinstance(index, tuple) else (index,), x.name, [], []
    for at, item in enumerate(items):
        if item is None:
            new.append(at)
        elif isinstance(item, slice) and item.step is None:
            if item != slice(None):
                cut.append((at - len(new), item.start or 0, 2**31 if item.stop is None else item.stop))
        else:
            raise ModelError(f"ONNX export takes slices and new axes, not {item}")
    for axis, *ends in cut:
        ends = [end.name if isinstance(end, Value) else graph.whole(end) for end in ends]
        source = graph.node("Slice", [source, *ends, graph.whole(axis)], f"{name}.cut{axis}" if new or len(cut) > 1 else name)
    return x._replace(name=graph.node("Unsqueeze", [source, graph.whole(*new)], name) if new else source)


def _pad_ends(graph, name, x, pad, mode="constant", value=None):
    """Of the last axis."""
    if len(pad) != 2:
        raise ModelError("ONNX export pads the last axis only")
    ends = graph.whole(*[0] * (len(x.shape) - 1), pad[0], *[0] * (len(x.shape) - 1), pad[1])
    return graph.node("Pad", [x.name, ends], name, mode=mode)


def _linear(graph, name, x, weight, bias=None):
    """Of weights that are no layer's."""
    turned = graph.node("Transpose", [weight.name], f"{name}.weight", perm=[1, 0])
    product = graph.node("MatMul", [x.name, turned], name if bias is None else f"{name}.product")
    return product if bias is None else graph.node("Add", [product, bias.name], name)


OPERATIONS = {
    **dict.fromkeys((F.relu, torch.relu, "relu"), _relu), F.relu6: _relu6, **dict.fromkeys((torch.sigmoid, "sigmoid"), _sigmoid),
    F.silu: _silu, F.gelu: _gelu, "square": _square, "sqrt": _one("Sqrt"), **dict.fromkeys((operator.add, torch.add), _add),
    operator.mul: _two("Mul"), operator.truediv: _two("Div"), operator.or_: _two("Or"), operator.invert: _one("Not"), operator.ne: _differs,
    "any": _any, "float": _float, "sum": _sum, "amax": _amax, F.normalize: _normalize, **dict.fromkeys(("mean", torch.mean), _mean),
    **dict.fromkeys(("flatten", torch.flatten), _flatten), "unflatten": _unflatten, "transpose": _transpose, "squeeze": _squeeze,
    getattr: _attribute, operator.getitem: _item, F.pad: _pad_ends, F.linear: _linear, F.scaled_dot_product_attention: attention,
}  # fmt: skip
