"""An ONNX graph from a torch module, node by node with onnx.helper, quantized as the simulation quantizes.

The module is walked as a graph of torch.fx: its layers are written by onnx_node.py, what stands between them by onnx_ops.py. With
`joined` sums and means are quantized too (onnx_joints.py); else nothing is that the simulation leaves in floating point.

The same walk serves the prediction of the file's size: a skeleton has all nodes, and tensors without their data.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.fx
from onnx import TensorProto, helper

from explorer.cost.files import FileSize
from explorer.deploy import onnx_nbits
from explorer.deploy.content import Content, grid_of_input
from explorer.deploy.onnx_joints import NOWHERE, joints, quantizers
from explorer.deploy.onnx_node import Value, codes_of, layer_node, quantized
from explorer.deploy.onnx_ops import operation
from explorer.tracing import traced_graph

OPSET, IR = 21, 10


class Graph:
    """Nodes and tensors so far. size: bytes of tensor data by what they are for, from shapes; a skeleton leaves them out.

    places: layer → its index. codes: values that are quantized where they arise → their codes."""

    def __init__(self, content: Content, skeleton: bool, joined: bool):
        self.plan, self.content, self.skeleton = content.plan, content, skeleton
        self.traced = traced_graph(self.plan.network.module)
        self.joints = joints(self.plan, self.traced) if joined else NOWHERE
        self.joined = quantizers(content) if joined and not skeleton else {}
        self.places = {layer.name: i for i, layer in enumerate(self.plan.layers)}
        self.nodes: list = []
        self.tensors: list = []
        self.size = FileSize()
        self.data: list[int] = []  # bytes of each tensor
        self._shared: dict[str, str] = {}
        self.codes: dict[str, str] = {}

    def node(self, op: str, inputs: list[str], name: str, **attributes) -> str:
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        return name

    def forget_unread(self, result: str) -> None:
        """Take out nodes that nothing reads, such as an embedding's expanded table where only rows are."""
        read = {result, *(name for node in self.nodes for name in _inputs_of(node))}
        self.nodes = [node for node in self.nodes if read.intersection(node.output)]

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

    def once(self, name: str, make: Callable[[], str]) -> str:
        """A tensor that nodes share, made when it is first asked for."""
        if name not in self._shared:
            self._shared[name] = make()
        return self._shared[name]

    def number(self, name: str, value: float) -> str:
        """A float32 constant that nodes share."""
        return self.once(name, lambda: self.tensor(name, "FLOAT", 32, (), "rest", np.float32(value)))

    def whole(self, *numbers: int) -> str:
        """A list of integers that nodes share."""
        name = "int64." + "_".join(map(str, numbers))
        return self.once(name, lambda: self.tensor(name, "INT64", 64, (len(numbers),), "overhead", np.int64(numbers)))

    def scalar(self, value: int) -> str:
        """An integer that nodes share."""
        name = f"int64.scalar.{value}"
        return self.once(name, lambda: self.tensor(name, "INT64", 64, (), "overhead", np.int64(value)))

    def weight(self, name: str) -> str:
        """A parameter or buffer of the module that is no layer's, as it is."""
        place, _, last = name.rpartition(".")
        values = getattr(self.plan.network.module.get_submodule(place), last)
        return self.once(name, lambda: self.tensor(name, "FLOAT", 32, tuple(values.shape), "rest", values.numpy()))


def _inputs_of(node) -> list[str]:
    """What a node reads, in the body of a loop too."""
    inner = [name for attribute in node.attribute for each in attribute.g.node for name in _inputs_of(each)]
    return [*node.input, *inner]


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
    shapes = _shapes(graph, sample)
    made: dict = {}  # fx node → Value
    for node in graph.traced.nodes:
        if node.op == "placeholder":
            made[node] = Value(str(node.target), tuple(sample.shape))
            given = made[node].name
        elif node.op == "output":
            result = made[node.args[0]].name
        else:
            value = _made(graph, node, made)._replace(shape=shapes[node.name])
            made[node] = _joined(graph, node.name, value)
    graph.forget_unread(result)
    with torch.inference_mode():
        dims = _dimensions(plan.network.module, sample)
    kind = TensorProto.INT64 if sample.dtype == torch.int64 else TensorProto.FLOAT
    ends = [helper.make_tensor_value_info(name, *what) for name, what in zip((given, result), ((kind, dims[0]), (TensorProto.FLOAT, dims[1])))]
    body = helper.make_graph(graph.nodes, "network", ends[:1], ends[1:], graph.tensors)
    model = helper.make_model(body, opset_imports=onnx_nbits.opsets(plan, OPSET), ir_version=IR,
                              producer_name="precision-tradeoff explorer")  # fmt: skip
    return model, graph


def _shapes(graph: Graph, sample: torch.Tensor) -> dict[str, tuple[int, ...]]:
    """The shape of each value of the traced graph for a sample."""
    found = {}

    class Watching(torch.fx.Interpreter):
        def run_node(self, node):
            value = super().run_node(node)
            found[node.name] = tuple(value.shape) if isinstance(value, torch.Tensor) else ()
            return value

    with torch.inference_mode():
        Watching(graph.plan.network.module, graph=graph.traced).run(sample)
    return found


def _dimensions(module, sample: torch.Tensor) -> tuple[list, list]:
    """Those of the input and the output; what may have another length has a name: samples, and places of a sequence."""
    output = module(sample)
    shapes = ["n", *sample.shape[1:]], ["n", *output.shape[1:]]
    if (sample.dtype == torch.int64 or sample.dim() == 3) and not getattr(module, "fixed_length", False):  # [n, places] or [n, places, ...]
        shorter = module(sample[:, :-1])
        shapes[0][1] = "places"
        shapes[1][1:] = ["places" if one != other else one for one, other in zip(output.shape[1:], shorter.shape[1:])]
    return shapes


def _made(graph: Graph, node, made: dict) -> Value:
    """The value of a node, whose shape is not known yet."""
    arguments = torch.fx.node.map_arg(node.args, made.__getitem__)
    named = torch.fx.node.map_arg(node.kwargs, made.__getitem__)
    if node.op == "call_module" and node.target in graph.places:
        module = graph.plan.network.module.get_submodule(node.target)
        return Value(layer_node(graph, graph.places[node.target], module, arguments[0]))
    found = operation(graph, node, arguments, named)
    return Value(found) if isinstance(found, str) else found


def _joined(graph: Graph, name: str, value: Value) -> Value:
    """The value quantized where it arises, if it is to be."""
    where = graph.joints
    if name in where.shared or name in where.own:
        grid = (np.float32(1), 0) if graph.skeleton else grid_of_input(graph.joined[name])
        values = quantized(graph, f"{name}.joint", value.name, value.positive, grid)
        graph.codes[values] = f"{name}.joint.codes"
        return value._replace(name=values)
    if name in where.several:
        grid = graph.content.input_grids[where.several[name]]
        graph.codes[value.name] = codes_of(graph, f"{name}.joint", value.name, value.positive, grid)[0]
    return value
