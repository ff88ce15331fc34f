"""The parts of a transformer as ONNX nodes: embeddings, norms, rotary positions and attention."""

from __future__ import annotations

import math

import torch
from onnx import TensorProto, helper

from explorer.deploy.onnx_node import Value


def embedding(graph, node, module, tokens):
    return graph.node("Gather", [graph.weight(f"{node.target}.weight"), tokens.name], node.name)


def layer_norm(graph, node, module, x):
    parts = [graph.weight(f"{node.target}.{part}") for part in ("weight", "bias")]
    return graph.node("LayerNormalization", [x.name, *parts], node.name, axis=-1, epsilon=module.eps)


def rms_norm(graph, node, module, x):
    """x / sqrt(mean(x²) + ε) · gain, in the operators that ONNX Runtime joins again."""
    name, epsilon = node.name, torch.finfo(torch.float32).eps if module.eps is None else module.eps
    square = graph.node("Pow", [x.name, graph.number("two", 2)], f"{name}.square")
    mean = graph.node("ReduceMean", [square, graph.whole(-1)], f"{name}.mean")
    root = graph.node("Sqrt", [graph.node("Add", [mean, graph.number(f"epsilon.{epsilon:g}", epsilon)], f"{name}.sum")], f"{name}.root")
    even = graph.node("Div", [x.name, root], f"{name}.even")
    return graph.node("Mul", [even, graph.weight(f"{node.target}.weight")], name)


def rotary(graph, node, module, x):
    """x · cos + (−right, left) · sin, of as many positions as there are."""
    name, place = node.name, node.target
    cos, sin = (graph.once(f"{place}.{part}.here", lambda part=part: _first(graph, f"{place}.{part}", _length(graph, x, -2))) for part in ("cos", "sin"))
    graph.nodes.append(_split(x.name, [f"{name}.left", f"{name}.right"]))
    turned = graph.node("Concat", [graph.node("Neg", [f"{name}.right"], f"{name}.negative"), f"{name}.left"], f"{name}.turned", axis=-1)
    parts = [graph.node("Mul", [x.name, cos], f"{name}.even"), graph.node("Mul", [turned, sin], f"{name}.odd")]
    return graph.node("Add", parts, name)


def _split(source: str, parts: list[str]):
    return helper.make_node("Split", [source], parts, axis=-1, num_outputs=len(parts))


def _length(graph, x: Value, axis: int) -> str:
    """How long an axis is, int64 [1]."""
    name = f"{x.name}.length{axis % len(x.shape)}"
    return graph.once(name, lambda: graph.node("Gather", [graph.node("Shape", [x.name], f"{name}.shape"), graph.whole(axis)], name))


def _first(graph, weight: str, length: str) -> str:
    return graph.node("Slice", [graph.weight(weight), graph.whole(0), length], f"{weight}.here")


def attention(graph, name, q, k, v, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
    """softmax(q · kᵀ / sqrt(size) + mask) · v of [n, heads, places, size] (Vaswani et al. 2017, arXiv 1706.03762).

    Shared heads of keys and values get an axis of their own, over which they are repeated by broadcasting."""
    size = q.shape[-1]
    query, key, value, order = q.name, k.name, v.name, [0, 1, 3, 2]
    if enable_gqa:
        apart = graph.node("Concat", [graph.whole(0, k.shape[1], -1), _length(graph, q, -2), graph.whole(size)], f"{name}.apart", axis=0)
        query = graph.node("Reshape", [query, apart], f"{name}.q")
        key, value = (graph.node("Unsqueeze", [each, graph.whole(2)], f"{name}.{part}") for each, part in ((key, "k"), (value, "v")))
        order = [0, 1, 2, 4, 3]
    root = graph.number(f"scale.{size}", 1 / math.sqrt(size) if scale is None else scale)
    query = graph.node("Mul", [query, root], f"{name}.scaled")
    scores = graph.node("MatMul", [query, graph.node("Transpose", [key], f"{name}.columns", perm=order)], f"{name}.products")
    if is_causal:
        scores = graph.node("Add", [scores, graph.once("causal", lambda: _causal(graph, q))], f"{name}.scores")
    if attn_mask is not None:
        scores = graph.node("Where", [attn_mask.name, scores, graph.number("minus_infinity", -math.inf)], f"{name}.scores")
    odds = graph.node("Softmax", [scores], f"{name}.odds", axis=-1)
    result = graph.node("MatMul", [odds, value], f"{name}.heads" if enable_gqa else name)
    if enable_gqa:
        together = graph.node("Concat", [graph.whole(0, -1), _length(graph, q, -2), graph.whole(size)], f"{name}.together", axis=0)
        result = graph.node("Reshape", [result, together], name)
    return result


def _causal(graph, x: Value) -> str:
    """Minus infinity for what follows a place, [places, places]."""
    length = _length(graph, x, -2)
    square = graph.node("Concat", [length, length], "causal.shape", axis=0)
    full = graph.node("ConstantOfShape", [square], "causal.full", value=helper.make_tensor("value", TensorProto.FLOAT, [1], [-math.inf]))
    return graph.node("Trilu", [full, graph.scalar(1)], "causal", upper=1)
