"""safetensors: the layout of the compressed-tensors library, which vLLM and transformers read, for the layers of a network.

| recipe                              | format          | tensors                                               |
|-------------------------------------|-----------------|-------------------------------------------------------|
| int8 weights, int8 activations      | int-quantized   | weight int8, weight_scale                             |
| int2, int4, int8 weights only       | pack-quantized  | weight_packed int32, weight_scale, weight_shape int64 |
| fp8e4m3 weights                     | float-quantized | weight float8_e4m3fn, weight_scale                    |

Packed codes have 2^(bits−1) added and lie along the row, the first in the lowest bits; asymmetric recipes add
weight_zero_point (packed down the rows where the weights are), static activations input_scale and
input_zero_point. Scales are float32, [out, 1], [out, groups] or [1]. The library knows matrices only: a convolution is stored
as the matrix [out, everything else], and the header's metadata "shapes" says what it was. The header
also holds "quantization_config", which belongs into config.json. Source: compressed-tensors 0.20.0,
compressors/pack_quantized, compressors/naive_quantized and quantization/quant_args.py.
"""

from __future__ import annotations

import json

import numpy as np
import torch

from explorer.cost.files import FileSize, scale_shape
from explorer.deploy import TARGETS, Target
from explorer.deploy.checks import ReadBack, differing, unreadable
from explorer.deploy.content import Content, Plan, PlannedLayer, first, unchanged_inputs
from explorer.quantize import QuantizedTensor
from explorer.recipe import Recipe

HOLDS = ("weights in int8 (or, without quantized activations, int4 and int2) per tensor, channel or group, fp8e4m3 per tensor, "
         "channel or b128; activations in fp32, int8-symfull or int8-asym per tensor with int8, fp8e4m3 per tensor with fp8e4m3, "
         "in networks of linear layers alone also per token, and fp8e4m3 in groups")  # fmt: skip
FORMATS = {"int": "int-quantized", "pack": "pack-quantized", "float": "float-quantized"}
WORDS = {"F32": 4, "I8": 1, "F8_E4M3": 1, "I32": 4, "I64": 8}


def kind_of(recipe: Recipe, activations: Recipe) -> str:
    """int, pack or float: how a layer's weights are stored; "" when they cannot be."""
    if recipe.format == "fp8e4m3":
        return "float" if recipe.kind in ("", "tensor", "channel", "block") else ""
    if not recipe.scheme or recipe.kind not in ("tensor", "channel", "group"):
        return ""
    if activations.format != "fp32":
        return "int" if recipe.format == "int8" else ""
    packs = recipe.kind != "tensor" or recipe.scheme != "asym"  # zero points are packed a row
    return "pack" if recipe.format in ("int2", "int4", "int8") and packs else ""


def refuses(plan: Plan) -> str:
    if reason := unchanged_inputs(plan):
        return reason
    a = plan.activations
    rows = all(layer.kind in ("linear", "embedding") for layer in plan.layers)
    ranged = a.kind == "tensor" or rows and (a.kind == "token" or a.kind == "group" and a.format == "fp8e4m3")
    if not (a.format == "fp32" or ranged and a.rounding == "nearest" and (a.format == "fp8e4m3" or a.format == "int8" and a.scheme != "sym")):
        return f"activations {a} have no place in it; it holds {HOLDS}"
    if "hqq" in plan.settings.algorithms:
        return "zero points between the codes, as hqq chooses them, have no place in it; leave hqq out"

    def why(layer: PlannedLayer) -> str:
        recipe = layer.recipe
        if recipe.format == "fp32":
            return "" if a.format == "fp32" else f"a layer left in fp32 gets no quantized activations in it (here {a})"
        kind = kind_of(recipe, a)
        if not kind or (a.format == "fp8e4m3") != (kind == "float") and a.format != "fp32":
            return f"{recipe} with activations {a} cannot be held; it holds {HOLDS}"
        if recipe.kind == "group" and recipe.size < layer.columns and layer.columns % recipe.size:
            return f"groups of {recipe.size} do not divide its {layer.columns} weights a channel; use a group size that does, or channel"
        return ""

    return first(plan, why)


def arguments(recipe: Recipe, *, grouped: bool = True, flows: bool = False) -> dict:
    """QuantizationArgs of the library for weights, or for what flows into a layer."""
    strategy = {"": "tensor", "group": "group" if grouped else "channel"}.get(recipe.kind, recipe.kind)
    found = {"num_bits": recipe.bits, "type": "int" if recipe.scheme else "float", "strategy": strategy,
             "symmetric": recipe.scheme != "asym", "dynamic": flows and recipe.is_live}  # fmt: skip
    if strategy == "group":
        found["group_size"] = recipe.size
    if strategy == "block":
        found["block_structure"] = [recipe.size, recipe.size]
    return found


def config(plan: Plan) -> dict:
    """quantization_config: one group of layers for each way in which weights are stored."""
    groups, ignored, activations = {}, [], plan.activations
    inputs = None if activations.format == "fp32" else arguments(activations, flows=True)
    for layer in plan.layers:
        if layer.recipe.format == "fp32":
            ignored.append(layer.name)
            continue
        weights = arguments(layer.recipe, grouped=_groups(layer))
        format_ = FORMATS[kind_of(layer.recipe, activations)]
        scheme = {"weights": weights, "input_activations": inputs if layer.multiplies else None, "output_activations": None, "format": format_}
        groups.setdefault(json.dumps(scheme), (scheme, []))[1].append(layer.name)
    formats = {scheme["format"] for scheme, _ in groups.values()}
    return {
        "quant_method": "compressed-tensors",
        "format": formats.pop() if len(formats) == 1 else "mixed-precision" if formats else "dense",
        "quantization_status": "compressed",
        "config_groups": {f"group_{i}": {"targets": names, **scheme} for i, (scheme, names) in enumerate(groups.values())},
        "ignore": ignored,
    }


def _groups(layer: PlannedLayer) -> bool:
    """Whether a row has more than one group."""
    return scale_shape(layer.shape, layer.recipe)[1] > 1


def layout(plan: Plan) -> dict[str, tuple[str, tuple[int, ...], str]]:
    """Every tensor of the file: type, shape, and what its bytes are for (a field of FileSize)."""
    found = {}
    for layer in plan.layers:
        recipe, rows, columns = layer.recipe, layer.shape[0], layer.columns
        if recipe.format == "fp32":
            found[f"{layer.name}.weight"] = "F32", layer.shape, "rest"
        else:
            kind = kind_of(recipe, plan.activations)
            scales = scale_shape(layer.shape, recipe) if recipe.range else (1, 1)
            if kind == "pack":
                found[f"{layer.name}.weight_packed"] = "I32", (rows, -(-columns * recipe.bits // 32)), "quantized"
                found[f"{layer.name}.weight_shape"] = "I64", (2,), "overhead"
            else:
                found[f"{layer.name}.weight"] = "I8" if kind == "int" else "F8_E4M3", (rows, columns), "quantized"
            found[f"{layer.name}.weight_scale"] = "F32", (1,) if recipe.kind in ("tensor", "") else scales, "scales"
            if recipe.scheme == "asym":
                shape = (-(-rows * recipe.bits // 32), scales[1]) if kind == "pack" else (1,) if recipe.kind == "tensor" else scales
                found[f"{layer.name}.weight_zero_point"] = "I32" if kind == "pack" else "I8", shape, "scales"
            if plan.input_grids and layer.multiplies:
                found[f"{layer.name}.input_scale"] = "F32", (1,), "scales"
                if plan.activations.scheme == "asym":
                    found[f"{layer.name}.input_zero_point"] = "I8", (1,), "scales"
        if layer.bias:
            found[f"{layer.name}.bias"] = "F32", (rows,), "rest"
    return found


def pack(codes: np.ndarray, bits: int) -> np.ndarray:
    """int8 [rows, columns] to int32 [rows, ceil(columns · bits / 32)], for bits that divide 32."""
    each = 32 // bits
    shifted = (codes.astype(np.int64) + 2 ** (bits - 1)).astype(np.uint32)
    shifted = np.pad(shifted, ((0, 0), (0, -codes.shape[1] % each))).reshape(len(codes), -1, each)
    return np.bitwise_or.reduce(shifted << np.arange(0, 32, bits, dtype=np.uint32), axis=2).view(np.int32)


def unpack(words: np.ndarray, bits: int, columns: int) -> np.ndarray:
    """The inverse of `pack`, int8 [rows, columns]."""
    fields = np.ascontiguousarray(words).view(np.uint32)[..., None] >> np.arange(0, 32, bits, dtype=np.uint32)
    fields = (fields & np.uint32(2**bits - 1)).reshape(len(words), -1)[:, :columns]
    return (fields.astype(np.int64) - 2 ** (bits - 1)).astype(np.int8)


def write(content: Content, path) -> None:
    from safetensors.torch import save

    plan, tensors = content.plan, {}
    for i, (layer, q) in enumerate(zip(plan.layers, content.tensors, strict=True)):
        parts = {} if content.biases[i] is None else {"bias": content.biases[i]}
        matrix = q.codes.reshape(layer.shape[0], -1)
        if layer.recipe.format == "fp32":
            parts["weight"] = q.codes.view(np.float32)
        elif kind_of(layer.recipe, plan.activations) == "pack":
            parts |= {"weight_packed": pack(matrix, q.recipe.bits), "weight_shape": np.int64(matrix.shape), "weight_scale": q.scale}
            if layer.recipe.scheme == "asym":
                parts["weight_zero_point"] = pack(q.zero_point.astype(np.int8).T, q.recipe.bits).T
        else:
            parts |= {"weight": matrix, "weight_scale": q.scale}
            if layer.recipe.scheme == "asym":
                parts["weight_zero_point"] = q.zero_point.astype(np.int8)
        if content.input_grids[i] and layer.recipe.format != "fp32":
            scale, zero = content.input_grids[i]
            parts |= {"input_scale": scale, "input_zero_point": np.int8(zero)}
        tensors |= {f"{layer.name}.{name}": part for name, part in parts.items()}
    torch_types = {"F8_E4M3": torch.float8_e4m3fn}
    stored = {}
    for name, (kind, shape, _) in layout(plan).items():
        tensor = torch.from_numpy(np.array(tensors[name], order="C").reshape(shape))
        stored[name] = tensor.view(torch_types[kind]) if kind in torch_types else tensor
    data = save(stored, metadata=_metadata(plan, content.link, content.stamp))
    with open(path, "wb") as stream:
        stream.write(data)


def _metadata(plan: Plan, link: str, stamp: str) -> dict[str, str]:
    shapes = {layer.name: layer.shape for layer in plan.layers if len(layer.shape) > 2 and layer.recipe.format != "fp32"}
    return {"format": "pt", "link": link, "stamp": stamp, "shapes": json.dumps(shapes), "quantization_config": json.dumps(config(plan))}


def read(content: Content, path) -> ReadBack:
    from importlib.metadata import version

    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            stored = {name: file.get_tensor(name) for name in file.keys()}
            shapes = json.loads(file.metadata()["shapes"])
        tensors = [_tensor(layer, q, stored, shapes) for layer, q in zip(content.plan.layers, content.tensors, strict=True)]
    except (OSError, SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise unreadable(path, error) from error
    biases, differ = [], 0
    for layer, bias, grid in zip(content.plan.layers, content.biases, content.input_grids, strict=True):
        part = stored.get(f"{layer.name}.bias")
        biases.append(None if part is None else part.numpy())
        differ += differing(bias, biases[-1])
        if grid and layer.recipe.format != "fp32":
            zero = stored.get(f"{layer.name}.input_zero_point")
            differ += differing(grid[0], stored[f"{layer.name}.input_scale"].numpy()[0])
            differ += differing(grid[1], 0 if zero is None else zero.numpy()[0])
    values = [q.dequantize() for q in tensors]
    return ReadBack(f"safetensors {version('safetensors')}", [q.codes for q in tensors], values,
                    content.simulated(values, biases), differ)  # fmt: skip


def _tensor(layer: PlannedLayer, q: QuantizedTensor, stored: dict, shapes: dict) -> QuantizedTensor:
    part = lambda name: stored[f"{layer.name}.{name}"]  # noqa: E731
    if layer.recipe.format == "fp32":
        codes = part("weight").numpy().view(np.uint32)
        return QuantizedTensor(codes, np.ones((1, 1), np.float32), np.zeros((1, 1), np.int32), q.recipe, q.low, q.high)
    scale = part("weight_scale").numpy()
    shape, zero = q.scale.shape if scale.size > 1 else (1, 1), np.zeros(scale.shape, np.int32)
    if f"{layer.name}.weight_packed" in stored:
        rows, columns = part("weight_shape").tolist()
        codes = unpack(part("weight_packed").numpy(), q.recipe.bits, columns)
        if layer.recipe.scheme == "asym":
            zero = unpack(part("weight_zero_point").numpy().T, q.recipe.bits, rows).T
    else:
        codes = part("weight").view(torch.uint8).numpy().view(q.codes.dtype)
        if layer.recipe.scheme == "asym":
            zero = part("weight_zero_point").numpy()
    codes = codes.reshape(shapes.get(layer.name, codes.shape))
    return QuantizedTensor(codes, scale.reshape(shape), np.int32(zero).reshape(shape), q.recipe, q.low, q.high)


def predict(plan: Plan) -> FileSize:
    """The header is JSON of every tensor's type, shape and offsets, padded to 8 bytes, after 8 bytes of its length."""
    header, size, offset = {"__metadata__": _metadata(plan, *plan.proofs)}, FileSize(), 0
    for name, (kind, shape, part) in layout(plan).items():
        count = int(np.prod(shape)) * WORDS[kind]
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [offset, offset + count]}
        size, offset = size + FileSize(**{part: count}), offset + count
    text = len(json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode())
    return size + FileSize(overhead=8 + text + -text % 8)


TARGETS.register(Target(
    "safetensors", "safetensors", ".safetensors", "compressed-tensors' layout, as vLLM and transformers load it.", HOLDS,
    "github.com/vllm-project/compressed-tensors", ("safetensors",), refuses, write, read, predict,
))  # fmt: skip
