"""From numbers to whole steps of their scale: what the roundings of a recipe do, in order, in float32.

| rounding                | steps           | zero point                | implementation                                            |
|-------------------------|-----------------|---------------------------|-----------------------------------------------------------|
| nearest                 | x / scale       | after rounding            | ONNX QuantizeLinear                                       |
| away, floor, stochastic | x / scale       | after rounding            | half away from zero as TFLite; down; up by chance         |
| shifted                 | x / scale       | before rounding           | compressed-tensors                                        |
| reciprocal              | x · (1/scale)   | after rounding            | torch.fake_quantize_*; torch.quantize_per_tensor on ARM   |
| muladd                  | x · (1/scale)   | before rounding           | torch.quantize_per_channel                                |
| fma                     | x · (1/scale) + zero point, rounded once  || torch.quantize_per_tensor on x86 (FBGEMM's Quantize)      |
| absmax                  | x · (127 · (1/max))                       || bitsandbytes int8_vectorwise_quant: symmetric, no zero point |

Beside ties these give neighbouring codes. Sources: aten/src/ATen/native/quantized/AffineQuantizerBase.cpp and
cpu/kernels/QuantizedOpKernels.cpp (quantize_val, quantize_tensor_arm); FBGEMM, QuantUtils.h; bitsandbytes, backends/default/ops.py.
"""

from collections.abc import Callable
from numbers import Integral

import numpy as np

from explorer.errors import SettingsError
from explorer.formats.number import as_tensor, away, by_chance, nearest
from explorer.grid import LARGEST, Grid
from explorer.recipe import BEFORE, BY_INVERSE, Recipe

FINER = 29  # bits by which a float64's fraction is longer than a float32's


def factor(recipe: Recipe, scale, high) -> np.ndarray | None:
    """What numbers are multiplied by to be in steps, float32 of the scale's shape; None where they are divided by the scale.

    high: the end of the range that the scale is of.
    """
    if recipe.rounding in BY_INVERSE:
        return np.float32(1) / np.asarray(scale, np.float32)
    if recipe.rounding != "absmax":
        return None
    largest = np.where(np.asarray(high) > 0, np.minimum(high, LARGEST), scale).astype(np.float32)  # a range without width has the scale 1
    with np.errstate(divide="ignore", over="ignore"):
        by = np.float32(Grid.of(recipe).span / 2) * (np.float32(1) / largest)
    return np.minimum(by, np.float32(LARGEST))


def in_steps(x: np.ndarray, scale: np.ndarray, by: np.ndarray | None = None) -> np.ndarray:
    """x in multiples of its scale, float32, not yet rounded; by: of `factor`."""
    return np.divide(x, scale) if by is None else np.multiply(x, by)


def whole_steps(x: np.ndarray, scale, by, shift, recipe: Recipe, rounder: Callable) -> np.ndarray:
    """x in whole steps of its scale, float32, without their zero point `shift` (None: there is none), not clipped."""
    if shift is None or recipe.rounding not in BEFORE:
        return rounder(in_steps(x, scale, by))
    moved = fused(x, by, shift) if recipe.rounding == "fma" else in_steps(x, scale, by) + shift
    return rounder(moved) - shift


def fused(x: np.ndarray, by: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """x · by + shift, rounded to float32 once, as a processor's fused multiply-add does it.

    In float64 the product is exact; where the sum is halfway between two float32 and was itself rounded, what
    the addition lost (Knuth's TwoSum) says to which side it belongs.
    """
    import torch  # on all cores

    x, by, shift = (as_tensor(np.asarray(each)) for each in (x, by, shift))
    by, shift = by.double(), shift.double()
    total = x.double().mul_(by).add_(shift)
    halfway = (total.view(torch.int64) & ((1 << FINER) - 1)) == 1 << FINER - 1
    if halfway.any():
        p, z, t = (x.double() * by)[halfway], shift.expand_as(total)[halfway], total[halfway]
        back = t - p
        lost = (p - (t - back)) + (z - back)
        total[halfway] = torch.where(lost == 0, t, torch.nextafter(t, torch.copysign(torch.full_like(t, torch.inf), lost)))
    return total.float().numpy()


def rounder_of(recipe: Recipe, seed: int = 0) -> Callable[[np.ndarray], np.ndarray]:
    """Rounds multiples of the step in place."""
    if recipe.rounding == "stochastic":  # unbiased: up with the probability of the fraction
        draw = np.random.Generator(np.random.Philox(checked_seed(seed)))
        return lambda y: by_chance(y, draw.random(y.shape, np.float32))
    if recipe.rounding == "away":
        return away
    return (lambda y: np.floor(y, out=y)) if recipe.rounding == "floor" else nearest


def checked_seed(seed: int) -> int:
    if not isinstance(seed, Integral) or seed < 0:
        raise SettingsError(f"a seed is a whole number from 0, not {str(seed)[:40]!r}")
    return seed
