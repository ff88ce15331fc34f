"""An LSTM cell that runs along time, as ONNX: the operator LSTM, or a Scan of its steps where what it remembers is quantized.

In torch the gates lie in the order input, forget, cell, output; in ONNX input, output, forget, cell.
"""

from __future__ import annotations

from onnx import TensorProto, helper

from explorer.deploy import onnx_nbits
from explorer.deploy.onnx_node import Value, bias_of, layer_node, weight_of

ORDER = (0, 3, 1, 2)


def gates(graph, node, module, x: Value) -> str:
    """x [n, time, inputs] → [n, time, hidden]."""
    layers = [graph.places[f"{node.target}.{part}"] for part in ("ih", "hh")]
    planned = [graph.plan.layers[i] for i in layers]
    plain = graph.plan.activations.format == "fp32" and not any(layer.before or onnx_nbits.fits(layer, graph.plan.activations) for layer in planned)
    return (_whole if plain else _steps)(graph, node.name, module, x, layers)


def _whole(graph, name: str, module, x: Value, layers: list[int]) -> str:
    parts = []
    for what, of in (("weight", weight_of), ("bias", bias_of)):
        reordered = []
        for i in layers:
            layer, value = graph.plan.layers[i], of(graph, i, graph.plan.layers[i])
            four = [f"{layer.name}.{what}.gate{k}" for k in range(4)]
            graph.nodes.append(helper.make_node("Split", [value], four, axis=0, num_outputs=4))
            reordered.append(graph.node("Concat", [four[k] for k in ORDER], f"{layer.name}.{what}.gates", axis=0))
        parts += reordered if what == "weight" else [graph.node("Concat", reordered, f"{name}.bias", axis=0)]
    w, r, b = (graph.node("Unsqueeze", [part, graph.whole(0)], f"{part}.one") for part in parts)
    given = graph.node("Transpose", [x.name], f"{name}.given", perm=[1, 0, 2])
    heard = graph.node("LSTM", [given, w, r, b], f"{name}.heard", hidden_size=module.hh.in_features)  # [time, 1, n, hidden]
    return graph.node("Transpose", [graph.node("Squeeze", [heard, graph.whole(1)], f"{name}.steps")], name, perm=[1, 0, 2])


def _steps(graph, name: str, module, x: Value, layers: list[int]) -> str:
    """h, c: what is remembered; each step adds what the gates make of h to what they made of the input."""
    hidden = module.hh.in_features
    given = layer_node(graph, layers[0], module.ih, x)
    shape = graph.node("Concat", [graph.node("Shape", [x.name], f"{name}.n", end=1), graph.whole(hidden)], f"{name}.state", axis=0)
    start = graph.node("ConstantOfShape", [shape], f"{name}.start")
    outside, graph.nodes = graph.nodes, []
    heard = layer_node(graph, layers[1], module.hh, Value(f"{name}.h", (1, hidden)))
    both = graph.node("Add", [f"{name}.now", heard], f"{name}.both")
    four = [f"{name}.{gate}" for gate in ("in", "forget", "cell", "out")]
    graph.nodes.append(helper.make_node("Split", [both], four, axis=1, num_outputs=4))
    i, f, o = (graph.node("Sigmoid", [f"{name}.{gate}"], f"{name}.{gate}.open") for gate in ("in", "forget", "out"))
    new = graph.node("Mul", [i, graph.node("Tanh", [f"{name}.cell"], f"{name}.new")], f"{name}.taken")
    c = graph.node("Add", [graph.node("Mul", [f, f"{name}.c"], f"{name}.kept"), new], f"{name}.c.next")
    h = graph.node("Mul", [o, graph.node("Tanh", [c], f"{name}.c.bent")], f"{name}.h.next")
    step = graph.node("Identity", [h], f"{name}.step")
    inside, graph.nodes = graph.nodes, outside
    value = lambda name, width: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width])  # noqa: E731
    body = helper.make_graph(inside, f"{name}.body", [value(f"{name}.h", hidden), value(f"{name}.c", hidden), value(f"{name}.now", 4 * hidden)],
                             [value(each, hidden) for each in (h, c, step)])  # fmt: skip
    graph.nodes.append(helper.make_node("Scan", [start, start, given], [f"{name}.h.last", f"{name}.c.last", name], body=body, num_scan_inputs=1,
                                        scan_input_axes=[1], scan_output_axes=[1]))  # fmt: skip
    return name
