"""ACIQ: the best threshold of an ideal Laplace or Gauss curve with the data's spread, in closed form.

With M bits the expected error of clipping at a around the mean is a²/(3·4^M) for rounding, and for
clipping 2b²·exp(−a/b) of a Laplace curve with b = mean |x − mean|, so that a = b·W(3·4^M) with
Lambert's W; of a Gauss curve a = c·σ with c the zero of c/(3·4^M) = 2(φ(c) − c·Q(c)). The curve that
errs less on the data is taken, as "mix" in the authors' code does. Data on one side of zero, as after a
ReLU, has half of the curve and twice the steps, hence M + 1; the range then goes from 0 to mean + a. It
never exceeds the data.

Where neither curve fits, the range can be worse than min–max, most of all at 8 bits.

Source: Banner et al., "Post-training 4-bit quantization of convolution networks for rapid-deployment",
NeurIPS 2019, arXiv 1810.05723, section 3; code github.com/submission2019/cnn-quantization.
"""

from functools import cache
from math import erfc, exp, log, pi, sqrt

import numpy as np

from explorer.calibration import method
from explorer.formats import FORMATS


@method(
    id="aciq",
    title="ACIQ",
    pattern="aciq",
    description="closed-form best threshold for a Laplace or a Gauss curve, whichever errs less",
    source="Banner et al., NeurIPS 2019, arXiv 1810.05723",
    uniform=True,
)
def aciq(rows, grid):
    halved = rows.one_sided & (not grid.symmetric)
    bits = FORMATS[grid.format].bits
    mean = rows.mean()
    spread = rows.mean(lambda x: np.abs(x - mean[:, None]))
    deviation = np.sqrt(rows.mean(lambda x: (x - mean[:, None]) ** 2))
    best, least = None, None
    for factor, width in ((laplace, spread), (gauss, deviation)):
        a = np.where(halved, factor(bits + 1), factor(bits)) * width
        low, high = (np.clip(end, rows.low, rows.high) for end in (mean - a, mean + a))
        ends = np.array([np.minimum(low, 0), np.maximum(high, 0)])
        error = _error(rows, grid, *ends)
        better = True if best is None else error < least
        best, least = (ends, error) if best is None else (np.where(better, ends, best), np.where(better, error, least))
    return best[0], best[1]


@cache
def laplace(bits: int) -> float:
    """W(3·4^bits), the best threshold in units of mean |x − mean|: 2.83 for 2 bits, 9.90 for 8."""
    y = log(3) + bits * log(4)
    w = y  # w + log w = y by Newton's method
    for _ in range(20):
        w -= (w + log(w) - y) * w / (w + 1)
    return w


@cache
def gauss(bits: int) -> float:
    """The best threshold in units of the standard deviation: 1.71 for 2 bits, 3.92 for 8."""
    low, high = 0.0, 20.0
    for _ in range(100):
        c = (low + high) / 2
        clipping = 2 * (exp(-c * c / 2) / sqrt(2 * pi) - c * erfc(c / sqrt(2)) / 2)
        low, high = (c, high) if c / (3 * 4.0**bits) < clipping else (low, c)
    return (low + high) / 2


def _error(rows, grid, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Mean squared error of each row with these ranges, float64 [R]."""
    if grid.symmetric:
        high = np.maximum(-low, high)
        low = -high
    scale = np.where(high > low, (high - low) / grid.span, 1)[:, None]
    below = grid.below if grid.symmetric else np.rint(-low[:, None] / scale)
    return rows.mean(lambda x: (x - np.clip(np.rint(x / scale), -below, grid.span - below) * scale) ** 2)
