"""The grid of a recipe: which multiples of the scale exist, and how a range becomes a scale.

Everything that searches for a range or computes an error works on a grid, so integers with their
three schemes, scaled floating-point formats and codebooks are one case.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from explorer.formats import FORMATS
from explorer.recipe import BY_INVERSE, Recipe

LARGEST = float(np.finfo(np.float32).max)
LEAST_OBSERVED = np.finfo(np.float32).eps  # of torch's observers: no scale is smaller


@dataclass(frozen=True)
class Grid:
    """Representable multiples of the scale, from -below to +above.

    symmetric: whether the range is ±a; an asymmetric grid shifts its `span` steps by a zero point,
    and `below`, `above` then describe the grid whose zero point is in the middle.
    """

    format: str
    below: float
    above: float
    symmetric: bool

    @classmethod
    def of(cls, recipe: Recipe) -> "Grid":
        """The grid of a recipe that has a scale."""
        number = FORMATS[recipe.format]
        if number.kind == "integer":
            return cls(recipe.format, *number.limits(recipe.scheme), symmetric=recipe.scheme != "asym")
        return cls(recipe.format, number.max, number.max, symmetric=True)

    @property
    def span(self) -> float:
        """Width of the range in units of the scale: scale = (high - low) / span."""
        return self.below + self.above

    @property
    def uniform(self) -> bool:
        return FORMATS[self.format].kind == "integer"

    def shifted(self, below: int) -> "Grid":
        """The asymmetric grid with `below` of its steps under zero."""
        return Grid(self.format, below, self.span - below, symmetric=False)

    @property
    def reach(self) -> float:
        """No scale beyond this many times the one that clips nothing has a smaller error."""
        if self.uniform:  # where all codes fit into half of the grid, the grid at s/2 contains the grid at s
            return max(cap / (cap // 2 + 0.5) for cap in (self.below, self.above))
        return FORMATS[self.format].reach

    @cached_property
    def values(self) -> np.ndarray:
        """All representable multiples of the scale in ascending order, float64."""
        if self.uniform:
            return np.arange(-self.below, self.above + 1, dtype=np.float64)
        return FORMATS[self.format].values()

    def nearest(self, y: np.ndarray) -> np.ndarray:
        """The representable multiple nearest to each y, float64 of y's shape."""
        if self.uniform:
            y = np.rint(y)
            return np.clip(y, -self.below, self.above, out=y)
        with np.errstate(over="ignore"):  # saturates
            return FORMATS[self.format].round(y.astype(np.float32)).astype(np.float64)

    def range_of(self, scale) -> tuple[np.ndarray, np.ndarray]:
        """(low, high) that give this scale; symmetric ranges are ±a, so that a = scale · span / 2."""
        scale = np.asarray(scale, np.float64)
        if self.symmetric:
            return -scale * self.span / 2, scale * self.span / 2
        return -scale * self.below, scale * self.above


def grid_of(recipe: Recipe, low, high) -> tuple[np.ndarray, np.ndarray]:
    """(scale float32, zero_point int32) of ranges low <= 0 <= high, arrays of one shape.

    scale = (high - low) / span, and 1 for a range without width; an asymmetric zero_point =
    clip(round(lowest code - low / scale)), half to even. Both are computed in float64 from the ends
    as float32 (beyond its largest, that), and the scale is rounded to float32 last: ONNX Runtime's compute_scale_zp.
    Of a recipe that rounds as torch does they are those of torch's observers (torch.ao.quantization.observer): each
    step in float32, low / scale with the rounded scale, and no scale below 2⁻²³; of a shifted one those of
    compressed-tensors' calculate_qparams, which are the same without that bound. By absmax a range is without width also
    where 1/max is beyond float32: bitsandbytes gives codes 0 there.
    """
    grid, observed = Grid.of(recipe), recipe.rounding in BY_INVERSE | {"shifted"}
    with np.errstate(under="ignore", over="ignore"):
        low, high = (np.clip(end, -LARGEST, LARGEST).astype(np.float32).astype(np.float32 if observed else np.float64) for end in (low, high))
        step = high / low.dtype.type(grid.span / 2) if grid.symmetric else (high - low) / low.dtype.type(grid.span)
        if recipe.rounding in BY_INVERSE:
            step = np.maximum(step, LEAST_OBSERVED)
        if recipe.rounding == "absmax":
            step = np.where(np.isfinite(steps_by(recipe, high)), step, 0)
        scale = step.astype(np.float32)
    usable = (scale > 0) & np.isfinite(scale)
    scale = np.where(usable, scale, np.float32(1))
    number = FORMATS[recipe.format]
    if not grid.uniform:
        return scale, np.zeros(scale.shape, np.int32)
    lowest, highest = number.code_range(recipe.scheme)
    if grid.symmetric:
        return scale, np.full(scale.shape, number.middle, np.int32)
    zero_point = np.clip(np.rint(lowest - low / np.where(usable, step, 1)), lowest, highest)
    return scale, zero_point.astype(np.int32)


def steps_by(recipe: Recipe, high) -> np.ndarray:
    """What a number is multiplied by to be in steps of the range up to `high` by bitsandbytes' rule: 127 · (1/max) for INT8,
    rounded to float32 twice; infinite where the range is so small."""
    with np.errstate(divide="ignore", over="ignore"):
        return np.float32(Grid.of(recipe).span / 2) * (np.float32(1) / np.minimum(high, LARGEST).astype(np.float32))


def steps_below(recipe: Recipe, zero_point) -> np.ndarray:
    """Grid steps under zero of an asymmetric grid with these zero points."""
    return np.asarray(zero_point) - FORMATS[recipe.format].code_range(recipe.scheme)[0]
