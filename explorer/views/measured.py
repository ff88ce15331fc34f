"""Latency measured here as the page shows it: what is known, what a job yields, and the table of layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from explorer.settings import Settings

if TYPE_CHECKING:
    from explorer.measure import Measured


def before(settings: Settings, **how) -> Measured | None:
    """What this machine has measured before. Raises SettingsError for what ONNX cannot hold, ModelError."""
    from explorer.deploy import TARGETS, planned
    from explorer.measure import known

    planned(settings, TARGETS["onnx"], **how)
    return known(settings)


def timed(settings: Settings, **how) -> Iterator[Measured]:
    from explorer.measure import stream  # ONNX Runtime is loaded when something is measured

    return stream(settings, **how)


def rows(found: Measured) -> pd.DataFrame:
    """A row for each layer shape; what is too noisy has no numbers. Times in µs. layer: the first of that shape; more: how many follow."""
    made = []
    for each in found.layers:
        ratio, names = each.ratio, each.names
        numbers = [None] * 5 if ratio.noisy else [ratio.value, ratio.low, ratio.high, 1e6 * ratio.first, 1e6 * ratio.second]
        made.append([names[0], len(names) - 1, each.kind, " × ".join(map(str, each.shape)), ratio.verdict, *numbers])
    table = pd.DataFrame(made, columns=["layer", "more", "kind", "shape", "verdict", "ratio", "ratio_low", "ratio_high", "fp32", "quantized"])
    return table.astype(dict.fromkeys(("ratio", "ratio_low", "ratio_high", "fp32", "quantized"), float))
