"""Sort once, then have the exact error of every threshold and every format from a few look-ups.

Between two neighbouring grid values v·s the quantization error is Σ(x - vs)² = Σx² - 2vsΣx + (vs)²n:
with the values sorted and the sums Σx and Σx² known up to every block of 64 (of few values up to every
one), one threshold costs one binary search per grid value instead of a pass over all the weights. Sums count from zero outwards, so
that the error of small values is not lost beside the squares of large ones.
"""

from dataclasses import dataclass

import numpy as np

from explorer.errors import SettingsError
from explorer.granularity import Tiling, matrix
from explorer.grid import Grid, grid_of, steps_below
from explorer.values import as_recipe, as_values

BLOCK = 64
FEW = 1 << 17  # values whose sums can be kept one by one: a look-up is then nothing but a look-up
MOST_VALUES = 2048  # of a grid: beyond it cells hold a value or none, and a plain pass is as fast and more exact
CANCELLED = 1e-7  # of the power: less is too near to float64's noise in the sums, and is gone over
LOOKUPS = 1 << 15  # done at a time, so that they stay in the cache


@dataclass(frozen=True)
class Errors:
    """Sums over all values, float64 [T]: of squared rounding and clipping errors, and the clipped count."""

    rounding: np.ndarray
    clipping: np.ndarray
    clipped: np.ndarray

    @property
    def total(self) -> np.ndarray:
        return self.rounding + self.clipping


class Sorted:
    """Values in ascending order with the sums up to every block; read-only, shared by threads."""

    def __init__(self, x: np.ndarray, counts: np.ndarray | None = None):
        """x: float32, any shape; counts: how often each occurs, or None for once each."""
        x = np.asarray(x, np.float32).reshape(-1)
        if counts is None:
            self.x = np.sort(x)
        else:
            order = np.argsort(x, kind="stable")
            self.x, counts = x[order], np.asarray(counts)[order].astype(np.float64)
        self.counts = counts
        self.size = len(x) if counts is None else int(counts.sum())
        negative = int(np.searchsorted(self.x, 0))
        block = self._block = BLOCK if len(x) > FEW else 1
        self._front = -negative % block  # zeros before the values, so that a block begins where they turn positive
        padding = self._front, -(self._front + len(x)) % block
        self._padded = np.pad(self.x, padding).reshape(-1, block)
        wide = self._padded.astype(np.float64)
        weight = None if counts is None else np.pad(counts, padding).reshape(-1, block)
        self._weight = weight
        weighted = wide if weight is None else wide * weight
        self._middle = (self._front + negative) // block
        self._sum = _from(self._middle, weighted.sum(axis=1))
        self._square = _from(self._middle, np.einsum("ij,ij->i", weighted, wide))
        self._count = None if weight is None else _from(0, weight.sum(axis=1))
        self.power = float(self._square[-1] - self._square[0])

    @property
    def low(self) -> float:
        return float(self.x[0])

    @property
    def high(self) -> float:
        return float(self.x[-1])

    def below(self, points: np.ndarray) -> tuple[np.ndarray, ...]:
        """(number, Σx, Σx²) of the values below each point, float64 of its shape; and the same as `_to` has it."""
        number, sums, squares = place = self._to(points, squares=True)
        return (number, sums - self._sum[0], squares - self._square[0]), place

    def above(self, points: np.ndarray) -> tuple[np.ndarray, ...]:
        """The same of the values from each point on."""
        number, sums, squares = place = self._to(points, squares=True)
        return (self.size - number, self._sum[-1] - sums, self._square[-1] - squares), place

    def _to(self, points: np.ndarray, squares: bool = False) -> tuple[np.ndarray, ...]:
        """(number below each point, Σx from zero to the point), and Σx² if asked for; towards −∞ they are negative."""
        ravelled = _least_float32(np.ravel(points))
        found = [self._look_up(ravelled[i : i + LOOKUPS], squares) for i in range(0, max(1, len(ravelled)), LOOKUPS)]
        return tuple(np.concatenate(part).reshape(np.shape(points)) for part in zip(*found))

    def _look_up(self, points: np.ndarray, squares: bool) -> tuple[np.ndarray, ...]:
        index = np.searchsorted(self.x, points)
        if self._block == 1:
            number = index.astype(np.float64) if self._count is None else self._count[index]
            return (number, self._sum[index], self._square[index])[: 2 + squares]
        block, rest = np.divmod(index + self._front, BLOCK)
        last = np.minimum(block, len(self._padded) - 1)
        under = block < self._middle  # there a block counts from its end, which is nearer to zero
        inside = np.arange(BLOCK) < np.where(block > last, 0, rest)[:, None]
        inside ^= under[:, None]
        block = block + under
        sign = 1.0 - 2.0 * under
        some = self._padded[last] * inside
        if self._weight is None:
            number, weighted = index.astype(np.float64), some
        else:
            weights = self._weight[last] * inside
            number, weighted = self._count[block] + sign * weights.sum(axis=1), some * weights
        sums = self._sum[block] + sign * weighted.sum(axis=1, dtype=np.float64)
        if not squares:
            return number, sums
        return number, sums, self._square[block] + sign * np.einsum("ij,ij->i", weighted, some, dtype=np.float64)

    def moments(self, scales: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(Σxv, Σv²) with v the grid value nearest to x/scale: the error is Σx² - 2sΣxv + s²Σv²."""
        return self._moments(scales, values, (0, self._sum[0]), (self.size, self._sum[-1]))

    def _moments(self, scales: np.ndarray, values: np.ndarray, first, last) -> tuple[np.ndarray, np.ndarray]:
        """(Σxv, Σv²) of the values between two places, each its (number below, Σx from zero)."""
        middles = np.multiply.outer(scales, (values[1:] + values[:-1]) / 2)
        # no matrix product: BLAS adds in an order that depends on the processor and its threads
        return tuple((_cells(left, to, right) * v).sum(axis=-1)
                     for left, to, right, v in zip(first, self._to(middles), last, (values**2, values)))[::-1]

    def errors(self, scales: np.ndarray, grid: Grid) -> Errors:
        """Exact errors of `grid` at each scale. A value is clipped when it would round beyond the grid."""
        scales = np.asarray(scales, np.float64)
        if grid.uniform and grid.span >= MOST_VALUES:
            return self._pass(scales, grid)
        values = grid.values
        ends = [scales * point for point in _clip_points(values)]
        (under, first), (over, last) = self.below(ends[0]), self.above(ends[1])
        power = last[2] - first[2]
        xv, vv = self._moments(scales, values, first, last)
        rounding = power - 2 * scales * xv + scales**2 * vv
        clipping = _square_error(under, scales * values[0]) + _square_error(over, scales * values[-1])
        clipped = np.rint(under[0] + over[0])
        clipping = np.where(clipped > 0, clipping, 0.0)
        poor = np.flatnonzero(rounding < CANCELLED * power)
        rounding[poor] = self._pass(scales[poor], grid).rounding
        return Errors(rounding, clipping, clipped)

    def _pass(self, scales: np.ndarray, grid: Grid) -> Errors:
        """The same by going over the values: for grids finer than the data, and errors next to nothing."""
        rounding, clipping, clipped = np.zeros((3, len(scales)))
        x = self.x.astype(np.float64)
        first, last = _clip_points(grid.values)
        for i, scale in enumerate(scales):
            steps = x / scale
            beyond = (steps < first) | (steps >= last)
            error = (x - grid.nearest(steps) * scale) ** 2
            if self.counts is not None:
                error *= self.counts
            rounding[i], clipping[i] = error[~beyond].sum(), error[beyond].sum()
            clipped[i] = beyond.sum() if self.counts is None else self.counts[beyond].sum()
        return Errors(rounding, clipping, clipped)


def error_curve(x, recipe, thresholds, *, axis: int = 0) -> np.ndarray:
    """Mean squared error of the whole tensor at each threshold, exactly, float64 [T].

    What quantize(x, recipe with the range abs{threshold}) would give, for all thresholds at once.
    thresholds: [T] positive numbers, or [T, 2] (low, high) with low <= 0 <= high
    Raises SettingsError for thresholds that are not, and DataError for values that are not finite.
    """
    recipe, x = as_recipe(recipe), as_values(x)
    m = matrix(x, axis)
    tiles = [m]
    if not recipe.is_cast and not Grid.of(recipe).symmetric and np.ndim(thresholds) == 1:
        # the range abs… ends where a row's own data end: one-sided rows keep their one-sided grids
        tiles = [row for _, rows in Tiling.of(recipe, *m.shape).parts(m) for row in rows]
    return sum(errors_at(Sorted(tile), recipe, thresholds).total for tile in tiles) / x.size


def errors_at(values: Sorted, recipe, thresholds) -> Errors:
    """Sums of squared errors at each threshold; arguments as for `error_curve`."""
    recipe = as_recipe(recipe)
    if not recipe.range:
        what = "finds the scales of its blocks itself" if recipe.blocks else "is a plain cast"
        raise SettingsError(f"{recipe} {what} and has no threshold; choose an integer or a scaled format")
    try:
        ends = np.asarray(thresholds, np.float64)
    except (TypeError, ValueError):
        raise SettingsError("thresholds are numbers, [T] or pairs [T, 2] of a low and a high end") from None
    low, high = _ends(ends, values, Grid.of(recipe).symmetric)
    grid = Grid.of(recipe)
    scale, zero_point = grid_of(recipe, low, high)
    scale = scale.astype(np.float64)
    if grid.symmetric:
        return values.errors(scale, grid)
    rounding, clipping, clipped = np.zeros((3, len(scale)))
    under_zero = steps_below(recipe, zero_point)
    for below in np.unique(under_zero):
        these = np.flatnonzero(under_zero == below)
        part = values.errors(scale[these], grid.shifted(int(below)))
        rounding[these], clipping[these], clipped[these] = part.rounding, part.clipping, part.clipped
    return Errors(rounding, clipping, clipped)


def _ends(thresholds: np.ndarray, values: Sorted, symmetric: bool) -> tuple[np.ndarray, np.ndarray]:
    if thresholds.ndim == 2 and thresholds.shape[1] == 2:
        low, high = thresholds.T
    elif thresholds.ndim == 1:
        if not (np.isfinite(thresholds) & (thresholds > 0)).all():
            raise SettingsError("a threshold is a finite number above 0; leave out the others")
        low, high = -thresholds, thresholds
        if not symmetric:  # as the range abs… does: one-sided data keeps its one-sided grid
            low, high = np.maximum(low, min(values.low, 0.0)), np.minimum(high, max(values.high, 0.0))
    else:
        raise SettingsError(f"thresholds have the shape [T] or [T, 2], not {list(thresholds.shape)}")
    if not (np.isfinite(low) & np.isfinite(high) & (low <= 0) & (high >= 0)).all():
        raise SettingsError("a range goes from a finite number <= 0 to a finite number >= 0")
    if symmetric:
        high = np.maximum(-low, high)
        low = -high
    return low, high


def _from(middle: int, parts: np.ndarray) -> np.ndarray:
    """Sums from the start of part `middle` to the start of each part and the end of the last; negative before it."""
    before, after = np.cumsum(parts[:middle][::-1])[::-1], np.cumsum(parts[middle:])
    return np.concatenate([-before, [0.0], after])


def _cells(first, middle: np.ndarray, last) -> np.ndarray:
    """Differences between neighbours on [first, *middle, last], along the last axis."""
    first, last = (np.broadcast_to(end, middle.shape[:-1])[..., None] for end in (first, last))
    return np.diff(middle, axis=-1, prepend=first, append=last)


def _clip_points(values: np.ndarray) -> tuple[float, float]:
    """Half a step beyond the first and the last grid value: from there on a value counts as clipped."""
    return values[0] - (values[1] - values[0]) / 2, values[-1] + (values[-1] - values[-2]) / 2


def _least_float32(points: np.ndarray) -> np.ndarray:
    """The smallest float32 not below each point: as many float32 values lie below it as below the point."""
    with np.errstate(over="ignore"):  # a point beyond float32 is beyond all values
        rounded = points.astype(np.float32)
        low = rounded < points
        rounded[low] = np.nextafter(rounded[low], np.float32(np.inf))
    return rounded


def _square_error(parts: tuple[np.ndarray, ...], value: np.ndarray) -> np.ndarray:
    """Σ(x - value)² from (number, Σx, Σx²)."""
    number, sums, squares = parts
    return np.maximum(squares - 2 * value * sums + value**2 * number, 0.0)
