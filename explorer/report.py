"""The report of the weights: one row for each layer, where its error is and where it comes from."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from explorer.formats import FORMATS
from explorer.granularity import STRIP, matrix
from explorer.models import Layer
from explorer.quantize import QuantizedTensor, clipped, decibels

FP32_BYTES = 4


@dataclass(frozen=True, eq=False)
class Channels:
    """Least, largest and summed square of the weights of each output channel: the same for every recipe."""

    low: np.ndarray
    high: np.ndarray
    signal: np.ndarray

    @classmethod
    def of(cls, weight: np.ndarray) -> "Channels":
        w = matrix(weight)
        return cls(w.min(axis=1), w.max(axis=1), np.einsum("ij,ij->i", w, w).astype(np.float64))


def layer_row(index: int, layer: Layer, weight: np.ndarray, q: QuantizedTensor, channels: Channels | None = None) -> dict:
    """What quantization does to one layer's weights.

    channels: of the weight, when they are known
    sqnr_db: 10 log10(Σw² / Σ(w-ŵ)²), +inf for no error; rounding_mse + clipping_mse is the mean
    squared error, a weight being clipped when it rounds beyond the grid; range, scales: over all
    rows that share a scale; worst_channel: the output channel with the least SQNR;
    channel_range_ratio: largest over median absolute maximum of the channels.
    """
    w, values = matrix(weight), matrix(q.tensor().numpy())
    channels = channels or Channels.of(weight)
    noise, signal = _noise(w, values), channels.signal
    lost, share = _clipping(weight, values, q)
    total = noise.sum()
    per_channel = decibels(signal, noise)
    worst = int(np.argmin(np.where(signal > 0, per_channel, np.inf)))
    widths = np.maximum(channels.high, -channels.low)
    median = float(np.median(widths))
    return {
        "index": index,
        "name": layer.name,
        "kind": layer.kind,
        "shape": tuple(weight.shape),
        "weights": weight.size,
        "recipe": str(q.recipe),
        "bits_per_weight": q.bits_per_weight,
        "bytes": q.nbytes,
        "fp32_bytes": weight.size * FP32_BYTES,
        "data_low": float(channels.low.min()),
        "data_high": float(channels.high.max()),
        "low": float(q.low.min()),
        "high": float(q.high.max()),
        "scale_min": float(q.scale.min()),
        "scale_max": float(q.scale.max()),
        "sqnr_db": decibels(signal.sum(), total),
        "output_sqnr_db": np.nan,
        "rounding_mse": max(total - lost, 0.0) / weight.size,
        "clipping_mse": lost / weight.size,
        "rounding_share": max(total - lost, 0.0) / total if total else np.nan,
        "clipped_share": share,
        "used_codes": used_codes(q),
        "available_codes": available_codes(q),
        "worst_channel": worst,
        "worst_channel_sqnr_db": float(per_channel[worst]),
        "channel_range_ratio": float(widths.max()) / median if median else np.nan,
        "signal": float(signal.sum()),
        "noise": float(total),
    }


def _noise(w: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Squared error of each channel, a strip of them at a time."""
    noise, height = np.empty(len(w)), max(1, STRIP // w.shape[1])
    for top in range(0, len(w), height):
        error = np.subtract(w[top : top + height], values[top : top + height])
        noise[top : top + height] = np.einsum("ij,ij->i", error, error)
    return noise


def _clipping(weight: np.ndarray, values: np.ndarray, q: QuantizedTensor) -> tuple[float, float]:
    """(Σ of the clipped weights' squared errors, their share)."""
    settled = q.zero_point.dtype.kind != "f"  # not moved by an algorithm
    if settled and q.recipe.range and q.recipe.method == "minmax" and q.recipe.factor >= 1:
        return 0.0, 0.0  # by definition
    beyond = matrix(clipped(weight, q))
    if not beyond.any():
        return 0.0, 0.0
    error = np.subtract(matrix(weight)[beyond], values[beyond])
    return float(np.square(error, dtype=np.float64).sum()), float(beyond.mean())


def used_codes(q: QuantizedTensor) -> int:
    """How many different codes occur."""
    codes, size = q.codes.reshape(-1), q.codes.dtype.itemsize
    if size > 2:
        return int(np.unique(codes).size)
    codes = codes.view(f"u{size}")
    if size == 1:  # torch counts bytes as they are, NumPy makes int64 of them first
        return int(np.count_nonzero(torch.bincount(torch.from_numpy(codes), minlength=256).numpy()))
    seen, all_of_them = np.zeros(1 << 16, bool), available_codes(q)
    for start in range(0, len(codes), STRIP):
        seen |= np.bincount(codes[start : start + STRIP], minlength=len(seen)) > 0
        if np.count_nonzero(seen) == all_of_them:
            break
    return int(np.count_nonzero(seen))


def available_codes(q: QuantizedTensor) -> int:
    """How many codes the format has: bit patterns of finite values, or integers of the scheme."""
    if q.recipe.scheme:
        low, high = FORMATS[q.recipe.format].code_range(q.recipe.scheme)
        return high - low + 1
    return q.recipe.element.code_count


def table(rows: list[dict]) -> pd.DataFrame:
    """The rows as a table, with each layer's share of the bytes."""
    layers = pd.DataFrame(rows).drop(columns=["signal", "noise"])
    layers.insert(layers.columns.get_loc("fp32_bytes") + 1, "share_of_bytes", layers["bytes"] / layers["bytes"].sum())
    return layers
