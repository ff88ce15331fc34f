"""The input of a layer: its histogram over the calibration samples, the range, what methods would choose."""

import numpy as np

from explorer.cache import CACHE
from explorer.calibrated import activation_range, records
from explorer.pipeline import network_of
from explorer.rows import Record
from explorer.settings import Settings
from explorer.views.curve import marked

BINS = 120


def activations(settings: Settings, i: int, bins: int = BINS) -> dict | None:
    """The values that went into layer i, over all calibration samples; None for an embedding, which is given numbers of rows.

    edges, counts: equal bins from the least to the largest value and zero; count: of all values
    zeros: how many are zero, as after a ReLU
    low, high, clipped_share: the range in force and the share of values beyond it; None per token,
    in blocks with scales of their own, or where nothing has a range
    marks: name, low, high and clipped share of every method's choice for the same format (see
    curve.marked)
    """
    if not network_of(settings).layers[i].multiplies:
        return None
    seen, recipe = records(settings)[i], settings.activations
    network = network_of(settings)
    key = f"activations {network.digest} {settings.calibration_samples} {settings.seed} {i} {bins}"
    edges, counts, up_to = CACHE.get(key, lambda: _histogram(seen, bins))
    has_range = bool(recipe.range) and not recipe.is_live
    low, high = activation_range(settings, i, recipe) if has_range else (None, None)
    return {
        "name": network.layers[i].name,
        "edges": edges.tolist(),
        "counts": counts.tolist(),
        "count": seen.count,
        "zeros": int(seen.counts[0] + seen.counts[0x8000]),
        "low": low,
        "high": high,
        "clipped_share": _beyond(up_to, low, high) if has_range else None,
        "data_low": seen.low,
        "data_high": seen.high,
        "marks": [_mark(settings, i, name, up_to) for name in marked(recipe, seen.low, seen.high)] if has_range else [],
    }


def _histogram(seen: Record, bins: int) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """(edges, counts, (value, number of values below it)).

    The record's bins are as wide as the picture's near the largest value: each is spread evenly
    over its width, or the picture would be a comb.
    """
    left, right = min(seen.low, 0.0), max(seen.high, 0.0)
    edges = np.linspace(left, right if right > left else left + 1.0, bins + 1)
    values, below = _cumulated(seen)
    places = np.rint(np.interp(edges[1:-1], values, below)).astype(np.int64)
    return edges, np.diff(places, prepend=0, append=seen.count), (values, below)


def _cumulated(seen: Record) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the record's filled bins, ascending, and how many values lie below each, float64."""
    patterns = np.flatnonzero(seen.counts)
    negative = patterns >= 0x8000
    inner = (patterns.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    outer = ((patterns.astype(np.uint32) << 16) | 0xFFFF).view(np.float32).astype(np.float64)
    left, right = np.where(negative, outer, inner), np.where(negative, inner, outer)
    order = np.argsort(left, kind="stable")
    left, right = (np.clip(end[order], seen.low, seen.high) for end in (left, right))
    total = np.cumsum(seen.counts[patterns][order])
    below = np.stack([total - seen.counts[patterns][order], total], axis=1)
    return np.stack([left, right], axis=1).ravel(), below.ravel().astype(np.float64)


def _beyond(up_to: tuple[np.ndarray, np.ndarray], low: float, high: float) -> float:
    """Share of the values outside low…high, to a bin of the record, 0.8 % of a value."""
    values, below = up_to
    under = np.interp(low, values, below) if low > values[0] else 0.0
    over = below[-1] - np.interp(high, values, below) if high < values[-1] else 0.0
    return float((under + over) / below[-1])


def _mark(settings: Settings, i: int, name: str, up_to) -> dict:
    low, high = activation_range(settings, i, settings.activations.replace(range=name))
    return {"name": name, "low": low, "high": high, "clipped_share": _beyond(up_to, low, high)}
