"""The weight histogram of a layer, FP32 beside quantized, with grid and clip lines."""

import numpy as np

from explorer.cache import CACHE
from explorer.exact_error import Sorted
from explorer.formats import FORMATS
from explorer.grid import Grid, grid_of, steps_below
from explorer.pipeline import layer_tensor, network_of
from explorer.quantize import QuantizedTensor
from explorer.recipe import Recipe
from explorer.settings import Settings
from explorer.views.shared_range import shared_range
from explorer.views.sorted_layer import sorted_layer

BINS = 120
MOST_VALUES = 512  # of the quantized weights, drawn one by one
MOST_LINES = 256  # of the grid
MARGIN = 0.25  # of the data's width, shown on each side at most when the range is wider
GLANCE = 1 << 16  # weights that tell whether there are too many distinct values


def histogram(settings: Settings, i: int, bins: int = BINS) -> dict:
    """Counts of the weights of layer i over equal bins, the quantized values, grid and range.

    quantized: distinct dequantized values with their counts, over the bins when they are too many
    low, high: the range in force, over all rows that share a scale; None for a plain cast
    grid: representable values, when all rows have the same few; first_code: code of the first
    steps_below, steps_above: of an integer grid over low…high
    draggable: whether a clip line can be moved; reason: why not ("cast", "constant") or None
    """
    network, q = network_of(settings), layer_tensor(settings, i)
    values, recipe = sorted_layer(network, i), q.recipe
    low, high = (None, None) if recipe.is_cast else (float(q.low.min()), float(q.high.max()))
    reason = "cast" if recipe.is_cast else "constant" if values.low == values.high else None
    edges = _edges(values.low, values.high, low, high, bins)
    key = f"quantized values {q.digest} {edges[0]} {edges[-1]} {bins}"
    return {
        "layer": i,
        "name": network.layers[i].name,
        "edges": edges.tolist(),
        "fp32": _counts(values, edges),
        "quantized": dict(CACHE.get(key, lambda: _quantized(q, edges))),
        **_grid_lines(q, edges),
        **_steps(recipe, low, high),
        "low": low,
        "high": high,
        "data_low": values.low,
        "data_high": values.high,
        "symmetric": recipe.is_cast or Grid.of(recipe).symmetric,
        "count": values.size,
        "draggable": reason is None,
        "reason": reason,
        "rows": int(q.scale.size),
    }


def _edges(data_low: float, data_high: float, low: float | None, high: float | None, bins: int) -> np.ndarray:
    """Equal bins over the data, and over the range as far as MARGIN allows."""
    width = data_high - data_low
    if width == 0:
        width = abs(data_low) or 1.0
        data_low, data_high = data_low - width / 2, data_high + width / 2
    left, right = data_low, data_high
    if low is not None:
        left = min(left, max(low, left - MARGIN * width))
        right = max(right, min(high, right + MARGIN * width))
    return np.linspace(left, right, bins + 1)


def _counts(values: Sorted, edges: np.ndarray) -> list[int]:
    """Weights in each bin: left edges belong to their bin, the last right edge too."""
    places = np.searchsorted(values.x, edges[1:-1])
    return np.diff(places, prepend=0, append=values.size).tolist()


def _quantized(q: QuantizedTensor, edges: np.ndarray) -> dict:
    values = q.tensor().numpy().reshape(-1)
    few = len(np.unique(values[:GLANCE])) <= MOST_VALUES
    distinct, counts = np.unique(values, return_counts=True) if few else ((), ())
    if not 0 < len(distinct) <= MOST_VALUES:
        # rounding may lead half a step beyond the picture: what is outside counts in the last bin
        counts = np.histogram(np.clip(values, edges[0], edges[-1]), len(edges) - 1, (edges[0], edges[-1]))[0]
        distinct = (edges[1:] + edges[:-1]) / 2
    return {"values": distinct.tolist(), "counts": counts.tolist()}


def _grid_lines(q: QuantizedTensor, edges: np.ndarray) -> dict:
    """Representable values that all rows share, float32 as dequantizing gives them."""
    recipe, number = q.recipe, FORMATS[q.recipe.format]
    values, first = None, None
    if recipe.is_cast and number.bits <= 16:  # of a cast those in the picture: most lie far outside
        values = number.values()
        values = values[(values >= edges[0]) & (values <= edges[-1])]
    elif shared_range(q) and number.kind == "floating":
        values = Grid.of(recipe).values.astype(np.float32) * q.scale.flat[0]
    elif shared_range(q) and number.bits <= 8:
        first, last = number.code_range(recipe.scheme)
        values = (np.arange(first, last + 1) - q.zero_point.flat[0]).astype(np.float32) * q.scale.flat[0]
    few = values is not None and len(values) <= MOST_LINES
    return {"grid": values.tolist() if few else None, "first_code": first}


def _steps(recipe: Recipe, low: float | None, high: float | None) -> dict:
    """Steps under and above zero of an integer grid over this range."""
    if low is None or not Grid.of(recipe).uniform:
        return {"steps_below": None, "steps_above": None}
    grid = Grid.of(recipe)
    below = int(grid.below)
    if not grid.symmetric:
        below = int(steps_below(recipe, grid_of(recipe, low, high)[1]))
    return {"steps_below": below, "steps_above": int(grid.span) - below}
