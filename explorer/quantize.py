"""Quantize a tensor: a recipe and numbers in, codes with their scales and zero points out.

Integers follow ONNX's QuantizeLinear: clip(round_half_even(x / scale) + zero_point), each step in
float32 and element by element, so that codes and scales are the same bits on every machine.
Recipes may also spell how other implementations round (see rounding.py): beside ties the code may differ by one.
Formats with blocks of their own find their scales as their specification or implementation does.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from explorer.blocks import REGION, divided, measured_blocks, multiplied
from explorer.calibration import calibrate
from explorer.errors import DataError
from explorer.formats import FORMATS
from explorer.formats.number import nearest
from explorer.granularity import STRIP, Tiling, matrix, unmatrix
from explorer.grid import Grid, grid_of, steps_below
from explorer.recipe import Recipe
from explorer.rounding import factor, in_steps, rounder_of, whole_steps
from explorer.values import as_float32, as_recipe, as_values

SCALE_BITS = 32  # a scale is a float32, where the format does not say otherwise


@dataclass(frozen=True, eq=False)
class QuantizedTensor:
    """What is stored in place of a tensor.

    codes: integers of the tensor's shape; for floating-point formats their bit patterns
    scale, zero_point: float32 and int32, one per tile (see granularity.Tiling), two-dimensional;
    an algorithm may give float32 zero points
    low, high: the calibrated ranges, float64 of the scale's shape; of a block format what its codes reach
    offset: of formats whose blocks have a minimum, what their code 0 stands for, float32; else None
    stored: of a block format, what a file holds in place of scale and offset, by name (8-bit scales …)
    """

    codes: np.ndarray
    scale: np.ndarray
    zero_point: np.ndarray
    recipe: Recipe
    low: np.ndarray
    high: np.ndarray
    axis: int = 0
    offset: np.ndarray | None = None
    stored: dict[str, np.ndarray] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.codes.shape

    @property
    def code_bits(self) -> int:
        """Bits of all codes, packed."""
        return self.codes.size * self.recipe.bits

    @property
    def scale_bits(self) -> int:
        """Bits of all scales (float32) and of an asymmetric recipe's zero points (as wide as a code, or
        float32); of a block format those of what it stores."""
        if self.recipe.is_cast:
            return 0
        if self.stored is not None:
            return 8 * sum(part.nbytes for part in self.stored.values())
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
    def by(self) -> np.ndarray | None:
        """What numbers are multiplied by to be in steps, one per tile; None where they are divided by the scale."""
        return factor(self.recipe, self.scale, self.high)

    @property
    def tiling(self) -> Tiling:
        return Tiling.of(self.recipe, *matrix(self.codes, self.axis).shape)

    def dequantize(self) -> np.ndarray:
        """float32 array of the tensor's shape: (code - zero_point) · scale, or what the code stands
        for times the scale, plus the offset."""
        return self._values.copy()

    def tensor(self):
        """The dequantized values as a torch tensor, read-only by agreement."""
        import torch

        return torch.from_numpy(self._values)

    @cached_property
    def _values(self) -> np.ndarray:
        codes, tiling = matrix(self.codes, self.axis), self.tiling
        values = np.empty(codes.shape, np.float32)
        for place in tiling.regions(REGION):
            part = self._steps(codes[place], place)
            if self.recipe.is_cast:
                values[place] = part
            else:
                multiplied(part, place, tiling, self.scale, self.offset, values[place])
        return unmatrix(values, self.codes.shape, self.axis)

    def _steps(self, codes: np.ndarray, place: tuple[slice, slice]) -> np.ndarray:
        """What codes of a region stand for in units of their scale, float32."""
        if self.recipe.element.kind != "integer" or self.recipe.blocks:
            return self.recipe.element.decode(codes)
        steps = codes.astype(np.float32)
        if self.zero_point.any():
            steps -= self.tiling.spread_over(self.zero_point, *place).astype(np.float32)
        return steps

    @cached_property
    def digest(self) -> str:
        """SHA-256 of recipe, shape, codes, scales, zero points and offsets, in little-endian order."""
        hashed = hashlib.sha256(f"{self.recipe} {self.shape} {self.codes.dtype}".encode())
        parts = (self.codes, self.scale, self.zero_point)
        for part in parts if self.offset is None else (*parts, self.offset):
            hashed.update(np.ascontiguousarray(part, part.dtype.newbyteorder("<")))
        return hashed.hexdigest()


def quantize(x, recipe: Recipe | str, *, axis: int = 0, seed: int = 0, ranges=None) -> QuantizedTensor:
    """Quantize numbers of any shape.

    recipe: a Recipe or its text, "int4-sym-g64-mse"; axis: the channel axis
    seed: of stochastic rounding (NumPy's Philox); ranges: (low, high) of every row that shares a
    scale, as `calibrate` returns them, in place of calibrating
    Raises DataError for NaN, infinity or nothing in x, and for ranges that do not fit; SettingsError for a
    recipe or a seed that cannot be.
    """
    recipe = as_recipe(recipe)
    x = as_float32(x) if recipe.blocks else as_values(x)
    m, rounder = matrix(x, axis), rounder_of(recipe, seed)
    tiling = Tiling.of(recipe, *m.shape)
    if recipe.blocks:
        return _in_blocks(x, m, tiling, recipe, rounder, axis)
    low, high = calibrate(x, recipe, axis=axis) if ranges is None else _given(ranges)
    scale, zero_point = np.ones((1, 1), np.float32), np.zeros((1, 1), np.int32)
    if not recipe.is_cast:
        if low.shape != tiling.shape:
            raise DataError(f"{recipe} needs ranges of the shape {list(tiling.shape)}, not {list(low.shape)}")
        scale, zero_point = grid_of(recipe, low, high)
    by, shift = factor(recipe, scale, high), zero_point.astype(np.float32) if zero_point.any() else None
    codes = np.empty(m.shape, recipe.element.code_type)
    with np.errstate(over="ignore"):  # infinitely many steps are clipped like too many
        for place in tiling.regions(REGION if recipe.rounding == "fma" else STRIP):  # torch's work is done on all cores
            spread = [tiling.spread_over(part, *place) for part in (scale, by, shift)]
            if recipe.scheme:
                codes[place] = _integers(m[place], *spread, recipe, rounder)
            else:
                codes[place] = recipe.element.encode(m[place] if recipe.is_cast else in_steps(m[place], spread[0]), rounder)
    return QuantizedTensor(unmatrix(codes, x.shape, axis), scale, zero_point, recipe, low, high, axis)


def _given(ranges) -> tuple[np.ndarray, np.ndarray]:
    """(low, high) as `calibrate` would give them. Raises DataError."""
    try:
        low, high = (np.asarray(end, np.float64) for end in ranges)
        if low.shape == high.shape and ((low <= 0) & (high >= 0) & np.isfinite(high - low)).all():
            return low, high
    except (TypeError, ValueError):
        pass
    raise DataError("ranges are two arrays of one shape, low and high, finite numbers with low <= 0 <= high")


def _in_blocks(x, m, tiling, recipe, rounder, axis) -> QuantizedTensor:
    blocks, element = recipe.blocks, recipe.element
    measured = measured_blocks(m, tiling, blocks.rule)
    if not all(np.isfinite(part).all() for part in measured):  # so is then a number of theirs
        as_values(x)
    scales = blocks.rule.scales(*measured)
    codes = np.empty(m.shape, element.code_type)
    for place in tiling.regions(REGION):
        codes[place] = element.encode(divided(m, *place, tiling, blocks, scales), rounder)
    values, offset = element.values(), 0.0 if scales.offset is None else scales.offset.astype(np.float64)
    ends = [value * scales.scale.astype(np.float64) + offset for value in (values[0], values[-1])]
    low, high = np.minimum(*ends), np.maximum(*ends)  # a scale may be negative
    zero_point = np.full(scales.scale.shape, getattr(element, "zero", 0), np.int32)
    return QuantizedTensor(unmatrix(codes, x.shape, axis), scales.scale, zero_point, recipe, low, high, axis,
                           scales.offset, scales.stored)  # fmt: skip


def _integers(x: np.ndarray, scale, by, shift, recipe: Recipe, rounder: Callable) -> np.ndarray:
    """Integer codes, not yet of their type, by the recipe's scheme."""
    steps = whole_steps(x, scale, by, shift, recipe, rounder)
    if shift is not None:
        steps += shift
    return np.clip(steps, *FORMATS[recipe.format].code_range(recipe.scheme), out=steps)  # before the cast, which wraps around


def clipped(x: np.ndarray, q: QuantizedTensor) -> np.ndarray:
    """Which values round to a code beyond the grid, bool of x's shape: torch's fake_quantize mask, inverted."""
    m, recipe = matrix(x, q.axis), q.recipe
    if recipe.is_cast:
        return np.abs(x) > recipe.element.max
    outside = np.empty(m.shape, bool)
    for place in q.tiling.regions():
        y = m[place] if q.offset is None else m[place] - q.tiling.spread_over(q.offset, *place)
        scale, by = (q.tiling.spread_over(part, *place) for part in (q.scale, q.by))
        lowest, highest = _ends(q, place)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            if recipe.scheme and q.zero_point.dtype.kind != "f":
                shift = q.tiling.spread_over(q.zero_point, *place).astype(np.float32)
                y = whole_steps(y, scale, by, shift, recipe, nearest if recipe.rounding == "stochastic" else rounder_of(recipe))
            else:
                y = in_steps(y, scale, by)
                if recipe.scheme:  # a zero point between two codes: half a step beyond the ends still rounds to them
                    lowest, highest = lowest - np.float32(0.5), highest + np.float32(0.5)
        outside[place] = ((y < lowest) | (y > highest)) & (scale != 0)  # a block of scale 0 is rounded, to zeros
    return unmatrix(outside, x.shape, q.axis)


def _ends(q: QuantizedTensor, place: tuple[slice, slice]):
    """In units of the scale: the first and last whole step of integers, else half a step beyond the
    outermost values, as on the uniform grids."""
    if not q.recipe.scheme:
        values = q.recipe.element.values()
        return np.float32(1.5 * values[0] - 0.5 * values[1]), np.float32(1.5 * values[-1] - 0.5 * values[-2])
    grid = Grid.of(q.recipe)
    if grid.symmetric:
        return np.float32(-grid.below), np.float32(grid.above)
    below = q.tiling.spread_over(steps_below(q.recipe, q.zero_point), *place).astype(np.float32)
    return -below, np.float32(grid.span) - below


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
