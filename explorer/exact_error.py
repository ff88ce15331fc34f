"""Sort once, then have the exact error of every threshold and every format from a few look-ups.

Between two neighbouring grid values v·s the quantization error is Σ(x - vs)² = Σx² - 2vsΣx + (vs)²n:
with the values sorted and the sums Σx and Σx² known up to every block of 64, one threshold costs one
binary search per grid value instead of a pass over all the weights.
"""

from dataclasses import dataclass

import numpy as np

from explorer.errors import SettingsError
from explorer.grid import Grid, grid_of, steps_below
from explorer.values import as_recipe, as_values

BLOCK = 64
MOST_VALUES = 2048  # of a grid: beyond it cells hold a value or none, and a plain pass is as fast and more exact
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
        short = -len(x) % BLOCK
        self._padded = np.pad(self.x, (0, short)).reshape(-1, BLOCK)
        wide = self._padded.astype(np.float64)
        weight = None if counts is None else np.pad(counts, (0, short)).reshape(-1, BLOCK)
        self._weight = weight
        weighted = wide if weight is None else wide * weight
        self._sum = _up_to(weighted.sum(axis=1))
        self._square = _up_to(np.einsum("ij,ij->i", weighted, wide))
        self._count = None if weight is None else _up_to(weight.sum(axis=1))
        self.power = float(self._square[-1])

    @property
    def low(self) -> float:
        return float(self.x[0])

    @property
    def high(self) -> float:
        return float(self.x[-1])

    def below(self, points: np.ndarray, *, squares: bool = False) -> tuple[np.ndarray, ...]:
        """(number, Σx) — and Σx² if asked for — of the values below each point, float64 of its shape."""
        with np.errstate(over="ignore"):  # a point beyond float32 is beyond all values
            ravelled = np.ravel(points).astype(np.float32)
        found = [self._below(ravelled[i : i + LOOKUPS], squares) for i in range(0, max(1, len(ravelled)), LOOKUPS)]
        return tuple(np.concatenate(part).reshape(np.shape(points)) for part in zip(*found))

    def _below(self, points: np.ndarray, squares: bool) -> tuple[np.ndarray, ...]:
        index = np.searchsorted(self.x, points)
        block, rest = np.divmod(index, BLOCK)
        last = np.minimum(block, len(self._padded) - 1)
        inside = np.arange(BLOCK) < np.where(block > last, 0, rest)[:, None]
        some = self._padded[last] * inside
        if self._weight is None:
            number, weighted = index.astype(np.float64), some
        else:
            weights = self._weight[last] * inside
            number, weighted = self._count[block] + weights.sum(axis=1), some * weights
        sums = self._sum[block] + weighted.sum(axis=1, dtype=np.float64)
        if not squares:
            return number, sums
        return number, sums, self._square[block] + np.einsum("ij,ij->i", weighted, some, dtype=np.float64)

    def moments(self, scales: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(Σxv, Σv²) with v the grid value nearest to x/scale: the error is Σx² - 2sΣxv + s²Σv²."""
        middles = (values[1:] + values[:-1]) / 2
        number, sums = self.below(np.multiply.outer(scales, middles))
        steps = np.diff(values)
        xv = values[-1] * self._sum[-1] - sums @ steps
        vv = values[-1] ** 2 * self.size - number @ np.diff(values**2)
        return xv, vv

    def errors(self, scales: np.ndarray, grid: Grid) -> Errors:
        """Exact errors of `grid` at each scale. A value is clipped when it would round beyond the grid."""
        scales = np.asarray(scales, np.float64)
        if grid.uniform and grid.span >= MOST_VALUES:
            return self._pass(scales, grid)
        values = grid.values
        xv, vv = self.moments(scales, values)
        total = np.maximum(self.power - 2 * scales * xv + scales**2 * vv, 0.0)
        under = self.below(scales * (values[0] - _margin(values)), squares=True)
        over = self.below(scales * (values[-1] + _margin(values[::-1])), squares=True)
        over = self.size - over[0], self._sum[-1] - over[1], self.power - over[2]
        clipping = _square_error(under, scales * values[0]) + _square_error(over, scales * values[-1])
        clipped = np.rint(under[0] + over[0])
        clipping = np.minimum(np.where(clipped > 0, clipping, 0.0), total)
        return Errors(total - clipping, clipping, clipped)

    def _pass(self, scales: np.ndarray, grid: Grid) -> Errors:
        """The same by going over the values: for grids finer than the data."""
        rounding, clipping, clipped = np.zeros((3, len(scales)))
        x = self.x.astype(np.float64)
        for i, scale in enumerate(scales):
            steps = np.rint(x / scale)
            beyond = (steps < -grid.below) | (steps > grid.above)
            error = (x - np.clip(steps, -grid.below, grid.above) * scale) ** 2
            if self.counts is not None:
                error *= self.counts
            outside = error[beyond].sum()
            rounding[i], clipping[i] = error.sum() - outside, outside
            clipped[i] = beyond.sum() if self.counts is None else self.counts[beyond].sum()
        return Errors(rounding, clipping, clipped)


def error_curve(x, recipe, thresholds, *, axis: int = 0) -> np.ndarray:
    """Mean squared error of the whole tensor at each threshold, exactly, float64 [T].

    What quantize(x, recipe with the range abs{threshold}) would give, for all thresholds at once.
    thresholds: [T] positive numbers, or [T, 2] (low, high) with low <= 0 <= high
    Raises SettingsError for thresholds that are not, and DataError for values that are not finite.
    """
    errors = errors_at(Sorted(as_values(x)), recipe, thresholds)
    return errors.total / np.size(x)


def errors_at(values: Sorted, recipe, thresholds) -> Errors:
    """Sums of squared errors at each threshold; arguments as for `error_curve`."""
    recipe = as_recipe(recipe)
    if not recipe.range:
        what = "finds the scales of its blocks itself" if recipe.blocks else "is a plain cast"
        raise SettingsError(f"{recipe} {what} and has no threshold; choose an integer or a scaled format")
    ends = np.asarray(thresholds, np.float64)
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


def _up_to(parts: np.ndarray) -> np.ndarray:
    """Sums before each part, and of all."""
    return np.concatenate([[0.0], np.cumsum(parts)])


def _margin(values: np.ndarray) -> float:
    """Half a step beyond the first value: from there on a value counts as clipped."""
    return abs(values[1] - values[0]) / 2


def _square_error(parts: tuple[np.ndarray, ...], value: np.ndarray) -> np.ndarray:
    """Σ(x - value)² from (number, Σx, Σx²)."""
    number, sums, squares = parts
    return np.maximum(squares - 2 * value * sums + value**2 * number, 0.0)
