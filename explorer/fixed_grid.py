"""A grid whose scales are settled: what any value becomes on it, element by element.

Algorithms that choose codes start from the scales that rounding to nearest would use, and only ask
which values are there. A value is offset + step · scale, with the steps −8 … 7 of an integer or the
numbers of a floating-point format or codebook.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from explorer.granularity import matrix, unmatrix
from explorer.quantize import QuantizedTensor
from explorer.recipe import Recipe
from explorer.rounding import in_steps, rounder_of, whole_steps


@dataclass(frozen=True, eq=False)
class FixedGrid:
    """The grid under each element of an array, or of its part: scale, shift, by and offset broadcast against it.

    shift: the zero point, 0 where there is none; by: what numbers are multiplied by, where they are not divided
    by the scale; offset: what step 0 stands for
    """

    recipe: Recipe
    scale: np.ndarray
    shift: np.ndarray
    by: np.ndarray | None = None
    offset: np.ndarray | None = None

    @classmethod
    def of(cls, q: QuantizedTensor) -> FixedGrid:
        """The grid under each weight of the matrix [out, columns]."""
        shape = matrix(q.codes, q.axis).shape
        spread = lambda part: None if part is None else np.broadcast_to(q.tiling.spread(part), shape)  # noqa: E731
        shift = q.zero_point.astype(np.float32) if q.recipe.scheme else np.zeros_like(q.scale)
        return cls(q.recipe, *map(spread, (q.scale, shift, q.by, q.offset)))

    def map(self, change) -> FixedGrid:
        """The grid under what `change` makes of the elements: a part, a permutation, another shape."""
        parts = {"scale": self.scale, "shift": self.shift, "by": self.by, "offset": self.offset}
        return replace(self, **{name: None if part is None else change(part) for name, part in parts.items()})

    @cached_property
    def ends(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest step."""
        if self.recipe.scheme:
            lowest, highest = self.recipe.element.code_range(self.recipe.scheme)
            return lowest - self.shift, highest - self.shift
        return np.float32(self.steps_there[0]), np.float32(self.steps_there[-1])

    @cached_property
    def steps_there(self) -> np.ndarray:
        """The steps of a grid that is not shifted, ascending, float32."""
        return self.recipe.element.values().astype(np.float32)

    def multiples(self, x: np.ndarray) -> np.ndarray:
        """x in units of the scale, float32; 0 in a block whose scale is 0."""
        y = x if self.offset is None else x - self.offset
        if self.by is not None:
            return in_steps(y, self.scale, self.by)
        return np.divide(y, self.scale, out=np.zeros_like(y), where=self.scale != 0)

    def nearest(self, x: np.ndarray) -> np.ndarray:
        """The step that the recipe's own rounding gives each x, float32; algorithms ask for those to the nearest."""
        rounder = rounder_of(self.recipe)
        if not self.recipe.scheme:
            return self.recipe.element.decode(self.recipe.element.encode(self.multiples(x), rounder))
        y = whole_steps(x, self.scale, self.by, self.shift, self.recipe, rounder)
        return np.clip(y, *self.ends, out=y)

    def around(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The steps just below and just above each x, float32; the same one at the ends and where x is one."""
        y = self.multiples(x)
        if self.recipe.scheme:
            return np.clip(np.floor(y), *self.ends), np.clip(np.ceil(y), *self.ends)
        there = self.steps_there
        below = np.clip(np.searchsorted(there, y, "right") - 1, 0, len(there) - 1)
        above = np.clip(np.searchsorted(there, y, "left"), 0, len(there) - 1)
        return there[below], there[above]

    def values(self, steps: np.ndarray) -> np.ndarray:
        """What steps stand for, float32."""
        values = np.multiply(steps, self.scale)
        return values if self.offset is None else np.add(values, self.offset, out=values)

    def codes(self, steps: np.ndarray) -> np.ndarray:
        if self.recipe.scheme:
            return steps + self.shift
        return self.recipe.element.encode(steps)


def with_steps(q: QuantizedTensor, steps: np.ndarray) -> QuantizedTensor:
    """The quantized tensor with other codes: those of steps [out, columns] on its own grid."""
    codes = FixedGrid.of(q).codes(steps).astype(q.codes.dtype)
    return replace(q, codes=unmatrix(codes, q.shape, q.axis))
