"""onnx: a QDQ graph that ONNX Runtime, TensorRT, OpenVINO and others fuse into integer kernels.

Verified in ONNX Runtime with session options that the file's metadata names, since without them it computes something
else: `session.x64quantprecision` (u8 × s8 kernels without VNNI add pairs of products in 16 bits, which saturates),
`session.qdq_matmulnbits_accuracy_level` (weight-only layers are otherwise given INT8 activations) and, where a layer's
weights stay in floating point behind a quantized input, `session.disable_quant_qdq` (their weights are
otherwise quantized to INT8 per tensor). Source: onnxruntime_session_options_config_keys.h.

Weight-only linear layers in blocks are MatMulNBits (onnx_nbits.py), others are expanded.

What differs from the simulation: biases, which integer kernels add in int32, rounded to a multiple of the product of both scales; and, where all layers are integers of 8 bits, values that go into sums and means over pixels, which
are quantized too, so that integers go from end to end (onnx_joints.py). The file is compared with a simulation that
quantizes the same values, and both metrics are shown.
"""

from __future__ import annotations

import json

import numpy as np
import torch

from explorer.cache import CACHE
from explorer.cost.files import FileSize
from explorer.deploy import TARGETS, Target
from explorer.deploy.checks import ReadBack, differing, unreadable
from explorer.deploy.content import Content, Plan, PlannedLayer, only
from explorer.errors import ModelError
from explorer.process import processor
from explorer.quantize import QuantizedTensor
from explorer.recipe import Recipe
from explorer.tracing import why_untraced

SESSION = {"session.qdq_matmulnbits_accuracy_level": "1"}
EXACT = {"session.x64quantprecision": "1"}
HOLDS = ("weights in integers, FP8, FP16 or BF16 per tensor, channel or group, activations in integers of up to 16 bits "
         "per tensor, FP16 or BF16, rounded to nearest")  # fmt: skip
CASTS = ("fp16", "bf16", "fp8e4m3", "fp8e5m2")


def refuses(plan: Plan) -> str:
    recipe = plan.activations
    if plan.settings.accumulate == "avx2" and (facts := processor()) and ("vnni" in facts or " avx2" not in facts):
        return "this processor's kernels add exactly, so that the file could not be proven here; it holds exact sums (acc=exact)"
    half = recipe.is_cast and recipe.format in ("fp16", "bf16")
    if recipe.format != "fp32" and not half and not (recipe.scheme and recipe.kind == "tensor" and recipe.rounding == "nearest"):
        return f"activations {recipe} are not possible in QuantizeLinear; it holds {HOLDS}"
    if "hqq" in plan.settings.algorithms:
        return "zero points between the codes, as hqq chooses them, are not possible; leave hqq out"
    return only(plan, _held, f"it holds {HOLDS}") or _ragged(plan) or _unfollowed(plan)


def _unfollowed(plan: Plan) -> str:
    why = CACHE.get(f"graph {plan.network.digest}", lambda: why_untraced(plan.network.module))
    return why and (f"torch.fx cannot follow this network's code ({why}), which its graph would be made of; "
                    "export to numpy, safetensors, gguf or python, which hold it")  # fmt: skip


def _held(recipe) -> bool:
    if recipe.scheme or recipe.format in CASTS and recipe.range:
        return recipe.kind in ("tensor", "channel", "group") and (recipe.scheme or recipe.format.startswith("fp8"))
    return recipe.is_cast and recipe.format in CASTS


def _ragged(plan: Plan) -> str:
    from explorer.deploy.content import first

    def why(layer: PlannedLayer) -> str:
        size = layer.recipe.size
        if not size or size >= layer.columns or not layer.columns % size:
            return ""
        return f"groups of {size} do not divide its {layer.columns} weights a channel; use a group size that does, or channel"

    return first(plan, why)


def session_options(plan: Plan) -> dict[str, str]:
    """What a session needs so that it computes what the graph says. With 7 bits, two products of u8 · s8 stay below
    2^15 (2 · 255 · 64 = 32,640), and so they do not saturate."""
    exact = EXACT if plan.settings.accumulate == "exact" and any(not layer.recipe.scheme or layer.recipe.bits > 7 for layer in plan.layers) else {}
    floats = any(layer.recipe.format in ("fp32", "fp16", "bf16") for layer in plan.layers)
    return SESSION | exact | ({"session.disable_quant_qdq": "1"} if floats and plan.activations.scheme else {})


def metadata(plan: Plan, link: str, stamp: str) -> dict[str, str]:
    return {"link": link, "stamp": stamp, "settings": plan.settings.sentence(), "session_options": json.dumps(session_options(plan))}


def model_of(content: Content):
    """The ModelProto."""
    from onnx import helper

    from explorer.deploy.onnx_graph import build

    model, _ = build(content, joined=True)
    helper.set_model_props(model, metadata(content.plan, content.link, content.stamp))
    return model


def write(content: Content, path) -> None:
    data = model_of(content).SerializeToString(deterministic=True)
    with open(path, "wb") as stream:
        stream.write(data)


def read(content: Content, path) -> ReadBack:
    import onnx
    import onnxruntime
    from onnx import numpy_helper

    from explorer.deploy import onnx_joints

    try:
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except Exception as error:  # protobuf and the checker have errors of their own
        raise unreadable(path, error) from error
    stored = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    for key, value in (session_options(content.plan) | {"session.intra_op.allow_spinning": "0"}).items():
        options.add_session_config_entry(key, value)
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0][:200]
        raise ModelError(f"ONNX Runtime {onnxruntime.__version__} refuses the graph: {reason}") from error
    name = session.get_inputs()[0].name

    def run(inputs: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(session.run(None, {name: inputs.numpy()})[0])

    activations = content.plan.activations
    turned = _behind_products(model)
    tensors = [_tensor(layer, q, stored, activations, layer.name in turned) for layer, q in zip(content.plan.layers, content.tensors, strict=True)]
    differ = sum(_input_differs(layer, grid, stored) for layer, grid in zip(content.plan.layers, content.input_grids))
    joined = onnx_joints.quantizers(content)
    reference = onnx_joints.simulated(content, joined) if joined else None
    biases = sum(f"{layer.name}.bias.codes" in stored for layer in content.plan.layers)
    return ReadBack(f"ONNX Runtime {onnxruntime.__version__}", [q.codes for q in tensors],
                    [q.dequantize() for q in tensors], run, differ, reference, len(joined), biases)  # fmt: skip


def _behind_products(model) -> set[str]:
    """The layers that are a MatMul."""
    return {node.output[0].removesuffix(".product") for node in model.graph.node if node.op_type == "MatMul"}


def _tensor(layer: PlannedLayer, q: QuantizedTensor, stored: dict, activations: Recipe, turned: bool) -> QuantizedTensor:
    """A layer's weights in the file. turned: whether they lie transposed there, behind a MatMul."""
    from explorer.deploy import onnx_nbits

    name = f"{layer.name}.weight"
    if onnx_nbits.fits(layer, activations):
        codes, zeros = onnx_nbits.unpacked(stored[f"{name}.codes"], stored[f"{name}.zero_point"], layer)
        return QuantizedTensor(codes.astype(q.codes.dtype), stored[f"{name}.scale"], zeros.astype(np.int32), q.recipe, q.low, q.high)
    codes = stored[name] if name in stored else stored[f"{name}.codes"]
    scale, zero = (stored.get(f"{name}.{part}") for part in ("scale", "zero_point"))
    if turned:  # [in, out]
        codes, scale, zero = (None if part is None else np.ascontiguousarray(part.T) for part in (codes, scale, zero))
    if not layer.recipe.scheme:  # a bit pattern
        codes = codes.view(q.codes.dtype)
    codes = np.asarray(codes).astype(q.codes.dtype).reshape(layer.shape)
    if layer.recipe.is_cast:
        return QuantizedTensor(codes, np.ones((1, 1), np.float32), np.zeros((1, 1), np.int32), q.recipe, q.low, q.high)
    zero = zero.astype(np.int32) if layer.recipe.scheme else np.zeros(scale.shape, np.int32)
    shape = q.scale.shape
    return QuantizedTensor(codes, scale.reshape(shape), zero.reshape(shape), q.recipe, q.low, q.high)


def _input_differs(layer: PlannedLayer, grid, stored: dict) -> int:
    if grid is None:
        return 0
    read = (stored.get(f"{layer.name}.input.{part}") for part in ("scale", "zero_point"))
    return sum(differing(ours, theirs) for ours, theirs in zip(grid, read))


def predict(plan: Plan) -> FileSize:
    """Tensor data from shapes and recipes; the graph around them is built without them and measured."""
    from onnx import helper

    from explorer.deploy.onnx_graph import build

    model, graph = build(Content.unproven(plan), skeleton=True, joined=True)
    helper.set_model_props(model, metadata(plan, *plan.proofs))
    lengths = 0
    for proto, data in zip(model.graph.initializer, graph.data, strict=True):
        bare = proto.ByteSize()
        field = 1 + _varint(data)  # raw_data: its tag and length
        lengths += field + _varint(bare + field + data) - _varint(bare)
    whole = model.graph.ByteSize()
    lengths += _varint(whole + lengths + sum(graph.data)) - _varint(whole)
    return graph.size + FileSize(overhead=model.ByteSize() + lengths)


def _varint(value: int) -> int:
    """Bytes of a length in protobuf's encoding: 7 bits each."""
    return max(1, -(-int(value).bit_length() // 7))


TARGETS.register(Target(
    "onnx", "ONNX", ".onnx", "A graph with QuantizeLinear and DequantizeLinear that ONNX Runtime runs.",
    HOLDS, "onnx.ai/onnx/operators, opset 21", ("onnx", "onnxruntime"), refuses, write, read, predict,
))  # fmt: skip
