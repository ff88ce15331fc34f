"""HQQ: move each group's zero point, as a real number, to where half-quadratic splitting wants it.

No calibration data is read. Minimises ‖W − (Q − z)s‖_p^p with p = 0.7, which forgives outliers, over
the zero points z alone: the error is split off as W_e = shrink(W − W_r), then z has a closed form.
Source: Badri and Shaji, "Half-Quadratic Quantization of Large Machine Learning Models", 2023, and its
implementation hqq/core/optimize.py (optimize_weights_proximal_legacy), whose constants these are.

A real-valued zero point need not be a code, so that the weight 0 may have no exact code.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from explorer.algorithms import ALGORITHMS, Algorithm
from explorer.formats import FORMATS
from explorer.granularity import Tiling, matrix, unmatrix
from explorer.quantize import QuantizedTensor, quantize
from explorer.recipe import Recipe
from explorer.rounding import factor, in_steps
from explorer.values import as_recipe, as_values

NORM = 0.7  # p of the norm
BETA, KAPPA = 10.0, 1.01  # weight of the split and its growth
ITERATIONS = 20


def hqq(w, recipe: Recipe | str) -> np.ndarray:
    """The weights as HQQ quantizes them, float32 of w's shape; the first axis is the output channel.

    recipe: an asymmetric integer one that rounds to nearest, typically uint4-asym-g64.
    Raises DataError, SettingsError.
    """
    from explorer.errors import SettingsError

    recipe = as_recipe(recipe)
    if why := refuses(recipe):
        raise SettingsError(why)
    return quantize_hqq(as_values(w), recipe).dequantize()


def refuses(recipe: Recipe) -> str:
    number = FORMATS[recipe.format]
    if number.kind != "integer" or recipe.scheme != "asym":
        return f"hqq moves the zero point, which {recipe} does not have; choose an asymmetric integer such as uint4-asym-g64"
    if not recipe.is_nearest:
        return f"hqq rounds to nearest; leave {recipe.rounding} out"
    return ""


def quantize_hqq(weight, recipe: Recipe, inputs=None, *, seed=0, ranges=None, progress=None, cancel=None) -> QuantizedTensor:
    """The quantized tensor, whose zero points are float32."""
    plain = quantize(weight, recipe, ranges=ranges)
    lowest, highest = FORMATS[recipe.format].code_range(recipe.scheme)
    w = matrix(weight)
    tiling = Tiling.of(recipe, *w.shape)
    low, high = plain.low, plain.high
    if recipe.method == "minmax" and recipe.factor == 1:  # a free zero point need not have 0 in its range
        low, high = _ends(w, tiling)
    scale = ((high - low) / (highest - lowest)).astype(np.float32)
    usable = (scale > 0) & np.isfinite(scale)
    scale = np.where(usable, scale, np.float32(1))
    zero = np.float32(lowest) - (np.where(usable, low, high) / scale).astype(np.float32)
    beta, best = BETA, np.inf
    for _ in range(ITERATIONS):
        codes = _codes(w, tiling, recipe, scale, zero)
        error = w - (codes - tiling.spread(zero)) * tiling.spread(scale)
        zero = _means(codes - (w - shrink(error, beta)) / tiling.spread(scale), tiling)
        beta *= KAPPA
        mean = float(np.abs(error, dtype=np.float64).mean())
        if mean >= best:
            break
        best = mean
    codes = _codes(w, tiling, recipe, scale, zero).astype(plain.codes.dtype)
    return replace(plain, codes=unmatrix(codes, weight.shape), scale=scale, zero_point=zero, low=low, high=high)


def shrink(x: np.ndarray, beta: float) -> np.ndarray:
    """The generalised soft threshold of ℓp: sign(x) · relu(|x| − |x|^(p−1) / β)."""
    size = np.abs(x)
    with np.errstate(divide="ignore"):  # 0^(p−1) is infinite, and 0 stays 0
        return np.sign(x) * np.maximum(size - size ** np.float32(NORM - 1) / np.float32(beta), 0)


def _codes(w, tiling, recipe, scale, zero) -> np.ndarray:
    """By HQQ's own rule: a zero point that is no whole number is added before rounding, to x/scale or, as the recipe has it, x · (1/scale)."""
    by = factor(recipe, scale, None)  # no asymmetric recipe needs the range for it
    steps = in_steps(w, tiling.spread(scale), None if by is None else tiling.spread(by)) + tiling.spread(zero)
    return np.clip(np.rint(steps), *FORMATS[recipe.format].code_range(recipe.scheme))


def _ends(w: np.ndarray, tiling: Tiling) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.empty((2, *tiling.shape))
    for where, tiles in tiling.parts(w):
        low[where] = tiles.min(axis=1).reshape(low[where].shape)
        high[where] = tiles.max(axis=1).reshape(high[where].shape)
    return low, high


def _means(x: np.ndarray, tiling: Tiling) -> np.ndarray:
    means = np.empty(tiling.shape, np.float32)
    for where, tiles in tiling.parts(x):
        means[where] = tiles.mean(axis=1, dtype=np.float64).reshape(means[where].shape)
    return means


ALGORITHMS.register(
    Algorithm(
        id="hqq",
        title="HQQ",
        stage="weights",
        place=3,
        description="Moves the zero points of an asymmetric recipe to real numbers that make the typical weight's error "
        "small and let outliers err; reads no calibration data.",
        source="Badri and Shaji 2023, hqq/core/optimize.py",
        apply=quantize_hqq,
        function=hqq,
        refuses=refuses,
    )
)
