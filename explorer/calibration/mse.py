"""MSE: the range with the least mean squared error, the global optimum over all scales.

The error over the scale s has a local minimum between any two breakpoints s = |x|/(k+½), hundreds
of thousands of them: grids and golden sections miss the best by percents. Here every interval of
scales is bounded from below and dropped once it cannot hold the optimum. With the codes v frozen at
the left end s₁ the error is the parabola P(s) = Σx² - 2sΣxv + s²Σv²; re-rounding can only gain, and
what it gains grows with s, so on [s₁, s₂]

    E(s) >= P(s) - (P(s₂) - E(s₂)),

which is exact where no breakpoint lies between s₁ and s₂. An interval is done when the bound is
within 1e-9 of the best parabola's vertex s = Σxv/Σv². No scale beyond the upper end need be looked
at: where all codes fit into half of the grid, the grid at s/2 contains the grid at s.

An asymmetric grid is searched for every zero point. From 12 bits on the search takes about as many
passes as there are steps, so that only small symmetric tensors (SMALL) are searched; for all others
the range is the best of a fine ladder of shares of min–max, which for thousands of values in a row
is within some percent of the optimum. Source of the breakpoint view: algorithms that fit scales by
least squares, such as Zhang et al., LQ-Nets, ECCV 2018; the bound is ours.
"""

import numpy as np

from explorer.calibration import method
from explorer.exact_error import MOST_VALUES, Sorted
from explorer.grid import Grid

CLOSE = 1e-9  # of the optimum: about the resolution of a float32 scale
LONG = 4096  # values in a row from which look-ups beat going over them
CHUNK = 1 << 17  # elements at a time
TOGETHER = 256  # rows searched side by side
PIECES = 4  # into which an interval is cut
SHRINK = 0.9
SMALL = 1 << 23  # rows · values · steps: from 12 bits on, the most for which the exact search takes under a second


@method(
    id="mse",
    title="MSE",
    pattern="mse",
    description="least mean squared error of the values: the exact global optimum below 12 bits; from there on of small symmetric tensors, else the best of a fine ladder",
    source="AIMET's sqnr scheme, compressed-tensors' mse observer, searched exactly",
)
def mse(rows, grid):
    long = rows.values.shape[1] >= LONG
    size = 1 if long else TOGETHER
    work = len(rows.values) * max(rows.values.shape[1], 100) * grid.span
    coarse = grid.span < MOST_VALUES or not grid.uniform
    best = _best if coarse or grid.symmetric and not long and work <= SMALL else _fine
    found = []
    for start in range(0, len(rows.values), size):
        part = slice(start, start + size)
        values = _Looked(Sorted(rows.values[start], rows.counts)) if long else _Direct(rows.values[part], rows.counts)
        found.append(best(values, grid, np.minimum(rows.low[part], 0), np.maximum(rows.high[part], 0)))
    return tuple(np.concatenate(ends) for ends in zip(*found))


class _Looked:
    """Sums of one long row, or of a histogram, by look-up."""

    def __init__(self, values: Sorted):
        self.values, self.size = values, values.size
        self.power = np.array([values.power])

    def moments(self, row, scale, grid: Grid, below):
        """(Σxv, Σv²) of codes v at each scale; `below` shifts an asymmetric grid, inf has no ends."""
        if grid.symmetric:
            return self.values.moments(scale, grid.values)
        if np.isinf(below).any():
            steps = np.ceil(np.abs([self.values.low, self.values.high]) / scale.min()) + 1
            return self.values.moments(scale, np.arange(-steps[0], steps[1] + 1))
        xv, vv = np.empty((2, len(scale)))
        for shift in np.unique(below):
            these = below == shift
            xv[these], vv[these] = self.values.moments(scale[these], grid.shifted(int(shift)).values)
        return xv, vv

    def clipping(self, row, low, high):
        """Σ of squared distances to the range [low, high]."""
        number, sums, squares = self.values.below(low)[0]
        under = squares - 2 * low * sums + low**2 * number
        number, sums, squares = self.values.above(high)[0]
        over = squares - 2 * high * sums + high**2 * number
        return np.maximum(under, 0) + np.maximum(over, 0)


class _Direct:
    """Sums of many short rows, or of a small histogram, by going over them."""

    def __init__(self, values: np.ndarray, counts: np.ndarray | None = None):
        self.values = values.astype(np.float64)
        self.weights = np.ones(1) if counts is None else counts.astype(np.float64)
        self.size = values.shape[1] if counts is None else int(counts.sum())
        self.power = np.einsum("ij,ij->i", self.values * self.weights, self.values)

    def _over(self, row, function, *columns):
        """function(x [pairs, n], *columns) → sums of the pairs, a chunk of pairs at a time."""
        size = max(1, CHUNK // self.values.shape[1])
        parts = [slice(start, start + size) for start in range(0, max(1, len(row)), size)]
        sums = [function(self.values[row[part]], *(column[part, None] for column in columns)) for part in parts]
        return tuple(np.concatenate(each) for each in zip(*sums))

    def moments(self, row, scale, grid: Grid, below):
        def sums(x, scale, below):
            y = x / scale
            if grid.symmetric:
                v = grid.nearest(y)
            else:
                v = np.rint(y, out=y)
                np.clip(v, -below, np.where(np.isinf(below), np.inf, grid.span - below), out=v)
            weighted = v if len(self.weights) == 1 else v * self.weights
            return np.einsum("ij,ij->i", x, weighted), np.einsum("ij,ij->i", v, weighted)

        return self._over(row, sums, scale, below)

    def clipping(self, row, low, high):
        """Σ of squared distances to the range [low, high]."""
        def sums(x, low, high):
            beyond = x - np.clip(x, low, high)
            return (np.einsum("ij,ij->i", beyond * self.weights, beyond),)

        return self._over(row, sums, low, high)[0]


def _best(data, grid: Grid, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(low, high) of the least error of each row; low <= 0 <= high are the ends of its values."""
    search = _Search(data, grid)
    some = np.flatnonzero(high - low > 0)
    if len(some):
        start = _symmetric_start if grid.symmetric else _asymmetric_start
        search.run(*start(search, low, high, some))
    if grid.symmetric:
        return grid.range_of(search.scale)
    return -search.scale * search.below, search.scale * (grid.span - search.below)


def _fine(data, grid: Grid, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best of 300 shares of the min–max range for grids of 12 bits and more, whose steps are so
    fine that each unclipped value's expected error is scale² / 12 (Bennett, BSTJ 1948)."""
    if grid.symmetric:
        high = np.maximum(-low * (grid.span / 2 / grid.below), high)
        low = -high
    row, least = np.arange(len(low)), np.full(len(low), np.inf)
    best = np.ones(len(low))
    for share in _powers(0.98, 300):
        error = data.clipping(row, low * share, high * share) + data.size * ((high - low) * share / grid.span) ** 2 / 12
        better = error < least
        best[better], least[better] = share, error[better]
    return low * best, high * best


def _symmetric_start(search, low, high, rows):
    """Neighbouring scales of each row, from where clipping alone is worse than the best found to
    where half of the grid would do."""
    grid = search.grid
    natural = np.maximum(-low[rows] / grid.below, high[rows] / grid.above)  # the least that clips nothing
    below = np.full(len(rows), grid.below)
    search.try_(rows, below, natural)
    least, open_ = natural.copy(), np.arange(len(rows))
    while len(open_):
        least[open_] *= SHRINK
        search.try_(rows[open_], below[open_], least[open_])
        lost = search.data.clipping(rows[open_], -grid.below * least[open_], grid.above * least[open_])
        open_ = open_[lost <= search.error[rows[open_]]]
    row, scale = _ladder(rows, least, natural * grid.reach * 1.0001, 1.02)
    return search.neighbours(row, np.full(len(row), grid.below), scale)


def _asymmetric_start(search, low, high, rows):
    """Pairs of a zero point and neighbouring scales that might hold the optimum.

    The grid without ends errs no more than any with; its bound and the clipping of each zero point
    leave few pairs.
    """
    grid, width = search.grid, high - low
    span = int(grid.span)
    natural = np.rint(-low / np.where(width > 0, width, 1) * span)
    scale = np.maximum(-low / np.maximum(natural, 0.5), high / np.maximum(span - natural, 0.5))
    for factor in (1.0, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4):
        search.try_(rows, natural[rows], scale[rows] * factor)
    least, open_ = width[rows] / span, np.arange(len(rows))
    while len(open_):  # with fewer steps than the width has, the cheaper end is clipped
        least[open_] *= SHRINK
        lost = _least_clipping(search.data, rows[open_], low[rows[open_]], high[rows[open_]], least[open_] * span)
        open_ = open_[lost <= search.error[rows[open_]]]
    row, scale = _ladder(rows, least, width[rows] / max(span // 2 - 1, 0.5), 1 + 0.4 / span)
    row, _, left, right, at_left, error = search.neighbours(row, np.full(len(row), np.inf), scale, keep=False)
    endless = search.bound(row, left, right, at_left, error)[0]
    open_ = np.flatnonzero(endless < search.error[row])
    row, left, right = row[open_], left[open_], right[open_]
    pairs = [(row, left, right, np.full(len(row), zero)) for zero in range(span + 1)]
    chosen = []
    for row, left, right, zero in pairs:
        one_sided = np.where(low[row] >= 0, 0, np.where(high[row] <= 0, span, zero)) == zero
        row, left, right, zero = (each[one_sided] for each in (row, left, right, zero))
        lost = search.data.clipping(row, -zero * right, (span - zero) * right)
        fit = lost < search.error[row]
        chosen.append((row[fit], zero[fit].astype(np.float64), left[fit], right[fit]))
    row, below, left, right = (np.concatenate(part) for part in zip(*chosen))
    at_left, at_right = search.try_(row, below, left), search.try_(row, below, right)
    return row, below, left, right, at_left, at_right[2]


def _least_clipping(data, row, low, high, reach):
    """Lower bound of the squared error that a range of width `reach` clips, wherever it lies around 0."""
    cut = high - low - reach  # what is cut off, at the low end, the high end, or shared
    shares = np.linspace(0, 1, 17)
    at_low = [data.clipping(row, low + share * cut, high) for share in shares]
    at_high = [data.clipping(row, low, high - (1 - share) * cut) for share in shares]
    lost = np.minimum.reduce([under + over for under, over in zip(at_low, at_high[1:])])
    # values beyond ±reach are lost wherever it lies: this grows to the whole power as reach goes to 0
    return np.maximum(lost, data.clipping(row, -reach, reach))


def _ladder(rows, least, most, ratio):
    """Scales of each row from least to most, each the one before times ratio: (row, scale), flat."""
    powers = _powers(ratio, int(np.log((most / least).max()) / np.log(ratio)) + 3)
    number = np.searchsorted(powers, most / least) + 1
    place = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number)
    return np.repeat(rows, number), np.minimum(np.repeat(least, number) * powers[place], np.repeat(most, number))


def _powers(ratio: float, number: int) -> np.ndarray:
    """1, ratio, ratio² … by multiplying: exp and pow differ in the last place between processors."""
    return np.cumprod(np.append(1.0, np.full(number - 1, ratio)))


class _Search:
    """Branch and bound over scales, all rows side by side. An interval is (row, below, left, right)
    with what is known at its left end (Σxv, Σv², error) and the error at its right."""

    def __init__(self, data, grid: Grid):
        self.data, self.grid = data, grid
        self.error = data.power.copy()  # of a range without width: every value becomes 0
        self.scale, self.below = np.zeros((2, len(self.error)))

    def run(self, row, below, left, right, at_left, error) -> None:
        """Cut the intervals until none can hold anything better."""
        while True:
            lowest, vertex, value = self.bound(row, left, right, at_left, error)
            self._keep(row, below, vertex, value)
            floor = CLOSE * self.error[row] + 1e-14 * self.data.power[row]  # float64's noise in the sums
            open_ = np.flatnonzero((lowest < self.error[row] - floor) & (right - left > 1e-9 * right))
            row, below, left, right, error = (each[open_] for each in (row, below, left, right, error))
            at_left = tuple(each[open_] for each in at_left)
            if not len(row):
                return
            cuts = left + (right - left) * np.arange(1, PIECES)[:, None] / PIECES  # [PIECES - 1, intervals]
            fresh = self.try_(np.tile(row, PIECES - 1), np.tile(below, PIECES - 1), cuts.ravel())
            fresh = [each.reshape(cuts.shape) for each in fresh]
            at_left = tuple(np.concatenate([old[None], new]).ravel() for old, new in zip(at_left, fresh))
            error = np.concatenate([fresh[2], error[None]]).ravel()
            left, right = np.concatenate([left[None], cuts]).ravel(), np.concatenate([cuts, right[None]]).ravel()
            row, below = np.tile(row, PIECES), np.tile(below, PIECES)

    def bound(self, row, left, right, at_left, error):
        """(lower bound of the error, best scale with the codes of the left end, its error at most)."""
        xv, vv, _ = at_left
        power = self.data.power[row]
        vertex = np.clip(np.divide(xv, vv, out=right.copy(), where=vv > 0), left, right)
        value = power - 2 * vertex * xv + vertex**2 * vv
        gain = power - 2 * right * xv + right**2 * vv - error
        return value - np.maximum(gain, 0), vertex, value

    def neighbours(self, row, below, scale, *, keep: bool = True):
        """Intervals between neighbouring scales of the same row."""
        known = self.try_(row, below, scale, keep=keep)
        joined = row[1:] == row[:-1]
        at_left = tuple(each[:-1][joined] for each in known)
        return row[:-1][joined], below[:-1][joined], scale[:-1][joined], scale[1:][joined], at_left, known[2][1:][joined]

    def try_(self, row, below, scale, *, keep: bool = True):
        """(Σxv, Σv², error) at each scale; remembers the best of each row."""
        xv, vv = self.data.moments(row, scale, self.grid, below)
        error = self.data.power[row] - 2 * scale * xv + scale**2 * vv
        if keep:
            self._keep(row, below, scale, error)
        return xv, vv, error

    def _keep(self, row, below, scale, error) -> None:
        better = error < self.error[row]  # few are: only they are worth sorting
        if not better.any():
            return
        row, below, scale, error = row[better], below[better], scale[better], error[better]
        order = np.lexsort((error, row))
        first = order[np.append(True, row[order][1:] != row[order][:-1])]
        for best, new in ((self.error, error), (self.scale, scale), (self.below, below)):
            best[row[first]] = new[first]
