"""Worked weights: a few real numbers followed value → code → value, and the article's formula beside."""

import numpy as np
import pandas as pd

from explorer.errors import SettingsError
from explorer.granularity import matrix
from explorer.pipeline import layer_tensor, network_of
from explorer.quantize import QuantizedTensor, quantize
from explorer.recipe import Recipe
from explorer.settings import Settings
from explorer.values import as_values
from explorer.views.sorted_layer import sorted_layer

COUNT = 7


def worked(settings: Settings, i: int, count: int = COUNT) -> pd.DataFrame:
    """Different weights of layer i from the smallest to the largest, evenly by rank.

    Columns: weight, scale, zero_point, offset (only of formats whose blocks have a minimum),
    weight_over_scale (after taking the offset away), code (a float's bit pattern), dequantized, error,
    half_step (half the distance of the representable values around the weight: the largest
    rounding error inside the range).
    """
    weight, q = network_of(settings).weight(i), layer_tensor(settings, i)
    m = matrix(weight)
    sorted_ = sorted_layer(network_of(settings), i).x
    values = np.unique(sorted_[np.linspace(0, sorted_.size - 1, count).round().astype(int)])
    picked = np.unravel_index([int(np.argmax(m.ravel() == value)) for value in values], m.shape)
    scale, zero_point = (np.broadcast_to(q.tiling.spread(part), m.shape)[picked] for part in (q.scale, q.zero_point))
    offset = None if q.offset is None else np.broadcast_to(q.tiling.spread(q.offset), m.shape)[picked]
    with np.errstate(divide="ignore", invalid="ignore"):
        multiples = (values if offset is None else values - offset) / scale
    multiples = np.where(scale == 0, np.float32(0), multiples)  # a block too small for its scale is all zeros
    back = matrix(q.tensor().numpy())[picked]
    return pd.DataFrame({
        "weight": values.astype(np.float64),
        "scale": scale.astype(np.float64),
        "zero_point": zero_point,
        **({} if offset is None else {"offset": offset.astype(np.float64)}),
        "weight_over_scale": multiples.astype(np.float64),
        "code": matrix(q.codes)[picked].astype(np.int64),
        "dequantized": back.astype(np.float64),
        "error": back.astype(np.float64) - values,
        "half_step": _half_step(q, multiples) * np.abs(scale).astype(np.float64),
    })  # fmt: skip


def _half_step(q: QuantizedTensor, multiples: np.ndarray) -> np.ndarray:
    """Half the distance between the grid's values around each multiple of the scale."""
    if q.recipe.scheme:
        return np.full(len(multiples), 0.5)
    if q.recipe.bits == 32:
        return np.zeros(len(multiples))
    values = q.recipe.element.values()
    above = np.clip(np.searchsorted(values, multiples), 1, len(values) - 1)
    return (values[above] - values[above - 1]) / 2


def article(settings: Settings, i: int, count: int = COUNT) -> pd.DataFrame:
    """The weights of `worked` by the article's formula and by the right one, see `beside`.

    The range is that of all weights of the layer, the bits those of the recipe, 16 at most.
    """
    weight, bits = network_of(settings).weight(i), min(settings.weights_of(i).bits, 16)
    low, high = min(float(weight.min()), 0.0), max(float(weight.max()), 0.0)
    return beside(worked(settings, i, count)["weight"], bits, low, high if high > low else low + 1.0)


def beside(weights, bits: int, low: float, high: float) -> pd.DataFrame:
    """The article's formula, code = round(w · scale), beside the right one, on the range low…high.

    weights: numbers; bits: 2 to 16; low <= 0 <= high, low < high
    scale = (high - low) / (2^bits - 1) is the article's own and is right. Multiplying by it, where
    it should divide, leaves code 0 for every |w| < 0.5 / scale, and it has neither zero point nor
    clip. Columns: weight, scale, code_multiplied, value_multiplied, error_multiplied, zero_point,
    code_divided = clip(round(w / scale) + zero_point), value_divided, error_divided.
    Raises SettingsError for bits or a range that cannot be, DataError for weights that are not finite.
    """
    if not (np.isfinite([low, high]).all() and low <= 0 <= high and low < high):
        raise SettingsError(f"the range goes from a finite number <= 0 to a larger one >= 0, not {low} to {high}")
    x = as_values(np.atleast_1d(np.asarray(weights)))
    q = quantize(x, Recipe(f"int{bits}", scheme="asym"), ranges=(np.array([[low]]), np.array([[high]])))
    scale, x = float(q.scale.item()), x.astype(np.float64)
    multiplied, back = np.rint(x * scale), q.dequantize().astype(np.float64)
    return pd.DataFrame({
        "weight": x,
        "scale": scale,
        "code_multiplied": multiplied,  # float64: huge weights times a huge scale are no int64
        "value_multiplied": multiplied * scale,
        "error_multiplied": multiplied * scale - x,
        "zero_point": int(q.zero_point.item()),
        "code_divided": q.codes.astype(np.int64),
        "value_divided": back,
        "error_divided": back - x,
    })  # fmt: skip
