"""Quantize a tensor: a recipe and numbers in, codes with their scales and zero points out.

Integers follow ONNX's QuantizeLinear: clip(round_half_even(x / scale) + zero_point), each step in
float32 and element by element, so that codes and scales are the same bits on every machine.
(torch's fake_quantize multiplies by 1/scale instead of dividing: near ties it may differ by one.)
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from explorer.calibration import calibrate
from explorer.errors import DataError
from explorer.formats import FORMATS
from explorer.granularity import Tiling, matrix, unmatrix
from explorer.grid import Grid, grid_of, steps_below
from explorer.recipe import Recipe
from explorer.values import as_recipe, as_values

SCALE_BITS = 32  # a scale is a float32
STRIP = 1 << 17  # elements at a time: half a megabyte stays in the core's cache from step to step


@dataclass(frozen=True, eq=False)
class QuantizedTensor:
    """What is stored in place of a tensor.

    codes: integers of the tensor's shape; for floating-point formats their bit patterns
    scale, zero_point: float32 and int32, one per tile (see granularity.Tiling), two-dimensional;
    an algorithm may give float32 zero points
    low, high: the calibrated ranges, float64 of the scale's shape
    """

    codes: np.ndarray
    scale: np.ndarray
    zero_point: np.ndarray
    recipe: Recipe
    low: np.ndarray
    high: np.ndarray
    axis: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        return self.codes.shape

    @property
    def code_bits(self) -> int:
        """Bits of all codes, packed."""
        return self.codes.size * self.recipe.bits

    @property
    def scale_bits(self) -> int:
        """Bits of all scales (float32) and of an asymmetric recipe's zero points (as wide as a code, or float32)."""
        if self.recipe.is_cast:
            return 0
        if self.zero_point.dtype.kind == "f":
            return self.scale.size * 2 * SCALE_BITS
        return self.scale.size * (SCALE_BITS + (self.recipe.bits if self.recipe.scheme == "asym" else 0))

    @property
    def bits_per_weight(self) -> float:
        """Codes, scales and zero points, shared out over the weights."""
        return (self.code_bits + self.scale_bits) / self.codes.size

    @property
    def nbytes(self) -> int:
        """Bytes that hold codes (packed), scales and zero points."""
        return -(-(self.code_bits + self.scale_bits) // 8)

    @property
    def tiling(self) -> Tiling:
        return Tiling.of(self.recipe, *matrix(self.codes, self.axis).shape)

    def dequantize(self) -> np.ndarray:
        """float32 array of the tensor's shape: (code - zero_point) · scale."""
        return self._values.copy()

    def tensor(self):
        """The dequantized values as a torch tensor, read-only by agreement."""
        import torch

        return torch.from_numpy(self._values)

    @cached_property
    def _values(self) -> np.ndarray:
        number = FORMATS[self.recipe.format]
        codes = matrix(self.codes, self.axis)
        scale = self.tiling.spread(self.scale)
        if number.kind == "integer":
            steps = codes.astype(np.float32)
            if self.zero_point.any():
                steps -= self.tiling.spread(self.zero_point.astype(np.float32))
            values = np.multiply(steps, scale, out=steps)
        else:
            values = number.decode(codes)
            if not self.recipe.is_cast:
                np.multiply(values, scale, out=values)
        return unmatrix(values, self.codes.shape, self.axis)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of recipe, shape, codes, scales and zero points, in little-endian order."""
        hashed = hashlib.sha256(f"{self.recipe} {self.shape} {self.codes.dtype}".encode())
        for part in (self.codes, self.scale, self.zero_point):
            hashed.update(np.ascontiguousarray(part, part.dtype.newbyteorder("<")))
        return hashed.hexdigest()


def quantize(x, recipe: Recipe | str, *, axis: int = 0, seed: int = 0, ranges=None) -> QuantizedTensor:
    """Quantize numbers of any shape.

    recipe: a Recipe or its text, "int4-sym-g64-mse"; axis: the channel axis
    seed: of stochastic rounding (NumPy's Philox); ranges: (low, high) of every row that shares a
    scale, as `calibrate` returns them, in place of calibrating
    Raises DataError for NaN, infinity or nothing in x; SettingsError for a recipe that cannot be.
    """
    recipe, x = as_recipe(recipe), as_values(x)
    low, high = calibrate(x, recipe, axis=axis) if ranges is None else (np.asarray(end, np.float64) for end in ranges)
    m = matrix(x, axis)
    rounder = _rounder(recipe, seed)
    number = FORMATS[recipe.format]
    if recipe.is_cast:
        scale, zero_point = np.ones((1, 1), np.float32), np.zeros((1, 1), np.int32)
        codes = number.encode(m, rounder)
    else:
        tiling = Tiling.of(recipe, *m.shape)
        if low.shape != tiling.shape:
            raise DataError(f"{recipe} needs ranges of the shape {list(tiling.shape)}, not {list(low.shape)}")
        scale, zero_point = grid_of(recipe, low, high)
        spread = tiling.spread(scale)
        if number.kind == "integer":
            codes = _integer_codes(m, recipe, spread, tiling.spread(zero_point), rounder)
        else:
            codes = number.encode(np.divide(m, spread), rounder)
    return QuantizedTensor(unmatrix(codes, x.shape, axis), scale, zero_point, recipe, low, high, axis)


def _integer_codes(m, recipe, scale, zero_point, rounder) -> np.ndarray:
    """Codes of a matrix, a strip of rows at a time, in the least integer type that holds them."""
    number = FORMATS[recipe.format]
    lowest, highest = number.code_range(recipe.scheme)
    codes = np.empty(m.shape, f"{'i' if number.signed else 'u'}{1 if number.bits <= 8 else 2}")
    height = max(1, STRIP // m.shape[1])
    shift = zero_point.astype(np.float32)
    shifted = bool(shift.any())
    for top in range(0, len(m), height):
        strip = slice(top, top + height)
        rows = lambda a: a if len(a) == 1 else a[strip]  # noqa: E731
        y = rounder(np.divide(m[strip], rows(scale)))
        if shifted:
            y += rows(shift)
        codes[strip] = np.clip(y, lowest, highest, out=y)  # clipped before the cast: casting wraps around
    return codes


def _rounder(recipe: Recipe, seed: int) -> Callable[[np.ndarray], np.ndarray]:
    """Rounds multiples of the step in place."""
    if recipe.rounding == "stochastic":  # unbiased: up with the probability of the fraction
        draw = np.random.Generator(np.random.Philox(seed))
        return lambda y: np.floor(np.add(y, draw.random(y.shape, np.float32), out=y), out=y)
    function = np.floor if recipe.rounding == "floor" else np.rint
    return lambda y: function(y, out=y)


def clipped(x: np.ndarray, q: QuantizedTensor) -> np.ndarray:
    """Which values round to a code beyond the grid, bool of x's shape: torch's fake_quantize mask, inverted."""
    m = matrix(x, q.axis)
    if q.recipe.is_cast:
        return np.abs(x) > FORMATS[q.recipe.format].max
    grid, scale = Grid.of(q.recipe), q.tiling.spread(q.scale)
    if grid.symmetric:
        below, above = np.float32(grid.below), np.float32(grid.above)
    else:
        below = q.tiling.spread(steps_below(q.recipe, q.zero_point)).astype(np.float32)
        above = np.float32(grid.span) - below
    y = np.divide(m, scale)
    if grid.uniform:
        np.rint(y, out=y)
    else:  # half a step beyond the largest value, as on the uniform grids
        below = above = np.float32(1.5 * grid.values[-1] - 0.5 * grid.values[-2])
    return unmatrix((y < -below) | (y > above), x.shape, q.axis)


def sqnr_db(reference, approximation) -> float:
    """Signal to quantization noise in dB: 10 log10(Σ x² / Σ (x - x̂)²), sums in float64; +inf for no error.

    Raises DataError for different shapes or values that are not finite.
    """
    x, y = as_values(reference), as_values(approximation)
    if x.shape != y.shape:
        raise DataError(f"the shapes differ: {list(x.shape)} and {list(y.shape)}")
    return decibels(np.sum(np.square(x, dtype=np.float64)), np.sum(np.square(x - y.astype(np.float64))))


def decibels(signal, noise):
    """10 log10(signal / noise), +inf where there is no noise."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = 10 * np.log10(np.asarray(signal, np.float64) / noise)
    ratio = np.where(np.asarray(noise) == 0, np.inf, ratio)
    return float(ratio) if ratio.ndim == 0 else ratio
