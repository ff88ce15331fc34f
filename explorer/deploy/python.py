"""python: a short file that does the same to any torch module with layers of these names, with torch alone.

The file is the body below with a table of layers before it. Verified by running it on the plain FP32
network: its codes and weights, and its outputs on the test samples.
"""

from __future__ import annotations

import runpy

import numpy as np
import torch

from explorer.cost.files import FileSize
from explorer.deploy import TARGETS, Target
from explorer.deploy.checks import ReadBack, differing, unreadable
from explorer.deploy.content import Content, Plan, only
from explorer.formats import FORMATS
from explorer.granularity import Tiling
from explorer.recipe import Recipe
from explorer.simulate import own_copy

FLOATS = {"fp16": "float16", "bf16": "bfloat16", "fp8e4m3": "float8_e4m3fn", "fp8e5m2": "float8_e5m2"}
HOLDS = ("weights in integers, FP8, FP16 and BF16, rounded to nearest, without algorithms, activations likewise with one "
         "scale a tensor or none")  # fmt: skip

HEAD = '''"""{sentence}

{link}
{stamp}

    import torch, {module}
    {module}.apply(model)                  quantizes, in place, a torch module with the layers below
    {module}.quantize(tensor, "{layer}")   (codes, scale, zero point) of one tensor

    python FILE WEIGHTS.npz CODES.npz [SCALES.npz]     the same for arrays called LAYER or LAYER.weight

Scales are found from the smallest and the largest weight; where the recipe finds them otherwise (range), they are
read from SCALES.npz, the numpy export of the same link.
"""

import sys

import torch

# number: (lowest code, highest code, unsigned middle) of integers, or the torch type and its largest number
# tile: rows and columns of the matrix [out, everything else] that share a scale; input: the same of activations
LAYERS = {{
{layers}
}}
'''
BODY = '''

def spread(values, tile, shape):
    """One number a tile → one a weight."""
    rows = values.repeat_interleave(tile[0], 0)[: shape[0]]
    return rows.repeat_interleave(tile[1], 1)[:, : shape[1]]


def minmax(matrix, tile, number, scheme):
    """(scale float32, zero point float32) of every tile."""
    (height, width), (rows, columns) = tile, matrix.shape
    m = torch.nn.functional.pad(matrix, (0, -columns % width, 0, -rows % height)).double()
    m = m.reshape(-(-rows // height), height, -(-columns // width), width)  # 0 is inside every range
    low, high = m.amin((1, 3)).clamp(max=0), m.amax((1, 3)).clamp(min=0)
    if scheme == "asym":
        step, span = (high - low), number[1] - number[0]
    else:
        step = 2 * torch.maximum(-low, high)
        span = number[1] - number[0] if scheme else 2 * number[1]
    step = step / span
    scale = step.float()
    usable = (scale > 0) & scale.isfinite()
    zero = torch.full_like(scale, number[2] if scheme else 0)
    if scheme == "asym":
        zero = (number[0] - low / torch.where(usable, step, 1)).round().clamp(number[0], number[1]).float()
    return torch.where(usable, scale, 1), zero


def quantize(tensor, layer, scale=None, zero_point=None):
    """(codes of the tensor's shape, scale, zero point); floating-point codes as numbers of the torch type."""
    number, scheme, tile, range_ = LAYERS[layer]["weights"]
    matrix = tensor.detach().float().reshape(tensor.shape[0], -1)
    if range_ is None:
        scale, zero_point = torch.ones(1, 1), torch.zeros(1, 1)
    elif scale is None:
        if range_ != "minmax":
            raise SystemExit(f"{layer}: the range {range_} is not found here; give the scales of the numpy export")
        scale, zero_point = minmax(matrix, tile, number, scheme)
    steps = matrix / spread(scale, tile, matrix.shape)
    if scheme:
        codes = (steps.round() + spread(zero_point, tile, matrix.shape)).clamp(*number[:2]).to(torch.int32)
    else:
        codes = steps.clamp(-number[1], number[1]).to(number[0])
    return codes.reshape(tensor.shape), scale, zero_point


def dequantize(codes, layer, scale, zero_point):
    """float32 of the codes' shape."""
    tile, matrix = LAYERS[layer]["weights"][2], codes.reshape(codes.shape[0], -1).float()
    values = (matrix - spread(zero_point, tile, matrix.shape)) * spread(scale, tile, matrix.shape)
    return values.reshape(codes.shape)


def fake_quantize(x, number, scale, zero_point):
    """Activations to their codes and back."""
    if isinstance(number[0], torch.dtype):
        return (x / scale).clamp_(-number[1], number[1]).to(number[0]).float() * scale
    return (x / scale).round_().clamp_(number[0] - zero_point, number[1] - zero_point) * scale


def apply(model, scales=None):
    """Replace the weights of a module and quantize the inputs of its layers. scales: {layer: (scale, zero point)}."""
    for layer, parts in LAYERS.items():
        module = model.get_submodule(layer)
        if parts["weights"]:
            found = quantize(module.weight, layer, *(scales or {}).get(layer, ()))
            module.weight = torch.nn.Parameter(dequantize(found[0], layer, *found[1:]), requires_grad=False)
        if parts["input"]:
            module.register_forward_pre_hook(lambda _, inputs, own=parts["input"]: fake_quantize(inputs[0], *own))
    return model


if __name__ == "__main__":
    import numpy

    weights, known = numpy.load(sys.argv[1]), numpy.load(sys.argv[3]) if len(sys.argv) > 3 else {}
    found = {}
    for layer, parts in LAYERS.items():
        if parts["weights"]:
            tensor = torch.from_numpy(weights[layer if layer in weights else f"{layer}.weight"])
            names = [f"{layer}.{part}" for part in ("scale", "zero_point")]
            given = [torch.from_numpy(known[name].astype("float32")) for name in names if name in known]
            given += [torch.zeros_like(given[0])] if len(given) == 1 else []
            codes, scale, zero_point = quantize(tensor, layer, *given)
            if codes.dtype.is_floating_point:  # their bit patterns
                codes = codes.view(torch.uint8 if codes.element_size() == 1 else torch.uint16)
            found |= {f"{layer}.codes": codes.numpy(), names[0]: scale.numpy(), names[1]: zero_point.numpy()}
    numpy.savez(sys.argv[2], **found)
'''


def refuses(plan: Plan) -> str:
    if plan.settings.accumulate != "exact":
        return "it adds products exactly, as torch does; choose exact sums (acc=exact)"
    if plan.settings.algorithms:
        return f"it does not redo {' + '.join(plan.settings.algorithms)}; export to numpy, or leave the algorithms out"
    if not (plan.activations.format == "fp32" or _held(plan.activations) and not plan.activations.is_live):
        return f"activations {plan.activations} are not in it; it holds {HOLDS}"
    return only(plan, _held, f"it holds {HOLDS}")


def _held(recipe: Recipe) -> bool:
    return recipe.rounding == "nearest" and (bool(recipe.scheme) or recipe.format in FLOATS)


def number(recipe: Recipe) -> str:
    """A format as the table of the file has it."""
    if not recipe.scheme:
        return f"(torch.{FLOATS[recipe.format]}, {FORMATS[recipe.format].max})"
    return repr((*FORMATS[recipe.format].code_range(recipe.scheme), FORMATS[recipe.format].middle))


def source(plan: Plan, link: str, stamp: str, grids) -> str:
    """The file. grids: (scale, zero point) of each layer's input, or None."""
    rows = []
    for layer, grid in zip(plan.layers, grids, strict=True):
        weights = activations = "None"
        if layer.recipe.format != "fp32":
            tiling = Tiling.of(layer.recipe, layer.shape[0], layer.columns)
            range_ = layer.recipe.range or None
            weights = f"({number(layer.recipe)}, {layer.recipe.scheme!r}, {(tiling.height, tiling.width)}, {range_!r})"
        if plan.activations.format != "fp32" and layer.multiplies:
            scale, zero = grid or (np.float32(1), 0)
            activations = f"({number(plan.activations)}, {scale:.9e}, {zero:6d})"  # as wide for every number
        rows.append(f'    "{layer.name}": {{"weights": {weights}, "input": {activations}}},')
    head = HEAD.format(sentence=plan.settings.sentence(), link=link, stamp=stamp, module="quantized",
                       layer=plan.layers[0].name, layers="\n".join(rows))  # fmt: skip
    return head + BODY


def write(content: Content, path) -> None:
    text = source(content.plan, content.link, content.stamp, content.input_grids)
    with open(path, "wb") as stream:
        stream.write(text.encode())


def read(content: Content, path) -> ReadBack:
    network, layers = content.plan.network, content.plan.layers
    try:
        made = runpy.run_path(str(path))
    except Exception as error:  # whatever a file that is not what was written may raise
        raise unreadable(path, error) from error
    given = {layer.name: (torch.from_numpy(q.scale), torch.from_numpy(q.zero_point).float())
             for layer, q in zip(layers, content.tensors, strict=True) if layer.recipe.range and layer.recipe.range != "minmax"}  # fmt: skip
    module = made["apply"](own_copy(network.module), given)
    codes, values, differ = [], [], 0
    for i, (layer, q) in enumerate(zip(layers, content.tensors, strict=True)):
        values.append(module.get_submodule(layer.name).weight.numpy())
        if layer.recipe.format == "fp32":
            codes.append(values[-1].view(np.uint32))
            continue
        plain = torch.from_numpy(np.array(network.weight(i)))
        found, scale, zero = made["quantize"](plain, layer.name, *given.get(layer.name, ()))
        found = found.view(torch.uint8 if found.element_size() == 1 else torch.uint16) if found.dtype.is_floating_point else found
        codes.append(found.numpy().astype(q.codes.dtype))
        differ += differing(q.scale, scale.numpy()) + differing(q.zero_point, zero.numpy())

    def run(inputs: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return module(inputs)

    return ReadBack(f"torch {torch.__version__}", codes, values, run, differ)


def predict(plan: Plan) -> FileSize:
    """The text itself; what a number of the inputs' scales takes is the same for all."""
    text = source(plan, *plan.proofs, [None] * len(plan.layers))
    scales = 21 * sum(layer.multiplies for layer in plan.layers) if plan.activations.format != "fp32" else 0
    return FileSize(scales=scales, overhead=len(text.encode()) - scales)


TARGETS.register(Target(
    "python", "Python", ".py", "A short file that quantizes the same network with torch alone.", HOLDS,
    "docs.pytorch.org", ("torch",), refuses, write, read, predict,
))  # fmt: skip
