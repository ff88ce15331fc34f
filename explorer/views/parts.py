"""Where the error comes from: the same experiment with quantized weights only, with quantized activations only, and with both."""

import numpy as np
import pandas as pd

from explorer.algorithms import ALGORITHMS
from explorer.pipeline import network_of, output_sqnr, stream
from explorer.recipe import Recipe
from explorer.settings import Settings

PARTS = ("weights", "activations", "both")
FP32 = Recipe("fp32")


def part_of(settings: Settings, part: str) -> Settings:
    """The settings of one of PARTS. Where weights stay in FP32, so do the algorithms away that choose their codes."""
    if part == "both":
        return settings
    if part == "weights":
        return settings.replace(activations=FP32)
    kept = tuple(id for id in settings.algorithms if not ALGORITHMS[id].refuses(FP32))
    return settings.replace(weights=FP32, layers=(), layer_bits="", algorithms=kept)


def layers(settings: Settings, *, cancel=None) -> pd.DataFrame:
    """One row a layer: its name, and for each of PARTS the SQNR in dB of its output, quantized alone; NaN for no error."""
    found = {part: output_sqnr(part_of(settings, part), cancel=cancel) for part in PARTS}
    table = pd.DataFrame({"name": [layer.name for layer in network_of(settings).layers]} | found)
    return table.replace([np.inf, -np.inf], np.nan)


def metric(settings: Settings, part: str, *, cancel=None) -> dict:
    """The task's metric of one of PARTS, and its paired difference from FP32: value, difference, low, high, n, unit."""
    *_, seen = stream(part_of(settings, part), cancel=cancel)
    difference = seen.difference
    return {"value": seen.metric.value, "difference": difference.value, "low": difference.low, "high": difference.high,
            "n": seen.metric.n, "unit": seen.metric.unit}  # fmt: skip
