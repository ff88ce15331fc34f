"""Output: the range that loses the least where it counts, at the layer's output.

A layer computes W x. With M the mean of x xᵀ over the calibration inputs, quantizing the row w to ŵ
costs (w − ŵ) M (w − ŵ)ᵀ of mean squared output error, exactly: directions in which the inputs are
strong weigh more, and errors that cancel in the sum cost nothing. Each scale's range is searched in
turn, the earlier ones of its rows already chosen and the later ones at min–max, so that the output
error falls from scale to scale and never ends above min–max.

The search: min–max times 0.92^k for k = −1 … 20 and 23, 26 … 44 (0.03 of min–max), then half and quarter steps around the best; where
both ends are free, each end alone by a step or two. It is a grid and not the global optimum; an
earlier candidate is kept unless a later one gains a millionth, so that the last bits of the inputs,
which differ between processors, rarely choose.

For an activation the layer itself is run on calibration inputs with each candidate: see
explorer/output_range.py. Grouped convolutions have an M for each group.

Source of the objective: Nagel et al. 2020, "Up or down?", arXiv 2004.10568, section 3.1 (with M in
place of its Hessian); of a search over shares of min–max: AWQ's and GPTQ's public code.
"""

from collections.abc import Callable

import numpy as np

from explorer.calibration import method
from explorer.granularity import Tiling
from explorer.grid import Grid, grid_of, steps_below

RATIO = 0.92
STEPS = (*range(-1, 21), *range(23, 45, 3))  # far down in wider steps: where all that matters is small
FINE = (0.5, -0.5, 0.25, -0.25)
ALONE = (1, 2, -1)  # steps of one end
CLOSE = 1e-6

Ends = tuple[np.ndarray, np.ndarray]


@method(
    id="output",
    title="Least error at the output",
    pattern="output",
    description="the range that loses the least at the layer's output on calibration samples",
    source="Nagel et al. 2020, arXiv 2004.10568 (objective); the article's “adjust the scale to minimise accuracy loss”",
    needs="inputs",
)
def output(m: np.ndarray, recipe, moments: np.ndarray) -> Ends:
    """m: weights [out, K]; moments: [G, K, K], rows of a group follow each other."""
    tiling = Tiling.of(recipe, *m.shape)
    low, high = np.zeros(tiling.shape), np.zeros(tiling.shape)
    for where, values in tiling.parts(m):
        low[where] = np.minimum(values.min(axis=1), 0).reshape(low[where].shape)
        high[where] = np.maximum(values.max(axis=1), 0).reshape(low[where].shape)
    layer = _Layer(m, recipe, tiling, np.asarray(moments, np.float32))
    for column in range(tiling.shape[1]):
        layer.delta[:, layer.part(column)] = layer.error(column, low[:, column], high[:, column])
    for column in range(tiling.shape[1]):
        loss = layer.loss(column)
        low[:, column], high[:, column] = search(loss, low[:, column], high[:, column], Grid.of(recipe).symmetric)
        layer.delta[:, layer.part(column)] = layer.error(column, low[:, column], high[:, column])
    return low, high


class _Layer:
    """The weights' errors δ = ŵ − w, and what they cost: Σ δ M δᵀ."""

    def __init__(self, m: np.ndarray, recipe, tiling: Tiling, moments: np.ndarray):
        self.m, self.recipe, self.tiling, self.moments = m, recipe, tiling, moments
        self.grid = Grid.of(recipe)
        self.delta = np.zeros(m.shape, np.float32)
        self.tops = np.arange(0, m.shape[0], tiling.height)  # first row of every tile

    def part(self, column: int) -> slice:
        """The columns of the matrix under one column of tiles."""
        return slice(column * self.tiling.width, (column + 1) * self.tiling.width)

    def error(self, column: int, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """δ under one column of tiles with these ranges, float32 [out, width]."""
        scale, zero_point = grid_of(self.recipe, *self._symmetric(low, high))
        scale, zero_point = self._rows(scale), self._rows(zero_point)
        w = self.m[:, self.part(column)]
        y = w / scale
        if self.grid.symmetric:
            y = self.grid.nearest(y)
        else:
            below = steps_below(self.recipe, zero_point)
            y = np.clip(np.rint(y), -below, self.grid.span - below)
        return (y * scale - w).astype(np.float32)

    def loss(self, column: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        """(low, high) of the column's tiles → what each adds to the output error, float64 [tiles]."""
        part = self.part(column)
        own = self.moments[:, part, part]
        rest = self._times(self.delta, self.moments[:, :, part]) - self._times(self.delta[:, part], own)

        def loss(low: np.ndarray, high: np.ndarray) -> np.ndarray:
            delta = self.error(column, low, high)
            cost = ((self._times(delta, own) + 2 * rest) * delta.astype(np.float64)).sum(axis=1)
            return np.add.reduceat(cost, self.tops)

        return loss

    def _times(self, rows: np.ndarray, moments: np.ndarray) -> np.ndarray:
        """Each row times the moments of its group."""
        grouped = rows.reshape(len(moments), -1, rows.shape[1])
        return np.matmul(grouped, moments).reshape(len(rows), -1)

    def _rows(self, values: np.ndarray) -> np.ndarray:
        """One value per tile to one per row, [out, 1]."""
        return np.repeat(values, self.tiling.height)[: len(self.m), None]

    def _symmetric(self, low: np.ndarray, high: np.ndarray) -> Ends:
        if not self.grid.symmetric:
            return low, high
        a = np.maximum(-low, high)
        return -a, a


def search(loss: Callable[[np.ndarray, np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray, symmetric: bool) -> Ends:
    """The candidates around low, high (float64, any shape) with the least loss, element by element."""
    best, least = [low, high], loss(low, high)

    def attempt(*ends: np.ndarray) -> None:
        nonlocal least
        lost = loss(*ends)
        better = lost < least - CLOSE * np.abs(least)
        best[:] = (np.where(better, new, old) for new, old in zip(ends, best))
        least = np.where(better, lost, least)

    for k in STEPS:
        if k:
            attempt(low * RATIO**k, high * RATIO**k)
    middle = list(best)
    for k in FINE:
        attempt(*(end * RATIO**k for end in middle))
    if not symmetric and (low < 0).any() and (high > 0).any():
        for end in (0, 1):
            middle = list(best)
            for k in ALONE:
                attempt(*(each * RATIO**k if i == end else each for i, each in enumerate(middle)))
    return best[0], best[1]
