"""OCTAV: the threshold at which rounding and clipping error balance, by Newton's method.

The error of a threshold s at B bits is taken as 4^-B/3 · s² for each value inside, the variance of an
even rounding error, and (|x| − s)² for each outside. Its zero by Newton's method:

    s ← Σ|x|·1{|x|>s} / (4^-B/3 · #{|x|≤s} + #{|x|>s}),

from the mean of |x|, at most 20 times. Where all values lie on one side of zero and the grid follows
them, its steps are half as wide: 12 in place of 3. Needs no histogram and no search; exact zeros count
as rounded, and at 2 bits, where the rounding error is not even, it clips too little.

Source: Sakr et al., "Optimal clipping and magnitude-aware differentiation for improved quantization-
aware training", ICML 2022, arXiv 2206.06501, equations 4 to 6.
"""

import numpy as np

from explorer.calibration import method
from explorer.formats import FORMATS

ITERATIONS = 20
CHUNK = 1 << 20  # elements at a time


@method(
    id="octav",
    title="OCTAV",
    pattern="octav",
    description="threshold at which the expected rounding error and the clipping error balance (Newton's method)",
    source="Sakr et al., ICML 2022, arXiv 2206.06501",
    uniform=True,
)
def octav(rows, grid):
    steps = np.where(rows.one_sided & (not grid.symmetric), 12, 3)
    noise = 4.0 ** -FORMATS[grid.format].bits / steps
    size = max(1, CHUNK // rows.values.shape[1])
    parts = [slice(start, start + size) for start in range(0, len(rows.values), size)]
    a = np.concatenate([balance(rows.values[part], rows.counts, noise[part]) for part in parts])
    return np.maximum(rows.low, -a), np.minimum(rows.high, a)


def balance(values: np.ndarray, counts: np.ndarray | None, noise: np.ndarray) -> np.ndarray:
    """The threshold of each row, float64 [R]; noise: mean square rounding error over s², [R]."""
    x = np.abs(values).astype(np.float64)
    weight = np.ones(x.shape[1]) if counts is None else counts.astype(np.float64)
    size = weight.sum()
    s = (x * weight).sum(axis=1) / size
    for _ in range(ITERATIONS):
        outside = weight * (x > s[:, None])
        number = outside.sum(axis=1)
        # nothing outside: all magnitudes are equal, and clipping them would cost more than it gains
        better = np.divide((x * outside).sum(axis=1), noise * (size - number) + number, out=s.copy(), where=number > 0)
        if np.array_equal(better, s):
            break
        s = better
    return s
