"""One layer as an ONNX graph of its own, as it runs in the middle of the network: what its kernel takes is then measured."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper

from explorer.deploy import onnx_nbits
from explorer.deploy.content import Content
from explorer.deploy.onnx_graph import IR, OPSET, Graph
from explorer.deploy.onnx_node import Value, layer_node, tensor_type


def layer_model(content: Content, i: int, shape: tuple[int, ...], outputs: tuple[int, ...], output_range: tuple[float, float] | None) -> bytes:
    """The serialized model of layer i. shape, outputs: of its input and its output.

    output_range: where integers go from end to end, the range of what it computes: it then takes codes and gives codes.
    Without, it takes float32 and gives float32, and whatever converts them is part of it.
    """
    plan, graph = content.plan, Graph(content, skeleton=False, joined=False)
    module = plan.network.module.get_submodule(plan.layers[i].name)
    kind = "FLOAT"
    if output_range is not None:
        kind, bits = tensor_type(plan.activations, least=8)
        graph.codes["x"] = "x"
    result = layer_node(graph, i, module, Value("x", shape))
    if output_range is not None:
        scale, zero = _grid(output_range, kind)
        grid = [graph.tensor("y.scale", "FLOAT", 32, (), "scales", scale), graph.tensor("y.zero_point", kind, bits, (), "scales", zero)]
        result = graph.node("QuantizeLinear", [result, *grid], "y")
    value = lambda name, dims: helper.make_tensor_value_info(name, getattr(TensorProto, kind), dims)  # noqa: E731
    body = helper.make_graph(graph.nodes, "layer", [value("x", shape)], [value(result, outputs)], graph.tensors)
    return helper.make_model(body, opset_imports=onnx_nbits.opsets(plan, OPSET), ir_version=IR).SerializeToString()


def _grid(ends: tuple[float, float], kind: str) -> tuple[np.float32, np.generic]:
    """Asymmetric, of 8 bits, as any range is quantized."""
    low, high = min(ends[0], 0.0), max(ends[1], 0.0)
    least = -128 if kind == "INT8" else 0
    scale = np.float32((high - low) / 255 or 1.0)
    return scale, np.dtype(kind.lower()).type(np.clip(round(least - low / scale), least, least + 255))
