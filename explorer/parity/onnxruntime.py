"""ONNX Runtime: QuantizeLinear and DequantizeLinear of every type it has, per tensor, per channel and in
blocks, and quantize_static, whose defaults the presets are named after."""

import tempfile
from functools import partial
from pathlib import Path

import numpy as np

from explorer.calibration import calibrate_record
from explorer.formats import FORMATS
from explorer.grid import grid_of
from explorer.parity import PEERS, Comparison, Peer, probes
from explorer.presets import PRESETS
from explorer.quantize import QuantizedTensor, quantize
from explorer.recipe import Recipe
from explorer.rows import Record

TYPES = {  # of TensorProto; FLOAT8E4M3FNUZ and E5M2FNUZ, which it also has, are no format here
    "int2": "INT2", "uint2": "UINT2", "int4": "INT4", "uint4": "UINT4", "int8": "INT8", "uint8": "UINT8", "int16": "INT16", "uint16": "UINT16",
    "fp8e4m3": "FLOAT8E4M3FN", "fp8e5m2": "FLOAT8E5M2",
}  # fmt: skip
STATIC = {  # preset → how quantize_static is called
    "ort-default": {},
    "ort-careful": {"per_channel": True, "activation_type": "QUInt8"},
    "ort-reduce-range": {"per_channel": True, "activation_type": "QUInt8", "reduce_range": True},
}


def comparisons() -> list[Comparison]:
    found = []
    for id in TYPES:
        scheme = "-asym" if FORMATS[id].kind == "integer" else ""
        for granularity in ("tensor", "channel", "g32", "g128"):
            recipe = Recipe.parse(f"{id}{scheme}-{granularity}-minmax")
            what = "blocks of " + granularity[1:] if recipe.kind == "group" else "per " + recipe.kind
            run = partial(_tensor if granularity == "tensor" else _rows, recipe)
            found.append(Comparison(str(recipe), f"QuantizeLinear {what}, DequantizeLinear", run))
    for recipe in ("int8-asym", "uint8-asym", "int16-asym", "uint16-asym", "int4-asym", "uint4-asym", "int8-sym", "int4-sym"):
        recipe = Recipe.parse(f"{recipe}-channel-minmax")
        found.append(Comparison(str(recipe), "compute_scale_zp", partial(_scales, recipe)))
    for preset, how in STATIC.items():
        for part in ("weights", "activations"):
            recipe = getattr(PRESETS[preset], part)
            if part == "weights" or "minmax" in recipe:  # its percentiles are those of 2,048 bins: another range
                run = partial(_static, Recipe.parse(recipe), how, part)
                found.append(Comparison(recipe, f"quantize_static({', '.join(how)}), {part}", run, presets=(preset,)))
    return found


def _tensor(recipe: Recipe, tally) -> None:
    number = FORMATS[recipe.format]
    few = number.bits > 8 or number.kind != "integer"
    for place, scale in enumerate(probes.SCALES[3:6] if few else probes.SCALES):
        if number.kind == "integer":
            x = probes.of_steps(scale, *number.limits(recipe.scheme))[None]
            low, high = np.float64([[-0.13 * place]]), np.float64([[1.0 - 0.11 * place]])
            low, high = low * scale * (2.0**number.bits - 1), high * scale * (2.0**number.bits - 1)
        else:
            x = probes.around(probes.of_values(number.values()) * scale)[None]
            low, high = np.float64([[-scale * number.max]]), np.float64([[scale * number.max]])
        _linear(tally, x, quantize(x, recipe, ranges=(np.minimum(low, 0), np.maximum(high, 0))))


def _rows(recipe: Recipe, tally) -> None:
    number, size = FORMATS[recipe.format], recipe.size or 256
    if number.kind == "integer":
        x = probes.weights(number, recipe.scheme, 256, size)
    else:
        x = np.concatenate([probes.blocks(256, 256, size), probes.tied_floats(number, 16, 256)])
    _linear(tally, x, quantize(x, recipe))


def _linear(tally, x, q: QuantizedTensor) -> None:
    """Codes and dequantized values of one QuantizeLinear with this scale and zero point."""
    codes, values = _run(x, q)
    tally.codes(q.codes, codes)
    tally.values(q.dequantize(), values)


def _run(x: np.ndarray, q: QuantizedTensor) -> tuple[np.ndarray, np.ndarray]:
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    kind = getattr(TensorProto, TYPES[q.recipe.format])
    shape = {"tensor": (), "channel": (len(x),)}.get(q.recipe.kind, q.scale.shape)
    zero = helper.make_tensor("z", kind, shape, q.zero_point.ravel().tolist())
    scale = numpy_helper.from_array(q.scale.reshape(shape), "s")
    how = {"axis": 1, "block_size": q.recipe.size} if q.recipe.kind == "group" else {"axis": 0}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], **how),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"], **how),
        helper.make_node("Cast", ["q"], ["wide"], to=TensorProto.FLOAT),  # 4-bit and FP8 types have no NumPy type
    ]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, x.shape) for name in ("wide", "y")]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)]
    graph = helper.make_graph(nodes, "linear", inputs, outputs, [scale, zero])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 25)], ir_version=12)  # the first with 2 bits
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    codes, values = session.run(None, {"x": x})
    if FORMATS[q.recipe.format].kind != "integer":  # every value of an FP8 type is a float32: back to its pattern
        codes = FORMATS[q.recipe.format].encode(codes)
    return codes, values


def _scales(recipe: Recipe, tally) -> None:
    """Scale and zero point of a range: 0 widens it, a range without width is left out (its scale is free)."""
    from onnxruntime.quantization.quant_utils import compute_scale_zp

    number = FORMATS[recipe.format]
    lowest, highest = number.code_range(recipe.scheme)
    kind = f"{'' if number.signed else 'u'}int{8 if number.bits <= 8 else 16}"
    x = probes.blocks(2048, 32, 32)
    low, high = np.minimum(x.min(axis=1), 0), np.maximum(x.max(axis=1), 0)
    widest = np.maximum(-low, high)
    scale, zero_point = grid_of(recipe, *((low, high) if recipe.scheme == "asym" else (-widest, widest)))
    theirs = np.array([
        compute_scale_zp(a, b, np.array(lowest, kind), np.array(highest, kind), symmetric=recipe.scheme != "asym")
        for a, b in zip(low, high, strict=True)
    ], np.float64).reshape(-1, 2)  # fmt: skip
    wide = high > low
    tally.scales(scale[wide], theirs[wide, 1])
    tally.scales(zero_point[wide], theirs[wide, 0])


def _static(recipe: Recipe, how: dict, part: str, tally) -> None:
    """A network of a convolution and a linear layer through quantize_static as the preset calls it."""
    import onnx
    from onnx import numpy_helper

    network, weights, samples = _network()
    with tempfile.TemporaryDirectory() as folder:
        stored, recorded = _quantize_static(network, samples, how, Path(folder))
    stored = {each.name: numpy_helper.to_array(each) for each in onnx.load_from_string(stored).graph.initializer}
    if part == "weights":
        for name, (weight, axis) in weights.items():
            q = quantize(weight, recipe, axis=axis)
            tally.codes(q.codes, stored[f"{name}_quantized"])
            tally.scales(q.scale, stored[f"{name}_scale"])
            tally.scales(q.zero_point, np.broadcast_to(stored[f"{name}_zero_point"], q.zero_point.size))
        return
    for name, values in recorded.items():
        low, high = calibrate_record(Record.of(values), recipe)
        scale, zero_point = grid_of(recipe, np.array([[low]]), np.array([[high]]))
        tally.scales(scale, stored[f"{name}_scale"])
        tally.scales(zero_point, stored[f"{name}_zero_point"])
        q = quantize(values, recipe, ranges=(np.array([[low]]), np.array([[high]])))
        given = QuantizedTensor(q.codes, stored[f"{name}_scale"].reshape(1, 1),
                                stored[f"{name}_zero_point"].astype(np.int32).reshape(1, 1), q.recipe, q.low, q.high)  # fmt: skip
        tally.codes(q.codes, _run(values.reshape(1, -1), given)[0])


def _network():
    """(model bytes, its weights with their channel axis, calibration inputs): Conv, Relu, then MatMul."""
    from onnx import TensorProto, helper, numpy_helper

    draw = np.random.Generator(np.random.Philox(5))
    spread = np.exp(draw.standard_normal((8, 1, 1, 1)))
    conv = (draw.standard_normal((8, 3, 3, 3)) * spread).astype(np.float32)
    linear = draw.standard_normal((8 * 36, 10)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "conv.weight"], ["c"]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Flatten", ["r"], ["f"]),
        helper.make_node("MatMul", ["f", "linear.weight"], ["y"]),
    ]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 8, 8])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 10])]
    initializers = [numpy_helper.from_array(conv, "conv.weight"), numpy_helper.from_array(linear, "linear.weight")]
    graph = helper.make_graph(nodes, "network", inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    samples = [draw.standard_normal((4, 3, 8, 8)).astype(np.float32) + np.float32(0.2) for _ in range(6)]
    return model.SerializeToString(), {"conv.weight": (conv, 0), "linear.weight": (linear, 1)}, samples


def _quantize_static(network: bytes, samples: list, how: dict, folder: Path):
    """(the quantized model, what flowed through the float one by name)."""
    import onnx
    import onnxruntime
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    class Reader(CalibrationDataReader):
        batches = iter(samples)

        def get_next(self):
            batch = next(self.batches, None)
            return None if batch is None else {"x": batch}

    float32, int8 = folder / "float32.onnx", folder / "int8.onnx"
    float32.write_bytes(network)
    how = {name: getattr(QuantType, value) if isinstance(value, str) else value for name, value in how.items()}
    quantize_static(str(float32), str(int8), Reader(), **how)
    model = onnx.load_from_string(network)
    model.graph.output.append(onnx.helper.make_tensor_value_info("r", onnx.TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    seen = [session.run(["r"], {"x": batch})[0] for batch in samples]
    return int8.read_bytes(), {"x": np.concatenate(samples), "r": np.concatenate(seen)}


PEERS.register(
    Peer("onnxruntime", "ONNX Runtime", ("onnxruntime", "onnx"), "github.com/microsoft/onnxruntime", comparisons)
)
