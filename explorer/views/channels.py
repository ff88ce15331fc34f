"""The channels of a layer: how wide each is, what range it got, what is left of it."""

import numpy as np
import pandas as pd

from explorer.cache import CACHE
from explorer.granularity import matrix
from explorer.pipeline import layer_tensor, network_of
from explorer.quantize import QuantizedTensor, clipped, decibels
from explorer.settings import Settings


def channels(settings: Settings, i: int) -> pd.DataFrame:
    """One row per output channel: ends of its weights, of its range, SQNR in dB, share clipped.

    range_low, range_high: over all groups or blocks of the channel; None for a plain cast
    sqnr_db: None where there is no error, or nothing that it could be compared with
    """
    network, q = network_of(settings), layer_tensor(settings, i)
    key = f"channels {network.digest} {i} {q.digest}"
    return pd.DataFrame(CACHE.get(key, lambda: _columns(network.weight(i), q)))


def _columns(weight: np.ndarray, q: QuantizedTensor) -> dict[str, np.ndarray]:
    w = matrix(weight)
    error = np.subtract(w, matrix(q.tensor().numpy()))
    signal, noise = (np.einsum("ij,ij->i", a, a, dtype=np.float64) for a in (w, error))
    low, high = (_per_channel(end, len(w), q) for end in (q.low.min(axis=1), q.high.max(axis=1)))
    return {
        "channel": np.arange(len(w)),
        "low": w.min(axis=1).astype(np.float64),
        "high": w.max(axis=1).astype(np.float64),
        "range_low": low,
        "range_high": high,
        "sqnr_db": _numbers(np.atleast_1d(decibels(signal, noise))),
        "clipped_share": matrix(clipped(weight, q)).mean(axis=1),
    }


def _per_channel(ends: np.ndarray, rows: int, q: QuantizedTensor) -> np.ndarray:
    """One end for each row of tiles, as one for each channel."""
    if q.recipe.is_cast:
        return np.full(rows, None)
    return np.repeat(ends, q.tiling.height)[:rows]


def _numbers(values: np.ndarray) -> np.ndarray:
    """None in place of what is not finite: JSON has no infinity."""
    finite = np.isfinite(values)
    return values if finite.all() else np.where(finite, values, None)
