"""What the ticked algorithms do: the same experiment with and without them."""

from functools import partial

import numpy as np
import pandas as pd
import torch

from explorer.cache import CACHE
from explorer.granularity import matrix
from explorer.models import Network
from explorer.pipeline import OUTPUT_SAMPLES, layer_tensor, network_of, output_sqnr, stream
from explorer.quantize import decibels
from explorer.settings import Settings
from explorer.simulate import own_copy
from explorer.stages import calibration_order, untreated
from explorer.tasks import Evaluation, paired
from explorer.views.spread import spread, ticks


def without(settings: Settings) -> Settings:
    """The same experiment with no algorithm, and weights rounded to the nearest where that was left to chance."""
    weights = settings.weights
    return settings.replace(algorithms=(), weights=weights.replace(rounding="nearest") if weights.rounding == "stochastic" else weights)


def ranges(settings: Settings, i: int) -> dict:
    """The channels of layer i with and without the algorithms of the network stage.

    name: of the layer; note: why an algorithm left it as it was, or ""
    weights, inputs: {"before", "after"}, the largest magnitude of each output channel's weights,
    and of each input channel over a few calibration samples
    weights_spread, inputs_spread: {"before", "after"}, the widest channel over the median one, None
    where half the channels are 0
    ticks: round numbers for logarithmic axes of weights and inputs
    sqnr_db: {"before", "after"}, of the layer's weights, with the algorithms that choose codes;
    None for no error
    """
    old, new = network_of(without(settings)), network_of(settings)
    samples = old.calibration[calibration_order(old, settings)[:OUTPUT_SAMPLES]]
    weights = {when: _widths(network, i) for when, network in (("before", old), ("after", new))}
    inputs = {when: _inputs(network, i, samples, settings) for when, network in (("before", old), ("after", new))}
    sqnr = {"before": _sqnr(without(settings), i), "after": _sqnr(settings, i)}
    return {
        "name": old.layers[i].name,
        "note": untreated(settings)[i],
        "weights": {when: widths.tolist() for when, widths in weights.items()},
        "inputs": {when: widths.tolist() for when, widths in inputs.items()},
        "weights_spread": {when: spread(widths) for when, widths in weights.items()},
        "inputs_spread": {when: spread(widths) for when, widths in inputs.items()},
        "ticks": {"weights": ticks(*weights.values()), "inputs": ticks(*inputs.values())},
        "sqnr_db": sqnr,
    }


def layers(settings: Settings, *, cancel=None) -> pd.DataFrame:
    """One row per layer: name, output SQNR in dB before and after (+inf for no error), and a note.

    Each number is of the layer quantized alone, in its own network: where a transform gives channels
    other weights, they count differently in the layer's output.
    """
    network = network_of(settings)
    return pd.DataFrame({
        "name": [layer.name for layer in network.layers],
        "before": output_sqnr(without(settings), cancel=cancel),
        "after": output_sqnr(settings, cancel=cancel),
        "note": untreated(settings),
    })  # fmt: skip


def metric(settings: Settings, *, cancel=None) -> dict:
    """The task's metric without and with the algorithms, and their difference, paired on the same samples.

    before, after, fp32, difference: {"value", "low", "high", "n", "unit"}, 95 % intervals; difference is
    after − before. Raises Cancelled.
    """
    before, after = (_evaluated(each, cancel) for each in (without(settings), settings))
    named = {"before": before.metric, "after": after.metric, "fp32": after.fp32, "difference": paired(before, after)}
    return {name: {"value": m.value, "low": m.low, "high": m.high, "n": m.n, "unit": m.unit} for name, m in named.items()}


def _evaluated(settings: Settings, cancel) -> Evaluation:
    *_, seen = stream(settings, cancel=cancel)
    return seen


def _widths(network: Network, i: int) -> np.ndarray:
    return np.abs(matrix(network.weight(i))).max(axis=1).astype(np.float64)


def _inputs(network: Network, i: int, samples: np.ndarray, settings: Settings) -> np.ndarray:
    key = f"input widths {network.digest} {i} {settings.calibration_samples} {settings.seed}"
    return CACHE.get(key, partial(_watch, network, i, samples))


def _watch(network: Network, i: int, samples: np.ndarray) -> np.ndarray:
    """Largest |x| of each input channel of layer i, as it is quantized: after a transform of the input."""
    layer, seen = network.layers[i], []
    if not layer.multiplies:
        return np.zeros(0)

    def watch(_module, inputs: tuple) -> None:
        x = inputs[0].abs()
        seen.append(x.movedim(-1 if layer.kind == "linear" else 1, 0).flatten(1).amax(1).double().numpy())

    module = own_copy(network.module)
    module.get_submodule(layer.name).register_forward_pre_hook(watch)
    with torch.inference_mode():
        module(network.prepare(samples))
    return np.max(seen, axis=0)


def _sqnr(settings: Settings, i: int) -> float | None:
    weight, q = network_of(settings).weight(i).astype(np.float64), layer_tensor(settings, i)
    db = decibels(np.square(weight).sum(), np.square(q.dequantize() - weight).sum())
    return db if np.isfinite(db) else None
