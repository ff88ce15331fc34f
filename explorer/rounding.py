"""From numbers to whole steps of their scale: what the roundings of a recipe do, in order, in float32.

| rounding                | steps           | zero point                | implementation                                            |
|-------------------------|-----------------|---------------------------|-----------------------------------------------------------|
| nearest                 | x / scale       | after rounding            | ONNX QuantizeLinear                                       |
| away, floor, stochastic | x / scale       | after rounding            | half away from zero as TFLite; down; up by chance         |
| shifted                 | x / scale       | before rounding           | compressed-tensors                                        |
| reciprocal              | x · (1/scale)   | after rounding            | torch.fake_quantize_*; torch.quantize_per_tensor on ARM   |
| muladd                  | x · (1/scale)   | before rounding           | torch.quantize_per_channel                                |
| fma                     | x · (1/scale)   | in one step with it       | torch.quantize_per_tensor on x86 (FBGEMM's Quantize)      |
| absmax                  | x · 127 · (1/max) | none: symmetric         | bitsandbytes int8_vectorwise_quant                        |

Beside ties these give neighbouring codes. Sources: aten/src/ATen/native/quantized/AffineQuantizerBase.cpp and
cpu/kernels/QuantizedOpKernels.cpp (quantize_val, quantize_tensor_arm); FBGEMM, QuantUtils.h; bitsandbytes, backends/default/ops.py.
"""

from collections.abc import Callable
from numbers import Integral

import numpy as np

from explorer.errors import SettingsError
from explorer.formats.number import as_tensor, away, by_chance, nearest
from explorer.grid import steps_by
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
    by = steps_by(recipe, high)
    return np.where(np.isfinite(by), by, np.float32(1) / scale)  # a range without width has the scale 1


def in_steps(x: np.ndarray, scale: np.ndarray, by: np.ndarray | None = None) -> np.ndarray:
    """x in multiples of its scale, float32, not yet rounded; by: of `factor`."""
    return np.divide(x, scale) if by is None else np.multiply(x, by)


def whole_steps(x: np.ndarray, scale, by, shift, recipe: Recipe, rounder: Callable) -> np.ndarray:
    """x in whole steps of its scale, float32, without their zero point `shift` (None: there is none), not clipped."""
    if shift is None or recipe.rounding not in BEFORE:
        return rounder(in_steps(x, scale, by))
    return (fused(x, by, shift, recipe.bits) if recipe.rounding == "fma" else rounder(in_steps(x, scale, by) + shift)) - shift


def fused(x: np.ndarray, by, shift, bits: int) -> np.ndarray:
    """round(x · by + shift), float32, of the sum rounded to float32 once, as a processor's fused multiply-add does it.

    In two steps the sum may be another float32, but where product and zero point are no more than twice the codes of so
    many bits, none further away than 2^(bits - 20): only so near to a half is it computed anew, and what is larger is clipped.
    """
    import torch  # on all cores

    x, by, shift = (np.asarray(each, np.float32) for each in (x, by, shift))
    moved = as_tensor(x).mul(as_tensor(by)).add_(as_tensor(shift))
    whole = torch.round(moved)
    beside = np.argwhere(moved.sub_(whole).abs_().ge(0.5 - 2.0 ** (bits - 20)).numpy())
    whole = whole.numpy()
    if len(beside):
        at = tuple(beside.T)
        whole[at] = np.rint(_once(x[at], *(np.broadcast_to(each, x.shape)[at] for each in (by, shift))))
    return whole


def _once(x: np.ndarray, by: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """x · by + shift, rounded to float32 once.

    In float64 the product is exact; where the sum is halfway between two float32 and was itself rounded, what
    the addition lost (Knuth's TwoSum) says to which side it belongs.
    """
    product, shift = x.astype(np.float64) * by, shift.astype(np.float64)
    total = product + shift
    back = total - product
    lost = (product - (total - back)) + (shift - back)
    halfway = (total.view(np.int64) & ((1 << FINER) - 1)) == 1 << FINER - 1
    return np.where(halfway & (lost != 0), np.nextafter(total, np.copysign(np.inf, lost)), total).astype(np.float32)


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
