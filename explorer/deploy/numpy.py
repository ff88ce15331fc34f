"""numpy: codes, scales and zero points of every layer in one .npz, which holds every recipe there is.

| entry                       | what                                                                   |
|-----------------------------|------------------------------------------------------------------------|
| link, stamp, activations    | text; the recipe of the layers' inputs                                 |
| LAYER.recipe                | text, "fp32" for a layer left as it is                                 |
| LAYER.codes                 | integers [out, ...]; bit patterns of a floating-point format; each of  |
|                             | at most 8 bits in a byte of its own                                    |
| LAYER.scale                 | float32, one a tile [down, across] of the matrix [out, everything else]|
| LAYER.zero_point            | of integers, likewise                                                  |
| LAYER.offset                | of formats whose blocks have a minimum                                 |
| LAYER.bias                  | float32 [out]                                                          |
| LAYER.input_factors, .input_rotation | what its input is multiplied by before it is quantized, if it is: one number |
|                             | a channel, or a matrix [side, side] for each block of channels         |
| LAYER.input_scale, .input_zero_point | of a range of the whole tensor; other activations find theirs |

A weight is (code − zero_point) · scale, or what the code stands for times the scale, plus the offset.
"""

from zipfile import BadZipFile

import numpy as np

from explorer.cost.files import FileSize, code_type, npz_size, scale_shape
from explorer.deploy import TARGETS, Target
from explorer.deploy.checks import ReadBack, differing, unreadable
from explorer.deploy.content import Content, Plan, on_input
from explorer.quantize import QuantizedTensor
from explorer.recipe import Recipe


def entries(content: Content) -> dict[str, np.ndarray]:
    """What the file holds, by name."""
    plan = content.plan
    found = {"link": np.str_(content.link), "stamp": np.str_(content.stamp), "activations": np.str_(plan.activations)}
    for i, (layer, q) in enumerate(zip(plan.layers, content.tensors, strict=True)):
        parts = {"recipe": np.str_(q.recipe), "codes": q.codes, "bias": content.biases[i]}
        if not q.recipe.is_cast:
            parts |= {"scale": q.scale, "zero_point": _narrow(q) if q.recipe.scheme else None, "offset": q.offset}
        if grid := content.input_grids[i]:
            parts |= {"input_scale": grid[0], "input_zero_point": np.int32(grid[1])}
        if made := on_input(layer):
            parts[f"input_{made[0]}"] = made[1]
        found |= {f"{layer.name}.{name}": part for name, part in parts.items() if part is not None}
    return found


def _narrow(q: QuantizedTensor) -> np.ndarray:
    """Zero points as narrow as the codes, where they are codes."""
    return q.zero_point if q.zero_point.dtype.kind == "f" else q.zero_point.astype(q.codes.dtype)


def write(content: Content, path) -> None:
    with open(path, "wb") as stream:
        np.savez(stream, **entries(content))


def tensors_of(content: Content, stored) -> list[QuantizedTensor]:
    """The weights in a file, of which only names are known from the content."""
    found = []
    for layer in content.plan.layers:
        part = lambda name, layer=layer: stored.get(f"{layer.name}.{name}")  # noqa: E731
        scale, zero = part("scale"), part("zero_point")
        scale = np.ones((1, 1), np.float32) if scale is None else scale
        zero = np.zeros(scale.shape, np.int32) if zero is None else zero
        zero = zero if zero.dtype.kind == "f" else zero.astype(np.int32)
        recipe = Recipe.parse(str(part("recipe")))
        found.append(QuantizedTensor(part("codes"), scale, zero, recipe, scale, scale, 0, part("offset")))
    return found


def read(content: Content, path) -> ReadBack:
    try:
        with np.load(path, allow_pickle=False) as file:
            stored = dict(file)
        tensors = tensors_of(content, stored)
    except (OSError, ValueError, EOFError, TypeError, AttributeError, BadZipFile) as error:
        raise unreadable(path, error) from error
    names = [layer.name for layer in content.plan.layers]
    biases = [stored.get(f"{name}.bias") for name in names]
    differ = sum(map(differing, content.biases, biases))
    for name, grid in zip(names, content.input_grids, strict=True):
        read = stored.get(f"{name}.input_scale"), stored.get(f"{name}.input_zero_point")
        differ += sum(map(differing, grid or (None, None), read))
    for layer in content.plan.layers:
        if made := on_input(layer):
            differ += differing(made[1], stored.get(f"{layer.name}.input_{made[0]}"))
    values = [q.dequantize() for q in tensors]
    codes = [q.codes for q in tensors]
    return ReadBack(f"NumPy {np.__version__}", codes, values, content.simulated(values, biases), differ)


def predict(plan: Plan) -> FileSize:
    link, stamp = plan.proofs
    found = [("link", "overhead", 4 * len(link)), ("stamp", "overhead", 4 * len(stamp)),
             ("activations", "overhead", 4 * len(str(plan.activations)))]  # fmt: skip
    for layer in plan.layers:
        recipe, width = layer.recipe, code_type(layer.recipe).itemsize
        tiles = int(np.prod(scale_shape(layer.shape, recipe)))
        parts = [("recipe", "overhead", 4 * len(str(recipe))),
                 ("codes", "rest" if recipe.format == "fp32" else "quantized", layer.weights * width)]  # fmt: skip
        if not recipe.is_cast:
            parts.append(("scale", "scales", 4 * tiles))
        if recipe.scheme:
            parts.append(("zero_point", "scales", (4 if plan.float_zero_points(recipe) else width) * tiles))
        if recipe.blocks and "minimum" in recipe.blocks.rule.words:
            parts.append(("offset", "scales", 4 * tiles))
        if layer.bias:
            parts.append(("bias", "rest", 4 * layer.shape[0]))
        if plan.input_grids:
            parts += [("input_scale", "scales", 4), ("input_zero_point", "scales", 4)]
        if made := on_input(layer):
            parts.append((f"input_{made[0]}", "rest", made[1].nbytes))
        found += [(f"{layer.name}.{name}", part, count) for name, part, count in parts]
    return npz_size(found)


def _refuses(plan: Plan) -> str:
    activations = plan.activations
    stored = activations.rounding != "absmax" or activations.is_live
    return "" if stored else f"of an input it stores the scale, not the largest magnitude that {activations} multiplies by; leave absmax out"


TARGETS.register(Target(
    "numpy", "NumPy", ".npz", "Codes, scales and zero points of every layer, for any program that reads .npz; a code of 4 bits takes a whole byte in it.",
    "every recipe, but ranges of whole inputs by absmax", "numpy.org/doc/stable/reference/generated/numpy.lib.format.html", ("numpy",),
    _refuses, write, read, predict,
))  # fmt: skip
