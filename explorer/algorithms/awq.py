"""AWQ: protect the weights that meet large activations, by widening them before they are rounded.

W·s is rounded and the input divided by s: a channel with s > 1 has finer steps. s_j = mean|X_j|^r;
r is searched among 0, 1/20, … 19/20 for the least error of the layer's output, and r = 0, s = 1, is
plain rounding (Lin et al., MLSys 2024, arXiv 2306.00978, §3.2, and the authors' auto_scale.py).
"""

import numpy as np

from explorer.algorithms import ALGORITHMS, Algorithm
from explorer.algorithms.input_channels import as_floats, groups_of, scale_inputs
from explorer.algorithms.rescale import rescale
from explorer.calibration import needs_inputs
from explorer.errors import DataError
from explorer.models import Network
from explorer.progress import stop_if
from explorer.quantize import quantize
from explorer.recipe import Recipe
from explorer.values import as_recipe

RATIOS = tuple(k / 20 for k in range(20))
LEAST = 1e-4  # of s before it is normalised, as in the authors' code: a channel that is never used


def awq(w, x, recipe: Recipe | str) -> np.ndarray:
    """The weights that the layer then computes with: Q(W·s)/s for the best s, float32 [out, in].

    w: [out, in]; x: [n, in], inputs of the layer; recipe: of the weights
    Never worse on x than rounding to nearest, which is r = 0. Raises DataError, SettingsError.
    """
    from explorer.inputs import LayerInputs

    w, x = as_floats(w, "w"), as_floats(x, "x")
    if w.ndim != 2 or x.ndim != 2 or x.shape[1] != w.shape[1]:
        raise DataError(f"w is [out, in] and x [n, in], not {list(w.shape)} and {list(x.shape)}")
    s = awq_scales(w, LayerInputs.of(x), recipe)
    return scale_inputs(quantize(scale_inputs(w, s).astype(np.float32), recipe).dequantize(), 1 / s).astype(np.float32)


def awq_scales(w: np.ndarray, seen, recipe: Recipe | str) -> np.ndarray:
    """The best s of a layer, float64 [in]; all 1 when rounding to nearest is.

    w: [out, in / groups, …]; seen: the layer's LayerInputs
    """
    recipe = as_recipe(recipe)
    groups = groups_of(w, len(seen.absmean))
    best, least = np.ones(len(seen.absmean)), None
    for ratio in RATIOS:
        s = np.maximum(seen.absmean.astype(np.float64) ** ratio, LEAST)
        s = s / np.sqrt(s.max() * s.min())
        rounded = quantize(scale_inputs(w, s, groups).astype(np.float32), recipe).dequantize()
        lost = seen.output_error(scale_inputs(rounded, 1 / s, groups) - w)
        if least is None or lost < least:
            best, least = s, lost
    return best


def apply(network: Network, settings, inputs, *, progress=None, cancel=None) -> tuple[Network, dict[int, str]]:
    """The network whose weights round with less error at the output, each layer by its own recipe."""
    seen = inputs()
    left: dict[int, str] = {}

    def scales(i: int, weight: np.ndarray) -> np.ndarray:
        stop_if(cancel, "the search of awq was stopped; start it again to go on")
        if progress is not None:
            progress(i / len(network.layers))
        recipe = settings.weights_of(i)
        if why := refuses(recipe):
            left[i] = why
            return np.ones(len(seen[i].absmean))
        s = awq_scales(weight, seen[i], recipe)
        if (s == 1).all():
            left[i] = "no factor beats rounding to nearest on its calibration inputs"
        return s

    return rescale(network, settings, scales, "awq"), left


def refuses(recipe: Recipe) -> str:
    if recipe.is_cast and recipe.bits >= 16:
        return f"awq chooses factors for weights that are rounded coarsely; {recipe} hardly rounds them"
    if needs_inputs(recipe):
        return f"awq tries factors with ranges found from the weights alone; choose another range than {recipe.method}, such as mse"
    return ""


ALGORITHMS.register(
    Algorithm(
        id="awq",
        title="AWQ",
        stage="network",
        place=3,
        description="Widens the weights that meet large activations before they are rounded, by the factor that loses the "
        "least at the layer's output; the search looks at the weights' error alone.",
        source="Lin et al., MLSys 2024, arXiv 2306.00978",
        apply=apply,
        function=awq,
        reads=("calibration", "weights"),
        excludes=("smoothquant", "hadamard"),
        refuses=refuses,
    )
)
