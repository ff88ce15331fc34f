"""Granularity: which elements share a scale, seen as tiles of a matrix.

A tensor is the matrix [channels, everything else]. "tensor" is one tile, "channel" tiles of one
row, "gN" tiles of 1 × N along the row (the reduction axis), "bN" tiles of N × N. Where N does not
divide, the last tile is smaller, as in ONNX Runtime's MatMulNBits. "token" is a row of a matrix
[tokens, features]: for activations. Formats with blocks of their own have tiles of 1 × their size.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from explorer.errors import DataError
from explorer.recipe import Recipe

STRIP = 1 << 17  # elements at a time: half a megabyte stays in the core's cache from step to step


def matrix(x: np.ndarray, axis: int = 0) -> np.ndarray:
    """x as a matrix [channels, rest]; a vector is one row. Raises DataError for a wrong axis."""
    most = max(x.ndim, 1) - 1
    if not hasattr(axis, "__index__") or not -most - 1 <= axis <= most:
        raise DataError(f"there is no axis {axis!r} in an array of {x.ndim} dimensions; use {f'0 to {most}' if most else 0}")
    if x.ndim < 2:
        return x.reshape(1, -1)
    return (np.moveaxis(x, axis, 0) if axis else x).reshape(x.shape[axis], -1)


def unmatrix(m: np.ndarray, shape: tuple[int, ...], axis: int = 0) -> np.ndarray:
    """The inverse of `matrix` for a tensor of this shape."""
    if len(shape) < 2 or not axis:
        return m.reshape(shape)
    moved = (shape[axis], *(side for i, side in enumerate(shape) if i != axis % len(shape)))
    return np.ascontiguousarray(np.moveaxis(m.reshape(moved), 0, axis))


@dataclass(frozen=True)
class Tiling:
    """Tiles of `height` × `width` on a matrix of `rows` × `columns`."""

    rows: int
    columns: int
    height: int
    width: int

    @classmethod
    def of(cls, recipe: Recipe, rows: int, columns: int) -> "Tiling":
        size = recipe.size or 0
        if recipe.blocks:
            return cls(rows, columns, 1, recipe.blocks.size)
        height, width = {
            "channel": (1, columns),
            "token": (1, columns),
            "group": (1, min(size, columns)),
            "block": (min(size, rows), min(size, columns)),
        }.get(recipe.kind, (rows, columns))
        return cls(rows, columns, height, width)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of tiles down and across: the shape of the scales."""
        return -(-self.rows // self.height), -(-self.columns // self.width)

    def parts(self, m: np.ndarray) -> Iterator[tuple[tuple[slice, slice], np.ndarray]]:
        """Tiles of equal size, at most four kinds: (where among the scales, values [tiles, elements])."""
        down, across = self.shape
        for top, bottom, height in _stretches(self.rows, self.height):
            for left, right, width in _stretches(self.columns, self.width):
                block = m[top * self.height : top * self.height + (bottom - top) * height,
                          left * self.width : left * self.width + (right - left) * width]
                tiles = block.reshape(bottom - top, height, right - left, width).swapaxes(1, 2)
                yield (slice(top, bottom), slice(left, right)), tiles.reshape(-1, height * width)

    def regions(self, size: int = STRIP) -> Iterator[tuple[slice, slice]]:
        """(rows, columns) of pieces of at most about `size` elements, in the order of the elements; where
        a row is cut, it is between two tiles if they are shorter than that."""
        across = self.columns if self.columns <= size else size - size % self.width or size
        down = max(1, size // max(across, 1))
        for top in range(0, self.rows, down):
            for left in range(0, self.columns, across):
                yield slice(top, min(top + down, self.rows)), slice(left, min(left + across, self.columns))

    def spread_over(self, values: np.ndarray | None, rows: slice, columns: slice) -> np.ndarray | None:
        """The part of `spread` that lies over a region; None of None."""
        if values is None:
            return None
        if values.shape[0] > 1:
            values = values[rows] if self.height == 1 else values[np.arange(rows.start, rows.stop) // self.height]
        if values.shape[1] == 1:
            return values
        first, last = columns.start // self.width, -(-columns.stop // self.width)
        before = columns.start - first * self.width
        return np.repeat(values[:, first:last], self.width, axis=1)[:, before : before + columns.stop - columns.start]

    def spread(self, values: np.ndarray) -> np.ndarray:
        """One value per tile, as an array that broadcasts against the matrix."""
        down, across = self.shape
        values = np.asarray(values).reshape(down, across)
        if down > 1 and self.height > 1:
            values = np.repeat(values, self.height, axis=0)[: self.rows]
        if across > 1:
            values = np.repeat(values, self.width, axis=1)[:, : self.columns]
        return values


def _stretches(length: int, size: int) -> Iterator[tuple[int, int, int]]:
    """(first tile, one past the last, their size): the whole tiles, then the rest."""
    whole, rest = divmod(length, size)
    if whole:
        yield 0, whole, size
    if rest:
        yield whole, whole + 1, rest
