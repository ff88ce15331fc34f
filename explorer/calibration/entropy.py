"""Entropy: the threshold whose clipped and merged histogram diverges least from the original (KL).

A histogram of |x| with 2,048 bins, the first bin (mostly zeros) set to the second; for every
threshold i from one bin per level on, P is the first i bins with all that is clipped added to the
last, Q the same bins without it, merged into 2^(bits-1) levels and spread over the bins that were
not empty. Where Q is empty and P is not, Q counts 1e-4. A threshold with nothing below its last bin
is skipped: P and Q are then trivially equal, whatever is clipped (as on the few grey levels of an image).

Source: Migacz, "8-bit inference with TensorRT", GTC 2017 (S7310); the smoothing is that of MXNet's
and ONNX Runtime's entropy calibrators. At 8 bits it often clips too much and loses to min–max.
"""

import numpy as np

from explorer.calibration import method
from explorer.formats import FORMATS

BINS = 2048
EMPTY = 1e-4  # what an empty bin counts, so that the divergence stays finite
FEWEST = 128  # bins at the least threshold, whatever the bits


@method(
    id="entropy",
    title="Entropy (KL)",
    pattern="entropy",
    description="least Kullback–Leibler divergence between the values and what is left of them; from 12 bits on min–max",
    source="Migacz, GTC 2017 S7310; TensorRT's entropy calibrator 2",
    granularities=("tensor",),
)
def entropy(rows, grid):
    """Per tensor only: 2,048 bins need more values than a channel or a group has. From 12 bits on a level is no wider than a bin: min–max."""
    width = rows.absmax[0] / BINS
    levels = 2 ** (FORMATS[grid.format].bits - 1)
    if width == 0 or levels >= BINS:
        return rows.low, rows.high
    bins = np.minimum((np.abs(rows.values[0].astype(np.float64)) / width).astype(np.int64), BINS - 1)
    counts = np.bincount(bins, rows.counts, minlength=BINS).astype(np.float64)
    counts[0] = counts[1]
    first = max(levels, FEWEST)
    divergence = divergences(counts, np.arange(first, BINS + 1), levels)
    best = int(np.argmin(divergence))
    a = (first + best) * width if np.isfinite(divergence[best]) else rows.absmax[0]
    return np.maximum(rows.low, -a), np.minimum(rows.high, a)


def divergences(counts: np.ndarray, ends: np.ndarray, levels: int) -> np.ndarray:
    """KL divergence in nats of clipping after each of the bins `ends`; infinite where nothing is left.

    With c the counts inside, t the tail and h, b the count and the number of filled bins of each
    level, Σ p log q is Σ h log(h/b) + t log(q of the last bin): sums up to each bin serve all ends.
    """
    inside, filled, plogp = (_up_to(part) for part in (counts, counts > 0, _xlogx(counts)))
    edges = np.multiply.outer(ends, np.arange(levels + 1)) // levels
    held, bins = np.diff(inside[edges], axis=1), np.diff(filled[edges], axis=1)
    level = held / np.maximum(bins, 1)
    last, tail = counts[ends - 1], inside[-1] - inside[ends]
    lost = (last == 0) & (tail > 0)  # P's last bin is filled by the tail alone
    last_q = np.where(last > 0, level[:, -1], EMPTY)
    p_log_p = plogp[ends] - _xlogx(last) + _xlogx(last + tail)
    p_log_q = (held * np.log(np.where(level > 0, level, 1))).sum(axis=1)
    p_log_q += np.where(tail > 0, tail * np.log(np.where(tail > 0, last_q, 1)), 0)
    total = inside[-1]
    q_total = inside[ends] + EMPTY * lost
    with np.errstate(divide="ignore"):
        divergence = (p_log_p - p_log_q) / max(total, 1) + np.log(q_total) - np.log(max(total, 1))
    return np.where(inside[ends] > last, divergence, np.inf)


def _up_to(parts: np.ndarray) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum(parts)])


def _xlogx(x: np.ndarray) -> np.ndarray:
    return x * np.log(np.where(x > 0, x, 1))
